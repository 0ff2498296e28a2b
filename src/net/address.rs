//! Where a server listens: a TCP address or the path of a Unix socket.

use crate::wire::error::{Error, ErrorKind, Result};
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

/// An address to listen on: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080` or `unix:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A TCP address; port 0 lets the system choose one.
    Tcp(SocketAddr),
    /// A Unix socket; the file is made at start and removed at the end.
    Unix(PathBuf),
}

impl Address {
    /// What to open in a browser, where there is such a thing: for `0.0.0.0` and `::` the loopback address.
    pub fn url(&self) -> String {
        match self {
            Self::Tcp(address) if address.ip().is_unspecified() => {
                let host = if address.is_ipv4() {
                    "127.0.0.1"
                } else {
                    "[::1]"
                };
                format!("http://{host}:{}/", address.port())
            }
            Self::Tcp(address) => format!("http://{address}/"),
            Self::Unix(path) => format!("unix:{}", path.display()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            let wanted = "HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, or unix:PATH";
            let message = format!("cannot listen on {text:?}: {why}; wanted: {wanted}");
            Error::new(ErrorKind::Config, message)
        };
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err(wrong("the path is missing")),
                path => Ok(Self::Unix(path.into())),
            };
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Tcp(address));
        }
        if !text.contains(':') {
            return Err(wrong("the port is missing"));
        }
        let mut found = text
            .to_socket_addrs()
            .map_err(|error| wrong("it is no address").with_source(error))?;
        found
            .next()
            .map(Self::Tcp)
            .ok_or_else(|| wrong("the name has no address"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown() {
        for text in ["127.0.0.1:8080", "[::1]:0", "unix:/run/dunlin.sock"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        let any: Address = "0.0.0.0:80".parse().unwrap();
        assert_eq!(any.url(), "http://127.0.0.1:80/");
    }

    #[test]
    fn a_bad_address_says_what_was_wanted() {
        for text in ["8080", "", "unix:", "127.0.0.1:99999", "localhost"] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains("wanted: HOST:PORT"), "{error}");
        }
    }
}
