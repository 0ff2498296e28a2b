//! The opening handshake from the client's side, without a socket: a request
//! out, an answer in, and what was agreed.

use super::{Options, Url};
use crate::wire::error::{Error, ErrorKind, Result};
use crate::wire::extension::{Extension, Offer, Transform};
use crate::wire::head::HeadLimits;
use crate::wire::upgrade::{UpgradeCall, check_response, new_key, parse_response, write_request};
use std::rc::Rc;

/// An upgrade that was asked for and not yet answered.
#[derive(Debug)]
pub struct Handshake {
    key: String,
    protocols: Vec<String>,
    extensions: Vec<Rc<dyn Extension>>,
    /// What the extensions offered, all in one list.
    offers: Vec<Offer>,
    received: Vec<u8>,
    /// How far `received` was searched for the end of its head.
    scanned: usize,
}

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
    /// [`ErrorKind::Config`] for an option that cannot be used; nothing is appended then.
    pub fn new(url: &Url, options: &Options, random: [u8; 16], out: &mut Vec<u8>) -> Result<Self> {
        options.check()?;
        let offers = options.extensions.iter().flat_map(|known| known.offers());
        let handshake = Self {
            key: new_key(random),
            protocols: options.protocols.clone(),
            extensions: options.extensions.clone(),
            offers: offers.collect(),
            received: Vec::new(),
            scanned: 0,
        };
        let protocols = handshake.protocol_names();
        let headers = options.headers.iter();
        let headers: Vec<_> = headers.map(|(name, value)| (&**name, &**value)).collect();
        let call = UpgradeCall {
            host: &url.authority(),
            target: url.target(),
            key: &handshake.key,
            protocols: &protocols,
            extensions: &handshake.offers,
            fields: &headers,
        };
        write_request(out, &call)?;
        drop(protocols);
        Ok(handshake)
    }

    fn protocol_names(&self) -> Vec<&str> {
        self.protocols.iter().map(|name| &**name).collect()
    }

    /// Takes some bytes of the answer; what was agreed once its head is complete, and nothing
    /// must be fed after that. Interim answers (1xx but not 101) are passed over.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] with the status for another answer than 101, [`ErrorKind::Limit`]
    /// for too long a head, [`ErrorKind::Protocol`] for an answer that is wrong.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Option<Established>> {
        self.received.extend_from_slice(bytes);
        loop {
            let limits = HeadLimits::default();
            let parsed = parse_response(&self.received, &mut self.scanned, &limits)?;
            let Some((head, length)) = parsed else {
                return Ok(None);
            };
            if !head.is_interim() {
                let protocols = self.protocol_names();
                let accepted = check_response(&head, &self.key, &protocols, &self.offers)?;
                let transform = self.confirm(&accepted.extensions)?;
                return Ok(Some(Established {
                    protocol: accepted.protocol,
                    extensions: accepted.extensions,
                    transform,
                    rest: self.received.split_off(length),
                }));
            }
            self.received.drain(..length);
            self.scanned = 0;
        }
    }

    fn confirm(&self, agreed: &[Offer]) -> Result<Option<Box<dyn Transform>>> {
        let wrong = |message: String| Err(Error::new(ErrorKind::Protocol, message));
        let [answer] = agreed else {
            if agreed.is_empty() {
                return Ok(None);
            }
            let names: Vec<_> = agreed.iter().map(|offer| &*offer.name).collect();
            let names = names.join(", ");
            return wrong(format!(
                "the server uses {names} together, wanted: at most one"
            ));
        };
        let mut known = self.extensions.iter();
        let Some(extension) = known.find(|extension| extension.name() == answer.name) else {
            return Ok(None); // `check_response` takes offered names only
        };
        match extension.confirm(answer) {
            Ok(transform) => Ok(Some(transform)),
            Err(problem) => wrong(format!("{}: {problem}", answer.name)),
        }
    }
}
