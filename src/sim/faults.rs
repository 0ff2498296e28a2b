//! What the virtual system does wrong: errors of its calls, transfers of one byte, and polls that tell
//! late, twice, in pieces or of the wrong connection.
//!
//! A kernel may do all of this, and the rest of its contract holds: bytes come once and in order, and an
//! edge is never lost for good. Whoever was told to wait without a reason is told to go on within
//! [`MOST_TURNS_LATE`] turns.
//!
//! Faults come by chance from a seed ([`FaultRates`]), or one alone at a chosen call, so that a test can
//! fail every call of a scenario in turn ([`Faults::fail`]).

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::io;

/// An edge that was withheld is told within so many turns.
pub(super) const MOST_TURNS_LATE: u64 = 6;

/// A call of the turn that a system may refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Waiting for events.
    Poll,
    /// Taking a connection that came in.
    Accept,
    /// Watching a connection.
    Watch,
    /// Reading.
    Read,
    /// Sending.
    Send,
    /// Beginning a connection to another server.
    Dial,
    /// Asking whether such a connection is made.
    Connected,
}

/// One thing that can go wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The name of the error, as in errno(3), or `one byte`.
    pub name: &'static str,
    /// Its number; 0: no error, but only one byte is moved.
    errno: i32,
}

impl Fault {
    /// Only one byte is moved.
    pub(super) fn is_one_byte(self) -> bool {
        self.errno == 0
    }

    /// As the standard library tells it.
    pub(super) fn error(self) -> io::Error {
        io::Error::from_raw_os_error(self.errno)
    }

    /// The call was interrupted.
    pub(super) fn is_interrupt(self) -> bool {
        self.errno == libc::EINTR
    }

    /// The connection to be accepted is taken off the queue with this error.
    pub(super) fn takes_off_the_queue(self) -> bool {
        [libc::ECONNABORTED, libc::EPROTO, libc::ENETDOWN].contains(&self.errno)
    }

    /// A connection that is being made needs more time.
    pub(super) fn is_under_way(self) -> bool {
        self.errno == libc::ENOTCONN
    }
}

macro_rules! faults {
    ($($name:ident)*) => {
        &[$(Fault { name: stringify!($name), errno: libc::$name }),*]
    };
}

const ONE_BYTE: Fault = Fault {
    name: "one byte",
    errno: 0,
};

impl Operation {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Poll,
        Self::Accept,
        Self::Watch,
        Self::Read,
        Self::Send,
        Self::Dial,
        Self::Connected,
    ];

    /// Its name in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Accept => "accept",
            Self::Watch => "watch",
            Self::Read => "read",
            Self::Send => "send",
            Self::Dial => "dial",
            Self::Connected => "connect",
        }
    }

    /// The errors that Linux gives for it and that a server must live with.
    fn errors(self) -> &'static [Fault] {
        match self {
            Self::Poll => faults![EINTR],
            Self::Accept => {
                faults![EAGAIN EINTR ECONNABORTED EPERM EPROTO ENETDOWN EMFILE ENFILE ENOBUFS ENOMEM]
            }
            Self::Watch => faults![ENOSPC ENOMEM],
            Self::Read => faults![EAGAIN EINTR ECONNRESET ETIMEDOUT EHOSTUNREACH ENOBUFS ENOMEM],
            Self::Send => faults![EAGAIN EINTR EPIPE ECONNRESET ETIMEDOUT ENOBUFS ENOMEM],
            Self::Dial => {
                faults![EMFILE ENFILE ENOMEM EADDRNOTAVAIL ECONNREFUSED ENETUNREACH EACCES]
            }
            Self::Connected => faults![ENOTCONN ECONNREFUSED ETIMEDOUT EHOSTUNREACH ECONNRESET],
        }
    }

    /// All that can go wrong with it.
    pub fn faults(self) -> Vec<Fault> {
        let mut all = self.errors().to_vec();
        if matches!(self, Self::Read | Self::Send) {
            all.push(ONE_BYTE);
        }
        all
    }
}

/// What a poll does wrong beside its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Disorder {
    /// It tells of something that is not there.
    Spurious,
    /// It tells of a connection that is gone, whose key may be another's by now.
    Stale,
    /// It tells the same twice.
    Doubled,
    /// It tells in several events what is one.
    Split,
    /// It tells some turns later, together with what has happened since.
    Late,
    /// It tells in another order.
    Reordered,
}

impl Disorder {
    const ALL: [Self; 6] = [
        Self::Spurious,
        Self::Stale,
        Self::Doubled,
        Self::Split,
        Self::Late,
        Self::Reordered,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Spurious => "spurious event",
            Self::Stale => "stale event",
            Self::Doubled => "doubled event",
            Self::Split => "split event",
            Self::Late => "late event",
            Self::Reordered => "events reordered",
        }
    }
}

/// How often each thing goes wrong: once in so many times; 0: never.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultRates {
    errors: [u32; Operation::ALL.len()],
    one_byte: u32,
    disorders: [u32; Disorder::ALL.len()],
}

