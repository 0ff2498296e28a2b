//! The opening handshake from the client's side, without a socket: a request
//! out, an answer in, and what was agreed.

use super::{Options, Url};
use crate::wire::error::Result;
use crate::wire::extension::{Offer, Transform};
use crate::wire::upgrade::{ClientHandshake, Wish};

/// An upgrade that was asked for and not yet answered.
#[derive(Debug)]
pub struct Handshake(ClientHandshake);

/// What the two sides agreed on.
#[derive(Debug)]
pub struct Established {
    /// The subprotocol, one of those offered.
    pub protocol: Option<String>,
    /// The extension, as the server wrote it; none or one.
    pub extensions: Vec<Offer>,
    /// What that extension does to data frames.
    pub transform: Option<Box<dyn Transform>>,
    /// What came behind the answer: the first frames.
    pub rest: Vec<u8>,
}

impl Handshake {
    /// Appends the request to `out`. `random` must be fresh (RFC 6455 §4.1).
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for an option that cannot be used; nothing
    /// is appended then.
    pub fn new(url: &Url, options: &Options, random: [u8; 16], out: &mut Vec<u8>) -> Result<Self> {
        options.check()?;
        let wish = Wish {
            host: &url.authority(),
            target: url.target(),
            protocols: &options.protocols,
            fields: &options.headers,
        };
        ClientHandshake::new(&wish, &options.extensions, random, out).map(Self)
    }

    /// Takes some bytes of the answer; what was agreed once its head is complete, and nothing
    /// must be fed after that. Interim answers (1xx but not 101) are passed over.
    ///
    /// # Errors
    /// `Refused` for another answer than 101, `Protocol` and `Limit` for a wrong or endless one.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Option<Established>> {
        let agreed = self.0.feed(bytes)?;
        Ok(agreed.map(|mut agreed| Established {
            protocol: agreed.accepted.protocol.take(),
            extensions: std::mem::take(&mut agreed.accepted.extensions),
            transform: agreed.transform.take(),
            rest: agreed.into_rest(),
        }))
    }
}
