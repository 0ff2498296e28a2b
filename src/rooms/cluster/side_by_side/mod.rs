//! The model beside an engine: random requests to both, and every answer and push compared.
//!
//! Rooms, nodes, places and names are few, so that they meet. Run ids, epochs and positions are sometimes
//! wrong, bounds differ from call to call, and scripts are forgotten now and then. Whoever runs it lends a
//! [`Line`] to the engine: here is no socket.

mod calls;
mod comparison;
#[cfg(test)]
mod tests;

use super::answer::{Broken, answer};
use super::keys::Keys;
use super::line::command_bytes;
use super::model::{Model, Noted, noted};
use super::request::{Act, Answer, NodeId, Push, Request};
use super::retention::Retention;
use super::script::{command, forget, load};
use crate::config::RoomLimits;
use crate::rooms::RoomId;
use calls::Calls;
use comparison::{is_alike, is_same_answer, kept, sweep};
use redis_protocol::resp2::types::OwnedFrame;
use std::collections::{BTreeMap, BTreeSet};

/// Two connections to an engine: one for commands, one that listens.
pub trait Line {
    /// Sends a command and waits for what the engine says.
    fn call(&mut self, words: &[Vec<u8>]) -> OwnedFrame;

    /// Listens on one more channel.
    fn listen(&mut self, channel: Vec<u8>);

    /// What was said on the channels until now: each channel, and what was said there.
    fn pushes(&mut self) -> Vec<(Vec<u8>, Vec<u8>)>;
}

/// A command as an engine reads it.
pub fn bytes(words: &[Vec<u8>]) -> Vec<u8> {
    command_bytes(words)
}

/// A comparison under way.
#[derive(Debug)]
pub struct Trial {
    keys: Keys,
    calls: Calls,
    /// What the engine may have: at the turn of a millisecond it can have forgotten a message or not, and
    /// that need not show in its answer.
    models: Vec<Model>,
    counts: BTreeMap<String, usize>,
    /// All rooms there ever were.
    heard: BTreeSet<RoomId>,
    /// Nodes, and the rooms that they are in.
    noted: BTreeMap<NodeId, BTreeSet<RoomId>>,
}

/// Steps after which what is kept is compared, too.
const LOOKED_AT: usize = 50;

fn word(word: &str) -> Vec<u8> {
    word.into()
}

