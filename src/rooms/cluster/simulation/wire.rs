//! A connection between a node and the engine: bytes on their way, and when they arrive.

use super::super::server::{ClientId, Server};
use super::fate::Fate;
use rand::RngExt;
use rand::rngs::StdRng;
use std::collections::VecDeque;

/// Bytes on their way, and when they arrive.
type Way = VecDeque<(u64, Vec<u8>)>;

/// A connection between a node and the engine.
pub(super) struct Wire {
    pub(super) client: Option<ClientId>,
    pub(super) up: Way,
    pub(super) down: Way,
    /// When it is made.
    pub(super) made_at: Option<u64>,
}

/// Sends bytes on their way, in two parts.
pub(super) fn send(way: &mut Way, bytes: &[u8], now: u64, delay: u64, random: &mut StdRng) {
    let behind = way.back().map_or(0, |(due, _)| *due);
    let split = random.random_range(0..=bytes.len());
    let due = behind.max(now + delay);
    way.push_back((due, bytes[..split].to_vec()));
    way.push_back((due + delay / 2, bytes[split..].to_vec()));
}

impl Wire {
    pub(super) fn new(made_at: u64) -> Self {
        Self {
            client: None,
            up: VecDeque::new(),
            down: VecDeque::new(),
            made_at: Some(made_at),
        }
    }

    /// It is cut.
    pub(super) fn end(self, server: &mut Server) {
        if let Some(client) = self.client {
            server.disconnect(client);
        }
    }

    /// What has arrived at the engine is heard there.
    pub(super) fn carry_up(&mut self, fate: &mut Fate, now: u64, traces: bool) {
        let is_still = now < fate.still_until;
        let Some(client) = self.client else {
            let is_made = self.made_at.is_some_and(|made| now >= made);
            if is_made && now >= fate.away_until && !is_still {
                self.client = Some(fate.server.connect());
            }
            return;
        };
        while !is_still && let Some((_, bytes)) = self.up.pop_front_if(|(due, _)| *due <= now) {
            if traces {
                println!("{now:>6} {client} says {}", bytes.escape_ascii());
            }
            fate.server.receive(client, &bytes);
        }
    }

    /// What the engine says begins its way.
    pub(super) fn carry_down(
        &mut self,
        fate: &mut Fate,
        now: u64,
        delay: u64,
        random: &mut StdRng,
        traces: bool,
    ) {
        let Some(client) = self.client else {
            return;
        };
        let bytes = fate.server.take_output(client);
        if bytes.is_empty() {
            return;
        }
        if traces {
            println!("{now:>6} {client} hears {}", bytes.escape_ascii());
        }
        send(&mut self.down, &bytes, now, delay, random);
    }
}
