//! What one group of flooding connections does, laid out as bytes before the clock starts.

use std::rc::Rc;

use super::super::site::Site;
use super::super::upgrade::Upgrade;

/// What browsers offer.
pub const OFFER: &str = "permessage-deflate; client_max_window_bits";
/// Short messages are laid end to end up to about this length.
const RUN: usize = 256 << 10;

/// The part of a group's connections.
#[derive(Clone)]
pub struct Script {
    /// The upgrade request; nothing for plain HTTP.
    pub request: Option<Rc<Vec<u8>>>,
    /// Sent first.
    pub once: Rc<Vec<u8>>,
    /// Then sent round and round, until the end or `cycles` times.
    pub cycle: Rc<Vec<u8>>,
    /// How often the cycle is sent.
    pub cycles: u64,
    /// Most bytes in one write.
    pub write: usize,
    /// What is read of the answers.
    pub reading: Reading,
    /// When its connections come and go.
    pub life: Life,
}

/// What a connection reads.
#[derive(Clone, Copy, PartialEq)]
pub enum Reading {
    /// Everything, at once.
    All,
    /// Nothing at all.
    Nothing,
    /// So many bytes every 10 ms.
    Slowly(usize),
}

/// When a connection comes and goes.
#[derive(Clone, Copy, PartialEq)]
pub enum Life {
    /// Opened before the flood begins; closed by the server it stays closed.
    Stay,
    /// The same, but a connection that the server closes is followed by a new one.
    Again,
    /// Connects during the flood, leaves once everything is sent and so many answers came, and is followed by a
    /// new one. Whether it leaves with a reset is the other part.
    Storm {
        /// Answers that are waited for.
        answers: u64,
        /// Leaves with a reset.
        reset: bool,
    },
}

impl Script {
    /// Connections to `path` that send `cycle` round and round and read everything.
    pub fn to(site: &Site, path: &str, cycle: Vec<u8>) -> Self {
        Self::with_request(site, Upgrade::to(path), "", cycle)
    }

    /// The same to the echo.
    pub fn echo(site: &Site, cycle: Vec<u8>) -> Self {
        Self::to(site, &site.echo, cycle)
    }

    /// The same with more header fields, each with its line end.
    pub fn with_fields(site: &Site, path: &str, fields: &str, cycle: Vec<u8>) -> Self {
        Self::with_request(site, Upgrade::to(path), fields, cycle)
    }

    /// The same with permessage-deflate.
    pub fn deflated(site: &Site, path: &str, cycle: Vec<u8>) -> Self {
        let upgrade = Upgrade {
            offer: Some(OFFER),
            ..Upgrade::to(path)
        };
        Self::with_request(site, upgrade, "", cycle)
    }

    fn with_request(site: &Site, upgrade: Upgrade<'_>, fields: &str, cycle: Vec<u8>) -> Self {
        let fields = format!("{}{fields}", site.fields);
        let upgrade = Upgrade {
            fields: &fields,
            ..upgrade
        };
        Self {
            request: Some(Rc::new(upgrade.request(&site.host))),
            ..Self::http(cycle)
        }
    }

    /// Plain HTTP.
    pub fn http(cycle: Vec<u8>) -> Self {
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
    pub fn once(mut self, once: Vec<u8>) -> Self {
        self.once = Rc::new(once);
        self
    }

    /// Reads nothing.
    pub fn unread(mut self) -> Self {
        self.reading = Reading::Nothing;
        self
    }

    /// Reads so much.
    pub fn reading(mut self, reading: Reading) -> Self {
        self.reading = reading;
        self
    }

    /// A connection that the server closes is followed by a new one.
    pub fn again(mut self) -> Self {
        self.life = Life::Again;
        self
    }

    /// Leaves once so many answers came, and comes again.
    pub fn storm(mut self, answers: u64) -> Self {
        let reset = false;
        self.life = Life::Storm { answers, reset };
        self
    }

    /// The same, and leaves with a reset.
    pub fn storm_of_resets(mut self, answers: u64) -> Self {
        let reset = true;
        self.life = Life::Storm { answers, reset };
        self
    }

    /// At most so many bytes in one segment.
    pub fn pieces(mut self, bytes: usize) -> Self {
        self.write = bytes;
        self
    }

    /// Sends its cycle so many times.
    pub fn cycles(mut self, cycles: u64) -> Self {
        self.cycles = cycles;
        self
    }

    /// Bytes of everything there is to send, as far as it is ever finished.
    pub fn length(&self) -> u64 {
        (self.cycle.len() as u64)
            .saturating_mul(self.cycles)
            .saturating_add(self.once.len() as u64)
    }

    /// What is sent next at `place` in the stream of bytes.
    pub fn next(&self, place: u64) -> &[u8] {
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
pub fn run_of(unit: &[u8]) -> Vec<u8> {
    unit.repeat((RUN / unit.len()).max(1))
}
