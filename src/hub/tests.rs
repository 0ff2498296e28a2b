//! What the hub does with its limits before a connection has said anything.

use super::{Hub, Lost, Transport};
use crate::app::remote::Wake;
use crate::app::{App, ConnInfo, Peer, Remote};
use crate::config::Limits;
use std::sync::Arc;
use std::time::Duration;

struct Asleep;

impl Wake for Asleep {
    fn wake(&self) {}
}

/// What all connections were sent.
#[derive(Default)]
struct Sent(Vec<u8>);

impl Transport for Sent {
    fn send(&mut self, _: u32, bytes: &[u8]) -> Result<usize, Lost> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn shutdown_write(&mut self, _: u32) {}

    fn close(&mut self, _: u32) {}
}

fn hub(limits: Limits) -> crate::Result<Hub> {
    let (remote, _inbox, _stats) = Remote::new(Arc::new(Asleep));
    Hub::new(App::new(), limits, [0; 32], remote)
}

#[test]
fn past_the_cap_of_all_buffered_bytes_a_new_connection_gets_503() {
    // Accepted in the turn that passed the cap: at its end the largest backlog goes.
    for (bytes, is_refused) in [(1000, false), (1001, true)] {
        let mut hub = hub(Limits::default().max_buffered(1000)).unwrap();
        let mut io = Sent::default();
        let first = hub.accept(ConnInfo::new(Peer::Unix)).unwrap();
        let mut half = format!("GET / HTTP/1.1\r\nA: {:<1$}", "", bytes - 19).into_bytes();
        hub.received(&mut io, first, &mut half);
        hub.accept(ConnInfo::new(Peer::Unix)).unwrap();
        hub.flush(&mut io);
        assert_eq!(io.0.starts_with(b"HTTP/1.1 503 "), is_refused, "{bytes}");
    }
}

#[test]
fn a_hub_does_not_start_with_a_limit_out_of_bounds() {
    let Err(error) = hub(Limits::default().keep_alive(Duration::MAX)) else {
        panic!("it started");
    };
    assert_eq!(error.kind(), crate::ErrorKind::Config);
    assert!(error.to_string().contains("`keep_alive`"), "{error}");
}
