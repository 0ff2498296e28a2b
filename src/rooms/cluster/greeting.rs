//! How lines come and go: who is at the other end, whether it takes writes, and when to try again.

use super::asked::{Entrant, Sent};
use super::cure::{field, unfit, with_cure};
use super::line::{Frame, Greeting, Phase};
use super::node::{COMMANDS, Node, PUSHES, TIME_LIMIT};
use super::script::Script;
use crate::rooms::RoomError;
use crate::rooms::engine::{Clock, EngineEvent};
use rand::RngExt;

/// Between two attempts lie so many milliseconds at least, and at most, doubled from one to the next.
const LEAST_PAUSE: u64 = 200;
const MOST_PAUSE: u64 = 10_000;
/// After so long without a push a node publishes to itself.
pub(super) const SILENCE: u64 = 30_000;

impl Node {
    /// A connection is made.
    pub(super) fn connected(&mut self, which: usize, clock: Clock) {
        self.clock = clock;
        let name = format!("dunlin-{:016x}", self.id);
        let database = self.address.database.to_string();
        let mut parts: Vec<(Greeting, Vec<&str>)> = Vec::new();
        if let Some(password) = &self.address.password {
            let mut auth = vec!["AUTH"];
            auth.extend(self.address.user.as_deref());
            auth.push(password);
            parts.push((Greeting::Password, auth));
        }
        if self.address.database > 0 {
            parts.push((Greeting::Database, vec!["SELECT", &database]));
        }
        parts.push((Greeting::Name, vec!["CLIENT", "SETNAME", &name]));
        parts.push((Greeting::Process, vec!["INFO", "server"]));
        parts.push((Greeting::Role, vec!["INFO", "replication"]));
        if which == COMMANDS {
            let scripts = Script::ALL.map(Script::source);
            parts.extend(scripts.map(|source| (Greeting::Script, vec!["SCRIPT", "LOAD", source])));
        }
        let line = &mut self.lines[which];
        line.phase = Phase::Greeting { since: clock.now };
        for (greeting, parts) in &parts {
            line.send(parts);
            line.greetings.push_back(*greeting);
        }
    }

    /// An answer to the greeting arrived.
    pub(super) fn greeted(&mut self, which: usize, frame: Frame) {
        let Some(greeting) = self.lines[which].greetings.pop_front() else {
            return self.lose(which, "it answered what nobody asked");
        };
        if let Frame::Error(error) = &frame
            && greeting != Greeting::Name
        {
            let error = error.clone();
            return self.lose(which, &error);
        }
        let text = match &frame {
            Frame::BulkString(bytes) | Frame::SimpleString(bytes) => {
                String::from_utf8_lossy(bytes).into_owned()
            }
            _ => String::new(),
        };
        match greeting {
            Greeting::Process => {
                if let Some(why) = unfit(&text) {
                    return self.lose(which, &why);
                }
                let run = field(&text, "run_id").and_then(|id| id.get(..16));
                let run = run.and_then(|id| u64::from_str_radix(id, 16).ok());
                if run.is_none() {
                    return self.lose(which, "it does not say which process it is");
                }
                self.lines[which].run = run;
            }
            Greeting::Role if field(&text, "role") != Some("master") => {
                return self.lose(which, "it is a replica, which takes no writes");
            }
            _ => {}
        }
        if self.lines[which].greetings.is_empty() {
            self.is_up(which);
        }
    }

    fn is_up(&mut self, which: usize) {
        let now = self.clock.now;
        let run = self.lines[which].run;
        self.lines[which].phase = Phase::Up;
        let other = 1 - which;
        if self.lines[other].is_up() && self.lines[other].run != run {
            // One of them was elsewhere before, and nothing of what is published here is pushed there.
            self.lose(other, "it is another process now");
        }
        if which == COMMANDS {
            self.unanswered = now;
            let before = self.run.replace(run.unwrap_or_default());
            for asked in std::mem::take(&mut self.again) {
                self.send(asked);
            }
            let is_another = before.is_some() && before != self.run;
            self.begin_lease(is_another);
            if is_another {
                log::warn!(
                    "the engine at {} is another process than before: rooms begin new epochs, and what it does not have is lost",
                    self.address
                );
                // It may know less than was told.
                self.declare_all();
            }
        } else {
            self.pushed = now;
            self.probing = None;
            let own = self.keys.node(self.id);
            self.lines[PUSHES].send(&[b"SUBSCRIBE", &*own]);
            self.to_subscribe = self.rooms.keys().copied().collect();
        }
        if self.is_ready() {
            log::info!("the engine at {} is there", self.address);
        }
    }

