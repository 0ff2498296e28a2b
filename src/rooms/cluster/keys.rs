//! The names under which things stand on the engine.
//!
//! All keys of a room have one hash tag, its id between braces: a script needs all of them in one place.

use super::request::NodeId;
use crate::rooms::RoomId;
use std::fmt::Display;

/// The longest prefix, bytes.
const MOST: usize = 64;

/// Makes the names, all of which begin with one prefix: what shares an engine has prefixes of its own.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: Box<str>,
    /// What stands behind the name of a room's channel: keys are apart by the engine's database, channels are not.
    database: Box<str>,
}

impl Keys {
    /// The prefix of the default configuration.
    pub(super) const DEFAULT: &str = "dunlin";

    /// # Errors
    /// What is wrong with the prefix. Braces would move the hash tag, and blanks separate words.
    pub(super) fn new(prefix: &str) -> Result<Self, &'static str> {
        let is_good = |byte: u8| byte.is_ascii_graphic() && !b"{}".contains(&byte);
        if prefix.is_empty() || prefix.len() > MOST {
            return Err("a prefix of keys has 1 to 64 bytes");
        }
        if !prefix.bytes().all(is_good) {
            return Err("a prefix of keys has visible ASCII characters without braces");
        }
        Ok(Self {
            prefix: prefix.into(),
            database: Box::default(),
        })
    }

    /// The same in this database of the engine.
    pub(super) fn in_database(mut self, number: u32) -> Self {
        self.database = match number {
            0 => Box::default(),
            // No other channel ends so: a prefix has no braces.
            number => format!("/{number}").into(),
        };
        self
    }

    fn of(&self, what: impl Display) -> Vec<u8> {
        format!("{}:{what}", self.prefix).into_bytes()
    }

    /// Where all nodes with somebody in the room listen.
    pub(super) fn channel(&self, room: RoomId) -> Vec<u8> {
        self.of(format_args!("{{{room}}}{}", self.database))
    }

    /// The facts of a room: a hash.
    pub(super) fn facts(&self, room: RoomId) -> Vec<u8> {
        self.of(format_args!("{{{room}}}:m"))
    }

    /// Its messages: a stream.
    pub(super) fn stream(&self, room: RoomId) -> Vec<u8> {
        self.of(format_args!("{{{room}}}:s"))
    }

    /// Its members: a hash of names.
    pub(super) fn members(&self, room: RoomId) -> Vec<u8> {
        self.of(format_args!("{{{room}}}:p"))
    }

    /// What became of the message that was said under a key: a string.
    pub(super) fn message(&self, room: RoomId, key: u128) -> Vec<u8> {
        self.of(format_args!("{{{room}}}:k:{key:032x}"))
    }

    /// The rooms by their numbers: a sorted set.
    pub(super) fn rooms(&self) -> Vec<u8> {
        self.of("rooms")
    }

    /// The number of the newest room: a counter.
    pub(super) fn number(&self) -> Vec<u8> {
        self.of("number")
    }

    /// The nodes: a set of their ids.
    pub(super) fn nodes(&self) -> Vec<u8> {
        self.of("nodes")
    }

    /// The lease of a node, a string that expires; and the channel of its probe.
    pub(super) fn node(&self, node: NodeId) -> Vec<u8> {
        self.of(format_args!("node:{node:016x}"))
    }

    /// The rooms in which a node has members: a set.
    pub(super) fn rooms_of(&self, node: NodeId) -> Vec<u8> {
        self.of(format_args!("node:{node:016x}:r"))
    }

    /// Held by who sweeps a node that is gone: a string that expires.
    pub(super) fn sweep(&self, node: NodeId) -> Vec<u8> {
        self.of(format_args!("sweep:{node:016x}"))
    }

    /// A counter that all nodes share.
    pub(super) fn counter(&self, name: &str) -> Vec<u8> {
        self.of(format_args!("n:{name}"))
    }

    fn behind_prefix<'n>(&self, name: &'n [u8]) -> Option<&'n str> {
        let name = std::str::from_utf8(name).ok()?;
        name.strip_prefix(&*self.prefix)?.strip_prefix(':')
    }

    /// The room that a channel belongs to.
    pub(super) fn room_of(&self, channel: &[u8]) -> Option<RoomId> {
        let inside = self.behind_prefix(channel)?.strip_prefix('{')?;
        let id = inside.strip_suffix(&*self.database)?.strip_suffix('}')?;
        id.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: &str = "dd8e4018-1ca8-4fb1-bd57-fd3de4c47a61";

    fn text(name: Vec<u8>) -> String {
        String::from_utf8(name).expect("names are ASCII")
    }

    #[test]
    fn all_keys_of_a_room_have_its_id_as_their_hash_tag() {
        let keys = Keys::new(Keys::DEFAULT).unwrap();
        let room: RoomId = ROOM.parse().unwrap();
        let channel = format!("dunlin:{{{ROOM}}}");
        assert_eq!(text(keys.channel(room)), channel);
        for (name, end) in [
            (keys.facts(room), ":m"),
            (keys.stream(room), ":s"),
            (keys.members(room), ":p"),
            (
                keys.message(room, 0xab),
                ":k:000000000000000000000000000000ab",
            ),
        ] {
            assert_eq!(text(name), format!("{channel}{end}"));
        }
        assert_eq!(text(keys.node(10)), "dunlin:node:000000000000000a");
        assert_eq!(text(keys.rooms_of(10)), "dunlin:node:000000000000000a:r");
        assert_eq!(text(keys.sweep(10)), "dunlin:sweep:000000000000000a");
        assert_eq!(text(keys.counter("users")), "dunlin:n:users");
        let shared = [keys.rooms(), keys.number(), keys.nodes()].map(text);
        assert_eq!(shared, ["dunlin:rooms", "dunlin:number", "dunlin:nodes"]);
    }

    #[test]
    fn a_channel_leads_back_to_its_room_or_node() {
        let keys = Keys::new("a:b").unwrap();
        let room: RoomId = ROOM.parse().unwrap();
        assert_eq!(keys.room_of(&keys.channel(room)), Some(room));
        let others = Keys::new("a").unwrap();
        for name in [
            &b""[..],
            b"a:b:",
            b"a:b:{}",
            b"\xff",
            &others.channel(room),
            &keys.facts(room),
            &keys.rooms_of(1),
            b"a:b:node:+00000000000000a",
        ] {
            assert_eq!(keys.room_of(name), None);
        }
    }

    #[test]
    fn channels_are_apart_by_database_as_keys_are() {
        let room: RoomId = ROOM.parse().unwrap();
        let of = |number| Keys::new(Keys::DEFAULT).unwrap().in_database(number);
        assert_eq!(text(of(12).channel(room)), format!("dunlin:{{{ROOM}}}/12"));
        assert_eq!(
            of(0).channel(room),
            Keys::new("dunlin").unwrap().channel(room)
        );
        for listener in [0, 1, 12] {
            for speaker in [0, 1, 12, 2] {
                let heard = of(listener).room_of(&of(speaker).channel(room));
                assert_eq!(heard, (listener == speaker).then_some(room));
            }
        }
    }

    #[test]
    fn a_prefix_that_would_confuse_is_refused() {
        for prefix in ["", "a{b", "}", "a b", "é", "a\n", &"x".repeat(65)] {
            assert!(Keys::new(prefix).is_err(), "{prefix:?}");
        }
    }
}
