//! What an operator and other threads do meanwhile.

use super::cast::Setting;
use super::program::Obedient;
use dunlin::testing::Sim;
use dunlin::{CloseCode, Handle, Limits};
use rand::RngExt;
use rand::rngs::StdRng;
use std::time::Duration;

pub(crate) struct Outside {
    limits: Limits,
    /// Steps until it is shut down.
    stops_in: Option<u32>,
    shutdowns: u32,
    /// When it was shut down first.
    stopped_at: Option<Duration>,
}

/// What was done.
#[derive(Default)]
pub(crate) struct Asked {
    /// All connections are cut.
    pub(crate) cuts: bool,
}

impl Outside {
    pub(crate) fn new(limits: Limits, random: &mut StdRng) -> Self {
        let stops = random.random_ratio(1, 4);
        Self {
            limits,
            stops_in: stops.then(|| random.random_range(1..200)),
            shutdowns: 0,
            stopped_at: None,
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.shutdowns > 0
    }

    /// Whether all that is left is cut: past the time of the drain, which a jump of the clock can be.
    pub(crate) fn is_drained(&self, now: Duration) -> bool {
        self.stopped_at
            .is_some_and(|at| now >= at + self.limits.drain)
    }

    /// Limits and descriptors are as they should be.
    pub(crate) fn restore(&self, sim: &Sim) {
        let limits = Limits::default().drain(self.limits.drain);
        sim.remote().reload(limits).expect("good limits");
        sim.drive();
    }

    pub(crate) fn act(
        &mut self,
        sim: &Sim,
        handle: &Handle<Obedient>,
        setting: &Setting,
        random: &mut StdRng,
    ) -> Asked {
        let mut asked = Asked::default();
        let remote = sim.remote();
        let known = {
            let record = setting.record.borrow();
            let known = &record.known;
            (!known.is_empty()).then(|| known[random.random_range(0..known.len())])
        };
        if let Some(left) = &mut self.stops_in {
            *left -= 1;
            if *left == 0 {
                asked.cuts = self.shutdowns > 0;
                self.shutdowns += 1;
                self.stopped_at.get_or_insert(sim.now());
                // A second one cuts what the first has left.
                self.stops_in = (self.shutdowns < 2 && random.random()).then_some(20);
                let _ = remote.shutdown();
            }
        }
        // A server that has stopped takes nothing any more: the answers do not matter.
        match (random.random_range(0..120), known) {
            (0..6, _) => drop(remote.publish("x", "from outside")),
            (6, _) => (0..200).for_each(|_| drop(remote.publish("y", "y".repeat(900)))),
            (7..10, Some(id)) => drop(remote.send(id, "told by another")),
            (10, Some(id)) => drop(remote.close(id, CloseCode::new(4002), "from outside")),
            (11..14, _) => drop(handle.call(|_, context| {
                context.publish("x", "by a handle");
            })),
            (14..17, Some(id)) => drop(handle.call_session(id, |_, found| {
                if let Ok(((), session)) = found {
                    session.send("told by another");
                }
            })),
            (17, _) => {
                let fewer = random.random_range(3..40);
                drop(remote.reload(self.limits.clone().max_connections(fewer)));
            }
            (18, _) => drop(remote.reload(self.limits.clone())),
            (19, _) => sim.set_descriptors(random.random_range(0..20)),
            (20..24, _) => sim.set_descriptors(usize::MAX),
            (24, _) => sim.set_unreachable(true),
            (25..28, _) => sim.set_unreachable(false),
            _ => {}
        }
        asked
    }
}
