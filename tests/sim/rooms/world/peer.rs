//! A client of the world: what it must be told next, and what it has been told.

use super::model::Room;
use dunlin::testing::{Conversation, Follower, Line, Received};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// Two sayings of one kind about one name are as far apart, less the time between two looks here.
const APART: u64 = 1000 - super::LOOK;

pub(super) enum Way {
    Plain(Conversation),
    V1(Conversation),
    Stream(Follower),
}

/// Something it must be told, and what it may conclude about who is in.
pub(super) struct Item {
    pub(super) told: Value,
    /// It may have come before others that are expected.
    pub(super) is_early: bool,
    pub(super) names: Option<(usize, BTreeSet<String>, BTreeSet<String>)>,
}

pub(super) struct Peer {
    pub(super) way: Way,
    pub(super) name: String,
    pub(super) client: Option<String>,
    pub(super) rooms: BTreeSet<usize>,
    pub(super) expected: VecDeque<Item>,
    /// The last id that it got of each room.
    pub(super) seen: BTreeMap<usize, u64>,
    /// How many members it was told there are.
    pub(super) counts: BTreeMap<usize, u64>,
    /// Who it thinks is in.
    views: BTreeMap<usize, BTreeSet<String>>,
    /// Whose coming back before their leaving was told is no news.
    unsure: BTreeSet<(usize, String)>,
    told: HashMap<(usize, String, bool), u64>,
    pub(super) is_stalled: bool,
    /// It is over; what it was to be told need not arrive.
    pub(super) is_gone: bool,
    /// With which code the server ends it, if it does.
    pub(super) code: Option<u16>,
    /// How often it was told what.
    pub(super) heard: BTreeMap<String, usize>,
}

impl Peer {
    pub(super) fn new(way: Way, name: String, client: Option<String>) -> Self {
        Self {
            way,
            name,
            client,
            rooms: BTreeSet::new(),
            expected: VecDeque::new(),
            seen: BTreeMap::new(),
            counts: BTreeMap::new(),
            views: BTreeMap::new(),
            unsure: BTreeSet::new(),
            told: HashMap::new(),
            is_stalled: false,
            is_gone: false,
            code: None,
            heard: BTreeMap::new(),
        }
    }

    pub(super) fn line(&self) -> &Line {
        match &self.way {
            Way::Plain(session) | Way::V1(session) => session,
            Way::Stream(stream) => stream,
        }
    }

    pub(super) fn session(&self) -> Option<&Conversation> {
        match &self.way {
            Way::Plain(session) | Way::V1(session) => Some(session),
            Way::Stream(_) => None,
        }
    }

    pub(super) fn is_v1(&self) -> bool {
        matches!(self.way, Way::V1(_))
    }

    pub(super) fn is_plain(&self) -> bool {
        matches!(self.way, Way::Plain(_))
    }

    pub(super) fn expect(&mut self, told: Value, is_early: bool) {
        self.expected.push_back(Item {
            told,
            is_early,
            names: None,
        });
    }

    /// Compares what has arrived with what had to.
    pub(super) fn check(&mut self, rooms: &[Room], now: u64, at: &str) {
        let at = format!("{at}: {}", self.name);
        match &self.way {
            Way::Plain(session) | Way::V1(session) => {
                for received in session.arrived() {
                    match received {
                        Received::Text(text) => {
                            let value = serde_json::from_str(&text).expect("JSON");
                            self.take(rooms, now, &at, value, None);
                        }
                        Received::Close { code, .. } => {
                            assert!(self.is_gone, "{at} got a Close {code:?}");
                            let told = code.get();
                            let echo = self.code.unwrap_or(1000);
                            assert_eq!(told, echo, "{at}");
                            *self.heard.entry(told.to_string()).or_default() += 1;
                        }
                        Received::Ping(_) | Received::Pong(_) => {}
                        other => panic!("{at} got {other:?}"),
                    }
                }
            }
            Way::Stream(stream) => {
                for event in stream.arrived() {
                    let data = serde_json::from_str(&event.data).expect("JSON");
                    let head = json!([event.id, event.name]);
                    self.take(rooms, now, &at, data, Some(head));
                }
                if self.line().end().is_some() && !self.is_gone {
                    assert!(self.is_stalled, "{at} was ended without being slow");
                    self.is_gone = true;
                }
            }
        }
        if !self.is_stalled && !self.is_gone {
            let missing = self.expected.front().map(|item| &item.told);
            assert!(missing.is_none(), "{at} was not told {missing:?}");
        }
    }

