//! `x-xor`: every byte of a message is combined with one agreed byte. `x-not` turns the bits round
//! on top of that, and marks its messages by another reserved bit.

use dunlin::CloseCode;
use dunlin::wire::error::{Error, ErrorKind, Result};
use dunlin::wire::extension::{Agreement, DecodeError, Extension, FrameInfo, Offer, Transform};
use dunlin::wire::work::Work;
use dunlin::{OpCode, Reserved};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bit on the wire that says "this message is hidden".
pub(crate) const HIDDEN: u8 = 0x20;
/// The same for `x-not`.
pub(crate) const NOT_HIDDEN: u8 = 0x10;

/// The extension with its settings.
#[derive(Clone, Debug)]
pub(crate) struct Xor {
    name: &'static str,
    bit: Reserved,
    /// Connections of one key share their encoding.
    shares: bool,
    is_broken: bool,
    /// How many messages were encoded.
    pub(crate) encoded: Arc<AtomicUsize>,
}

impl Xor {
    /// Every connection encodes for itself: each message moves its key on by one.
    pub(crate) fn own() -> Self {
        Self {
            name: "x-xor",
            bit: Reserved(HIDDEN),
            shares: false,
            is_broken: false,
            encoded: Arc::default(),
        }
    }

    /// A broadcast is encoded once for all connections of one key.
    pub(crate) fn shared() -> Self {
        Self {
            shares: true,
            ..Self::own()
        }
    }

    /// `x-not`, which shares its encodings, too.
    pub(crate) fn not() -> Self {
        Self {
            name: "x-not",
            bit: Reserved(NOT_HIDDEN),
            ..Self::shared()
        }
    }

    /// The same with another reserved bit.
    pub(crate) fn claiming(bit: Reserved) -> Self {
        Self {
            bit,
            ..Self::shared()
        }
    }

    /// One whose settings are wrong.
    pub(crate) fn broken() -> Self {
        Self {
            is_broken: true,
            ..Self::shared()
        }
    }
}

impl Extension for Xor {
    fn name(&self) -> &str {
        self.name
    }

    fn reserved(&self) -> Reserved {
        self.bit
    }

    fn check(&self) -> Result<()> {
        if self.is_broken {
            Err(Error::new(
                ErrorKind::Config,
                "x-xor: key is 256; it must be 0 to 255",
            ))
        } else {
            Ok(())
        }
    }

    fn accept(&self, offer: &Offer) -> Option<Agreement> {
        let [(name, Some(value))] = &offer.params[..] else {
            return None;
        };
        let key = value.parse().ok().filter(|_| name == "key")?;
        Some(Agreement {
            response: offer.clone(),
            transform: Box::new(Hiding {
                key,
                bit: self.bit,
                steps: !self.shares,
                encoded: Arc::clone(&self.encoded),
            }),
        })
    }

    fn offers(&self) -> Vec<Offer> {
        vec![Offer {
            name: self.name().to_owned(),
            params: vec![("key".to_owned(), Some("42".to_owned()))],
        }]
    }

    fn confirm(&self, response: &Offer) -> Result<Box<dyn Transform>, String> {
        let agreement = self.accept(response);
        Ok(agreement.ok_or("x-xor without a key")?.transform)
    }
}

#[derive(Debug)]
struct Hiding {
    key: u8,
    bit: Reserved,
    /// The key of what is sent moves on with every message.
    steps: bool,
    encoded: Arc<AtomicUsize>,
}

impl Hiding {
    fn real_key(&self) -> u8 {
        match self.bit {
            Reserved(NOT_HIDDEN) => !self.key,
            _ => self.key,
        }
    }
}

impl Transform for Hiding {
    fn reserved(&self) -> Reserved {
        self.bit
    }

    fn wants(&self, first_reserved: Reserved) -> bool {
        first_reserved.intersects(self.bit)
    }

    fn decode(
        &mut self,
        _info: FrameInfo,
        payload: &[u8],
        cap: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        if payload.len() > cap {
            return Err(DecodeError {
                code: CloseCode::TOO_BIG,
                reason: "message too big",
            });
        }
        if payload == b"undecodable" {
            return Err(DecodeError {
                code: CloseCode::INVALID_DATA,
                reason: "x-xor: bad data",
            });
        }
        out.extend(hidden(payload, self.real_key()));
        Ok(())
    }

    fn encode(
        &mut self,
        _opcode: OpCode,
        payload: &[u8],
        _work: &mut Work,
        out: &mut Vec<u8>,
    ) -> Option<Reserved> {
        if payload.starts_with(b"plain") {
            return None;
        }
        self.encoded.fetch_add(1, Ordering::Relaxed);
        out.extend(hidden(payload, self.real_key()));
        if self.steps {
            self.key = self.key.wrapping_add(1);
        }
        Some(self.bit)
    }

    fn share_key(&self) -> Option<u32> {
        (!self.steps).then_some(u32::from(self.key))
    }
}

/// The payload behind a key, and the other way round.
pub(crate) fn hidden(payload: &[u8], key: u8) -> Vec<u8> {
    payload.iter().map(|byte| byte ^ key).collect()
}
