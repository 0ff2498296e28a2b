//! How a push is written on the channel of its room.
//!
//! A line of fields between single blanks, and behind it the bytes of names and texts, whose lengths stand
//! among the fields: nothing is escaped, and a name may hold anything.
//!
//! | line | what |
//! |---|---|
//! | `M epoch id date key sender text` | a message and the key of its publisher; lengths of its sender and its text, `-` for none |
//! | `J node place members changes name` | somebody is in; members with it, how often somebody came or went, and the length of its name |
//! | `L node place members changes name` | somebody is in no more |
//! | `V node place name` | somebody was here and is elsewhere now |
//! | `E epoch id` | ids behind this one belong to this epoch |
//! | `C` | the room is gone |

use super::request::{Census, Push, Where};
use crate::rooms::{Position, RoomMessage};
use std::rc::Rc;

impl Push {
    /// As the scripts write it.
    pub(super) fn encode(&self) -> Vec<u8> {
        let (header, texts): (String, [&str; 2]) = match self {
            Self::Message {
                epoch,
                message,
                key,
            } => {
                let (sender, text) = (&*message.sender, message.text.as_deref());
                let length = text.map_or("-".to_owned(), |text| text.len().to_string());
                let (id, date) = (message.id, message.date);
                let header = format!("M {epoch} {id} {date} {key:032x} {} {length}", sender.len());
                (header, [sender, text.unwrap_or("")])
            }
            Self::Joined { name, at, census } => {
                let Census { members, changes } = census;
                let header = format!("J {at} {members} {changes} {}", name.len());
                (header, [name, ""])
            }
            Self::Left { name, at, census } => {
                let Census { members, changes } = census;
                let header = format!("L {at} {members} {changes} {}", name.len());
                (header, [name, ""])
            }
            Self::Moved { name, from } => (format!("V {from} {}", name.len()), [name, ""]),
            Self::Epoch(Position { epoch, id }) => (format!("E {epoch} {id}"), ["", ""]),
            Self::Closed => ("C".to_owned(), ["", ""]),
        };
        [&header, "\n", texts[0], texts[1]].concat().into_bytes()
    }

    /// Reads what a script wrote; `None` for anything else.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let header = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut fields = Fields {
            fields: header.split(' '),
            body: &bytes[end + 1..],
        };
        let push = match fields.word()? {
            "M" => fields.message()?,
            "J" => {
                let (at, census, name) = (fields.at()?, fields.census()?, fields.text()?);
                Self::Joined { name, at, census }
            }
            "L" => {
                let (at, census, name) = (fields.at()?, fields.census()?, fields.text()?);
                Self::Left { name, at, census }
            }
            "V" => {
                let (from, name) = (fields.at()?, fields.text()?);
                Self::Moved { name, from }
            }
            "E" => Self::Epoch(Position {
                epoch: fields.word()?.parse().ok()?,
                id: fields.number()?,
            }),
            "C" => Self::Closed,
            _ => return None,
        };
        (fields.body.is_empty() && fields.fields.next().is_none()).then_some(push)
    }
}

/// The fields that are left, and the bytes behind them.
struct Fields<'p> {
    fields: std::str::Split<'p, char>,
    body: &'p [u8],
}

