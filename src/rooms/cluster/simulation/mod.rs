//! Several nodes and one engine, in one thread and virtual time: cuts, delays, engines that die and come back
//! with less than they had told, nodes that are killed or stand still.
//!
//! One seed decides everything. `world` is what happens, `witness` is what must be true of it: one order a
//! room on all nodes, each message once to every member that stayed, no receipt and no `recovered` for what is
//! lost, and members as they are. `fate` is what becomes of the engine and `wire` how bytes go there; `hubs` has the same
//! with whole servers.

mod acts;
mod fate;
mod ground;
mod hubs;
mod seen;
mod told;
mod trouble;
mod wire;
mod wires;
mod witness;
mod world;

pub use hubs::simulate_hubs;
pub use seen::Seen;
use seen::{PEACE, TROUBLE};
use world::World;

/// One run.
///
/// # Errors
/// What must not be, in words, with the seed.
pub fn simulate(seed: u64) -> Result<Seen, String> {
    let mut world = World::new(seed);
    run(&mut world).map_err(|problem| format!("seed {seed}: {problem}"))?;
    Ok(world.seen())
}

fn run(world: &mut World) -> Result<(), String> {
    world.begin()?;
    while world.now() < TROUBLE {
        world.step(true)?;
    }
    world.make_peace();
    while world.now() < TROUBLE + PEACE {
        world.step(false)?;
    }
    world.settle()
}

#[cfg(test)]
mod tests {
    use super::super::script::Script;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn rooms_of_three_nodes_stay_one() {
        let seen = Seen::of(0..60, simulate);
        assert!(seen.has_all(), "{seen:?}");
    }

    /// The rights of an engine's user in the guide.
    fn rights() -> BTreeSet<String> {
        let guide = include_str!("../../../guide/cluster.md");
        let (_, rights) = guide.split_once("ACL SETUSER").unwrap();
        let (rights, _) = rights.split_once("```").unwrap();
        let words = rights
            .split_whitespace()
            .filter_map(|word| word.strip_prefix('+'));
        // Of some commands a part is enough.
        let words = words.map(|word| word.split('|').next().unwrap_or(word));
        words.map(String::from).collect()
    }

    #[test]
    fn the_guide_names_the_rights_that_nodes_need() {
        let mut needed = BTreeSet::new();
        for seed in 0..8 {
            let mut world = World::new(seed);
            run(&mut world).unwrap();
            needed.append(&mut world.fate.server.commands);
        }
        for script in Script::ALL {
            let calls = script.source().split("call('").skip(1);
            let names = calls.map(|call| call.split('\'').next().unwrap_or(call));
            needed.extend(names.map(str::to_ascii_lowercase));
        }
        assert!(needed.contains("eval") && needed.contains("sscan") && needed.contains("hset"));
        let rights = rights();
        let missing: Vec<_> = needed.difference(&rights).collect();
        assert!(missing.is_empty(), "not in the guide: {missing:?}");
    }

    #[test]
    fn a_run_is_decided_by_its_seed() {
        let runs = [simulate(7), simulate(7)];
        let [first, second] = runs.map(|run| format!("{run:?}"));
        assert_eq!(first, second);
    }
}
