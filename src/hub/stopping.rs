//! The end of a server.
//!
//! Connections without a session end at once, sessions with Close 1001 when [`Shutdown`] says that it is
//! their time. Who is not gone when the time of the drain is over is cut. Connections of admin listeners
//! stay until all others are gone: somebody may watch how it ends.

use crate::hub::conn::flags::Flags;
use crate::hub::conn::phase::State;
use crate::hub::core::{Core, HubContext};
use crate::hub::shutdown::Shutdown;
use crate::wire::close::CloseCode;
use crate::wire::error::{Error, ErrorKind};
use crate::wire::work::price;
use std::collections::VecDeque;

impl HubContext<'_> {
    /// Ends some of the connections that shutdown has not reached yet.
    pub(crate) fn stop_slice(&mut self) {
        let now = self.core.now.ms;
        self.core.go_on_stopping(now);
        while !self.core.work.is_spent() {
            let Some(key) = self.core.next_to_stop(now) else {
                return;
            };
            self.core.work.charge(price::EVENT);
            if !self.core.slots.contains(key as usize) || self.core.is_watching(key) {
                continue;
            }
            // What was published before the shutdown still goes out.
            let slot = self.core.slot(key);
            if slot.state() == State::Open && slot.is_event_stream() {
                self.catch_up_some(key);
                if self.core.owes(key) {
                    // Its events are not written yet.
                    self.core.to_stop.push_back(key);
                    continue;
                }
            }
            self.catch_up_open(key);
            let is_over = self.may_be_dropped(key);
            let core = &mut *self.core;
            match core.slot(key).state() {
                State::Open => core.close(key, CloseCode::GOING_AWAY, "Server stopping"),
                State::Head => core.stop_http(key),
                State::Waiting => core.refuse_waiting(key),
                // Without its last chunk: the peer sees that something is missing.
                State::Streaming => core.finish_http(key),
                State::Dialling => {
                    let message = "the server is stopping";
                    core.dial_failed(key, Error::new(ErrorKind::Closed, message));
                }
                State::Lingering if is_over => core.lost(key),
                State::Dead | State::Link | State::Closing | State::Ending | State::Lingering => {}
            }
        }
    }

    /// Whether a connection whose sending direction has ended can go without the peer's end of file. While
    /// the server stops, a session can that is closed from both sides: its peer has nothing more to say, so
    /// no reset takes our Close from it.
    pub(crate) fn may_be_dropped(&mut self, key: u32) -> bool {
        let core = &*self.core;
        let is_closed = core.slots[key as usize].flags.has(Flags::PEER_CLOSED);
        core.is_stopping() && is_closed && self.io.is_all_sent(key)
    }
}

impl Core {
    /// Shutdown: every session gets Close 1001, in slices. The second call cuts what is left.
    pub(crate) fn stop(&mut self) {
        if self.shutdown.is_some() {
            return self.cut_all();
        }
        let mut later = VecDeque::new();
        for (key, slot) in &self.slots {
            match slot.state() {
                _ if self.is_admin(slot.listener) || self.is_link(slot.route) => {}
                State::Open => later.push_back(key as u32),
                _ => self.to_stop.push_back(key as u32),
            }
        }
        self.shutdown = Some(Shutdown::new(self.now.ms, self.limits.drain, later));
    }

    fn cut_all(&mut self) {
        let keys: Vec<u32> = self.slots.iter().map(|(key, _)| key as u32).collect();
        keys.into_iter().for_each(|key| self.lost(key));
        if let Some(shutdown) = &mut self.shutdown {
            (shutdown.has_cut, shutdown.has_stopped_admin) = (true, true);
            shutdown.later = VecDeque::new();
        }
        self.to_stop.clear();
    }

    /// Whether shutdown has begun.
    pub(crate) fn is_stopping(&self) -> bool {
        self.shutdown.is_some()
    }

    /// Whether connections of admin listeners are still let in.
    pub(crate) fn admits_admin(&self) -> bool {
        self.shutdown
            .as_ref()
            .is_none_or(|shutdown| !shutdown.has_stopped_admin)
    }

    /// Whether this is a connection of an admin listener, which shutdown has not reached. A key may have
    /// got such an owner since it was put in a list.
    fn is_watching(&self, key: u32) -> bool {
        self.is_admin(self.slots[key as usize].listener) && self.admits_admin()
    }

    /// What the time brings: the end of the drain, and that of those who watched.
    fn go_on_stopping(&mut self, now: u64) {
        let (live, watching) = (self.connections(), self.admin_connections);
        let Some(shutdown) = &mut self.shutdown else {
            return;
        };
        if now >= shutdown.cut_at && !shutdown.has_cut {
            if live > watching {
                let left = live - watching;
                log::warn!("the time of the drain is over: {left} connections are cut");
            }
            return self.cut_all();
        }
        if live == watching && !shutdown.has_stopped_admin {
            shutdown.has_stopped_admin = true;
            shutdown.later = VecDeque::new();
            let keys = self.slots.iter().map(|(key, _)| key as u32);
            self.to_stop.extend(keys);
            shutdown.tells_links = true;
        }
    }

    fn next_to_stop(&mut self, now: u64) -> Option<u32> {
        let at_once = self.to_stop.pop_front();
        at_once.or_else(|| self.shutdown.as_mut()?.release(now))
    }

    /// When shutdown has something to do next.
    pub(crate) fn next_of_shutdown(&self) -> Option<u64> {
        let shutdown = self.shutdown.as_ref()?;
        if self.slots.is_empty() {
            return None;
        }
        let is_admin_next =
            !shutdown.has_stopped_admin && self.connections() == self.admin_connections;
        if is_admin_next {
            return Some(self.now.ms);
        }
        shutdown.next(self.now.ms)
    }

    /// Whether this is the number of an admin listener.
    pub(crate) fn is_admin(&self, listener: u16) -> bool {
        self.admin_listeners.contains(&listener)
    }
}
