//! The hub as handlers see it.

use super::core::Floor;
use super::slot::State;
use super::transport::Transport;
use crate::app::host::Host;
use crate::app::{Call, Peer, Remote, Send, SessionId};
use crate::wire::close::CloseCode;
use crate::wire::error::Result;
use crate::wire::frame::OpCode;
use crate::wire::message::Message;
use crate::wire::receive::RawFrame;
use std::time::Duration;

impl<'a> Floor<'a> {
    pub(super) fn new(core: &'a mut super::core::Core, io: &'a mut dyn Transport) -> Self {
        Self { core, io }
    }
}

impl Host for Floor<'_> {
    fn send(&mut self, to: SessionId, message: Message<'_>) -> Send {
        match self.core.place_of(to) {
            Some(place) => self.send(place, message),
            None => Send::Closed,
        }
    }

    fn send_frame(&mut self, to: SessionId, frame: RawFrame<'_>) -> Send {
        match self.core.place_of(to) {
            Some(place) => self.send_frame(place, frame),
            None => Send::Closed,
        }
    }

    fn ping(&mut self, to: SessionId, payload: &[u8]) -> Send {
        match self.core.place_of(to) {
            Some(place) if self.settle_open(place) => {
                self.core.push_control(place, OpCode::Ping, payload);
                Send::Queued
            }
            _ => Send::Closed,
        }
    }

    fn close(&mut self, id: SessionId, code: CloseCode, reason: &str) {
        if let Some(place) = self.core.place_of(id) {
            if self.core.slot(place).state == State::Dialling {
                return self.core.take_call_back(place);
            }
            self.settle_open(place);
            self.core.close(place, code, reason);
        }
    }

    fn join(&mut self, id: SessionId, topic: &str) -> bool {
        let Some(place) = self.core.place_of(id) else {
            return false;
        };
        if self.core.slot(place).state != State::Open {
            return false;
        }
        let topic = self.core.topics.find_or_make(topic);
        if self.core.slot(place).seats.find(topic).is_some() {
            return false;
        }
        let index = self.core.topics.join(topic, place);
        self.core
            .slot(place)
            .seats
            .push(super::slot::Seat { topic, index });
        true
    }

    fn leave(&mut self, id: SessionId, topic: &str) -> bool {
        let Some(place) = self.core.place_of(id) else {
            return false;
        };
        let Some(topic) = self.core.topics.find(topic) else {
            return false;
        };
        if self.core.slot(place).seats.find(topic).is_none() {
            return false;
        }
        self.settle(place);
        // Settling can end the session, and with it its memberships.
        if let Some(seat) = self.core.slot(place).seats.find(topic) {
            self.core.leave_seat(place, seat);
        }
        true
    }

    fn publish(
        &mut self,
        from: Option<SessionId>,
        topic: &str,
        message: Message<'_>,
        with_self: bool,
    ) -> usize {
        let from = from.and_then(|id| self.core.place_of(id));
        self.publish(from, topic, message, with_self)
    }

    fn connect(&mut self, route: &str, call: Call) -> Result<SessionId> {
        self.core.dial(route, call)
    }

    fn subscribers(&self, topic: &str) -> usize {
        let topics = &self.core.topics;
        topics.find(topic).map_or(0, |topic| topics.members(topic))
    }

    fn buffered(&self, id: SessionId) -> usize {
        self.core.place_of(id).map_or(0, |place| {
            let gathered = match self.core.gather_of == place {
                true => self.core.gather.len(),
                false => 0,
            };
            self.core.slots[place as usize].backlog() + gathered
        })
    }

    fn peer(&self, id: SessionId) -> Peer {
        match self.core.place_of(id) {
            Some(place) => self.core.slots[place as usize].peer(),
            None => Peer::Unix,
        }
    }

    fn protocol(&self, id: SessionId) -> Option<&str> {
        let place = self.core.place_of(id)?;
        let rare = self.core.slots[place as usize].rare.as_ref()?;
        rare.protocol.as_deref()
    }

    fn extensions(&self, id: SessionId) -> Option<String> {
        let place = self.core.place_of(id)?;
        let rare = self.core.slots[place as usize].rare.as_ref()?;
        rare.extensions.as_deref().map(str::to_owned)
    }

    fn set_timer(&mut self, id: SessionId, after: Duration, token: u64) {
        if let Some(place) = self.core.place_of(id)
            && self.core.slot(place).is_live()
        {
            let at = self.core.ms_after(after);
            self.core.timers.set(id, token, at);
        }
    }

    fn cancel_timer(&mut self, id: SessionId, token: u64) -> bool {
        self.core.timers.cancel(id, token)
    }

    #[cfg(feature = "json")]
    fn codec(&self, id: SessionId) -> std::rc::Rc<dyn crate::app::Codec> {
        match self.core.place_of(id) {
            Some(place) => self.core.rules(place).codec.clone(),
            None => self.core.http_rules.codec.clone(),
        }
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.core.now.ms)
    }

    fn remote(&self) -> Remote {
        self.core.remote.clone()
    }
}