    /// A line is gone, or of no use.
    pub(super) fn lose(&mut self, which: usize, why: &str) {
        let now = self.clock.now;
        let line = &mut self.lines[which];
        if !line.is_open() {
            return;
        }
        if line.is_up() {
            self.stats.disconnects += 1;
        }
        if now >= self.quiet_until && !self.is_stopping {
            self.quiet_until = now + 1_000;
            let what = ["commands", "pushes"][which];
            log::warn!(
                "the engine at {}: the line of {what} is lost: {}",
                self.address,
                with_cure(why)
            );
        }
        line.attempts = (line.attempts + 1).min(16);
        let most = (LEAST_PAUSE << line.attempts).min(MOST_PAUSE);
        let pause = self.random.random_range(LEAST_PAUSE..=most);
        line.reset(now + pause);
        if which == COMMANDS {
            self.keep_unanswered();
            self.lease.line_is_lost();
            return;
        }
        self.unconfirmed.clear();
        self.to_subscribe.clear();
        self.probing = None;
        let ids: Vec<_> = self.rooms.keys().copied().collect();
        for id in ids {
            let Some(room) = self.rooms.get_mut(&id) else {
                continue;
            };
            (room.is_asked, room.is_subscribed) = (false, false);
            room.forget_held();
            // Who moved to another node meanwhile is not told.
            room.declares = true;
            let waiting = std::mem::take(&mut room.waiting);
            let parked = std::mem::take(&mut room.parked);
            for asked in waiting {
                self.refuse(asked);
            }
            for parked in parked {
                self.refuse_entrant(parked.entrant);
            }
        }
    }

    /// Somebody was to be let in when all was delivered, which cannot be known now.
    pub(super) fn refuse_entrant(&mut self, entrant: Entrant) {
        let Entrant { asked, joined } = entrant;
        let room = asked.room;
        if let Some(joined) = joined
            && let Some(known) = self.rooms.get_mut(&room)
        {
            known.members.leave(joined.member, joined.place);
            if let Some(place) = joined.before {
                // Where it was before it is no more, either.
                self.events.push_back(EngineEvent::Replaced { room, place });
            }
        }
        self.refuse(asked);
    }

    /// The connection of a line is over.
    pub(super) fn disconnected(&mut self, which: usize, why: &str, clock: Clock) {
        self.clock = clock;
        self.lose(which, why);
    }

    /// Sends the scripts anew.
    pub(super) fn load_scripts(&mut self) {
        for source in Script::ALL.map(Script::source) {
            self.command(&["SCRIPT", "LOAD", source], Sent::Ignored);
        }
    }

    /// What the time brings.
    pub(super) fn pass_time(&mut self) {
        let now = self.clock.now;
        for which in [COMMANDS, PUSHES] {
            if let Phase::Dialling { since } | Phase::Greeting { since } = self.lines[which].phase
                && now >= since + TIME_LIMIT
            {
                self.lose(which, "it does not answer");
            }
        }
        if self.sent.is_empty() {
            self.unanswered = now;
        }
        if self.lines[COMMANDS].is_up() && now >= self.unanswered + TIME_LIMIT {
            self.lose(COMMANDS, "it does not answer");
        }
        self.probe();
        self.refuse_old(TIME_LIMIT);
        self.see_to_waiting();
        if self.lines[COMMANDS].is_up() {
            self.see_to_lease();
        }
    }

    /// Silence on the line of pushes is broken by a push of our own.
    fn probe(&mut self) {
        let now = self.clock.now;
        if !self.lines[PUSHES].is_up() {
            return;
        }
        if let Some(since) = self.probing {
            if now >= since + TIME_LIMIT {
                // Commands may go elsewhere than pushes come from.
                self.lose(PUSHES, "what is published does not come back");
                self.lose(COMMANDS, "what is published does not come back");
            }
        } else if !self.unconfirmed.is_empty() {
            self.probing = Some(now);
        } else if self.lines[COMMANDS].is_up() && now >= self.pushed + SILENCE {
            let own = self.keys.node(self.id);
            self.command(&[b"PUBLISH", &*own, b"1"], Sent::Ignored);
            self.probing = Some(now);
        }
    }

    /// The server stops: nothing of this node is to stay behind. Everybody has left already.
    pub(super) fn stop(&mut self, clock: Clock) {
        self.clock = clock;
        self.is_stopping = true;
        let tokens = self.rooms.values_mut().flat_map(|room| {
            let own = std::mem::take(&mut room.own).into_values();
            let own = own.flat_map(|own| own.tokens);
            own.collect::<Vec<_>>()
        });
        let tokens: Vec<_> = tokens.collect();
        for token in tokens {
            self.done(token, Err(RoomError::Unavailable));
        }
        self.end_lease();
    }

    /// Whether nothing is left to be said.
    pub(super) fn is_over(&self) -> bool {
        self.is_stopping && (!self.lines[COMMANDS].is_up() || self.sent.is_empty())
    }
}
