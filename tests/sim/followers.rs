//! Readers of the room's event stream in the world of random clients: they stall, read slowly and vanish,
//! and whoever stays gets every message exactly once and in order.

use crate::chat::Record;
use dunlin::testing::{Follower, Sim};
use rand::RngExt;
use rand::rngs::StdRng;

const MOST: usize = 150;

/// One reader, and how much of the room it has seen.
struct Reader {
    follower: Follower,
    token: String,
    /// The number of the next message it must get, once it is in the room.
    next: Option<usize>,
    is_leaving: bool,
}

/// All readers.
#[derive(Default)]
pub(crate) struct Readers {
    readers: Vec<Reader>,
    born: usize,
    pub(crate) checked: usize,
}

impl Readers {
    /// Something happens to somebody.
    pub(crate) fn act(&mut self, sim: &Sim, random: &mut StdRng) {
        if self.readers.len() < MOST && random.random_ratio(1, 8) {
            let token = format!("r{}", self.born);
            self.born += 1;
            let line = sim.connect();
            line.set_capacity(random.random_range(200..8000));
            if random.random_ratio(1, 4) {
                line.trickle(random.random_range(1..60));
            }
            let follower = line.follow(&format!("/chat/events?token={token}"), &[]);
            self.readers.push(Reader {
                follower,
                token,
                next: None,
                is_leaving: false,
            });
        }
        if self.readers.is_empty() {
            return;
        }
        let chosen = random.random_range(0..self.readers.len());
        let reader = &mut self.readers[chosen];
        if reader.is_leaving {
            return;
        }
        match random.random_range(0..400) {
            0..60 => reader.follower.stall(),
            60..180 => reader.follower.resume(),
            180..190 => reader.follower.send_raw(b"GET / HTTP/1.1\r\n\r\n"),
            190..196 => {
                reader.follower.cut();
                reader.is_leaving = true;
            }
            196..200 => {
                reader.follower.half_close();
                reader.is_leaving = true;
            }
            _ => {}
        }
    }

    /// Compares what everybody got with what the room said, and forgets who is gone.
    pub(crate) fn check(&mut self, record: &Record) {
        for reader in &mut self.readers {
            self.checked += reader.check(record);
        }
        self.readers.retain(|reader| !reader.follower.is_over());
    }

    /// Everybody has read to the end: how many members there are. Each has got everything.
    pub(crate) fn finish(&mut self, record: &Record) -> usize {
        self.check(record);
        let is_member = |reader: &&Reader| {
            let stay = record.stays.get(&reader.token);
            stay.is_some_and(|stay| stay.until.is_none())
        };
        let members = self.readers.iter().filter(is_member);
        let all = Some(record.published.len());
        members
            .inspect(|reader| assert_eq!(reader.next, all, "{} missed some", reader.token))
            .count()
    }

    /// Everybody reads again.
    pub(crate) fn resume(&self) {
        for reader in &self.readers {
            reader.follower.resume();
        }
    }
}

impl Reader {
    /// How many messages were compared.
    fn check(&mut self, record: &Record) -> usize {
        let mut checked = 0;
        for event in self.follower.arrived() {
            let Some(next) = &mut self.next else {
                let text = &event.data;
                assert!(text.starts_with("You are connected! There are "), "{text}");
                self.next = Some(record.stays[&self.token].from);
                continue;
            };
            let told = (event.id.as_deref(), Some(&event.data));
            let number = next.to_string();
            let said = (Some(&*number), record.published.get(*next));
            assert_eq!(told, said, "{} missed or repeated a message", self.token);
            *next += 1;
            checked += 1;
        }
        let until = record.stays.get(&self.token).and_then(|stay| stay.until);
        if let (Some(next), Some(until)) = (self.next, until) {
            assert!(next <= until, "{} got more than there was", self.token);
        }
        checked
    }
}
