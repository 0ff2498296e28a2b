//! What to test, and how to ask: the URL, further header fields, the time limit of an answer.

use crate::client::{Url, dial};
use crate::wire::error::Result;
use crate::wire::extension::Offer;
use crate::wire::upgrade::{UpgradeCall, new_key, write_request};
use std::net::TcpStream;
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
    /// Fail what is allowed but not as it should be, too. Default: no.
    pub strict: bool,
}

impl Target {
    /// The server behind a `ws://` URL.
    ///
    /// # Errors
    /// `Config` for a bad URL, and for `wss://`.
    pub fn new(url: &str) -> Result<Self> {
        let url = Url::parse(url)?;
        url.require_plain()?;
        Ok(Self {
            url,
            headers: Vec::new(),
            protocols: Vec::new(),
            timeout: Duration::from_secs(5),
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
    pub(super) fn dial(&self) -> Result<TcpStream> {
        dial(&self.url, self.timeout)
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
