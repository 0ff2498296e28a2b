//! The real hub and turn over the crowd, and what the turns of a phase cost.

#![allow(dead_code)] // the benchmark and the test of the simulation each take what they need

use super::crowd::{Crowd, JOIN_TEXT};
use dunlin::turn::{STEP, TURN, Turn};
use dunlin::{App, Handler, Limits, Message, Open, Request, Session};
use std::time::Duration;

/// The most that a turn may spend: its budget and one step more.
pub(crate) const MOST: u64 = (TURN + STEP) as u64;
/// Default of `Settings::ping_period`.
pub(crate) const PING_PERIOD: Duration = Duration::from_secs(25);
/// Turns within which any phase is over.
const MOST_TURNS: u64 = 10_000_000;

/// Members of one room, once they ask to be.
struct Hall;

impl Handler for Hall {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        if message.bytes() == JOIN_TEXT {
            session.join("hall");
        } else {
            session.publish("hall", message);
        }
    }
}

/// What the turns of a phase cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Phase {
    pub(crate) turns: u64,
    /// CPU time of all, as the clock tells it.
    pub(crate) cpu: u64,
    /// The most work that one spent, in units.
    pub(crate) most_work: u64,
    /// All of them together.
    pub(crate) work: u64,
    /// The longest one, as the clock tells it.
    pub(crate) longest: u64,
}

/// A server of `connections`, and its clock: CPU time of this thread in nanoseconds.
pub(crate) struct World<C> {
    pub(crate) turn: Turn<Crowd>,
    clock: C,
}

impl<C: Fn() -> u64> World<C> {
    pub(crate) fn new(connections: usize, clock: C) -> Self {
        let app = App::new().ws("/", Hall);
        let crowd = Crowd::new(connections);
        let turn = Turn::alone(app, Limits::default(), [7; 32], crowd);
        let turn = turn.expect("a good program");
        Self { turn, clock }
    }

    pub(crate) fn crowd(&mut self) -> &mut Crowd {
        &mut self.turn.io
    }

    /// Turns until nothing is left to do, a millisecond apart.
    pub(crate) fn rest(&mut self) -> Phase {
        let mut phase = Phase::default();
        loop {
            self.step(&mut phase);
            if !self.has_something_to_do() {
                return phase;
            }
        }
    }

    /// So many turns, a millisecond apart.
    pub(crate) fn turns(&mut self, count: u64) -> Phase {
        let mut phase = Phase::default();
        (0..count).for_each(|_| self.step(&mut phase));
        phase
    }

    /// Lets this time pass, a turn each millisecond, and then all that is left to do.
    pub(crate) fn pass(&mut self, time: Duration) -> Phase {
        let mut phase = self.turns(time.as_millis() as u64);
        while self.has_something_to_do() {
            self.step(&mut phase);
        }
        phase
    }

    /// The clock goes on without a turn, as when the machine slept.
    pub(crate) fn sleep(&mut self, time: Duration) {
        self.turn.io.ms += time.as_millis() as u64;
    }

    fn has_something_to_do(&self) -> bool {
        self.turn.is_busy() || !self.turn.io.is_quiet()
    }

    fn step(&mut self, phase: &mut Phase) {
        self.turn.io.ms += 1;
        let before = (self.clock)();
        self.turn.step(None).expect("the crowd cannot fail");
        let took = (self.clock)() - before;
        let spent = self.turn.spent().max(0) as u64;
        assert!(spent <= MOST, "a turn spent {spent} of {MOST} units");
        phase.turns += 1;
        phase.cpu += took;
        phase.work += spent;
        phase.most_work = phase.most_work.max(spent);
        phase.longest = phase.longest.max(took);
        assert!(phase.turns < MOST_TURNS, "it never rests: {phase:?}");
    }
}

impl Phase {
    /// This one and what came next.
    pub(crate) fn and(self, next: Self) -> Self {
        Self {
            turns: self.turns + next.turns,
            cpu: self.cpu + next.cpu,
            work: self.work + next.work,
            most_work: self.most_work.max(next.most_work),
            longest: self.longest.max(next.longest),
        }
    }
}
