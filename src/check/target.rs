//! What to test, and how to ask: the URL, further header fields, the time limit of an answer.

#[cfg(feature = "tls")]
use crate::client::Trust;
use crate::client::{Socket, Url};
use crate::wire::error::Result;
use crate::wire::extension::Offer;
use crate::wire::upgrade::{UpgradeCall, new_key, write_request};
use std::time::Duration;

/// A server to test.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Target {
    url: Url,
    /// Further fields of every request, such as `Origin` or `Authorization`. Default: none.
    pub headers: Vec<(String, String)>,
    /// Subprotocols to offer. Default: none.
    pub protocols: Vec<String>,
    /// How long to wait for each answer. Default 5 s.
    pub timeout: Duration,
    /// Whom to believe behind `wss://`. Default: the authorities that the system trusts.
    #[cfg(feature = "tls")]
    pub trust: Trust,
    /// Fail what is allowed but not as it should be, too. Default: no.
    pub strict: bool,
}

impl Target {
    /// The server behind a `ws://` or `wss://` URL.
    ///
    /// # Errors
    /// `Config` for a bad URL, and for `wss://` in a build without TLS.
    pub fn new(url: &str) -> Result<Self> {
        let url = Url::parse(url)?;
        url.check_supported()?;
        Ok(Self {
            url,
            headers: Vec::new(),
            protocols: Vec::new(),
            timeout: Duration::from_secs(5),
            #[cfg(feature = "tls")]
            trust: Trust::system(),
            strict: false,
        })
    }

    /// The server's URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Looks at the fields and subprotocols, once, before the first connection.
    ///
    /// # Errors
    /// `Config`, with the value that cannot stand in a request.
    pub fn check(&self) -> Result<()> {
        self.request(&new_key([0; 16]), &[]).map(|_| ())
    }

    /// A connection on which nothing was said yet.
    pub(super) fn dial(&self) -> Result<Socket> {
        Socket::connect(
            &self.url,
            self.timeout,
            self.timeout,
            #[cfg(feature = "tls")]
            &self.trust,
        )
    }

    pub(super) fn protocol_names(&self) -> Vec<&str> {
        self.protocols.iter().map(|name| &**name).collect()
    }

    /// A good request.
    pub(super) fn request(&self, key: &str, extensions: &[Offer]) -> Result<Vec<u8>> {
        let headers = self.headers.iter();
        let fields: Vec<_> = headers.map(|(name, value)| (&**name, &**value)).collect();
        let mut out = Vec::new();
        let call = UpgradeCall {
            host: &self.url.authority(),
            target: self.url.target(),
            key,
            protocols: &self.protocol_names(),
            extensions,
            fields: &fields,
        };
        write_request(&mut out, &call)?;
        Ok(out)
    }
}
