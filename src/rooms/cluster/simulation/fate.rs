//! An engine and what becomes of it: it dies, comes back with less, stands still, or cannot be reached.

use super::super::server::{Data, Server};
use super::ground::{NODES, chance};
use super::seen::Seen;
use super::witness::Listener;
use crate::rooms::RoomId;
use rand::RngExt;
use rand::rngs::StdRng;

/// What goes wrong with the others.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trouble {
    Nothing,
    /// One line of a node is cut.
    Cut {
        at: usize,
        which: usize,
    },
    /// All lines are.
    CutAll,
    /// A node stands still for so many milliseconds.
    Still {
        at: usize,
        most: u64,
    },
    Kill {
        at: usize,
    },
    /// A node begins, if there is none here.
    Begin {
        at: usize,
    },
}

/// An engine.
pub(super) struct Fate {
    pub(super) server: Server,
    /// What a replica has: the engine's data of a while ago.
    replica: Data,
    /// It cannot be reached until then, or stands still until then.
    pub(super) away_until: u64,
    pub(super) still_until: u64,
}

impl Fate {
    pub(super) fn new(server: Server) -> Self {
        let replica = server.snapshot();
        Self {
            server,
            replica,
            away_until: 0,
            still_until: 0,
        }
    }

    /// Something goes wrong.
    pub(super) fn disturb(
        &mut self,
        random: &mut StdRng,
        now: u64,
        rooms: &[RoomId],
        seen: &mut Seen,
    ) -> Trouble {
        if chance(random, 30) {
            self.replica = self.server.snapshot();
        }
        match random.random_range(0..900) {
            0..12 => {
                let (at, which) = (random.random_range(0..NODES), random.random_range(0..2));
                return Trouble::Cut { at, which };
            }
            12..15 => {
                // It dies, and a replica takes its place, or it comes back with what it had.
                let before = self.count_messages(rooms);
                let data = if chance(random, 2) {
                    self.replica.clone()
                } else if chance(random, 12) {
                    Data::default()
                } else {
                    self.server.snapshot()
                };
                self.server.restore(data);
                self.server.is_readonly = false;
                self.server.is_loading = chance(random, 4);
                self.replica = self.server.snapshot();
                seen.failovers += 1;
                seen.lost += before.saturating_sub(self.count_messages(rooms));
                self.away_until = now + random.random_range(0..4_000);
                return Trouble::CutAll;
            }
            15..18 => {
                self.still_until = now + random.random_range(0..9_000);
                seen.pauses += 1;
            }
            18..21 => {
                let at = random.random_range(0..NODES);
                let most = random.random_range(1..25_000);
                return Trouble::Still { at, most };
            }
            21..24 => {
                let at = random.random_range(0..NODES);
                return Trouble::Kill { at };
            }
            24..40 => {
                let at = random.random_range(0..NODES);
                return Trouble::Begin { at };
            }
            40..42 => self.server.forget_scripts(),
            42..44 => self.server.is_readonly = !self.server.is_readonly,
            44..50 => {
                self.server.is_readonly = false;
                self.server.is_loading = false;
            }
            _ => {}
        }
        Trouble::Nothing
    }

    fn count_messages(&self, rooms: &[RoomId]) -> u64 {
        let known = rooms
            .iter()
            .filter_map(|room| self.server.data().rooms.room(*room));
        known.map(|room| room.newest).sum()
    }

    /// Nothing goes wrong any more.
    pub(super) fn make_peace(&mut self, now: u64) {
        self.away_until = self.away_until.min(now);
        self.still_until = self.still_until.min(now);
        self.server.is_readonly = false;
        self.server.is_loading = false;
    }

    /// Who is told that nothing is missing has seen what the engine has.
    pub(super) fn check_resumed(
        &self,
        room: RoomId,
        seen: &Listener,
        recovered: bool,
        counts: &mut Seen,
    ) -> Result<(), String> {
        if !recovered {
            counts.unresumed += 1;
            return Ok(());
        }
        counts.resumed += 1;
        // The engine may have lost it since it answered: then the room has another epoch by now, or will.
        let Some(known) = self.server.data().rooms.room(room) else {
            return Ok(());
        };
        let since = seen.at;
        let kept = known.messages.iter().find(|message| message.id == since.id);
        if let (Some(kept), Some(text)) = (kept, &seen.text)
            && known.run_is(self.server.run_id())
            && kept.text.as_ref() != Some(text)
        {
            let kept = &kept.text;
            return Err(format!(
                "recovered at {since}, where it saw {text:?} and the engine has {kept:?}"
            ));
        }
        Ok(())
    }
}
