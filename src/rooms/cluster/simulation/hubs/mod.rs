//! The same with whole servers: three hubs with their turns, rooms and sessions, and people who speak `dunlin.v1`.
//!
//! Here everything is between the engine and what somebody sees: lines of the loop, budgets, formats,
//! presence as it is told, receipts by `ref`, names that are taken over, sockets that break.

mod hears;
mod people;
mod person;
mod place;
mod world;

use super::seen::{PEACE, Seen, TROUBLE};
use world::World;

/// One run of three whole servers.
///
/// # Errors
/// What must not be, in words, with the seed.
pub fn simulate_hubs(seed: u64) -> Result<Seen, String> {
    let mut world = World::new(seed);
    run(&mut world).map_err(|problem| format!("seed {seed}: {problem}"))?;
    Ok(world.seen)
}

fn run(world: &mut World) -> Result<(), String> {
    while world.now < TROUBLE {
        world.step(true)?;
    }
    world.make_peace();
    while world.now < TROUBLE + PEACE {
        world.step(false)?;
    }
    world.settle()
}

#[cfg(test)]
mod tests;
