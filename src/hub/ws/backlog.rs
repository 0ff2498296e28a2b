//! The backlog of a peer that does not take what is sent to it: its mark, its limit, and the
//! policy of its route past them (SPEC 6).
//!
//! A slow reader costs only itself. Every drop is counted and told with the next drain event.

use crate::app::{BacklogPolicy, SendOutcome, SessionId};
use crate::hub::conn::flags::Flags;
use crate::hub::conn::phase::State;
use crate::hub::core::{Core, HubContext};
use crate::wire::close::CloseCode;
use crate::wire::outbox::{Framing, Outbox};
use crate::wire::work::price;

impl HubContext<'_> {
    /// Makes room for `len` more bytes by the route's policy; `false` when they are not to be queued.
    pub(crate) fn has_room(&mut self, key: u32, len: usize, messages: u64) -> bool {
        let limit = self.core.rules(key).backlog_limit;
        let passes = |backlog: usize| backlog > 0 && backlog + len > limit;
        let slot = self.core.slot(key);
        if passes(slot.backlog()) && !slot.flags.has(Flags::BLOCKED) {
            // Perhaps nobody has asked the peer yet.
            self.flush(key);
        }
        if !passes(self.core.slot(key).backlog()) {
            return true;
        }
        match self.core.backlog_policy(key) {
            // Reading has stopped: only the event that runs can still answer, and only so much.
            BacklogPolicy::StopReading if self.core.reply_of == key => {
                let fits = self.core.slot(key).backlog() <= limit;
                if !fits {
                    self.core.dropped(key, messages);
                }
                fits
            }
            BacklogPolicy::StopReading => {
                self.core.close_slow(key);
                false
            }
            BacklogPolicy::DropOldest => {
                self.core.drop_oldest(key, limit.saturating_sub(len));
                true
            }
            BacklogPolicy::DropNewest => {
                self.core.dropped(key, messages);
                false
            }
            BacklogPolicy::Close => {
                self.core.close_slow(key);
                false
            }
        }
    }
}

impl Core {
    /// What the program is told of a send: that of a backlog above its mark, too.
    pub(crate) fn told(&self, key: u32, outcome: SendOutcome) -> SendOutcome {
        let slot = &self.slots[key as usize];
        let is_above =
            slot.flags.has(Flags::OVER_MARK) && slot.backlog() > self.rules(key).backlog_mark;
        match outcome {
            SendOutcome::Queued if is_above => SendOutcome::AboveMark,
            outcome => outcome,
        }
    }

    /// Adds to an outbox, and starts the clock when the backlog passes its mark.
    pub(crate) fn push_backlog(&mut self, key: u32, push: impl FnOnce(&mut Outbox)) {
        self.keep(key, |slot| push(&mut slot.cold().outbox));
        let tick = self.tick;
        let (mark, stops) = {
            let rules = self.rules(key);
            (
                rules.backlog_mark,
                rules.backlog == BacklogPolicy::StopReading,
            )
        };
        let slot = self.slot(key);
        if slot.backlog() <= mark || slot.cold().over_since.is_some() {
            return;
        }
        slot.flags.set(Flags::OVER_MARK);
        if stops {
            slot.flags.set(Flags::PAUSED);
        }
        slot.cold().over_since = Some(tick);
        self.rearm(key);
    }

    /// Notices that the backlog is below its mark again.
    pub(crate) fn backlog_fell(&mut self, key: u32) {
        let rules = self.rules(key);
        let (mark, stops) = (
            rules.backlog_mark,
            rules.backlog == BacklogPolicy::StopReading,
        );
        let tick = self.tick;
        let slot = self.slot(key);
        if !slot.flags.has(Flags::OVER_MARK) {
            return;
        }
        if slot.backlog() > mark {
            if stops && let Some(since) = &mut slot.cold().over_since {
                *since = tick;
            }
            return;
        }
        let id = slot.id(key);
        slot.flags.clear(Flags::OVER_MARK);
        slot.cold().over_since = None;
        self.release_waiters(key);
        let slot = self.slot(key);
        if slot.flags.has(Flags::PAUSED) {
            slot.flags.clear(Flags::PAUSED);
            self.resumed.push_back(id);
        }
        if self.slot(key).state() == State::Open {
            self.drained.push_back(id);
        }
    }

    /// A session is not read until the backlog of this one is below its mark.
    pub(crate) fn wait_for(&mut self, key: u32, waiter: SessionId) {
        let waiters = &mut self.slot(key).cold().waiters;
        if !waiters.contains(&waiter) {
            waiters.push(waiter);
        }
    }

    /// Whoever waits for this session is read again.
    pub(crate) fn release_waiters(&mut self, key: u32) {
        let cold = self.slot(key).cold.as_mut();
        let waiters = cold.map(|cold| std::mem::take(&mut cold.waiters));
        for waiter in waiters.unwrap_or_default() {
            if let Some(key) = self.key_of(waiter) {
                self.resume_paused(key);
            }
        }
    }

