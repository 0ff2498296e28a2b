//! The opening handshake from the client's side (RFC 6455 §4.1), without a socket: a request
//! out, an answer in, in any number of pieces, and what was agreed. Blocking clients and calls of a
//! server both use it.
//!
//! Nothing here waits or counts time: a deadline is the caller's.

use super::client::{
    Accepted, ResponseHead, UpgradeCall, check_response, new_key, parse_response, write_request,
};
use crate::wire::error::{Error, ErrorKind, Result};
use crate::wire::extension::{Extension, Offer, Transform};
use crate::wire::head::HeadLimits;
use std::sync::Arc;

/// What a client asks for, but for its key and its extensions' offers.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The value of `Host`.
    pub host: &'a str,
    /// The request target: path and query.
    pub target: &'a str,
    /// The subprotocols, the favourite first.
    pub protocols: &'a [String],
    /// Further fields of the request.
    pub fields: &'a [(String, String)],
}

/// An upgrade that was asked for and not yet answered.
#[derive(Debug)]
pub struct ClientHandshake {
    key: String,
    protocols: Vec<String>,
    extensions: Vec<Arc<dyn Extension>>,
    /// What the extensions offered, all in one list.
    offers: Vec<Offer>,
    received: Vec<u8>,
    /// How far `received` was searched for the end of its head.
    scanned: usize,
}

/// An answer that agrees.
#[derive(Debug)]
pub struct Agreed {
    /// The subprotocol and the extension, none or one, as the server wrote it.
    pub accepted: Accepted,
    /// What the extension does to data frames.
    pub transform: Option<Box<dyn Transform>>,
    received: Vec<u8>,
    head: usize,
}

impl ClientHandshake {
    /// Appends the request to `out`. `random` must be fresh (RFC 6455 §4.1).
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a wish that cannot be written; nothing is appended then.
    pub fn new(
        wish: &Wish<'_>,
        extensions: &[Arc<dyn Extension>],
        random: [u8; 16],
        out: &mut Vec<u8>,
    ) -> Result<Self> {
        let offers = extensions.iter().flat_map(|known| known.offers());
        let handshake = Self {
            key: new_key(random),
            protocols: wish.protocols.to_vec(),
            extensions: extensions.to_vec(),
            offers: offers.collect(),
            received: Vec::new(),
            scanned: 0,
        };
        let fields = wish.fields.iter();
        let fields: Vec<_> = fields.map(|(name, value)| (&**name, &**value)).collect();
        let call = UpgradeCall {
            host: wish.host,
            target: wish.target,
            key: &handshake.key,
            protocols: &names(wish.protocols),
            extensions: &handshake.offers,
            fields: &fields,
        };
        write_request(out, &call)?;
        Ok(handshake)
    }

    /// Bytes that are kept until the answer is complete, by capacity.
    pub fn held(&self) -> usize {
        self.received.capacity()
    }

    /// Takes some bytes of the answer; what was agreed once its head is complete, and nothing
    /// must be fed after that. Interim answers (1xx but not 101) are passed over.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] with the status for another answer than 101, [`ErrorKind::Limit`]
    /// for too long a head, [`ErrorKind::Protocol`] for an answer that is wrong.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<Agreed>> {
        self.received.extend_from_slice(bytes);
        loop {
            let limits = HeadLimits::default();
            let parsed = parse_response(&self.received, &mut self.scanned, &limits)?;
            let Some((head, length)) = parsed else {
                return Ok(None);
            };
            if !head.is_interim() {
                let protocols = names(&self.protocols);
                let accepted = check_response(&head, &self.key, &protocols, &self.offers)?;
                let transform = self.confirm(&accepted.extensions)?;
                return Ok(Some(Agreed {
                    accepted,
                    transform,
                    received: std::mem::take(&mut self.received),
                    head: length,
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

impl Agreed {
    /// The head of the answer.
    ///
    /// # Errors
    /// None: it was parsed before.
    pub fn head(&self) -> Result<ResponseHead<'_>> {
        let answer = &self.received[..self.head];
        let parsed = parse_response(answer, &mut 0, &HeadLimits::default())?;
        let lost = || {
            Error::new(
                ErrorKind::Protocol,
                "the answer of the server is not complete",
            )
        };
        Ok(parsed.ok_or_else(lost)?.0)
    }

    /// What came behind the answer: the first frames.
    pub fn into_rest(mut self) -> Vec<u8> {
        self.received.split_off(self.head)
    }
}

fn names(protocols: &[String]) -> Vec<&str> {
    protocols.iter().map(|name| &**name).collect()
}
