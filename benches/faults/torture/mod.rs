//! Torture: some scenarios, each with every one of its fallible calls failing once, in every way it can.
//!
//! A scenario is played once to count its calls. Then it is played again for each of them and for each
//! error that the call can give: that one fails and no other. Whatever the scenario comes to then, the
//! server's promises hold, a bystander is answered, a newcomer is served, and nothing stays.

mod scenarios;

use super::play::program::{Obedient, Sizes, program};
use super::play::{Shared, serves_a_newcomer};
use dunlin::sim::{Fault, Operation};
use dunlin::testing::{Conversation, Sim};
use dunlin::{Handle, Limits};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// No deadline of a scenario is further away.
const LONG: Duration = Duration::from_secs(620);
const SIZES: Sizes = Sizes {
    mark: 16 << 10,
    limit: 64 << 10,
    message: 64 << 10,
    ping_secs: 25,
};

const HISTORY: &str = "a room with history";

/// A server, and what it is asked for.
pub(crate) struct Stage {
    sim: Sim,
    record: Shared,
    handle: Handle<Obedient>,
    bystander: Conversation,
}

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    play: fn(&Stage),
    stops: bool,
}

macro_rules! scenarios {
    ($($name:expr => $play:expr),* $(,)?) => {
        &[$(Scenario { name: $name, play: $play, stops: false }),*,
          Scenario { name: "shutdown", play: scenarios::shutdown, stops: true }]
    };
}

/// All of them.
pub(crate) const SCENARIOS: &[Scenario] = scenarios! {
    "handshake" => scenarios::handshake,
    "handshake that is refused" => scenarios::refused,
    "echo" => scenarios::echo,
    "a big message" => scenarios::big,
    "deflate" => scenarios::deflate,
    "a broadcast" => scenarios::broadcast,
    "an event stream" => scenarios::events,
    "HTTP with a body" => scenarios::http,
    "a response in pieces" => scenarios::pieces,
    "an answer that comes later" => scenarios::later,
    "a call to another server" => scenarios::call,
    HISTORY => scenarios::history,
    "a handle, and a command of another thread" => scenarios::handle,
    "a slow reader" => scenarios::slow,
    "a reload" => scenarios::reload,
    "coming in at the limit" => scenarios::full,
    "everybody leaves at once" => scenarios::leave,
};

/// What became of a scenario.
pub(crate) struct Outcome {
    pub(crate) calls: usize,
    pub(crate) runs: usize,
    /// What went wrong, with the call and its error.
    pub(crate) findings: Vec<String>,
}

/// Plays a scenario with every failure.
pub(crate) fn run(scenario: &Scenario) -> Outcome {
    let calls = play(scenario, None);
    let (mut runs, mut findings) = (0, Vec::new());
    for (at, operation) in calls.iter().enumerate() {
        for fault in operation.faults() {
            runs += 1;
            let failed = Some((at, fault));
            let played = catch_unwind(AssertUnwindSafe(|| play(scenario, failed)));
            if let Err(panic) = played {
                let said = panic.downcast_ref::<String>().cloned();
                let said = said.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
                let (call, name) = (operation.name(), fault.name);
                let said = said.unwrap_or_default();
                findings.push(format!("call {at}, {call} with {name}: {said}"));
            }
        }
    }
    Outcome {
        calls: calls.len(),
        runs,
        findings,
    }
}

/// Plays a scenario once; its calls, where none fails.
fn play(scenario: &Scenario, failed: Option<(usize, Fault)>) -> Vec<Operation> {
    let record = Shared::default();
    let (app, handle) = program(SIZES, &record);
    let limits = Limits::default().max_connections(8);
    let sim = Sim::with(app, limits, 1).expect("a good program");
    let line = sim.connect();
    line.spare();
    let bystander = line.upgrade("/echo", &[]);
    sim.drive();
    let bystander = bystander.opened().expect("nothing has failed yet");
    let stage = Stage {
        sim,
        record,
        handle,
        bystander,
    };
    match failed {
        Some((at, fault)) => stage.sim.fail_call(at, fault),
        None => stage.sim.count_calls(),
    }
    (scenario.play)(&stage);
    let calls = stage.sim.counted_calls();
    stage.end(scenario);
    calls
}

impl Stage {
    fn open(&self, target: &str) -> Conversation {
        self.open_from(1, target)
    }

    fn open_from(&self, host: u8, target: &str) -> Conversation {
        let ip = std::net::Ipv4Addr::new(10, 3, 0, host);
        let conversation = self.sim.connect_from(ip.into()).upgrade(target, &[]);
        self.sim.drive();
        conversation
    }

    /// Time for what was put off: accepting that paused, and edges that come late.
    fn rest(&self) {
        self.sim.advance(Duration::from_millis(300));
    }

    fn end(self, scenario: &Scenario) {
        let stops = scenario.stops;
        // A room with history is there to the end of the process.
        let keeps_room = scenario.name == HISTORY;
        self.rest();
        if !stops {
            self.bystander.send("still here");
            assert_eq!(self.bystander.receive_text(), "still here", "the bystander");
            self.sim.stop_faults();
            serves_a_newcomer(&self.sim);
        }
        self.sim.stop_faults();
        self.bystander.close(1000, "");
        self.sim.drive();
        assert!(self.bystander.is_over(), "the bystander is gone");
        let mut record = self.record.borrow_mut();
        let tickets = (
            std::mem::take(&mut record.opens),
            std::mem::take(&mut record.answers),
        );
        drop(record);
        drop(tickets);
        self.sim.remote().shutdown().ok();
        self.sim.advance(LONG);
        let (stats, record) = (self.sim.stats(), self.record.borrow());
        assert_eq!(stats.connections, 0, "connections are left");
        assert_eq!((stats.opened, record.live()), (stats.closed, 0));
        assert_eq!(record.opened, record.closed, "an open and a close each");
        let [began, opened, failed] = record.calls;
        assert_eq!(
            began,
            opened + failed,
            "calls that began and came to an end"
        );
        if !keeps_room {
            assert_eq!(self.sim.check_nothing_left(), Ok(()));
        }
    }
}
