//! A server as floods and bystanders call it: the address, and the paths there.

#[cfg(feature = "tls")]
use dunlin::client::Trust;
use std::net::SocketAddr;

/// One server. Its address is resolved already: nothing here looks a name up.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where every connection goes.
    pub address: SocketAddr,
    /// Value of `Host`.
    pub host: String,
    /// Path and query of a WebSocket that echoes.
    pub echo: String,
    /// Path and query of a WebSocket that answers texts: `/you-said` of `dunlin serve`, the echo elsewhere.
    pub said: String,
    /// Further fields of every request, each with its line end.
    pub fields: String,
    /// The name in its certificate and whom to believe, where it is by TLS.
    #[cfg(feature = "tls")]
    pub secure: Option<(String, Trust)>,
}

impl Site {
    /// A server whose echo is at `echo`.
    pub fn new(address: SocketAddr, host: String, echo: String) -> Self {
        Self {
            address,
            host,
            said: echo.clone(),
            echo,
            fields: String::new(),
            #[cfg(feature = "tls")]
            secure: None,
        }
    }

    /// `dunlin serve` at this address.
    pub fn ready(address: SocketAddr) -> Self {
        let site = Self::new(address, address.ip().to_string(), "/echo-raw".to_owned());
        Self {
            said: "/you-said".to_owned(),
            ..site
        }
    }
}
