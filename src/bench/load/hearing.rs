//! Receiving: which message an answer belongs to, how long it took, and what comes next.

use super::peer::{Role, Stage};
use super::seen::Arrival;
use super::speaking::Mouth;
use super::state::{ANSWERED, Load, Phase};
use crate::dialect::token::Token;
use crate::dialect::{Early, Found};
use dunlin::{Message, Session};

impl Load {
    /// A message arrived.
    #[inline]
    pub(super) fn heard(&mut self, index: usize, session: &mut Session<'_>, message: Message<'_>) {
        let counts = &mut self.figures.counts;
        counts.received += 1;
        counts.received_bytes += message.len() as u64;
        if self.peers[index].stage == Stage::Entering {
            return self.entering(index, session, message);
        }
        match (self.dialect.find(message), self.role(index)) {
            (Found::Token(token), Role::Echo) => self.answered(index, token, session),
            (Found::Token(token), Role::Receiver) => self.delivered(index, token, session),
            // Senders and slow readers get what is not asked of them.
            (Found::Token(_), Role::Sender | Role::Slow) => {}
            (Found::Altered, _) => {
                self.error("answer: altered", || {
                    format!("a message came back changed: {:?}", shown(message))
                });
            }
            _ => self.other(session, message),
        }
    }

    #[cold]
    fn other(&mut self, session: &mut Session<'_>, message: Message<'_>) {
        self.figures.counts.others += 1;
        if let Some(reply) = self.dialect.reply(message) {
            session.send(reply);
        }
        if let Some(complaint) = self.dialect.complaint(message) {
            self.error(&complaint, || {
                format!("the server says: {}", shown(message))
            });
        }
    }

    #[cold]
    fn entering(&mut self, index: usize, session: &mut Session<'_>, message: Message<'_>) {
        self.figures.counts.others += 1;
        if let Some(reply) = self.dialect.reply(message) {
            session.send(reply);
        }
        match self.dialect.early(message) {
            Early::Waits => {}
            Early::Ready => self.ready(index, session),
            Early::Say(text) => {
                session.send(text);
            }
            Early::Refused(why) => {
                self.error(&why, || format!("the server says: {}", shown(message)));
                self.peers[index].stage = Stage::Leaving;
                session.close(1000, "");
            }
        }
    }

    /// A connection takes part from now on.
    pub(super) fn ready(&mut self, index: usize, session: &mut Session<'_>) {
        self.peers[index].stage = Stage::Ready;
        match self.role(index) {
            Role::Slow => {
                session.pause();
            }
            Role::Receiver => self.receivers += 1,
            _ => {}
        }
        if self.phase == Phase::Load && index < self.share.speakers() && self.scenario().talks() {
            self.speak(index, Self::now(), session);
        }
    }

    /// Echo: an answer.
    #[inline]
    fn answered(&mut self, index: usize, token: Token, session: &mut Session<'_>) {
        let now = Self::now();
        let peer = &mut self.peers[index];
        let number = peer.seen.unfold(token.number, self.modulus);
        let age = peer.sent.wrapping_sub(number);
        if age == 0 || age > i32::MAX as u32 {
            // Nobody has said that yet.
            self.figures.counts.others += 1;
            return;
        }
        let arrival = peer.seen.take(number);
        // Of those that are kept it is known exactly, of older ones as far back as `seen` goes.
        let sent = if age <= self.kept {
            let place = self.place(index, number);
            Some(std::mem::replace(&mut self.times[place], ANSWERED))
        } else {
            None
        };
        match (arrival, sent) {
            (_, Some(ANSWERED)) | (Arrival::Again, None) => {
                self.figures.counts.duplicates += 1;
                return;
            }
            (Arrival::New, _) => {}
            (Arrival::Late | Arrival::Again, _) => self.figures.counts.reordered += 1,
        }
        let peer = &mut self.peers[index];
        peer.done = peer.done.wrapping_add(1);
        peer.given_up = peer.given_up.min(peer.sent.wrapping_sub(peer.done));
        peer.moved = Self::coarse(now);
        self.count_answer(now);
        if let Some(sent) = sent {
            let intended = match self.interval {
                Some(interval) if !self.is_visit() => self.intended(index, number, interval),
                _ => sent,
            };
            self.measure(now, sent, intended);
        }
        if self.is_visit() && self.peers[index].visit == 0 && self.peers[index].in_flight() == 0 {
            self.peers[index].stage = Stage::Leaving;
            return session.close(1000, "");
        }
        self.speak(index, now, session);
    }

    /// Fan-out: a delivery.
    #[inline]
    fn delivered(&mut self, index: usize, token: Token, session: &mut Session<'_>) {
        let now = Self::now();
        let senders = self.share.plan.senders;
        let sender = token.sender as usize;
        if sender >= senders {
            self.figures.counts.others += 1;
            return;
        }
        let receiver = index - self.share.senders;
        match self.heard[receiver * senders + sender].take(token.number) {
            Arrival::New => {}
            Arrival::Late => self.figures.counts.reordered += 1,
            Arrival::Again => {
                self.figures.counts.duplicates += 1;
                return;
            }
        }
        let peer = &mut self.peers[index];
        // Of a receiver this counts what it got.
        peer.done = peer.done.wrapping_add(1);
        peer.sent = peer.done;
        self.count_answer(now);
        let local = sender.wrapping_sub(self.share.first_sender);
        if local >= self.share.senders {
            // Sent by another worker, which keeps when.
            return self.measure(now, token.at, token.at);
        }
        let place = self.place(local, token.number);
        if self.flights[place].number != token.number {
            return;
        }
        let sent = self.times[place];
        self.measure(now, sent, token.at);
        let flight = &mut self.flights[place];
        flight.reached += 1;
        let (is_first, is_last) = (flight.reached == 1, flight.reached == self.receivers);
        if is_first && self.is_measured(sent) {
            self.figures.first.record(now.saturating_sub(sent));
        }
        if is_last {
            if self.is_measured(sent) {
                self.figures.last.record(now.saturating_sub(sent));
            }
            self.reached_all(local, now, session);
        }
    }

    /// A message has reached everybody: its sender may send another.
    pub(super) fn reached_all(&mut self, sender: usize, now: u64, mouth: &mut impl Mouth) {
        let peer = &mut self.peers[sender];
        peer.done = peer.done.wrapping_add(1);
        peer.given_up = peer.given_up.min(peer.sent.wrapping_sub(peer.done));
        peer.moved = Self::coarse(now);
        self.speak(sender, now, mouth);
    }

    #[inline]
    fn count_answer(&mut self, now: u64) {
        self.figures.counts.answered += 1;
        if self.is_measured(now) {
            self.figures.counts.answered_measured += 1;
        }
    }

    /// Notes the times of an answer, if its message was to leave in the measured span.
    #[inline]
    fn measure(&mut self, now: u64, sent: u64, intended: u64) {
        if !self.is_measured(intended) {
            return;
        }
        self.recent.record(now.saturating_sub(intended));
        if self.interval.is_some() {
            self.figures.service.record(now.saturating_sub(sent));
        }
    }

    /// Whether connections come and go.
    #[inline]
    pub(super) fn is_visit(&self) -> bool {
        self.share.plan.scenario == crate::plan::Scenario::Churn
    }
}

/// The beginning of a message, for a person.
fn shown(message: Message<'_>) -> String {
    match message {
        Message::Text(text) => text.chars().take(120).collect(),
        Message::Binary(bytes) => format!("{} bytes", bytes.len()),
    }
}
