//! Sending: what leaves, when, and what is remembered of it.

use super::peer::Stage;
use super::state::{Flight, Load, Phase};
use crate::dialect::token::Token;
use dunlin::{Message, SendOutcome};

/// Whom a message can be handed to: the session of the event, or any by its id.
pub(super) trait Mouth {
    fn say(&mut self, to: dunlin::SessionId, message: Message<'_>) -> SendOutcome;
}

impl Mouth for dunlin::Session<'_> {
    #[inline]
    fn say(&mut self, to: dunlin::SessionId, message: Message<'_>) -> SendOutcome {
        self.send_to(to, message)
    }
}

impl Mouth for dunlin::Context<'_> {
    fn say(&mut self, to: dunlin::SessionId, message: Message<'_>) -> SendOutcome {
        self.send(to, message)
    }
}

impl Load {
    /// Sends what a speaker may send now, as its window and its pace allow.
    #[inline]
    pub(super) fn speak(&mut self, index: usize, now: u64, mouth: &mut impl Mouth) {
        if self.phase != Phase::Load {
            return;
        }
        let window = self.share.plan.window;
        let interval = self.interval;
        loop {
            let peer = &self.peers[index];
            if peer.stage != Stage::Ready || peer.in_flight() >= window {
                return;
            }
            let intended = match interval {
                None if self.is_visit() && peer.visit == 0 => return,
                None => now,
                Some(_) if self.is_visit() => {
                    if peer.visit == 0 {
                        return;
                    }
                    now
                }
                Some(_) if peer.sent == peer.due => return,
                Some(interval) => self.intended(index, peer.sent, interval),
            };
            if !self.say(index, now, intended, mouth) {
                return;
            }
        }
    }

    /// Sends one message; whether it is on its way.
    #[inline]
    fn say(&mut self, index: usize, now: u64, intended: u64, mouth: &mut impl Mouth) -> bool {
        let peer = &self.peers[index];
        let number = peer.sent;
        let Some(id) = peer.id else { return false };
        let token = Token {
            sender: (self.share.first_sender + index) as u32,
            number,
            at: intended,
        };
        let name = (self.share.first + index) as u32;
        let outcome = mouth.say(id, self.dialect.compose(name, token));
        if !outcome.is_queued() {
            if outcome == SendOutcome::Full {
                self.error("send: backlog full", || {
                    "the server takes no more, and the backlog of the session is full".to_owned()
                });
            }
            return false;
        }
        let place = self.place(index, number);
        self.times[place] = now;
        if !self.flights.is_empty() {
            let reached = 0;
            self.flights[place] = Flight { number, reached };
        }
        let peer = &mut self.peers[index];
        if peer.in_flight() == 0 {
            peer.moved = Self::coarse(now);
        }
        peer.sent = number.wrapping_add(1);
        peer.visit = peer.visit.saturating_sub(1);
        self.figures.counts.sent += 1;
        if self.is_measured(now) {
            self.figures.counts.sent_measured += 1;
        }
        true
    }

    /// Open loop: marks what is due by now, and sends it where the window allows. At most so many.
    pub(super) fn send_due(&mut self, now: u64, most: usize, mouth: &mut impl Mouth) {
        let Some(interval) = self.interval else {
            return;
        };
        let speakers = self.share.speakers() as u64;
        for _ in 0..most {
            let at = self.load_at + (self.due as f64 * interval) as u64;
            if at > now || speakers == 0 {
                return;
            }
            let speaker = (self.due % speakers) as usize;
            self.due += 1;
            let peer = &mut self.peers[speaker];
            let was_behind = peer.sent != peer.due;
            peer.due = peer.due.wrapping_add(1);
            let sent = peer.sent;
            self.speak(speaker, Self::now(), mouth);
            // Who was behind already is held by its window, which is the server's affair.
            if !was_behind && self.peers[speaker].sent != sent && self.is_measured(at) {
                self.figures.lag.record(Self::now().saturating_sub(at));
            }
        }
    }

    /// Closed loop: the first messages of some more connections; whether that was all.
    pub(super) fn send_first(&mut self, most: usize, mouth: &mut impl Mouth) -> bool {
        let end = self.share.speakers();
        let to = end.min(self.next_start + most);
        for speaker in self.next_start..to {
            self.speak(speaker, Self::now(), mouth);
        }
        self.next_start = to;
        to == end
    }

    /// Gives up what has waited too long, so that its sender goes on; how many messages that were.
    pub(super) fn give_up(&mut self, now: u64, mouth: &mut impl Mouth) {
        let timeout = self.share.plan.timeout.as_millis() as u32;
        for index in 0..self.share.speakers() {
            let peer = &mut self.peers[index];
            let waited = Self::coarse(now).wrapping_sub(peer.moved);
            if peer.in_flight() == 0 || waited <= timeout {
                continue;
            }
            let given_up = peer.in_flight();
            peer.given_up += given_up;
            let text = format!("no answer within {:?}", self.share.plan.timeout);
            for _ in 0..given_up {
                self.error("answer: timeout", || text.clone());
            }
            self.speak(index, now, mouth);
        }
    }
}
