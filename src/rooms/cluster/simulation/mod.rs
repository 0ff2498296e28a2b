//! Several nodes and one engine, in one thread and virtual time: cuts, delays, engines that die and come back
//! with less than they had told, nodes that are killed or stand still.
//!
//! One seed decides everything. `world` is what happens, `witness` is what must be true of it: one order a
//! room on all nodes, each message once to every member that stayed, no receipt and no `recovered` for what is
//! lost, and members as they are.

mod acts;
mod seen;
mod told;
mod trouble;
mod wires;
mod witness;
mod world;

pub use seen::Seen;
use seen::{PEACE, TROUBLE};
use world::World;

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
