//! Crowds: a thousand that leave at once.

use super::{Seen, connections, room};
use crate::running::{assert_echo, until};
use crate::wire_client::WireClient;
use std::collections::HashMap;

#[test]
fn each_of_a_thousand_clients_that_leave_at_once_gets_one_close_event() {
    const COUNT: usize = 1000;
    let (server, seen) = room();
    let mut bystander = server.open("/echo");
    let mut crowd: Vec<WireClient> = (0..COUNT).map(|_| server.open("/room")).collect();
    // Somebody talks while they go.
    crowd[0].send_text("all: goodbye");
    for (at, client) in crowd.into_iter().enumerate() {
        match at % 2 {
            0 => client.reset(),
            _ => drop(client),
        }
    }
    let remote = server.remote();
    until(&mut bystander, "they are gone", || connections(remote) == 1);
    assert_echo(&mut bystander);
    let stats = remote.stats();
    assert_eq!(
        (stats.opened, stats.closed),
        (COUNT as u64 + 1, COUNT as u64)
    );
    assert_eq!(stats.buffered, 0);
    let mut events: HashMap<_, (usize, usize)> = HashMap::new();
    while let Ok(event) = seen.try_recv() {
        match event {
            Seen::Open(id) => events.entry(id).or_default().0 += 1,
            Seen::Close(id, reason) => {
                assert_eq!(reason.code.get(), 1006, "{id}");
                events.entry(id).or_default().1 += 1;
            }
        }
    }
    assert_eq!(events.len(), COUNT);
    assert!(events.values().all(|counts| *counts == (1, 1)));
}