    fn take(&mut self, rooms: &[Room], now: u64, at: &str, told: Value, head: Option<Value>) {
        let kind = told["reason"].as_str().or(told["type"].as_str());
        *self
            .heard
            .entry(kind.unwrap_or_default().to_owned())
            .or_default() += 1;
        let room = told["roomId"].as_str().and_then(|id| {
            let known = |room: &Room| room.id == id;
            self.rooms
                .iter()
                .copied()
                .find(|room| known(&rooms[*room]))
                .or_else(|| rooms.iter().position(known))
        });
        if let (Some("JOINED" | "LEFT"), Some(room)) = (told["type"].as_str(), room) {
            return self.presence(&rooms[room], room, now, at, &told);
        }
        let told = bare(told);
        let told = match head {
            Some(head) => json!([head, told]),
            None => told,
        };
        let mut expected = self.expected.iter().enumerate();
        let found = expected.position(|(at, item)| (at == 0 || item.is_early) && item.told == told);
        let Some(item) = found.and_then(|found| self.expected.remove(found)) else {
            let next = self.expected.front().map(|item| &item.told);
            panic!("{at} was told {told}, and not {next:?}");
        };
        let data = if told.is_array() { &told[1] } else { &told };
        if let (Some(room), Some(id)) = (room, data["id"].as_u64().or(data["to"].as_u64())) {
            let seen = self.seen.entry(room).or_default();
            *seen = id.max(*seen);
        }
        if let (Some(room), Some(members)) = (room, data["members"].as_u64()) {
            self.counts.insert(room, members);
        }
        if let Some((room, names, unsure)) = item.names {
            self.views.insert(room, names);
            self.unsure.retain(|(of, _)| *of != room);
            self.unsure
                .extend(unsure.into_iter().map(|name| (room, name)));
        }
    }

    fn presence(&mut self, of: &Room, room: usize, now: u64, at: &str, told: &Value) {
        let is_in = told["type"] == "JOINED";
        let members = told["members"].as_u64().expect("a number");
        self.counts.insert(room, members);
        let Some(name) = told["sender"].as_str() else {
            return;
        };
        let view = self.views.entry(room).or_default();
        if is_in {
            view.insert(name.to_owned());
        } else {
            view.remove(name);
        }
        if self.is_stalled || self.is_gone {
            return;
        }
        let before = self.told.insert((room, name.to_owned(), is_in), now);
        if let Some(before) = before {
            assert!(
                now >= before + APART,
                "{at} is told {told} after {} ms",
                now - before
            );
        }
        let is_there = of.members.contains_key(name);
        let recent = |times: &HashMap<String, u64>| {
            times.get(name).is_some_and(|at| at + super::LOOK >= now)
        };
        if is_in {
            assert!(is_there || recent(&of.went), "{at}: {told}, who is not in");
            assert!(
                !self.rooms.contains(&room) || name != self.name,
                "{at} is told of itself"
            );
        } else {
            assert!(!is_there || recent(&of.came), "{at}: {told}, who is in");
        }
    }

    /// After a rest it knows who is in, and how many.
    pub(super) fn check_view(&self, of: &Room, room: usize, at: &str) {
        let at = format!("{at}: {}", self.name);
        if let Some(count) = self.counts.get(&room) {
            let members = of.members.len() as u64;
            assert_eq!(*count, members, "{at} was told another number of members");
        }
        if !self.is_v1() || !self.rooms.contains(&room) {
            return;
        }
        let is_sure = |name: &&String| !self.unsure.contains(&(room, (*name).clone()));
        let view = self.views.get(&room).into_iter().flatten().filter(is_sure);
        let names = of.members.keys().filter(is_sure);
        assert!(
            view.eq(names),
            "{at} knows {:?}, and there are {:?}",
            self.views.get(&room),
            of.names()
        );
    }
}

/// What was told, without what the model does not foresee: dates, and words of errors.
fn bare(mut told: Value) -> Value {
    let is_error = told["type"] == "ERROR";
    if let Some(fields) = told.as_object_mut() {
        if let Some(date) = fields.remove("date") {
            assert!(date.is_u64());
        }
        if is_error {
            assert!(
                fields
                    .remove("message")
                    .is_some_and(|text| text.is_string())
            );
        }
        for message in fields
            .get_mut("messages")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            *message = bare(message.take());
        }
    }
    told
}