impl Trial {
    /// Under a prefix that nobody else uses on the engine.
    ///
    /// # Errors
    /// What is wrong with the prefix.
    pub fn new(prefix: &str, seed: u64) -> Result<Self, &'static str> {
        Ok(Self {
            keys: Keys::new(prefix)?,
            calls: Calls::new(seed),
            models: vec![Model::default()],
            counts: BTreeMap::new(),
            heard: BTreeSet::new(),
            noted: BTreeMap::new(),
        })
    }

    /// How often each thing happened, a line each.
    pub fn report(&self) -> String {
        let lines = self.counts.iter();
        lines
            .map(|(what, count)| format!("{count:>8} {what}\n"))
            .collect()
    }

    /// Takes the rooms off the engine. Keys of messages go by themselves.
    pub fn clean(&self, line: &mut impl Line) {
        for room in &self.heard {
            let names = [
                self.keys.facts(*room),
                self.keys.stream(*room),
                self.keys.members(*room),
            ];
            let words: Vec<_> = [word("DEL")].into_iter().chain(names).collect();
            line.call(&words);
        }
        let lists = self.noted.keys().map(|node| self.keys.rooms_of(*node));
        let names = [self.keys.nodes()].into_iter().chain(lists);
        let words: Vec<_> = [word("DEL")].into_iter().chain(names).collect();
        line.call(&words);
    }

    /// One request to both.
    ///
    /// # Errors
    /// Where they differ: what was asked, and what both said.
    pub fn step(&mut self, line: &mut impl Line) -> Result<(), String> {
        let (request, limits) = self.calls.next(&self.models[0]);
        if self.heard.insert(request.room) {
            line.listen(self.keys.channel(request.room));
        }
        if self.calls.one_in(500) {
            line.call(&[word("SCRIPT"), word("FLUSH")]);
        }
        let words = command(&request, &self.keys, &limits);
        let before = time(line)?;
        let mut said = answer(&request.act, line.call(&words));
        if said == Err(Broken::NoScript) {
            self.count("scripts loaded");
            for words in load() {
                line.call(&words);
            }
            said = answer(&request.act, line.call(&words));
        }
        let after = time(line)?;
        let said = said.map_err(|broken| format!("{broken}\nto {request:?}"))?;
        let pushes = self.pushes(&request, line)?;
        self.note(&request, &said, &pushes);
        self.compare(&request, &limits, (before, after), &said, &pushes)?;
        match noted(&request.act, &said) {
            Some(Noted::In(node)) => {
                self.noted.entry(node).or_default().insert(request.room);
            }
            Some(Noted::Out(node)) => {
                let known = self.noted.get_mut(&node);
                known.map(|rooms| rooms.remove(&request.room));
            }
            None => {}
        }
        self.calls.heard(&said);
        if self.calls.steps().is_multiple_of(LOOKED_AT) {
            self.compare_kept(line)?;
        }
        Ok(())
    }

    fn count(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }

    fn note(&mut self, request: &Request, said: &Answer, pushes: &[Push]) {
        let name = |debug: String| {
            let end = debug.find(|c: char| !c.is_alphanumeric());
            debug[..end.unwrap_or(debug.len())].to_owned()
        };
        let act = name(format!("{:?}", request.act));
        let outcome = match said {
            Answer::Refused(error) => error.code(),
            Answer::Published { known: Some(_), .. } => "known",
            _ => "ok",
        };
        self.count(&format!("{act} {outcome}"));
        for push in pushes {
            self.count(&format!("push {}", name(format!("{push:?}"))));
        }
    }

    fn pushes(&self, request: &Request, line: &mut impl Line) -> Result<Vec<Push>, String> {
        let channel = self.keys.channel(request.room);
        let mut pushes = Vec::new();
        for (on, payload) in line.pushes() {
            if on != channel {
                let on = String::from_utf8_lossy(&on).into_owned();
                return Err(format!("a push on {on}\nto {request:?}"));
            }
            let push = Push::decode(&payload);
            let shown = || format!("no push: {:?}", String::from_utf8_lossy(&payload));
            pushes.push(push.ok_or_else(shown)?);
        }
        Ok(pushes)
    }

    /// Asks the model at each moment at which the engine may have answered, and goes on with all that say
    /// the same.
    fn compare(
        &mut self,
        request: &Request,
        limits: &RoomLimits,
        (before, after): (u64, u64),
        said: &Answer,
        pushes: &[Push],
    ) -> Result<(), String> {
        let retention = Retention::from(limits);
        // A message that was said now has the date at which the script ran.
        let is_new = |push: &Push| matches!(push, Push::Message { .. });
        let date = match said {
            Answer::Published { date, .. } if pushes.iter().any(is_new) => Some(*date),
            _ => None,
        };
        let (mut wanted, mut left) = (None, Vec::<Model>::new());
        // The clock of the engine may be moved: a step back must not make this endless.
        for now in before..=after.clamp(before, before + 1000) {
            if date.is_some_and(|date| date != now) {
                continue;
            }
            for model in &self.models {
                let mut model = model.clone();
                let (answer, told) = match &request.act {
                    Act::Sweep { most, .. } => {
                        sweep(&mut model, request, *most, &retention, now, pushes)
                    }
                    _ => model.run(request, &retention, now),
                };
                if is_same_answer(&model, request, &answer, said) && told == pushes {
                    let rooms = self.calls.rooms();
                    if !left.iter().any(|known| is_alike(known, &model, rooms)) {
                        left.push(model);
                    }
                } else {
                    wanted.get_or_insert((answer, told));
                }
            }
        }
        if left.is_empty() {
            return Err(format!(
                "they differ after {} calls\nasked:  {request:?}\nwith:   {retention:?}\nengine: {said:?}\n        {pushes:?}\nmodel:  {wanted:?}",
                self.calls.steps()
            ));
        }
        self.models = left;
        Ok(())
    }

    /// Compares which nodes there are, and which rooms each is in.
    fn compare_lists(&self, line: &mut impl Line) -> Result<(), String> {
        let rooms = self.noted.iter().map(|(node, rooms)| {
            let rooms = rooms.iter().map(ToString::to_string);
            (self.keys.rooms_of(*node), rooms.collect())
        });
        let nodes = self.noted.keys().map(|node| format!("{node:016x}"));
        let lists = rooms.chain([(self.keys.nodes(), nodes.collect())]);
        for (key, wanted) in lists {
            let wanted: BTreeSet<String> = wanted;
            let shown = String::from_utf8_lossy(&key).into_owned();
            let found = line.call(&[word("SMEMBERS"), key]);
            let OwnedFrame::Array(members) = &found else {
                return Err(format!("{shown} is {found:?}"));
            };
            let members: BTreeSet<String> = members.iter().filter_map(text).collect();
            if members != wanted {
                let steps = self.calls.steps();
                return Err(format!(
                    "after {steps} calls {shown} has {members:?}\nthe model has {wanted:?}"
                ));
            }
        }
        Ok(())
    }

    /// Lets a node be forgotten that may have rooms, or a lease.
    fn forget(&mut self, line: &mut impl Line) -> Result<(), String> {
        let number = self.calls.steps() / LOOKED_AT;
        let Some(node) = self.noted.keys().nth(number % self.noted.len().max(1)) else {
            return Ok(());
        };
        let node = *node;
        let has_lease = number.is_multiple_of(3);
        let lease = self.keys.node(node);
        if number % 2 == 1 {
            // Nothing else in the calls takes all of its rooms off.
            line.call(&[word("DEL"), self.keys.rooms_of(node)]);
            self.noted.insert(node, BTreeSet::new());
        }
        if has_lease {
            line.call(&[word("SET"), lease.clone(), word("1")]);
        }
        line.call(&forget(node, &self.keys));
        line.call(&[word("DEL"), lease]);
        if !has_lease && self.noted[&node].is_empty() {
            self.noted.remove(&node);
            self.count("nodes forgotten");
        }
        self.compare_lists(line)
    }

    /// Compares what is kept of each room.
    fn compare_kept(&mut self, line: &mut impl Line) -> Result<(), String> {
        self.compare_lists(line)?;
        self.forget(line)?;
        for room in self.calls.rooms() {
            let facts = ["HMGET", "e", "n", "b", "c"].map(word);
            let facts = [&facts[..1], &[self.keys.facts(*room)], &facts[1..]].concat();
            let facts = line.call(&facts);
            let lives = line.call(&[word("PTTL"), self.keys.facts(*room)]);
            let members = line.call(&[word("HLEN"), self.keys.members(*room)]);
            let length = line.call(&[word("XLEN"), self.keys.stream(*room)]);
            let is_timed = matches!(lives, OwnedFrame::Integer(left) if left >= 0);
            let found = (facts, members, length, is_timed);
            let wanted = kept(&self.models[0], *room);
            self.models.retain(|model| kept(model, *room) == found);
            if self.models.is_empty() {
                return Err(format!(
                    "after {} calls room {room} is kept as {found:?}\nthe model has {wanted:?}",
                    self.calls.steps()
                ));
            }
        }
        Ok(())
    }
}

fn text(frame: &OwnedFrame) -> Option<String> {
    match frame {
        OwnedFrame::BulkString(text) => String::from_utf8(text.clone()).ok(),
        _ => None,
    }
}

/// The clock of the engine, milliseconds since 1970.
fn time(line: &mut impl Line) -> Result<u64, String> {
    let said = line.call(&[word("TIME")]);
    let part = |frame: &OwnedFrame| text(frame)?.parse::<u64>().ok();
    let read = match &said {
        OwnedFrame::Array(parts) => match &parts[..] {
            [seconds, micros] => part(seconds).zip(part(micros)),
            _ => None,
        },
        _ => None,
    };
    let (seconds, micros) = read.ok_or_else(|| format!("the engine tells no time but {said:?}"))?;
    Ok(seconds * 1000 + micros / 1000)
}
