//! Reads what a script answered.
//!
//! An answer is an array. Its first item is `ok`, or the word of an error ([`RoomError::code`]); what
//! follows depends on the script. Numbers come as such or as text.

use super::request::{Act, Answer, Census, RawExcerpt, Where, decimal, digest, hex};
use crate::rooms::{Epoch, RoomError, RoomId, RoomMessage};
use redis_protocol::resp2::types::OwnedFrame;
use std::fmt;
use std::rc::Rc;

/// A script gave no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The engine has forgotten the scripts: load them and ask again.
    NoScript,
    /// The engine refused to run it, or stopped; its own words, which begin with one in capitals.
    Refused(String),
    /// This is no answer of this script.
    Malformed,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoScript => f.write_str("the engine does not know the scripts"),
            Self::Refused(why) => write!(f, "the engine refused: {why}"),
            Self::Malformed => f.write_str("the engine gave an answer that no script gives"),
        }
    }
}

/// What came of a request with this act.
pub(super) fn answer(act: &Act, frame: OwnedFrame) -> Result<Answer, Broken> {
    let items = match frame {
        OwnedFrame::Array(items) => items,
        OwnedFrame::Error(why) if why.starts_with("NOSCRIPT") => return Err(Broken::NoScript),
        OwnedFrame::Error(why) => return Err(Broken::Refused(why)),
        _ => return Err(Broken::Malformed),
    };
    let mut items = Items(items.into_iter());
    let read = items.word().and_then(|word| match &*word {
        "ok" => items.answer(act),
        "unknown-room" => Some(Answer::Refused(RoomError::UnknownRoom)),
        "name-taken" => Some(Answer::Refused(RoomError::NameTaken)),
        "not-entered" => Some(Answer::Refused(RoomError::NotEntered)),
        "wrong-key" => Some(Answer::Refused(RoomError::WrongKey)),
        _ => None,
    });
    let read = read.filter(|_| items.0.next().is_none());
    read.ok_or(Broken::Malformed)
}

/// The items of an array that are left.
struct Items(std::vec::IntoIter<OwnedFrame>);

