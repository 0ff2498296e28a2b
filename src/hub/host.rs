//! The hub as handlers see it.

use crate::app::host::Host;
use crate::app::{
    Call, EngineStats, JoinOutcome, Metrics, Peer, Remote, SendOutcome, SessionId, Stats,
};
use crate::hub::conn::flags::Flags;
use crate::hub::conn::memberships::Membership;
use crate::hub::conn::phase::State;
use crate::hub::core::{Core, HubContext};
use crate::hub::transport::Transport;
#[cfg(feature = "rooms")]
use crate::hub::ws::send::LONG;
use crate::wire::close::CloseCode;
use crate::wire::error::Result;
use crate::wire::event::Event;
use crate::wire::frame::OpCode;
use crate::wire::message::Message;
use crate::wire::receive::RawFrame;
#[cfg(feature = "rooms")]
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// A text that is sent and waits, perhaps.
#[cfg(feature = "rooms")]
#[derive(Clone)]
struct Owned(Arc<String>);

#[cfg(feature = "rooms")]
impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl<'a> HubContext<'a> {
    pub(crate) fn new(core: &'a mut Core, io: &'a mut dyn Transport) -> Self {
        Self { core, io }
    }
}

impl Host for HubContext<'_> {
    fn send(&mut self, to: SessionId, message: Message<'_>) -> SendOutcome {
        self.send(to, message)
    }

    #[cfg(feature = "rooms")]
    fn send_owned(&mut self, to: SessionId, text: String) -> SendOutcome {
        if text.len() < LONG {
            return self.send(to, Message::Text(&text));
        }
        let text = Owned(Arc::new(text));
        let before = self.core.lent.set(Some(Bytes::from_owner(text.clone())));
        let outcome = self.send(to, Message::Text(&text.0));
        self.core.lent.set(before);
        outcome
    }

    fn send_event(&mut self, to: SessionId, event: &Event<'_>) -> SendOutcome {
        self.send_event(to, event)
    }

    fn send_frame(&mut self, to: SessionId, frame: RawFrame<'_>) -> SendOutcome {
        match self.core.key_of(to) {
            Some(key) => self.send_frame(key, frame),
            None => SendOutcome::Closed,
        }
    }

    fn ping(&mut self, to: SessionId, payload: &[u8]) -> SendOutcome {
        match self.core.key_of(to) {
            Some(key) if self.catch_up_open(key) => {
                if self.core.slot(key).is_event_stream() {
                    self.core.push_comment(key);
                } else {
                    self.core.push_control(key, OpCode::Ping, payload);
                }
                SendOutcome::Queued
            }
            _ => SendOutcome::Closed,
        }
    }

    fn send_bytes(&mut self, to: SessionId, bytes: &[u8]) -> SendOutcome {
        match self.core.key_of(to) {
            Some(key) if self.core.slot(key).state() == State::Link => {
                self.core.work.charge_kept(bytes.len());
                self.core.push_ready(key, bytes);
                SendOutcome::Queued
            }
            _ => SendOutcome::Closed,
        }
    }

    fn close(&mut self, id: SessionId, code: CloseCode, reason: &str) {
        if let Some(key) = self.core.key_of(id) {
            match self.core.slot(key).state() {
                State::Dialling => return self.core.cancel_call(key),
                State::Link => return self.core.close_link(key),
                _ => {}
            }
            self.catch_up_open(key);
            self.core.close(key, code, reason);
        }
    }

    fn join(&mut self, id: SessionId, topic: &str) -> JoinOutcome {
        let Some(key) = self.core.key_of(id) else {
            return JoinOutcome::Closed;
        };
        if self.core.slot(key).state() != State::Open {
            return JoinOutcome::Closed;
        }
        let topic = self.core.topics.find_or_make(topic);
        if self.core.slot(key).memberships.find(topic).is_some() {
            return JoinOutcome::Already;
        }
        let index = self.core.topics.join(topic, key);
        let membership = Membership { topic, index };
        self.core.slot(key).memberships.push(membership);
        JoinOutcome::Joined
    }

    fn leave(&mut self, id: SessionId, topic: &str) -> bool {
        let Some(key) = self.core.key_of(id) else {
            return false;
        };
        let Some(topic) = self.core.topics.find(topic) else {
            return false;
        };
        if self.core.slot(key).memberships.find(topic).is_none() {
            return false;
        }
        self.catch_up(key);
        // Catching up can end the session, and with it its memberships.
        if let Some(membership) = self.core.slot(key).memberships.find(topic) {
            self.core.leave_membership(key, membership);
        }
        true
    }

    fn publish(
        &mut self,
        by: SessionId,
        topic: &str,
        message: Message<'_>,
        except: Option<SessionId>,
    ) -> usize {
        let except = except.and_then(|id| self.core.key_of(id));
        self.publish(by, topic, message, &[], except)
    }

    fn publish_event(
        &mut self,
        by: SessionId,
        topic: &str,
        event: &Event<'_>,
        except: Option<SessionId>,
    ) -> usize {
        let except = except.and_then(|id| self.core.key_of(id));
        self.publish_event(by, topic, event, except)
    }

    fn connect(&mut self, route: &str, call: Call) -> Result<SessionId> {
        self.core.dial(route, call)
    }

    fn subscribers(&self, topic: &str) -> usize {
        let topics = &self.core.topics;
        topics.find(topic).map_or(0, |topic| topics.members(topic))
    }

    fn buffered(&self, id: SessionId) -> usize {
        self.core.key_of(id).map_or(0, |key| {
            let gathered = if self.core.reply_of == key {
                self.core.reply_buffer.len()
            } else {
                0
            };
            self.core.slots[key as usize].backlog() + gathered
        })
    }

    fn peer(&self, id: SessionId) -> Option<Peer> {
        let key = self.core.key_of(id)?;
        Some(self.core.slots[key as usize].peer())
    }

    fn is_open(&self, id: SessionId) -> bool {
        let key = self.core.key_of(id);
        key.is_some_and(|key| self.core.slots[key as usize].state() == State::Open)
    }

    fn members(&self, topic: &str) -> Vec<SessionId> {
        let topics = &self.core.topics;
        let keys = topics.find(topic).map(|topic| topics.member_keys(topic));
        let id = |key: u32| self.core.slots[key as usize].id(key);
        keys.into_iter().flatten().map(id).collect()
    }

    fn pause(&mut self, id: SessionId) -> bool {
        let Some(key) = self.core.key_of(id) else {
            return false;
        };
        let slot = self.core.slot(key);
        let can_pause = slot.state() == State::Open && !slot.flags.has(Flags::PAUSED_BY_PROGRAM);
        if can_pause {
            slot.flags.set(Flags::PAUSED_BY_PROGRAM);
        }
        can_pause
    }

    fn resume(&mut self, id: SessionId) -> bool {
        let Some(key) = self.core.key_of(id) else {
            return false;
        };
        if self.core.resume_stream(key) {
            return true;
        }
        self.core.resume_paused(key)
    }

    fn pause_until_drained(&mut self, id: SessionId, other: SessionId) -> bool {
        let Some(key) = self.core.key_of(other) else {
            return false;
        };
        let slot = self.core.slot(key);
        let is_full = slot.state() == State::Open && slot.flags.has(Flags::OVER_MARK);
        if id == other || !is_full || !self.is_open(id) {
            return false;
        }
        self.pause(id);
        self.core.wait_for(key, id);
        true
    }

    fn charge(&mut self, units: u32) {
        self.core.work.charge(units);
    }

    fn is_spent(&self) -> bool {
        self.core.work.is_spent()
    }

    fn report_engine(&mut self, engine: EngineStats) {
        self.core.metrics.on_engine(engine);
    }

    fn count_limited(&mut self) {
        self.core.metrics.on_limited();
    }

    fn stats(&self) -> Stats {
        self.core.stats()
    }

    fn metrics(&self) -> Metrics {
        self.core.metrics()
    }

    fn protocol(&self, id: SessionId) -> Option<&str> {
        let key = self.core.key_of(id)?;
        self.core.protocol(key)
    }

    fn extensions(&self, id: SessionId) -> Option<String> {
        let key = self.core.key_of(id)?;
        let cold = self.core.slots[key as usize].cold.as_ref()?;
        cold.extensions.as_deref().map(str::to_owned)
    }

    fn set_timer(&mut self, id: SessionId, after: Duration, token: u64) {
        let is_live = |key: u32| self.core.slots[key as usize].is_live();
        if id.route().is_some() || self.core.key_of(id).is_some_and(is_live) {
            let at = self.core.ms_after(after);
            self.core.timers.set(id, token, at);
        }
    }

    fn cancel_timer(&mut self, id: SessionId, token: u64) -> bool {
        self.core.timers.cancel(id, token)
    }

    #[cfg(feature = "json")]
    fn codec(&self, id: SessionId) -> std::sync::Arc<dyn crate::app::Codec> {
        match self.core.key_of(id) {
            Some(key) => self.core.rules(key).codec.clone(),
            None => self.core.http_rules.codec.clone(),
        }
    }

    fn ticket(&mut self) -> Option<Arc<()>> {
        let most = self.core.limits.max_tickets;
        let is_full = Arc::strong_count(&self.core.tickets) > most;
        // Once for all who come while that lasts.
        if is_full && !self.core.is_out_of_tickets {
            log::warn!("{most} requests wait for their tickets; further ones get 503");
        }
        self.core.is_out_of_tickets = is_full;
        (!is_full).then(|| Arc::clone(&self.core.tickets))
    }

    fn choose_protocol(&mut self, id: SessionId, name: &str) -> bool {
        let key = self.core.key_of(id);
        key.is_some_and(|key| self.core.choose_protocol(key, name))
    }

    fn add_answer_field(&mut self, id: SessionId, name: &str, value: &str) -> bool {
        let key = self.core.key_of(id);
        key.is_some_and(|key| self.core.add_answer_field(key, name, value))
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.core.now.ms)
    }

    fn remote(&self) -> Remote {
        self.core.remote.clone()
    }
}
