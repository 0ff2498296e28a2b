//! What one group of flooding connections does, laid out as bytes before the clock starts.

use std::rc::Rc;

use crate::upgrade::Upgrade;

/// The address that requests name; which port is meant is the connection's business.
pub(super) const HOST: &str = "127.0.0.1";
/// What browsers offer.
pub(super) const OFFER: &str = "permessage-deflate; client_max_window_bits";
/// Short messages are laid end to end up to about this length.
const RUN: usize = 256 << 10;

/// The part of a group's connections.
#[derive(Clone)]
pub(super) struct Script {
    /// The upgrade request; nothing for plain HTTP.
    pub(super) request: Option<Rc<Vec<u8>>>,
    /// Sent first.
    pub(super) once: Rc<Vec<u8>>,
    /// Then sent round and round, until the end or `cycles` times.
    pub(super) cycle: Rc<Vec<u8>>,
    pub(super) cycles: u64,
    /// Most bytes in one write.
    pub(super) write: usize,
    pub(super) reading: Reading,
    pub(super) life: Life,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Reading {
    All,
    Nothing,
    /// So many bytes every 10 ms.
    Slowly(usize),
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Life {
    /// Opened before the flood begins; closed by the server it stays closed.
    Stay,
    /// The same, but a connection that the server closes is followed by a new one.
    Again,
    /// Connects during the flood, leaves once everything is sent and so many answers came, and is followed by a
    /// new one. Whether it leaves with a reset is the other part.
    Storm { answers: u64, reset: bool },
}

impl Script {
    /// Connections to `path` that send `cycle` round and round and read everything.
    pub(super) fn to(path: &str, cycle: Vec<u8>) -> Self {
        Self::with_request(Upgrade::to(path), cycle)
    }

    /// The same with permessage-deflate.
    pub(super) fn deflated(path: &str, cycle: Vec<u8>) -> Self {
        let upgrade = Upgrade {
            offer: Some(OFFER),
            ..Upgrade::to(path)
        };
        Self::with_request(upgrade, cycle)
    }

    fn with_request(upgrade: Upgrade<'_>, cycle: Vec<u8>) -> Self {
        Self {
            request: Some(Rc::new(upgrade.request(HOST))),
            ..Self::http(cycle)
        }
    }

    /// Plain HTTP.
    pub(super) fn http(cycle: Vec<u8>) -> Self {
        Self {
            request: None,
            once: Rc::default(),
            cycle: Rc::new(cycle),
            cycles: u64::MAX,
            write: 256 << 10,
            reading: Reading::All,
            life: Life::Stay,
        }
    }

    /// Sends `once` and nothing else.
    pub(super) fn once(mut self, once: Vec<u8>) -> Self {
        self.once = Rc::new(once);
        self
    }

    pub(super) fn unread(mut self) -> Self {
        self.reading = Reading::Nothing;
        self
    }

    pub(super) fn reading(mut self, reading: Reading) -> Self {
        self.reading = reading;
        self
    }

    pub(super) fn again(mut self) -> Self {
        self.life = Life::Again;
        self
    }

    pub(super) fn storm(mut self, answers: u64) -> Self {
        let reset = false;
        self.life = Life::Storm { answers, reset };
        self
    }

    pub(super) fn storm_of_resets(mut self, answers: u64) -> Self {
        let reset = true;
        self.life = Life::Storm { answers, reset };
        self
    }

    /// At most so many bytes in one segment.
    pub(super) fn pieces(mut self, bytes: usize) -> Self {
        self.write = bytes;
        self
    }

    pub(super) fn cycles(mut self, cycles: u64) -> Self {
        self.cycles = cycles;
        self
    }

    /// Bytes of everything there is to send, as far as it is ever finished.
    pub(super) fn length(&self) -> u64 {
        (self.cycle.len() as u64)
            .saturating_mul(self.cycles)
            .saturating_add(self.once.len() as u64)
    }

    /// What is sent next at `place` in the stream of bytes.
    pub(super) fn next(&self, place: u64) -> &[u8] {
        let once = self.once.len() as u64;
        if place >= self.length() {
            return &[];
        }
        let rest = if place < once {
            &self.once[place as usize..]
        } else {
            &self.cycle[((place - once) % self.cycle.len() as u64) as usize..]
        };
        &rest[..rest.len().min(self.write)]
    }
}

/// `unit` laid end to end until it makes a good write.
pub(super) fn run_of(unit: &[u8]) -> Vec<u8> {
    unit.repeat((RUN / unit.len()).max(1))
}
