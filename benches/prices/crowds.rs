//! Passing many by: sessions that are looked at for the one that holds most, members to whom nothing is owed.

use crate::bytes::{frame, letters};
use crate::clock::Clock;
use crate::hub::World;
use crate::row::Row;
use dunlin::Limits;
use dunlin::SessionId;
use dunlin::wire::work::Work;
use std::cell::{Cell, RefCell};

/// More than what the nearest cache has room for.
const CROWD: usize = 16_000;

pub(crate) fn rows(clock: Clock) -> Vec<Row> {
    vec![
        looked_at(clock, "sessions with half a frame", false),
        looked_at(clock, "the same, an answer waits too", true),
        caught_up(clock),
    ]
}

/// All of them hold more than there may be: each pass looks at everybody and gives up one.
fn looked_at(clock: Clock, input: &str, is_full: bool) -> Row {
    let mut world = World::with(Limits::default().max_buffered(1));
    let ids: Vec<SessionId> = (0..CROWD).map(|_| world.session("/echo")).collect();
    world.taker.is_full = is_full;
    let mut stream = frame(0x81, b"hello");
    stream.extend(&frame(0x82, &letters(100))[..50]);
    for id in ids {
        world.give(id, &mut stream.clone());
    }
    let units = Cell::new(0.0);
    let ns = clock.per_call(|| {
        // One pass spends it.
        let work = Work::new(1);
        world.hub.set_work(work);
        world.reap();
        units.set((work.left() - world.hub.work().left()) as f64);
    });
    let crowd = CROWD as f64;
    Row::whole("LOOK", input, units.get() / crowd, ns / crowd)
}

/// Members that were answered since something was published: that went before the answer.
fn caught_up(clock: Clock) -> Row {
    let mut world = World::new();
    let publisher = world.session("/publish");
    let members: Vec<SessionId> = (0..CROWD).map(|_| world.session("/room")).collect();
    let message = frame(0x81, b"hello");
    let (world, units) = (RefCell::new(world), Cell::new(0.0));
    let ns = clock.per_batch(
        || {
            let mut world = world.borrow_mut();
            world.give(publisher, &mut message.clone());
            for id in &members {
                world.give(*id, &mut message.clone());
            }
            world.begin();
        },
        |()| {
            let mut world = world.borrow_mut();
            world.deliver();
            units.set(world.spent());
        },
    );
    let crowd = CROWD as f64;
    let input = "members who have got everything";
    Row::whole("CAUGHT_UP", input, units.get() / crowd, ns / crowd)
}
