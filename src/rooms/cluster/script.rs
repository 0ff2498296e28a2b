//! The scripts that run on the engine, and how a request becomes a call of one.
//!
//! Each is one file of Lua behind a common beginning, is named by the SHA-1 of both, and does what
//! [`super::model`] does. An engine forgets scripts when it starts anew: it says `NOSCRIPT` then, and
//! whoever asked loads them all and asks again.

use super::keys::Keys;
use super::request::{Act, NodeId, Request, Speaker, write_digest};
use super::retention::Retention;
use crate::config::RoomLimits;
use crate::rooms::Position;
use crate::rooms::engine::Ask;
use sha1::{Digest, Sha1};
use std::sync::LazyLock;

macro_rules! script {
    ($name:literal) => {
        concat!(
            include_str!("scripts/prelude.lua"),
            include_str!(concat!("scripts/", $name, ".lua"))
        )
    };
}

/// A script for each act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Script {
    Create,
    Delete,
    Describe,
    Join,
    Leave,
    Publish,
    Read,
    Names,
    Declare,
    Audit,
    Sweep,
}

/// SHA-1 of each source in hexadecimal digits, in the order of [`Script::ALL`].
static DIGESTS: LazyLock<[String; 11]> =
    LazyLock::new(|| Script::ALL.map(|script| write_digest(&Sha1::digest(script.source()).into())));

impl Script {
    /// All of them: what is loaded when a connection begins.
    pub(super) const ALL: [Self; 11] = [
        Self::Create,
        Self::Delete,
        Self::Describe,
        Self::Join,
        Self::Leave,
        Self::Publish,
        Self::Read,
        Self::Names,
        Self::Declare,
        Self::Audit,
        Self::Sweep,
    ];

    pub(super) fn of(act: &Act) -> Self {
        match act {
            Act::Create { .. } => Self::Create,
            Act::Delete { .. } => Self::Delete,
            Act::Describe => Self::Describe,
            Act::Join { .. } => Self::Join,
            Act::Leave { .. } => Self::Leave,
            Act::Publish { .. } => Self::Publish,
            Act::Read { .. } => Self::Read,
            Act::Names { .. } => Self::Names,
            Act::Declare { .. } => Self::Declare,
            Act::Audit { .. } => Self::Audit,
            Act::Sweep { .. } => Self::Sweep,
        }
    }

    /// What `SCRIPT LOAD` takes.
    pub(super) fn source(self) -> &'static str {
        match self {
            Self::Create => script!("create"),
            Self::Delete => script!("delete"),
            Self::Describe => script!("describe"),
            Self::Join => script!("join"),
            Self::Leave => script!("leave"),
            Self::Publish => script!("publish"),
            Self::Read => script!("read"),
            Self::Names => script!("names"),
            Self::Declare => script!("declare"),
            Self::Audit => script!("audit"),
            Self::Sweep => script!("sweep"),
        }
    }

    /// The name under which `EVALSHA` finds it.
    pub(super) fn sha(self) -> &'static str {
        &DIGESTS[self as usize]
    }
}

/// Takes a node off the list of nodes, unless its lease holds or it is in some room.
pub(super) const FORGET: &str = "if redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 then \
    redis.call('SREM', KEYS[3], ARGV[1]) end return 0";

/// The words of a command.
pub(super) type Command = Vec<Vec<u8>>;

/// The commands that load all scripts.
pub(super) fn load() -> impl Iterator<Item = Command> {
    Script::ALL.into_iter().map(|script| {
        let words = ["SCRIPT", "LOAD", script.source()];
        words.map(Vec::from).to_vec()
    })
}

/// The command that a request is.
pub(super) fn command(request: &Request, keys: &Keys, limits: &RoomLimits) -> Command {
    let retention = Retention::from(limits);
    let mut words = Words(Vec::with_capacity(24));
    words.text("EVALSHA");
    words.text(Script::of(&request.act).sha());
    let room = request.room;
    let names = [keys.facts(room), keys.stream(room), keys.members(room)];
    let more = match &request.act {
        Act::Publish { key, .. } => vec![keys.message(room, *key)],
        Act::Join { at, .. } => vec![keys.rooms_of(at.node), keys.nodes()],
        Act::Declare { node, .. } => vec![keys.rooms_of(*node), keys.nodes()],
        Act::Sweep { node, .. } => vec![keys.rooms_of(*node)],
        _ => Vec::new(),
    };
    words.number((names.len() + more.len()) as u64);
    words.0.extend(names.into_iter().chain(more));
    words.0.push(keys.channel(room));
    words.text(&format!("{:016x}", request.run));
    words.text(&request.fresh.to_string());
    words.position(request.seen);
    words.number(retention.messages as u64);
    words.number(retention.bytes as u64);
    words.number(retention.age);
    words.number(retention.empty.unwrap_or(0));
    words.act(&request.act);
    words.0
}

