//! The 101 of a session whose open event runs, which may still change it.

use crate::hub::conn::flags::Flags;
use crate::hub::conn::opening::Opening;
use crate::hub::conn::slot::Slot;
use crate::hub::core::Core;
use crate::wire::fields::{is_token, is_value};
use crate::wire::response::is_servers_field;
use crate::wire::upgrade::write_switching_protocols;

/// Fields that say what was agreed on: they are written from that.
const AGREED: [&str; 5] = [
    "upgrade",
    "sec-websocket-accept",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
    "sec-websocket-version",
];

impl Core {
    /// Gathers the 101, or puts it behind answers that wait.
    pub(crate) fn write_opening(&mut self, key: u32) {
        let Some(mut opening) = self.opening.take() else {
            return;
        };
        let mut answer = Vec::with_capacity(256);
        let cold = self.slots[key as usize].cold.as_ref();
        let protocol = cold.and_then(|cold| cold.protocol.as_deref());
        write_switching_protocols(
            &mut answer,
            &opening.accept,
            protocol,
            opening.extension.as_ref(),
            &opening.fields,
        );
        self.push_ready(key, &answer);
        opening.place.end = self.reply_buffer.len();
        self.opening = Some(opening);
    }

    /// The open event is over: what was sent in it may leave.
    pub(crate) fn end_opening(&mut self, key: u32) {
        self.opening = None;
        self.slot(key).flags.clear(Flags::OPENING);
    }

    /// Answers with a subprotocol of those that the client offered.
    pub(crate) fn choose_protocol(&mut self, key: u32, name: &str) -> bool {
        self.change_opening(key, |opening, slot| {
            let is_offered = opening.protocols.iter().any(|offered| **offered == *name);
            if is_offered {
                slot.cold().protocol = Some(name.into());
            }
            is_offered
        })
    }

    /// Adds a field to the 101.
    pub(crate) fn add_answer_field(&mut self, key: u32, name: &str, value: &str) -> bool {
        let is_agreed = AGREED
            .iter()
            .any(|agreed| name.eq_ignore_ascii_case(agreed));
        if !is_token(name) || !is_value(value.as_bytes()) || is_servers_field(name) || is_agreed {
            return false;
        }
        self.change_opening(key, |opening, _| {
            opening.fields.push((name.to_owned(), value.to_owned()));
            true
        })
    }

    /// Changes the 101 of a session that opens while it is the last that was gathered; whether it did.
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
