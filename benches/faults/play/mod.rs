//! One run: a server, its peers and a system that goes wrong, all by one seed.
//!
//! After every turn the simulation checks the server's promises (budget, ledger, fairness, accounts); here
//! the peers check theirs. At last the faults stop: the server must come to rest, have given the honest all
//! that is theirs, serve a newcomer as if nothing had been, and keep nothing of those who are gone.

mod bystander;
pub(crate) mod cast;
mod newcomer;
mod outside;
pub(crate) mod program;
mod record;
pub(crate) mod totals;

pub(crate) use newcomer::serves_a_newcomer;
pub(crate) use record::Shared;
pub(crate) use totals::Totals;

use bystander::Bystander;
use cast::{Den, Kind, Player, Servers, Setting};
use dunlin::sim::FaultRates;
use dunlin::testing::Sim;
use dunlin::{Handle, Limits};
use outside::Outside;
use program::{ON_PURPOSE, Obedient, Sizes};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::time::Duration;

/// No deadline of the server is further away.
const LONG: Duration = Duration::from_secs(620);
/// An hour, which a clock may jump.
const HOUR: Duration = Duration::from_secs(3600);

/// How a clock goes.
#[derive(Clone, Copy, PartialEq)]
enum Clock {
    Stands,
    Goes,
    Jumps,
}

struct Play {
    sim: Sim,
    random: StdRng,
    setting: Setting,
    handle: Handle<Obedient>,
    players: Vec<(Kind, Box<dyn Player>)>,
    most: usize,
    kinds: Vec<Kind>,
    servers: Servers,
    bystander: Bystander,
    outside: Outside,
    clock: Clock,
    born: u64,
    totals: Totals,
}

/// Plays a run.
///
/// # Panics
/// When something is not as it must be; the message says what.
pub(crate) fn play(seed: u64) -> Totals {
    let mut play = Play::new(seed);
    let steps = play.random.random_range(40..260);
    for _ in 0..steps {
        play.step();
    }
    play.end()
}