/// The command after which nobody looks for a node any more, unless its lease holds or it is in some room.
pub(super) fn forget(node: NodeId, keys: &Keys) -> Command {
    let mut words = Words(Vec::with_capacity(7));
    words.text("EVAL");
    words.text(FORGET);
    words.text("3");
    let names = [keys.node(node), keys.rooms_of(node), keys.nodes()];
    words.0.extend(names);
    words.text(&format!("{node:016x}"));
    words.0
}

struct Words(Command);

impl Words {
    fn text(&mut self, text: &str) {
        self.0.push(text.into());
    }

    fn number(&mut self, number: u64) {
        self.text(&number.to_string());
    }

    /// A position, or two empty words.
    fn position(&mut self, position: Option<Position>) {
        let word = |part: Option<String>| part.unwrap_or_default().into_bytes();
        self.0
            .push(word(position.map(|position| position.epoch.to_string())));
        self.0
            .push(word(position.map(|position| position.id.to_string())));
    }

    fn ask(&mut self, ask: &Ask) {
        self.position(ask.since);
        self.number(ask.last as u64);
        self.text(if ask.is_page { "1" } else { "0" });
    }

    /// What a script has of its own.
    fn act(&mut self, act: &Act) {
        match act {
            Act::Create { name, key, number } => {
                self.text(name);
                self.text(&write_digest(key));
                self.number(*number);
            }
            Act::Delete { key } => self.text(&write_digest(key)),
            Act::Describe => {}
            Act::Join {
                name,
                identity,
                at,
                ask,
            } => {
                self.text(name);
                self.text(&at.to_string());
                self.text(&format!("{identity:016x}"));
                self.ask(ask);
            }
            Act::Leave { name, at } => {
                self.text(name);
                self.text(&at.to_string());
            }
            Act::Publish {
                speaker,
                sender,
                text,
                ..
            } => {
                let (kind, at) = match speaker {
                    Speaker::Member(at) => ("m", at.to_string()),
                    Speaker::Guest => ("g", String::new()),
                    Speaker::User => ("u", String::new()),
                };
                self.text(kind);
                self.text(&at);
                self.text(sender);
                self.text(if text.is_some() { "1" } else { "0" });
                self.text(text.as_deref().unwrap_or(""));
            }
            Act::Read { ask } => self.ask(ask),
            Act::Names { most } => self.number(*most as u64),
            Act::Declare { node, members } => {
                self.text(&format!("{node:016x}"));
                for member in members {
                    self.text(&member.name);
                    self.text(&format!("{:016x}", member.identity));
                    self.text(&format!("{:016x}", member.place));
                }
            }
            Act::Audit { node } => self.text(&format!("{node:016x}")),
            Act::Sweep { node, most } => {
                self.text(&format!("{node:016x}"));
                self.number(*most as u64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::{Epoch, RoomId};

    #[test]
    fn scripts_are_found_by_the_digest_of_what_is_loaded() {
        for (script, load) in Script::ALL.into_iter().zip(load()) {
            let source = &load[2];
            assert_eq!(&load[..2], [b"SCRIPT".to_vec(), b"LOAD".to_vec()]);
            assert_eq!(Script::ALL[script as usize], script);
            assert_eq!(
                write_digest(&Sha1::digest(source).into()),
                script.sha(),
                "{script:?}"
            );
            assert!(source.is_ascii(), "{script:?}");
        }
    }

    #[test]
    fn a_request_is_one_command_whose_keys_have_one_hash_tag() {
        let room: RoomId = "dd8e4018-1ca8-4fb1-bd57-fd3de4c47a61".parse().unwrap();
        let request = Request {
            room,
            run: 1,
            fresh: Epoch::of_bits(2),
            seen: None,
            act: Act::Publish {
                speaker: Speaker::Guest,
                sender: "kim".into(),
                text: Some("a\r\nb".into()),
                key: 3,
            },
        };
        let keys = Keys::new(Keys::DEFAULT).unwrap();
        let limits = RoomLimits::default();
        let words = command(&request, &keys, &limits);
        let words: Vec<_> = words
            .iter()
            .map(|word| std::str::from_utf8(word).unwrap())
            .collect();
        let tag = format!("dunlin:{{{room}}}");
        assert_eq!(words[..3], ["EVALSHA", Script::Publish.sha(), "4"]);
        assert!(words[3..7].iter().all(|key| key.starts_with(&tag)));
        assert_eq!(words[7], tag);
        let rest = [
            "0000000000000001",
            "0000000000000002",
            "",
            "",
            "100",
            "262144",
            "300000",
            "86400000",
            "g",
            "",
            "kim",
            "1",
            "a\r\nb",
        ];
        assert_eq!(words[8..], rest);
    }
}