impl<'p> Fields<'p> {
    fn word(&mut self) -> Option<&'p str> {
        self.fields.next()
    }

    fn number<T: TryFrom<u64>>(&mut self) -> Option<T> {
        T::try_from(super::request::decimal(self.word()?)?).ok()
    }

    fn at(&mut self) -> Option<Where> {
        let (node, place) = (self.word()?, self.word()?);
        let (node, place) = (super::request::hex(node)?, super::request::hex(place)?);
        Some(Where { node, place })
    }

    fn census(&mut self) -> Option<Census> {
        let (members, changes) = (self.number()?, self.number()?);
        Some(Census { members, changes })
    }

    /// 32 hexadecimal digits.
    fn key(&mut self) -> Option<u128> {
        let (high, low) = self.word()?.split_at_checked(16)?;
        let (high, low) = (super::request::hex(high)?, super::request::hex(low)?);
        Some(u128::from(high) << 64 | u128::from(low))
    }

    fn bytes(&mut self, length: usize) -> Option<&'p str> {
        let (text, rest) = self.body.split_at_checked(length)?;
        self.body = rest;
        std::str::from_utf8(text).ok()
    }

    /// A text whose length stands here.
    fn text(&mut self) -> Option<Rc<str>> {
        let length = self.number()?;
        self.bytes(length).map(Rc::from)
    }

    fn message(&mut self) -> Option<Push> {
        let epoch = self.word()?.parse().ok()?;
        let (id, date) = (self.number()?, self.number()?);
        let (key, sender) = (self.key()?, self.text()?);
        let text = match self.word()? {
            "-" => None,
            length => {
                let length = super::request::decimal(length)?;
                Some(self.bytes(usize::try_from(length).ok()?)?.into())
            }
        };
        let message = RoomMessage::new(id, date, sender, text);
        Some(Push::Message {
            epoch,
            message,
            key,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::Epoch;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    fn examples() -> Vec<Push> {
        let at = Where {
            node: 1,
            place: u64::MAX,
        };
        let epoch = Epoch::of_bits(0xab);
        let message = |sender: &str, text: Option<&str>| Push::Message {
            epoch,
            message: RoomMessage::new(7, 1_700_000_000_000, sender.into(), text.map(Box::from)),
            key: 0xcd << 64,
        };
        let name: Rc<str> = "a b\n".into();
        vec![
            message("kim", Some("hello\nM 1 2 3\0")),
            message("킴", Some("")),
            message("", None),
            Push::Joined {
                name: Rc::clone(&name),
                at,
                census: Census {
                    members: 3,
                    changes: 1 << 40,
                },
            },
            Push::Left {
                name: Rc::clone(&name),
                at,
                census: Census {
                    members: 0,
                    changes: 1,
                },
            },
            Push::Moved { name, from: at },
            Push::Epoch(Position { epoch, id: 9 }),
            Push::Closed,
        ]
    }

    #[test]
    fn a_push_reads_as_it_is_written() {
        for push in examples() {
            assert_eq!(Push::decode(&push.encode()), Some(push));
        }
        let message = examples().remove(0).encode();
        let written = concat!(
            "M 00000000000000ab 7 1700000000000 00000000000000cd0000000000000000 3 14\n",
            "kimhello\nM 1 2 3\0"
        );
        assert_eq!(message, written.as_bytes());
    }

    #[test]
    fn what_no_script_writes_is_no_push() {
        for bytes in [
            &b""[..],
            b"\n",
            b"C",
            b"C \n",
            b"C\nx",
            b"X\n",
            b"E 00000000000000ab\n",
            b"E 00000000000000ab +1\n",
            b"E ab 1\n",
            b"M 00000000000000ab 7 1 00000000000000cd0000000000000000 3 2\nkimh",
            b"M 00000000000000ab 7 1 00000000000000cd0000000000000000 3 -\nkimh",
            b"M 00000000000000ab 7 1 3 1\nkimh",
            b"M 00000000000000ab 7 1 0 3 1\nkimh",
            b"M 00000000000000ab 7 1 00000000000000cd0000000000000000 18446744073709551615 1\nkim",
            b"M 00000000000000ab 7 1 00000000000000cd0000000000000000 2 1\n\xff\xffh",
            b"J 0000000000000001 0000000000000002 1 3\nki",
            b"J 0000000000000001 000000000000002 1 3\nkim",
            b"V 0000000000000001 0000000000000002 -1\nkim",
        ] {
            let shown = String::from_utf8_lossy(bytes);
            assert_eq!(Push::decode(bytes), None, "{shown:?}");
        }
    }

    #[test]
    fn changed_bytes_are_another_push_or_none_and_never_a_panic() {
        let examples: Vec<Vec<u8>> = examples().iter().map(Push::encode).collect();
        let mut random = StdRng::seed_from_u64(1);
        let (mut some, mut none) = (0, 0);
        for _ in 0..20_000 {
            let mut bytes = examples[random.random_range(0..examples.len())].clone();
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..bytes.len().max(1));
                match random.random_range(0..4) {
                    0 if at < bytes.len() => bytes[at] = random.random(),
                    1 if at < bytes.len() => drop(bytes.remove(at)),
                    2 => bytes.insert(at.min(bytes.len()), b"0 -9\n"[random.random_range(0..5)]),
                    _ => bytes.truncate(at),
                }
            }
            match Push::decode(&bytes) {
                Some(push) => {
                    some += 1;
                    assert_eq!(Push::decode(&push.encode()), Some(push));
                }
                None => none += 1,
            }
        }
        assert!(some > 100 && none > 100, "{some} and {none}");
    }
}
