//! The answer to a session whose open event runs: its 101, or the head of its event stream, which may still change it.

use crate::hub::conn::flags::Flags;
use crate::hub::conn::opening::{Opening, OpeningKind};
use crate::hub::conn::slot::Slot;
use crate::hub::core::Core;
use crate::wire::date::http_date;
use crate::wire::event::write_event_stream_head;
use crate::wire::fields::{is_token, is_value};
use crate::wire::response::is_servers_field;
use crate::wire::upgrade::write_switching_protocols;

/// Fields that say what was agreed on: they are written from that.
const AGREED: &[&str] = &[
    "upgrade",
    "sec-websocket-accept",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
    "sec-websocket-version",
];

/// Fields that make an event stream one.
const STREAM: &[&str] = &["content-type", "cache-control", "x-accel-buffering"];

impl Core {
    /// Gathers the answer, or puts it behind answers that wait.
    pub(crate) fn write_opening(&mut self, key: u32) {
        let Some(mut opening) = self.opening.take() else {
            return;
        };
        let mut answer = Vec::with_capacity(256);
        match &opening.kind {
            OpeningKind::WebSocket {
                accept, extension, ..
            } => {
                let protocol = self.protocol(key);
                let (extension, fields) = (extension.as_ref(), &opening.fields);
                write_switching_protocols(&mut answer, accept, protocol, extension, fields);
            }
            OpeningKind::Events { origin } => {
                let date = http_date(self.now.unix);
                let fields = &opening.fields;
                write_event_stream_head(&mut answer, &date, origin.as_deref(), fields);
            }
        }
        self.push_ready(key, &answer);
        opening.place.end = self.reply_buffer.len();
        self.opening = Some(opening);
    }

    /// The open event is over: what was sent in it may leave.
    pub(crate) fn end_opening(&mut self, key: u32) {
        self.opening = None;
        self.slot(key).flags.clear(Flags::OPENING);
    }

    /// The subprotocol that was agreed on.
    pub(crate) fn protocol(&self, key: u32) -> Option<&str> {
        let slot = &self.slots[key as usize];
        let chosen = slot.cold.as_ref().and_then(|cold| cold.protocol.as_deref());
        chosen.or_else(|| {
            let number = usize::from(slot.protocol).checked_sub(1)?;
            let protocols = &self.rules.get(usize::from(slot.route))?.protocols;
            protocols.get(number).map(|name| &**name)
        })
    }

    /// Answers with a subprotocol of those that the client offered.
    pub(crate) fn choose_protocol(&mut self, key: u32, name: &str) -> bool {
        self.change_opening(key, |opening, slot| {
            let OpeningKind::WebSocket { protocols, .. } = &opening.kind else {
                return false;
            };
            let is_offered = protocols.iter().any(|offered| **offered == *name);
            if is_offered {
                slot.cold().protocol = Some(name.into());
            }
            is_offered
        })
    }

    /// Adds a field to the answer.
    pub(crate) fn add_answer_field(&mut self, key: u32, name: &str, value: &str) -> bool {
        let is_stream = self.slot(key).is_event_stream();
        let set = if is_stream { STREAM } else { AGREED };
        let is_agreed = set.iter().any(|own| name.eq_ignore_ascii_case(own));
        if !is_token(name) || !is_value(value.as_bytes()) || is_servers_field(name) || is_agreed {
            return false;
        }
        self.change_opening(key, |opening, _| {
            opening.fields.push((name.to_owned(), value.to_owned()));
            true
        })
    }

    /// Changes the answer of a session that opens while it is the last that was gathered; whether it did.
    fn change_opening(
        &mut self,
        key: u32,
        change: impl FnOnce(&mut Opening, &mut Slot) -> bool,
    ) -> bool {
        let gathered = self.reply_buffer.len();
        let slot = &mut self.slots[key as usize];
        let can_change = slot.flags.has(Flags::OPENING) && slot.backlog() == 0;
        let Some(opening) = &mut self.opening else {
            return false;
        };
        if !can_change || gathered != opening.place.end || !change(opening, slot) {
            return false;
        }
        self.reply_buffer.truncate(opening.place.start);
        self.write_opening(key);
        true
    }
}
