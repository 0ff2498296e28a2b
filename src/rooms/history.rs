//! The newest messages of a room, within a number, an age and a size.

use super::RoomMessage;
use std::collections::VecDeque;
use std::rc::Rc;

/// The newest messages of a room.
#[derive(Debug, Default)]
pub(super) struct History {
    /// With the time it came in, milliseconds of the server's clock; below 0 for before the start.
    messages: VecDeque<(i64, Rc<RoomMessage>)>,
    held: usize,
}

impl History {
    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn push(&mut self, at: i64, message: Rc<RoomMessage>) {
        self.held += message.held();
        self.messages.push_back((at, message));
    }

    /// Forgets what is past these bounds.
    pub(super) fn cut(&mut self, most: usize, bytes: usize, oldest: i64) {
        while self.messages.len() > most || self.held > bytes || self.is_older(oldest) {
            self.forget_oldest();
        }
        if self.messages.is_empty() && self.messages.capacity() > 0 {
            self.messages = VecDeque::new();
        }
    }

    fn is_older(&self, oldest: i64) -> bool {
        self.messages.front().is_some_and(|(at, _)| *at < oldest)
    }

    pub(super) fn forget_oldest(&mut self) {
        if let Some((_, message)) = self.messages.pop_front() {
            self.held -= message.held();
        }
    }

    /// The id of the oldest one.
    pub(super) fn first(&self) -> Option<u64> {
        self.messages.front().map(|(_, message)| message.id)
    }

    /// The id of the newest one.
    pub(super) fn last(&self) -> Option<u64> {
        self.messages.back().map(|(_, message)| message.id)
    }

    /// The first so many behind this id.
    pub(super) fn after(&self, id: u64, most: usize) -> Vec<Rc<RoomMessage>> {
        let from = self
            .messages
            .partition_point(|(_, message)| message.id <= id);
        let messages = self.messages.iter().skip(from).take(most);
        messages.map(|(_, message)| Rc::clone(message)).collect()
    }

    /// The newest so many.
    pub(super) fn newest(&self, most: usize) -> Vec<Rc<RoomMessage>> {
        let from = self.messages.len().saturating_sub(most);
        let messages = self.messages.iter().skip(from);
        messages.map(|(_, message)| Rc::clone(message)).collect()
    }
}