impl FaultRates {
    /// Rates by chance. Each kind of fault is left out half of the time, because a fault hides what another
    /// one would have shown; those that stay are rare or frequent.
    pub fn random(random: &mut StdRng) -> Self {
        let mut rate = |rarest: u32| match random.random_range(0..6) {
            0..3 => 0,
            3 => rarest,
            4 => (rarest / 4).max(3),
            _ => (rarest / 16).max(3),
        };
        Self {
            errors: Operation::ALL.map(|operation| match operation {
                // Most of these end something: a world of nothing but those shows little.
                Operation::Read | Operation::Send | Operation::Poll => rate(512),
                _ => rate(48),
            }),
            one_byte: rate(64),
            disorders: Disorder::ALL.map(|_| rate(64)),
        }
    }
}

/// When something goes wrong.
enum Mode {
    Never,
    /// Never, and the calls are noted.
    Counted(Vec<Operation>),
    Random {
        rates: FaultRates,
        random: Box<StdRng>,
    },
    /// One call, and no other.
    One {
        at: usize,
        fault: Fault,
        seen: usize,
    },
}

/// What goes wrong, and what did.
pub(super) struct Faults {
    mode: Mode,
    counts: BTreeMap<(&'static str, &'static str), u64>,
}

impl Faults {
    pub(super) fn none() -> Self {
        Self {
            mode: Mode::Never,
            counts: BTreeMap::new(),
        }
    }

    /// Nothing goes wrong from now on.
    pub(super) fn stop(&mut self) {
        self.mode = Mode::Never;
    }

    /// Faults by chance from now on.
    pub(super) fn start(&mut self, rates: FaultRates, seed: u64) {
        let random = Box::new(StdRng::seed_from_u64(seed));
        self.mode = Mode::Random { rates, random };
    }

    /// Calls are noted from now on, and nothing goes wrong.
    pub(super) fn count(&mut self) {
        self.mode = Mode::Counted(Vec::new());
    }

    /// The calls that were noted.
    pub(super) fn counted(&self) -> &[Operation] {
        match &self.mode {
            Mode::Counted(calls) => calls,
            _ => &[],
        }
    }

    /// The call number `at` from now on, counted from 0, goes wrong, and no other.
    pub(super) fn fail(&mut self, at: usize, fault: Fault) {
        self.mode = Mode::One { at, fault, seen: 0 };
    }

    /// What went wrong so far: the call or `poll`, what it was, and how often.
    pub(super) fn counts(&self) -> &BTreeMap<(&'static str, &'static str), u64> {
        &self.counts
    }

    /// A call is made: what goes wrong with it.
    pub(super) fn ask(&mut self, operation: Operation) -> Option<Fault> {
        let fault = match &mut self.mode {
            Mode::Never => None,
            Mode::Counted(calls) => {
                calls.push(operation);
                None
            }
            Mode::Random { rates, random } => {
                let errors = operation.errors();
                let rate = rates.errors[operation as usize];
                let moves = matches!(operation, Operation::Read | Operation::Send);
                if rate > 0 && random.random_ratio(1, rate) {
                    // EAGAIN and EINTR are what a system says most.
                    let most = if random.random() {
                        2.min(errors.len())
                    } else {
                        errors.len()
                    };
                    Some(errors[random.random_range(0..most)])
                } else if moves && rates.one_byte > 0 && random.random_ratio(1, rates.one_byte) {
                    Some(ONE_BYTE)
                } else {
                    None
                }
            }
            Mode::One { at, fault, seen } => {
                *seen += 1;
                (*seen == *at + 1).then_some(*fault)
            }
        };
        if let Some(fault) = fault {
            *self
                .counts
                .entry((operation.name(), fault.name))
                .or_default() += 1;
        }
        fault
    }

    /// Whether the poll does this wrong now.
    pub(super) fn disturbs(&mut self, disorder: Disorder) -> bool {
        let Mode::Random { rates, random } = &mut self.mode else {
            return false;
        };
        let rate = rates.disorders[disorder as usize];
        let disturbs = rate > 0 && random.random_ratio(1, rate);
        if disturbs {
            *self.counts.entry(("poll", disorder.name())).or_default() += 1;
        }
        disturbs
    }

    /// A number below `end`, by chance while faults come by chance, else 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        match &mut self.mode {
            Mode::Random { random, .. } if end > 1 => random.random_range(0..end),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_can_fail_and_only_transfers_move_one_byte() {
        for operation in Operation::ALL {
            let faults = operation.faults();
            assert!(!faults.is_empty(), "{operation:?}");
            let moves = matches!(operation, Operation::Read | Operation::Send);
            assert_eq!(faults.contains(&ONE_BYTE), moves, "{operation:?}");
        }
    }

    #[test]
    fn the_chosen_call_fails_and_no_other() {
        let mut faults = Faults::none();
        let fault = Operation::Send.faults()[0];
        faults.fail(2, fault);
        let failed: Vec<_> = (0..5).map(|_| faults.ask(Operation::Send)).collect();
        assert_eq!(failed, [None, None, Some(fault), None, None]);
        assert_eq!(faults.counts().values().sum::<u64>(), 1);
    }

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        let run = || {
            let mut faults = Faults::none();
            let rates = FaultRates {
                errors: [3; 7],
                one_byte: 3,
                disorders: [3; 6],
            };
            faults.start(rates, 7);
            let asked = (0..100).map(|at| faults.ask(Operation::ALL[at % 7]));
            asked.collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
        assert!(run().iter().flatten().count() > 10);
    }
}
