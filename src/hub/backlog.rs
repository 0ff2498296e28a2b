//! The backlog of a peer that does not take what is sent to it: its mark, its limit, and the
//! policy of its route past them (SPEC 6).
//!
//! A slow reader costs only itself. Every drop is counted and told with the next drain event.

use super::core::{Core, Floor};
use super::slot::{Flags, State};
use crate::app::Backlog;
use crate::wire::close::CloseCode;
use crate::wire::outbox::Outbox;

impl Floor<'_> {
    /// Makes room for `len` more bytes by the route's policy; `false` when they are not to be queued.
    pub(super) fn has_room(&mut self, place: u32, len: usize, messages: u64) -> bool {
        let limit = self.core.rules(place).backlog_limit;
        let passes = |backlog: usize| backlog > 0 && backlog + len > limit;
        let slot = self.core.slot(place);
        if passes(slot.backlog()) && !slot.flags.has(Flags::BLOCKED) {
            // Perhaps nobody has asked the peer yet.
            self.flush(place);
        }
        if !passes(self.core.slot(place).backlog()) {
            return true;
        }
        match self.core.backlog_policy(place) {
            Backlog::StopReading => true,
            Backlog::DropOldest => {
                self.core.drop_oldest(place, limit.saturating_sub(len));
                true
            }
            Backlog::DropNewest => {
                self.core.dropped(place, messages);
                false
            }
            Backlog::Close => {
                self.core.close_slow(place);
                false
            }
        }
    }
}

impl Core {
    /// Counts new backlog and starts the clock when it passes the mark.
    pub(super) fn backlog_grew(&mut self, place: u32, by: usize) {
        self.buffered += by;
        let tick = self.tick;
        let (mark, stops) = {
            let rules = self.rules(place);
            (rules.backlog_mark, rules.backlog == Backlog::StopReading)
        };
        let slot = self.slot(place);
        if slot.backlog() <= mark || slot.rare().over_since.is_some() {
            return;
        }
        slot.flags.set(Flags::OVER_MARK);
        if stops {
            slot.flags.set(Flags::PAUSED);
        }
        slot.rare().over_since = Some(tick);
        self.rearm(place);
    }

    /// Notices that the backlog is below its mark again.
    pub(super) fn backlog_fell(&mut self, place: u32) {
        let rules = self.rules(place);
        let (mark, stops) = (rules.backlog_mark, rules.backlog == Backlog::StopReading);
        let tick = self.tick;
        let slot = self.slot(place);
        if !slot.flags.has(Flags::OVER_MARK) {
            return;
        }
        if slot.backlog() > mark {
            if stops && let Some(since) = &mut slot.rare().over_since {
                *since = tick;
            }
            return;
        }
        let id = slot.id(place);
        slot.flags.clear(Flags::OVER_MARK);
        slot.rare().over_since = None;
        if slot.flags.has(Flags::PAUSED) {
            slot.flags.clear(Flags::PAUSED);
            self.resumed.push_back(id);
        }
        if self.slot(place).state == State::Open {
            self.drained.push_back(id);
        }
    }

    /// What the route says about a backlog, as far as it can be done: where each message is
    /// encoded on top of the ones before, none can be left out.
    fn backlog_policy(&self, place: u32) -> Backlog {
        let rare = self.slots[place as usize].rare.as_ref();
        let transform = rare.and_then(|rare| rare.transform.as_ref());
        let is_chained = transform.is_some_and(|transform| transform.share_key().is_none());
        match self.rules(place).backlog {
            Backlog::DropNewest | Backlog::DropOldest if is_chained => Backlog::Close,
            policy => policy,
        }
    }

    fn dropped(&mut self, place: u32, messages: u64) {
        self.stats.dropped += messages;
        let slot = self.slot(place);
        slot.rare().dropped += messages;
        // A drop is told with the next drain event, also where the backlog never passed its mark.
        slot.flags.set(Flags::OVER_MARK);
    }

    /// Drops the oldest waiting messages; an eighth more than needed, so that a steady overflow
    /// does not go through the backlog each time.
    pub(super) fn drop_oldest(&mut self, place: u32, limit: usize) {
        self.drop_waiting(place, |outbox| outbox.drop_oldest(limit - limit / 8));
    }

    /// Drops the newest waiting messages.
    pub(super) fn drop_newest(&mut self, place: u32, limit: usize) {
        self.drop_waiting(place, |outbox| outbox.drop_newest(limit));
    }

    fn drop_waiting(&mut self, place: u32, drop: impl FnOnce(&mut Outbox) -> u64) {
        let outbox = &mut self.slot(place).rare().outbox;
        let before = outbox.len();
        let count = drop(outbox);
        let freed = before - outbox.len();
        self.buffered -= freed;
        if count > 0 {
            self.dropped(place, count);
        }
    }

    /// The policy for a peer that does not read, or not fast enough.
    pub(super) fn close_slow(&mut self, place: u32) {
        // Once only: the second time its Close would be what is dropped.
        if self.slot(place).state == State::Open {
            self.drop_unbegun(place);
            self.close(place, CloseCode::POLICY, "Slow reader");
        }
    }

    /// Forgets what waits, except for the frame that has begun.
    pub(super) fn drop_unbegun(&mut self, place: u32) {
        if let Some(rare) = &mut self.slots[place as usize].rare {
            let before = rare.outbox.len();
            rare.outbox.clear_unbegun();
            rare.pong = None;
            self.buffered -= before - rare.outbox.len();
        }
    }

    /// The backlog is past its limit: what the route's policy says.
    pub(super) fn enforce_limit(&mut self, place: u32) {
        let limit = self.rules(place).backlog_limit;
        match self.backlog_policy(place) {
            Backlog::Close => self.close_slow(place),
            Backlog::DropOldest => self.drop_oldest(place, limit),
            Backlog::DropNewest => self.drop_newest(place, limit),
            // Reading has stopped, and so has what makes the backlog grow.
            Backlog::StopReading => {}
        }
    }

    /// The backlog is above its mark for too long: what the route's policy says.
    pub(super) fn enforce_mark(&mut self, place: u32) {
        let mark = self.rules(place).backlog_mark;
        match self.backlog_policy(place) {
            // Where reading stops, the time begins anew with every byte that is taken: a peer
            // that takes nothing for this long will not begin to.
            Backlog::Close | Backlog::StopReading => self.close_slow(place),
            Backlog::DropOldest => self.drop_oldest(place, mark),
            Backlog::DropNewest => self.drop_newest(place, mark),
        }
    }
}
