//! Several nodes and one engine, in one thread and virtual time: cuts, delays, engines that die and come back
//! with less than they had told, nodes that are killed or stand still.
//!
//! One seed decides everything. `world` is what happens, `witness` is what must be true of it: one order a
//! room on all nodes, each message once to every member that stayed, no receipt and no `recovered` for what is
//! lost, and members as they are.

mod witness;
mod world;

use world::World;

/// Virtual milliseconds in which things go wrong.
const TROUBLE: u64 = 40_000;
/// Within which presence must be right, and all delivered, once nothing goes wrong any more.
const PEACE: u64 = 20_000;

/// What a run saw.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Steps that were made.
    pub steps: u64,
    /// Messages that were published and receipted.
    pub receipts: u64,
    /// Messages that members got.
    pub deliveries: u64,
    /// Connections that were cut.
    pub cuts: u64,
    /// Engines that were replaced, by another process with the same data, or with older ones.
    pub failovers: u64,
    /// Messages that were lost by that.
    pub lost: u64,
    /// Nodes that were killed.
    pub kills: u64,
    /// Nodes and engines that stood still for a while.
    pub pauses: u64,
    /// Epochs that members were told of.
    pub epochs: u64,
    /// Gaps that members were told of.
    pub gaps: u64,
    /// Joins that resumed with nothing missing, and those that could not.
    pub resumed: u64,
    /// See `resumed`.
    pub unresumed: u64,
    /// Operations that were refused because the engine was away.
    pub refused: u64,
}

impl Seen {
    /// Adds another run.
    pub fn add(&mut self, other: &Self) {
        let parts = [
            (&mut self.steps, other.steps),
            (&mut self.receipts, other.receipts),
            (&mut self.deliveries, other.deliveries),
            (&mut self.cuts, other.cuts),
            (&mut self.failovers, other.failovers),
            (&mut self.lost, other.lost),
            (&mut self.kills, other.kills),
            (&mut self.pauses, other.pauses),
            (&mut self.epochs, other.epochs),
            (&mut self.gaps, other.gaps),
            (&mut self.resumed, other.resumed),
            (&mut self.unresumed, other.unresumed),
            (&mut self.refused, other.refused),
        ];
        for (sum, part) in parts {
            *sum += part;
        }
    }
}

/// One run.
///
/// # Errors
/// What must not be, in words, with the seed.
pub fn simulate(seed: u64) -> Result<Seen, String> {
    let mut world = World::new(seed);
    let mut run = || {
        world.begin()?;
        while world.now() < TROUBLE {
            world.step(true)?;
        }
        world.make_peace();
        while world.now() < TROUBLE + PEACE {
            world.step(false)?;
        }
        world.settle()?;
        Ok(world.seen())
    };
    let run: Result<Seen, String> = run();
    run.map_err(|problem| format!("seed {seed}: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_of_three_nodes_stay_one() {
        let mut seen = Seen::default();
        for seed in 0..60 {
            match simulate(seed) {
                Ok(run) => seen.add(&run),
                Err(problem) => panic!("{problem}"),
            }
        }
        // What never happens proves nothing.
        let all = [
            seen.receipts,
            seen.deliveries,
            seen.cuts,
            seen.failovers,
            seen.lost,
            seen.kills,
            seen.pauses,
            seen.epochs,
            seen.resumed,
            seen.unresumed,
            seen.refused,
        ];
        assert!(all.iter().all(|count| *count > 0), "{seen:?}");
    }

    #[test]
    fn a_run_is_decided_by_its_seed() {
        let runs = [simulate(7), simulate(7)];
        let [first, second] = runs.map(|run| format!("{run:?}"));
        assert_eq!(first, second);
    }
}
