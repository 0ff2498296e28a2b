//! Random requests that meet each other.

use super::super::model::Model;
use super::super::request::{Act, Answer, Declared, Request, Speaker, Where};
use crate::config::RoomLimits;
use crate::rooms::engine::Ask;
use crate::rooms::{Epoch, Position, RoomId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::rc::Rc;
use std::time::Duration;

const NAMES: [&str; 8] = [
    "kim",
    "lee",
    "",
    "a b",
    "x\ny\0",
    "한글",
    "\u{1f44b}",
    "M 1 2",
];

/// Positions that are remembered, to be asked for again.
const REMEMBERED: usize = 40;

/// Keys of messages that meet: nearly every one is new, some are those of before.
const KEYS: u128 = 40;

#[derive(Debug)]
pub(super) struct Calls {
    random: StdRng,
    rooms: Vec<RoomId>,
    run: u64,
    positions: Vec<Position>,
    steps: usize,
    next_key: u128,
}

impl Calls {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let rooms = (0..3).map(|_| RoomId::of_bits(random.random())).collect();
        Self {
            random,
            rooms,
            run: 1,
            positions: Vec::new(),
            steps: 0,
            next_key: 0,
        }
    }

    pub(super) fn rooms(&self) -> &[RoomId] {
        &self.rooms
    }

    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    pub(super) fn one_in(&mut self, count: u32) -> bool {
        self.random.random_range(0..count) == 0
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.random.random_range(0..all.len())].clone()
    }

    /// Notes positions that an answer told.
    pub(super) fn heard(&mut self, answer: &Answer) {
        let position = match answer {
            Answer::Published { epoch, id, .. } => (*epoch, *id),
            Answer::Excerpt(excerpt) | Answer::Joined { excerpt, .. } => {
                (excerpt.epoch, excerpt.top)
            }
            _ => return,
        };
        let (epoch, id) = position;
        if self.positions.len() == REMEMBERED {
            let at = self.random.random_range(0..REMEMBERED);
            self.positions.swap_remove(at);
        }
        self.positions.push(Position { epoch, id });
    }

    /// One more, and the limits of the node that asks.
    pub(super) fn next(&mut self, model: &Model) -> (Request, RoomLimits) {
        self.steps += 1;
        for at in 0..self.rooms.len() {
            // What was deleted cannot be made again: another room takes its place after a while.
            if model.is_deleted(self.rooms[at]) && self.one_in(10) {
                self.rooms[at] = RoomId::of_bits(self.random.random());
            }
        }
        let room = self.one_of(&self.rooms.clone());
        if self.one_in(200) {
            self.run = self.random.random_range(1..4);
        }
        let run = if self.one_in(100) {
            self.random.random()
        } else {
            self.run
        };
        let known = model.room(room);
        let fresh = match known {
            Some(room) if self.one_in(20) => room.epoch,
            _ => Epoch::of_bits(self.random.random()),
        };
        let request = Request {
            room,
            run,
            fresh,
            seen: self.seen(model, room),
            act: self.act(known.is_some()),
        };
        (request, self.limits())
    }

    fn seen(&mut self, model: &Model, room: RoomId) -> Option<Position> {
        let room = model.room(room)?;
        let (epoch, id) = (room.epoch, room.newest);
        match self.random.random_range(0..100) {
            0 => Some(Position { epoch, id: id + 1 }),
            1 => {
                let id = u64::MAX;
                Some(Position { epoch, id })
            }
            2..20 => self.position(),
            20..60 => Some(Position { epoch, id }),
            _ => None,
        }
    }

    fn position(&mut self) -> Option<Position> {
        match self.random.random_range(0..20) {
            0 => Some(Position::NOWHERE),
            1 => Some(Position {
                epoch: Epoch::of_bits(self.random.random()),
                id: self.random.random(),
            }),
            kind if self.positions.is_empty() || kind < 3 => None,
            kind => {
                let mut position = self.one_of(&self.positions.clone());
                if kind == 3 {
                    position.id += self.random.random_range(1..4);
                } else if kind < 8 {
                    let back = self.random.random_range(0..20);
                    position.id = position.id.saturating_sub(back);
                }
                Some(position)
            }
        }
    }

    fn limits(&mut self) -> RoomLimits {
        let mut limits = RoomLimits {
            history_messages: self.one_of(&[150, 150, 150, 20, 20, 5]),
            history_bytes: self.one_of(&[1 << 20, 1 << 20, 1 << 20, 20_000, 3000]),
            history_time: Duration::from_millis(self.one_of(&[300_000, 300_000, 2000, 500])),
            empty_room_hours: self.one_of(&[None, Some(1), Some(24)]),
            ..RoomLimits::default()
        };
        if self.one_in(60) {
            limits.history_messages = self.one_of(&[0, 1, 2]);
        }
        if self.one_in(60) {
            limits.history_bytes = self.one_of(&[0, 1, 200]);
        }
        if self.one_in(60) {
            limits.history_time = Duration::from_millis(self.one_of(&[0, 1, 30]));
        }
        limits
    }

    fn name(&mut self) -> Rc<str> {
        Rc::from(self.one_of(&NAMES))
    }

    fn node(&mut self) -> u64 {
        self.one_of(&[1, 2, u64::MAX])
    }

    fn at(&mut self) -> Where {
        Where {
            node: self.node(),
            place: self.one_of(&[0, 1 << 32]),
        }
    }

    fn ask(&mut self) -> Ask {
        Ask {
            since: self.position(),
            last: self.one_of(&[0, 1, 5, 64, 64, 1000]),
            is_page: self.random.random(),
        }
    }

    fn text(&mut self) -> Option<Rc<str>> {
        let length = match self.random.random_range(0..100) {
            0..5 => return None,
            5..10 => 0,
            10 => 70_000,
            11..20 => 3000,
            _ => 40,
        };
        let letters = ["a", " ", "\n", "\0", "\r\n", "é", "글", "\u{1f44b}", "\""];
        let length = self.random.random_range(0..=length);
        let text: String = (0..length).map(|_| self.one_of(&letters)).collect();
        Some(text.into())
    }

    fn key(&mut self) -> u128 {
        if self.next_key > 0 && self.one_in(5) {
            let back = self.random.random_range(0..KEYS.min(self.next_key));
            self.next_key - 1 - back
        } else {
            self.next_key += 1;
            self.next_key - 1
        }
    }

    fn declared(&mut self) -> Declared {
        Declared {
            name: self.name(),
            identity: self.random.random_range(0..2),
            place: self.one_of(&[0, 1 << 32]),
        }
    }

    fn act(&mut self, is_there: bool) -> Act {
        let kind = self.random.random_range(0..100);
        let kind = if !is_there && kind < 60 { 1 } else { kind };
        match kind {
            0 => Act::Delete {
                key: self.one_of(&[[7; 20], [8; 20]]),
            },
            1 | 2 => Act::Create {
                name: self.name(),
                key: [7; 20],
                number: self.random.random_range(0..1 << 53),
            },
            3..5 => Act::Describe,
            5..20 => Act::Join {
                name: self.name(),
                identity: self.random.random_range(0..2),
                at: self.at(),
                ask: self.ask(),
            },
            20..28 => Act::Leave {
                name: self.name(),
                at: self.at(),
            },
            28..72 => Act::Publish {
                speaker: match self.random.random_range(0..4) {
                    0 => Speaker::Guest,
                    1 => Speaker::Member(self.at()),
                    _ => Speaker::User,
                },
                sender: self.name(),
                text: self.text(),
                key: self.key(),
            },
            72..84 => Act::Read { ask: self.ask() },
            84..88 => Act::Names {
                most: self.one_of(&[0, 1, 3, 100]),
            },
            88..93 => {
                let count = self.random.random_range(0..5);
                Act::Declare {
                    node: self.node(),
                    members: (0..count).map(|_| self.declared()).collect(),
                }
            }
            93..97 => Act::Audit { node: self.node() },
            _ => Act::Sweep {
                node: self.node(),
                most: self.one_of(&[0, 1, 2, 100]),
            },
        }
    }
}