    /// Reads a session again that the program has paused; whether it was.
    pub(crate) fn resume_paused(&mut self, key: u32) -> bool {
        let slot = self.slot(key);
        let was_paused = slot.flags.has(Flags::PAUSED_BY_PROGRAM);
        slot.flags.clear(Flags::PAUSED_BY_PROGRAM);
        if was_paused && !slot.is_stopped() {
            let id = slot.id(key);
            self.resumed.push_back(id);
        }
        was_paused
    }

    /// What the route says about a backlog, as far as it can be done: where each message is
    /// encoded on top of the ones before, none can be left out.
    fn backlog_policy(&self, key: u32) -> BacklogPolicy {
        let cold = self.slots[key as usize].cold.as_ref();
        let transform = cold.and_then(|cold| cold.transform.as_ref());
        let is_chained = transform.is_some_and(|transform| transform.share_key().is_none());
        match self.rules(key).backlog {
            BacklogPolicy::DropNewest | BacklogPolicy::DropOldest if is_chained => {
                BacklogPolicy::Close
            }
            policy => policy,
        }
    }

    fn dropped(&mut self, key: u32, messages: u64) {
        self.metrics.on_dropped(messages);
        let slot = self.slot(key);
        slot.cold().dropped += messages;
        // A drop is told with the next drain event, also where the backlog never passed its mark.
        slot.flags.set(Flags::OVER_MARK);
    }

    /// Drops the oldest waiting messages; an eighth more than needed, so that a steady overflow
    /// does not go through the backlog each time.
    pub(crate) fn drop_oldest(&mut self, key: u32, limit: usize) {
        self.drop_waiting(key, |outbox, framing| {
            outbox.drop_oldest(limit - limit / 8, framing)
        });
    }

    /// Drops the newest waiting messages.
    pub(crate) fn drop_newest(&mut self, key: u32, limit: usize) {
        self.drop_waiting(key, |outbox, framing| outbox.drop_newest(limit, framing));
    }

    fn drop_waiting(&mut self, key: u32, drop: impl FnOnce(&mut Outbox, Framing) -> u64) {
        let (backlog, framing) = (self.slot(key).backlog(), self.slot(key).framing());
        self.work.charge_bytes(backlog, price::BYTES_COPIED);
        if framing == Framing::Events {
            // Their ends are searched for.
            self.work.charge_bytes(backlog, price::BYTES_COPIED);
        }
        let count = self.keep(key, |slot| drop(&mut slot.cold().outbox, framing));
        if count > 0 {
            self.dropped(key, count);
        }
    }

    /// The policy for a peer that does not read, or not fast enough.
    pub(crate) fn close_slow(&mut self, key: u32) {
        // Once only: the second time its Close would be what is dropped.
        if self.slot(key).state() == State::Open {
            let slot = self.slot(key);
            let (id, peer, backlog) = (slot.id(key), slot.peer(), slot.backlog());
            log::info!(
                connection:% = id;
                "session {id} of {peer} reads too slowly: {backlog} bytes wait; closed with 1008"
            );
            self.metrics.on_slow();
            self.drop_unbegun(key);
            self.close(key, CloseCode::POLICY, "Slow reader");
        }
    }

    /// Forgets what waits, except for the frame that has begun.
    pub(crate) fn drop_unbegun(&mut self, key: u32) {
        self.keep(key, |slot| {
            if let Some(cold) = &mut slot.cold {
                cold.outbox.clear_unbegun();
                cold.pong = None;
            }
        });
    }

    /// The backlog is past its limit: what the route's policy says.
    pub(crate) fn enforce_limit(&mut self, key: u32) {
        let limit = self.rules(key).backlog_limit;
        match self.backlog_policy(key) {
            BacklogPolicy::Close => self.close_slow(key),
            BacklogPolicy::DropOldest => self.drop_oldest(key, limit),
            BacklogPolicy::DropNewest => self.drop_newest(key, limit),
            // What others say cannot be held back by not reading it.
            BacklogPolicy::StopReading => self.close_slow(key),
        }
    }

    /// The backlog is above its mark for too long: what the route's policy says.
    pub(crate) fn enforce_mark(&mut self, key: u32) {
        let mark = self.rules(key).backlog_mark;
        match self.backlog_policy(key) {
            // Where reading stops, the time begins anew with every byte that is taken: a peer
            // that takes nothing for this long will not begin to.
            BacklogPolicy::Close | BacklogPolicy::StopReading => self.close_slow(key),
            BacklogPolicy::DropOldest => self.drop_oldest(key, mark),
            BacklogPolicy::DropNewest => self.drop_newest(key, mark),
        }
    }
}