impl Play {
    fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let limit = [4 << 10, 16 << 10, 64 << 10][random.random_range(0..3)];
        let sizes = Sizes {
            mark: limit / 4,
            limit,
            message: [4 << 10, 64 << 10][random.random_range(0..2)],
            ping_secs: [1, 5, 25][random.random_range(0..3)],
        };
        let most = [4, 10, 24, 60][random.random_range(0..4)];
        let mut limits = Limits::default().drain(Duration::from_secs(5));
        if random.random_ratio(1, 3) {
            limits = limits.max_connections(random.random_range(4..=most + 6));
        }
        if random.random_ratio(1, 3) {
            limits = limits.max_buffered(random.random_range(40_000..300_000));
        }
        if random.random_ratio(1, 5) {
            limits = limits.max_per_address(random.random_range(2..12));
        }
        let record = Shared::default();
        let (app, handle) = program::program(sizes, &record);
        let sim = Sim::with(app, limits.clone(), random.random()).expect("a good program");
        sim.expect_panics();
        // A room with history makes a turn each second as long as it is there.
        let den = random.random_ratio(1, 4).then(|| Den::new(&sim));
        let bystander = Bystander::new(&sim);
        if random.random() {
            sim.shake();
        }
        let (rates, by) = (FaultRates::random(&mut random), random.random());
        sim.start_faults(rates, by);
        let clock = [Clock::Stands, Clock::Goes, Clock::Goes, Clock::Jumps];
        // Some kinds are left out, so that the others are many.
        let kinds: Vec<_> = Kind::ALL
            .into_iter()
            .filter(|kind| random.random_ratio(2, 3) && (*kind != Kind::Member || den.is_some()))
            .collect();
        Self {
            players: Vec::new(),
            most,
            kinds: if kinds.is_empty() {
                vec![Kind::Echo]
            } else {
                kinds
            },
            servers: Servers::default(),
            bystander,
            outside: Outside::new(limits, &mut random),
            clock: clock[random.random_range(0..clock.len())],
            born: 0,
            totals: Totals::default(),
            setting: Setting { record, den },
            handle,
            sim,
            random,
        }
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.random.random_ratio(1, n)
    }

    fn step(&mut self) {
        if self.players.len() < self.most && self.one_in(2) {
            let kind = self.kinds[self.random.random_range(0..self.kinds.len())];
            let (sim, random) = (&self.sim, &mut self.random);
            let player = cast::enter(kind, self.born, sim, &self.setting, random);
            self.born += 1;
            *self.totals.kinds.entry(kind).or_default() += 1;
            self.players.push((kind, player));
        }
        for _ in 0..1 + self.players.len() / 3 {
            self.act();
        }
        self.servers.act(&self.sim, &mut self.random);
        let asked = self
            .outside
            .act(&self.sim, &self.handle, &self.setting, &mut self.random);
        if asked.cuts {
            self.bystander.expect_to_be_cut();
        }
        let rests = self.pass();
        if self.outside.is_drained(self.sim.now()) {
            self.bystander.expect_to_be_cut();
        }
        self.look(rests);
    }

    /// Somebody does something, or something is done to its line.
    fn act(&mut self) {
        if self.players.is_empty() {
            return;
        }
        let chosen = self.random.random_range(0..self.players.len());
        let how = self.random.random_range(0..200);
        let (_, player) = &mut self.players[chosen];
        match how {
            0 | 1 => player.line().cut(),
            2 => player.line().half_close(),
            3..8 => player.line().stall(),
            8..30 => player.line().resume(),
            _ => player.act(&mut self.random),
        }
    }

    /// Time passes; whether the server rests.
    fn pass(&mut self) -> bool {
        let how = self.random.random_range(0..100);
        let millis = match (self.clock, how) {
            (Clock::Stands, _) | (_, 0..40) => 0,
            (_, 40..80) => self.random.random_range(0..5),
            (_, 80..95) => self.random.random_range(0..400),
            (Clock::Goes, _) => self.random.random_range(0..20_000),
            (Clock::Jumps, 95..98) => self.random.random_range(0..20_000),
            (Clock::Jumps, _) => HOUR.as_millis() as u64,
        };
        if self.clock == Clock::Jumps && self.one_in(10) {
            let hours = self.random.random_range(-100_000..100_000);
            self.sim.set_wall_clock(hours * 3600);
        }
        let time = Duration::from_millis(millis);
        if self.one_in(8) && time < HOUR {
            self.sim.advance(time);
            return true;
        }
        self.sim.jump(time);
        self.sim.step();
        false
    }

    fn look(&mut self, rests: bool) {
        self.bystander.look(&self.sim, rests);
        for (_, player) in &mut self.players {
            player.look();
        }
        self.check();
        let totals = &mut self.totals;
        self.players.retain(|(_, player)| {
            let stays = !player.line().is_over();
            if !stays {
                totals.checked += player.checked();
            }
            stays
        });
    }

    fn check(&self) {
        let panics = self.sim.take_panics();
        let unwanted = panics.iter().find(|panic| *panic != ON_PURPOSE);
        assert_eq!(unwanted, None, "the program panicked");
        let (stats, record) = (self.sim.stats(), self.setting.record.borrow());
        let others = stats.opened - record.opened;
        let lost = stats.closed - record.closed;
        // Those that the record does not know are of the ready applications, and the bystander.
        assert!(others >= lost, "more were closed than opened");
        assert_eq!(
            stats.opened - stats.closed,
            record.live() + others - lost,
            "sessions that live"
        );
    }

    /// The faults stop, everybody gets what is theirs, and leaves.
    fn end(mut self) -> Totals {
        self.sim.stop_faults();
        self.sim.set_unreachable(false);
        for (_, player) in &self.players {
            // Nothing is learnt from waiting until all has come byte by byte.
            player.line().trickle(usize::MAX);
            player.line().set_capacity(64 << 10);
            player.line().resume();
        }
        self.servers.resume();
        // Accepting that pauses goes on within a tenth of a second.
        self.sim.advance(Duration::from_millis(200));
        self.look(true);
        // The bystander says something else meanwhile.
        self.sim.drive();
        self.look(true);
        for (_, player) in &mut self.players {
            player.settled();
        }
        let is_stopping = self.outside.is_stopping();
        if !is_stopping {
            self.outside.restore(&self.sim);
            serves_a_newcomer(&self.sim);
        }
        self.leave();
        if !is_stopping {
            serves_a_newcomer(&self.sim);
            if let Some(den) = &self.setting.den {
                den.delete(&self.sim);
            }
        }
        self.sim.advance(LONG);
        self.nothing_is_left();
        let mut totals = self.totals;
        totals.checked += self
            .players
            .iter()
            .map(|(_, one)| one.checked())
            .sum::<u64>();
        totals.runs = 1;
        totals.turns = self.sim.turns();
        totals.faults = self.sim.fault_counts();
        totals.called = self.servers.called;
        totals.answers = self.bystander.answers();
        totals.longest = self.bystander.longest;
        totals
    }

    fn leave(&mut self) {
        for (_, player) in &self.players {
            match self.random.random_range(0..3) {
                0 => player.line().half_close(),
                _ => player.line().cut(),
            }
        }
        self.bystander.leave();
        self.servers.leave(&self.sim);
        self.sim.drive();
        self.servers.leave(&self.sim);
        let mut record = self.setting.record.borrow_mut();
        let tickets = (
            std::mem::take(&mut record.opens),
            std::mem::take(&mut record.answers),
        );
        drop(record);
        drop(tickets);
        // Closes and drains are over by then.
        self.sim.advance(Duration::from_secs(40));
    }

    fn nothing_is_left(&self) {
        if self.outside.is_stopping() && self.setting.den.is_some() {
            // The room is there to the end of the process.
            return self.check();
        }
        self.check();
        let (stats, record) = (self.sim.stats(), self.setting.record.borrow());
        assert_eq!(stats.connections, 0, "connections are left");
        assert_eq!((stats.opened, record.live()), (stats.closed, 0));
        let [began, opened, failed] = record.calls;
        assert_eq!(
            began,
            opened + failed,
            "calls that began and came to an end"
        );
        let left = self.sim.check_nothing_left();
        assert_eq!(left, Ok(()));
        assert_eq!(self.sim.next_deadline(), None, "something is still due");
    }
}
