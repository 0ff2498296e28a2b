//! A crowd of puppets that are told anything, under tight limits.
//!
//! Whatever they do to each other: the simulation's promises hold, everybody
//! gets what is for it in the order of the calls, and nothing is left behind.

use crate::puppet::{Diary, TOLD_TO, stage_of};
use dunlin::Limits;
use dunlin::testing::{Conversation, Follower, Received, Sim};
use dunlin::{BacklogPolicy, CloseCode, Settings};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::time::Duration;

const PUPPETS: usize = 60;
const STEPS: usize = 3_000;

struct Crowd {
    sim: Sim,
    diary: Diary,
    random: StdRng,
    puppets: Vec<(Conversation, u64)>,
    readers: Vec<(Follower, u64)>,
    heard: u64,
    /// The same as events.
    read: u64,
}

impl Crowd {
    fn new(policy: BacklogPolicy, seed: u64) -> Self {
        let settings = Settings::default()
            .backlog(policy)
            .backlog_mark(2_000)
            .backlog_limit(6_000);
        let limits = Limits::default()
            .max_buffered(100_000)
            .max_connections(PUPPETS);
        let (sim, diary) = stage_of(settings, limits, seed);
        sim.expect_panics();
        sim.shake();
        Self {
            sim,
            diary,
            random: StdRng::seed_from_u64(seed),
            puppets: Vec::new(),
            readers: Vec::new(),
            heard: 0,
            read: 0,
        }
    }

    fn below(&mut self, n: usize) -> usize {
        self.random.random_range(0..n)
    }

    /// A few random commands.
    fn commands(&mut self) -> String {
        let mut commands = Vec::new();
        for _ in 0..=self.below(6) {
            let (room, other) = (self.below(6), self.below(1000));
            let length = [0, 0, 50, 300, 1500, 20_000][self.below(6)];
            commands.push(match self.below(100) {
                0..15 => format!("join r{room}"),
                15..22 => format!("leave r{room}"),
                22..42 => format!("publish r{room} #{length}"),
                42..52 => format!("others r{room} #{length}"),
                52..65 => format!("tell {other} #{length}"),
                65..90 => format!("say me #{length}"),
                90..92 => format!("timer {other} 1"),
                92..94 => "ping hello".to_owned(),
                94 => format!("close-other {other} bye"),
                95 => "close 1000 bye".to_owned(),
                96 => "panic".to_owned(),
                _ => "cancel 1".to_owned(),
            });
        }
        commands.join(";")
    }

    fn act(&mut self) {
        if self.puppets.len() + self.readers.len() < PUPPETS && self.below(3) == 0 {
            let line = self.sim.connect();
            line.set_capacity(self.below(3_000));
            let commands = self.commands().replace(' ', "+").replace('#', "%23");
            let refuse = ["", "&refuse"][usize::from(self.below(5) == 0)];
            if self.below(4) == 0 {
                let reader = line.follow(&format!("/events?do={commands}{refuse}"), &[]);
                self.readers.push((reader, 0));
                return;
            }
            let puppet = line.upgrade(&format!("/?do={commands}{refuse}"), &[]);
            if self.below(8) == 0 {
                line.manual();
            }
            self.puppets.push((puppet, 0));
            return;
        }
        if self.puppets.is_empty() {
            return;
        }
        let chosen = self.below(self.puppets.len());
        let commands = self.commands();
        let capacity = self.below(3_000);
        let what = self.below(100);
        if !self.readers.is_empty() && self.below(5) == 0 {
            let chosen = self.below(self.readers.len());
            let reader = &self.readers[chosen].0;
            match what {
                0..30 => reader.stall(),
                30..80 => reader.resume(),
                80..88 => reader.set_capacity(capacity),
                88..92 => reader.send_raw(&vec![0x81; 20 * capacity]),
                92 => reader.cut(),
                93 => reader.half_close(),
                _ => {}
            }
            return;
        }
        let puppet = &self.puppets[chosen].0;
        match what {
            0..60 => puppet.send(&commands),
            60..70 => puppet.stall(),
            70..85 => puppet.resume(),
            85..88 => puppet.set_capacity(capacity),
            88..90 => puppet.close(CloseCode::NORMAL, "done"),
            90 => puppet.cut(),
            91 => puppet.half_close(),
            92..95 => puppet.ping(b"?"),
            _ => {}
        }
    }

    /// Everybody's numbers go up.
    fn listen(&mut self) {
        for (puppet, last) in &mut self.puppets {
            for received in puppet.arrived() {
                if let Received::Text(text) = received {
                    let number = text.trim().parse().expect("puppets send numbers");
                    assert!(number > *last, "{number} came behind {last}");
                    *last = number;
                    self.heard += 1;
                }
            }
        }
        self.puppets.retain(|(puppet, _)| !puppet.is_over());
        for (reader, last) in &mut self.readers {
            for event in reader.arrived() {
                let number = event.data.trim().parse().expect("puppets send numbers");
                assert!(number > *last, "{number} came behind {last}");
                *last = number;
                self.read += 1;
            }
        }
        self.readers.retain(|(reader, _)| !reader.is_over());
    }

    fn run(&mut self) {
        for step in 0..STEPS {
            for _ in 0..self.below(3) {
                self.act();
            }
            self.sim.step();
            if self.below(40) == 0 {
                let millis = self.below(4_000) as u64;
                self.sim.jump(Duration::from_millis(millis));
            }
            if step % 16 == 0 {
                self.listen();
            }
        }
        self.sim.remote().shutdown().expect("it runs");
        self.sim.advance(Duration::from_secs(30));
        self.listen();
        let stats = self.sim.stats();
        assert!(self.sim.is_empty());
        let panics = self.sim.take_panics();
        assert!(panics.iter().all(|panic| panic == TOLD_TO), "{panics:?}");
        assert_eq!(self.sim.topics(), 0);
        assert_eq!((stats.opened - stats.closed, stats.buffered), (0, 0));
        let is_close = |event: &&String| event.contains(" closed ");
        let closes = self.diary.read().iter().filter(is_close).count();
        assert_eq!(closes as u64, stats.opened, "one open, one close");
        assert!(self.heard > 1_000, "only {} numbers", self.heard);
        assert!(self.read > 200, "only {} events", self.read);
    }
}

#[test]
fn a_crowd_under_any_policy_keeps_order_and_leaves_nothing_behind() {
    for policy in [
        BacklogPolicy::Close,
        BacklogPolicy::DropNewest,
        BacklogPolicy::DropOldest,
        BacklogPolicy::StopReading,
    ] {
        for seed in 0..4 {
            Crowd::new(policy, seed).run();
        }
    }
}