impl Items {
    fn word(&mut self) -> Option<String> {
        match self.0.next()? {
            OwnedFrame::BulkString(bytes) => String::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    fn number<T: TryFrom<u64>>(&mut self) -> Option<T> {
        let number = match self.0.next()? {
            OwnedFrame::Integer(number) => u64::try_from(number).ok()?,
            OwnedFrame::BulkString(bytes) => decimal(std::str::from_utf8(&bytes).ok()?)?,
            _ => return None,
        };
        T::try_from(number).ok()
    }

    fn truth(&mut self) -> Option<bool> {
        match self.number::<u64>()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn epoch(&mut self) -> Option<Epoch> {
        self.word()?.parse().ok()
    }

    fn items(&mut self) -> Option<Self> {
        match self.0.next()? {
            OwnedFrame::Array(items) => Some(Self(items.into_iter())),
            _ => None,
        }
    }

    fn names(&mut self) -> Option<Vec<Rc<str>>> {
        let mut items = self.items()?;
        let mut names = Vec::with_capacity(items.0.len());
        while items.0.len() > 0 {
            names.push(items.word()?.into());
        }
        Some(names)
    }

    /// Entries of a stream, in either order.
    fn messages(&mut self) -> Option<Vec<RoomMessage>> {
        let mut entries = self.items()?;
        let mut messages = Vec::with_capacity(entries.0.len());
        while entries.0.len() > 0 {
            messages.push(entries.items()?.message()?);
        }
        if !messages.is_sorted_by_key(|message| message.id) {
            messages.sort_unstable_by_key(|message| message.id);
        }
        Some(messages)
    }

    /// An entry of a stream: its id, and names and values of its fields.
    fn message(&mut self) -> Option<RoomMessage> {
        let id = self.word()?;
        let id = decimal(id.strip_suffix("-0")?)?;
        let mut fields = self.items()?;
        let (mut date, mut sender, mut text) = (None, None, None);
        while fields.0.len() > 0 {
            match &*fields.word()? {
                "d" => date = Some(fields.number()?),
                "u" => sender = Some(Rc::from(fields.word()?)),
                "t" => text = Some(fields.word()?.into_boxed_str()),
                _ => return None,
            }
        }
        Some(RoomMessage::new(id, date?, sender?, text))
    }

    fn excerpt(&mut self) -> Option<RawExcerpt> {
        Some(RawExcerpt {
            epoch: self.epoch()?,
            top: self.number()?,
            is_here: self.truth()?,
            upto: match &*self.word()? {
                "" => None,
                upto => Some(decimal(upto)?),
            },
            messages: self.messages()?,
            census: Census {
                members: self.number()?,
                changes: self.number()?,
            },
        })
    }

    /// What follows `ok`.
    fn answer(&mut self, act: &Act) -> Option<Answer> {
        Some(match act {
            Act::Create { .. } => Answer::Created {
                number: self.number()?,
            },
            Act::Delete { .. } => Answer::Deleted,
            Act::Describe => Answer::Room {
                name: self.word()?,
                key: digest(&self.word()?)?,
                number: self.number()?,
                members: self.number()?,
            },
            Act::Join { .. } => {
                let before = match &*self.word()? {
                    "" => None,
                    before => Some(Where::read(before)?),
                };
                Answer::Joined {
                    excerpt: self.excerpt()?,
                    before,
                }
            }
            Act::Leave { .. } => Answer::Left {
                members: self.number()?,
            },
            Act::Publish { .. } => Answer::Published {
                epoch: self.epoch()?,
                id: self.number()?,
                date: self.number()?,
                known: self.messages()?.pop(),
            },
            Act::Read { .. } => Answer::Excerpt(self.excerpt()?),
            Act::Names { .. } => Answer::Names {
                members: self.number()?,
                names: self.names()?,
            },
            Act::Declare { .. } => Answer::Declared {
                lost: self.names()?,
            },
            Act::Audit { .. } => {
                let mut items = self.items()?;
                let mut members = Vec::with_capacity(items.0.len() / 2);
                while items.0.len() > 0 {
                    members.push((items.word()?.into(), hex(&items.word()?)?));
                }
                Answer::Audited { members }
            }
            Act::Sweep { .. } => Answer::Swept {
                has_more: self.truth()?,
            },
        })
    }
}

/// The id of a room in an answer.
pub(super) fn room_id(frame: &OwnedFrame) -> Option<RoomId> {
    match frame {
        OwnedFrame::BulkString(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::engine::Ask;
    use OwnedFrame::{Array, BulkString, Error, Integer, Null, SimpleString};

    fn text(text: &str) -> OwnedFrame {
        BulkString(text.into())
    }

    fn read() -> Act {
        let ask = Ask {
            since: None,
            last: 9,
            is_page: false,
        };
        Act::Read { ask }
    }

    fn entry(id: &str, fields: &[&str]) -> OwnedFrame {
        let fields = fields.iter().map(|field| text(field)).collect();
        Array(vec![text(id), Array(fields)])
    }

    fn history(entries: Vec<OwnedFrame>) -> OwnedFrame {
        Array(vec![
            text("ok"),
            text("00000000000000ab"),
            text("9"),
            Integer(1),
            text(""),
            Array(entries),
            Integer(2),
            text("3"),
        ])
    }

    #[test]
    fn entries_come_in_either_order_and_are_read_in_that_of_their_ids() {
        let entries = vec![
            entry("9-0", &["d", "5", "u", "lee"]),
            entry("8-0", &["d", "4", "u", "kim", "t", ""]),
        ];
        let read = answer(&read(), history(entries));
        let excerpt = RawExcerpt {
            epoch: Epoch::of_bits(0xab),
            top: 9,
            is_here: true,
            upto: None,
            messages: vec![
                RoomMessage::new(8, 4, "kim".into(), Some("".into())),
                RoomMessage::new(9, 5, "lee".into(), None),
            ],
            census: Census {
                members: 2,
                changes: 3,
            },
        };
        assert_eq!(read, Ok(Answer::Excerpt(excerpt)));
    }

    #[test]
    fn refusals_and_errors_of_the_engine_are_told_apart() {
        let refused = answer(&read(), Array(vec![text("unknown-room")]));
        assert_eq!(refused, Ok(Answer::Refused(RoomError::UnknownRoom)));
        let forgotten = answer(&read(), Error("NOSCRIPT No matching script.".into()));
        assert_eq!(forgotten, Err(Broken::NoScript));
        let replica = answer(&read(), Error("READONLY You can't".into()));
        assert_eq!(replica, Err(Broken::Refused("READONLY You can't".into())));
        assert!(
            replica
                .unwrap_err()
                .to_string()
                .ends_with("READONLY You can't")
        );
    }

    #[test]
    fn what_no_script_answers_is_malformed() {
        for frame in [
            Null,
            SimpleString("OK".into()),
            Integer(1),
            Array(vec![]),
            Array(vec![text("ok")]),
            Array(vec![text("no-such-word")]),
            Array(vec![text("unknown-room"), text("more")]),
            history(vec![Null]),
            history(vec![entry("9", &["d", "5", "u", "lee"])]),
            history(vec![entry("9-0", &["d", "5"])]),
            history(vec![entry("9-0", &["d", "-5", "u", "lee"])]),
            history(vec![entry("9-0", &["d", "5", "u", "lee", "t"])]),
            history(vec![entry("9-0", &["d", "5", "u", "lee", "x", "y"])]),
        ] {
            let broken = answer(&read(), frame.clone());
            assert_eq!(broken, Err(Broken::Malformed), "{frame:?}");
        }
    }
}
