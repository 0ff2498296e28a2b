//! What must be true, whatever happens.

use super::super::model::Room;
use crate::rooms::engine::Place;
use crate::rooms::{Epoch, Excerpt, Position, RoomId, RoomMessage};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// A member or follower as it experiences its room.
#[derive(Clone, Debug)]
pub(super) struct Listener {
    pub(super) at: Position,
    /// The text of the message at that position, if it saw one.
    pub(super) text: Option<Box<str>>,
}

/// Who listens: the node's number (and life), and where on it.
pub(super) type Who = (u32, Place);

/// What was seen of one order.
#[derive(Default)]
pub(super) struct Witness {
    /// What every node was told at a position.
    order: HashMap<(RoomId, Epoch, u64), Rc<str>>,
    /// Where a text was seen, by epoch.
    texts: HashMap<(RoomId, Epoch, Rc<str>), u64>,
    pub(super) listeners: BTreeMap<(Who, RoomId), Listener>,
    /// Receipts: where and what.
    pub(super) receipts: Vec<(RoomId, Position, Rc<str>)>,
}

impl Witness {
    /// Somebody is told of a message.
    pub(super) fn told(
        &mut self,
        room: RoomId,
        epoch: Epoch,
        message: &RoomMessage,
    ) -> Result<(), String> {
        let text: Rc<str> = message.text.as_deref().unwrap_or("").into();
        let place = (room, epoch, message.id);
        let known = self.order.entry(place).or_insert_with(|| Rc::clone(&text));
        if *known != text {
            let id = message.id;
            return Err(format!(
                "two messages are {epoch}:{id}: {known:?} and {text:?}"
            ));
        }
        let id = *self
            .texts
            .entry((room, epoch, Rc::clone(&text)))
            .or_insert(message.id);
        if id != message.id {
            let again = message.id;
            return Err(format!("{text:?} is {epoch}:{id} and {epoch}:{again}"));
        }
        Ok(())
    }

    /// Somebody is in, or listens from now on.
    pub(super) fn entered(
        &mut self,
        who: Who,
        room: RoomId,
        since: Option<Position>,
        excerpt: &Excerpt,
    ) -> Result<(), String> {
        let mut last = None;
        for message in &excerpt.messages {
            if last.is_some_and(|last| message.id <= last) {
                return Err(format!("an excerpt is out of order: {excerpt:?}"));
            }
            last = Some(message.id);
        }
        if last.is_some_and(|last| last > excerpt.top) {
            return Err(format!("an excerpt is longer than it says: {excerpt:?}"));
        }
        if let Some(since) = since
            && excerpt.recovered
        {
            let ids = excerpt.messages.iter().map(|message| message.id);
            let wanted = since.id + 1..=excerpt.top;
            if !ids.clone().eq(wanted.clone()) {
                let ids: Vec<_> = ids.collect();
                return Err(format!(
                    "recovered behind {since} with {ids:?} of {wanted:?}"
                ));
            }
        }
        let text = excerpt
            .messages
            .last()
            .filter(|last| last.id == excerpt.top);
        let listener = Listener {
            at: Position {
                epoch: excerpt.epoch,
                id: excerpt.top,
            },
            text: text.and_then(|message| message.text.clone()),
        };
        self.listeners.insert((who, room), listener);
        Ok(())
    }

    fn each(
        &mut self,
        node: u32,
        room: RoomId,
    ) -> impl Iterator<Item = (&(Who, RoomId), &mut Listener)> {
        let all = self.listeners.iter_mut();
        all.filter(move |((who, of), _)| who.0 == node && *of == room)
    }

    /// All members of a room on a node get a message.
    pub(super) fn delivered(
        &mut self,
        node: u32,
        room: RoomId,
        epoch: Epoch,
        message: &RoomMessage,
    ) -> Result<u64, String> {
        self.told(room, epoch, message)?;
        let mut count = 0;
        for (who, listener) in self.each(node, room) {
            let next = Position {
                epoch,
                id: message.id,
            };
            let at = listener.at;
            if at.epoch != epoch || at.id + 1 != message.id {
                return Err(format!("{who:?} is at {at} and gets {next}"));
            }
            listener.at = next;
            listener.text.clone_from(&message.text);
            count += 1;
        }
        Ok(count)
    }

    pub(super) fn began(&mut self, node: u32, room: RoomId, begun: Position) {
        for (_, listener) in self.each(node, room) {
            if begun.id != listener.at.id {
                listener.text = None;
            }
            listener.at = begun;
        }
    }

    pub(super) fn gap(
        &mut self,
        node: u32,
        room: RoomId,
        from: u64,
        upto: Position,
    ) -> Result<(), String> {
        for (who, listener) in self.each(node, room) {
            let at = listener.at;
            if at.epoch != upto.epoch || at.id + 1 != from {
                return Err(format!(
                    "{who:?} is at {at} and has a gap from {from} to {upto}"
                ));
            }
            listener.at = upto;
            listener.text = None;
        }
        Ok(())
    }

    pub(super) fn left(&mut self, who: Who, room: RoomId) -> Option<Listener> {
        self.listeners.remove(&(who, room))
    }

    /// A node is gone, and all that it told.
    pub(super) fn died(&mut self, node: u32) {
        self.listeners.retain(|(who, _), _| who.0 != node);
    }

    pub(super) fn closed(&mut self, node: u32, room: RoomId) {
        self.listeners
            .retain(|(who, of), _| who.0 != node || *of != room);
    }

    /// Somebody was told that its message has this place.
    pub(super) fn receipted(
        &mut self,
        room: RoomId,
        epoch: Epoch,
        message: &RoomMessage,
    ) -> Result<(), String> {
        self.told(room, epoch, message)?;
        let text: Rc<str> = message.text.as_deref().unwrap_or("").into();
        let id = message.id;
        self.receipts.push((room, Position { epoch, id }, text));
        Ok(())
    }

    /// All is quiet: who is in has seen all there is in a room, and what was receipted is there or was forgotten.
    pub(super) fn check(&self, room: RoomId, known: &Room) -> Result<(), String> {
        let newest = Position {
            epoch: known.epoch,
            id: known.newest,
        };
        for ((who, of), listener) in &self.listeners {
            let at = listener.at;
            if *of == room && at != newest {
                return Err(format!("{who:?} is at {at}, the room at {newest}"));
            }
        }
        for (of, position, text) in &self.receipts {
            if *of != room || position.epoch != known.epoch {
                continue;
            }
            let kept = known
                .messages
                .iter()
                .find(|message| message.id == position.id);
            let is_it = kept.is_none_or(|kept| kept.text.as_deref() == Some(text));
            if position.id > known.newest || !is_it {
                return Err(format!(
                    "the receipt {position} for {text:?} is of no message"
                ));
            }
        }
        Ok(())
    }
}
