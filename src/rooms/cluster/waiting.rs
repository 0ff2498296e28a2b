//! Who waits for what: subscriptions, and requests whose line broke or whose time is over.

use super::asked::{Said, Sent, Then};
use super::node::{Node, PUSHES};
use super::room::Parked;
use crate::rooms::{RoomError, RoomId};

/// Channels in one `SUBSCRIBE`, and confirmations that are waited for at most.
pub(super) const SUBSCRIBED_AT_ONCE: usize = 512;
/// How long an answer waits for pushes that must have been on their way before it, milliseconds.
const PARKED_FOR: u64 = 2_000;

impl Node {
    /// Subscribes to rooms, a bounded number at a time.
    pub(super) fn subscribe_some(&mut self) {
        if !self.lines[PUSHES].is_up() || !self.unconfirmed.is_empty() {
            return;
        }
        let mut parts = vec![b"SUBSCRIBE".to_vec()];
        while parts.len() <= SUBSCRIBED_AT_ONCE
            && let Some(id) = self.to_subscribe.pop_front()
        {
            if let Some(room) = self.rooms.get_mut(&id)
                && !std::mem::replace(&mut room.is_asked, true)
            {
                *self.unconfirmed.entry(id).or_default() += 1;
                parts.push(self.keys.channel(id));
            }
        }
        if parts.len() > 1 {
            self.lines[PUSHES].send(&parts);
        }
    }

    /// Pushes of a room arrive from now on.
    pub(super) fn confirmed(&mut self, id: RoomId) {
        if let Some(left) = self.unconfirmed.get_mut(&id) {
            *left -= 1;
            if *left > 0 {
                return;
            }
            self.unconfirmed.remove(&id);
        }
        let Some(room) = self.rooms.get_mut(&id) else {
            // Nobody is here any more. It was let go before this.
            return;
        };
        if !room.is_asked {
            // That of somebody who has left since: it was cancelled.
            return;
        }
        room.is_subscribed = true;
        let waiting = std::mem::take(&mut room.waiting);
        if room.at.is_some() {
            self.want_mending(id);
        }
        for asked in waiting {
            self.begin(asked);
        }
    }

    /// What went out and was not answered when the line broke: what can be done twice without harm is sent
    /// again, if it is not too old.
    pub(super) fn keep_unanswered(&mut self) {
        self.sent_bytes = 0;
        for sent in std::mem::take(&mut self.sent) {
            self.keep_if_needed(sent);
        }
    }

    /// The same for one of them.
    pub(super) fn keep_if_needed(&mut self, sent: Sent) {
        match sent {
            Sent::Script(mut asked, _) => {
                asked.is_again = true;
                self.again.push_back(*asked);
            }
            Sent::Count(creating) | Sent::Number(creating) => {
                self.done(creating.token, Err(RoomError::Unavailable));
            }
            Sent::Rooms(listing) => self.listing_failed(listing),
            Sent::Counter(token) => self.done(token, Err(RoomError::Unavailable)),
            Sent::Lease(_) | Sent::Ignored => {}
        }
    }

    /// Who waits for what does not come asks again, and what is missing is read.
    pub(super) fn see_to_waiting(&mut self) {
        let now = self.clock.now;
        let mut anew = Vec::new();
        for (id, room) in &mut self.rooms {
            if room.parked.is_empty() || !room.is_live() {
                continue;
            }
            let is_old = |parked: &mut Parked| now >= parked.since + PARKED_FOR;
            let old: Vec<_> = room.parked.extract_if(.., is_old).collect();
            anew.extend(old.into_iter().map(|parked| (*id, parked)));
        }
        for (id, parked) in anew {
            self.want_mending(id);
            self.ask_anew(parked.entrant);
        }
    }

    /// Refuses what nobody can wait for any longer.
    pub(super) fn refuse_old(&mut self, limit: u64) {
        let now = self.clock.now;
        let is_old = |since: u64| now.saturating_sub(since) >= limit;
        // What nobody waits for stays until the line is up.
        let own = self.id;
        let waits = |then: &Then| match then {
            Then::Leave | Then::Mend(_) | Then::Restore(_) | Then::Declare | Then::Audit => true,
            Then::Sweep(node) => *node == own,
            _ => false,
        };
        for asked in std::mem::take(&mut self.again) {
            if is_old(asked.since) && !waits(&asked.then) {
                self.refuse(asked);
            } else {
                self.again.push_back(asked);
            }
        }
        let mut refused = Vec::new();
        for (id, room) in &mut self.rooms {
            // What the engine has answered may still come back.
            let old = room
                .own
                .extract_if(.., |_, own| now.saturating_sub(own.since) >= 2 * limit);
            let tokens = old.flat_map(|(key, own)| {
                let comes_back = false;
                own.tokens.into_iter().map(move |token| Said {
                    token,
                    key,
                    comes_back,
                })
            });
            refused.extend(tokens.map(|said| (*id, said)));
        }
        for (room, said) in refused {
            self.publish_failed(room, said, RoomError::Unavailable);
            self.let_go_if_idle(room);
        }
    }
}
