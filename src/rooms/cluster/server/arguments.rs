//! Reads the arguments of a script back into the request that they were made of.

use super::super::request::{Act, Declared, Request, Speaker, Where, decimal, digest, hex};
use super::super::retention::Retention;
use super::super::script::Script;
use crate::rooms::engine::Ask;
use crate::rooms::{Epoch, Position, RoomId};
use std::rc::Rc;

/// A call of a script.
pub(super) struct Call {
    pub(super) channel: Vec<u8>,
    pub(super) request: Request,
    pub(super) retention: Retention,
    /// The keys behind those of the room.
    pub(super) keys: Vec<Vec<u8>>,
}

/// What a call of a script asks for. `None` for what no node says.
pub(super) fn read(script: Script, words: &[Vec<u8>]) -> Option<Call> {
    let mut words = Words(words.iter());
    let keys: usize = words.number()?;
    let facts = words.text()?;
    let (stream, members) = (words.text()?, words.text()?);
    let tagged = facts.strip_suffix(":m")?;
    if stream.strip_suffix(":s")? != tagged || members.strip_suffix(":p")? != tagged {
        return None;
    }
    let room: RoomId = tagged.split_once('{')?.1.strip_suffix('}')?.parse().ok()?;
    let (mut key, mut more) = (None, Vec::new());
    match (script, keys) {
        (Script::Publish, 4) => {
            let text = words.text()?.strip_prefix(tagged)?.strip_prefix(":k:")?;
            key = Some(u128::from_str_radix(text, 16).ok()?);
        }
        (Script::Join | Script::Declare, 5) => {
            more = vec![words.text()?.into(), words.text()?.into()];
        }
        (Script::Sweep, 4) => more = vec![words.text()?.into()],
        (Script::Publish | Script::Join | Script::Declare | Script::Sweep, _) => return None,
        (_, 3) => {}
        _ => return None,
    }
    let channel = words.text()?;
    if channel != tagged {
        return None;
    }
    let run = words.hex()?;
    let fresh: Epoch = words.text()?.parse().ok()?;
    let seen = words.position()?;
    let retention = Retention {
        messages: words.number()?,
        bytes: words.number()?,
        age: words.number()?,
        empty: Some(words.number()?).filter(|empty| *empty > 0),
    };
    let act = words.act(script, key)?;
    let request = Request {
        room,
        run,
        fresh,
        seen,
        act,
    };
    let is_all = words.0.next().is_none();
    is_all.then(|| Call {
        channel: channel.as_bytes().to_vec(),
        request,
        retention,
        keys: more,
    })
}

/// The words that are left.
struct Words<'w>(std::slice::Iter<'w, Vec<u8>>);

impl<'w> Words<'w> {
    fn text(&mut self) -> Option<&'w str> {
        std::str::from_utf8(self.0.next()?).ok()
    }

    fn name(&mut self) -> Option<Rc<str>> {
        self.text().map(Rc::from)
    }

    fn number<T: TryFrom<u64>>(&mut self) -> Option<T> {
        T::try_from(decimal(self.text()?)?).ok()
    }

    fn hex(&mut self) -> Option<u64> {
        hex(self.text()?)
    }

    fn at(&mut self) -> Option<Where> {
        Where::read(self.text()?)
    }

    fn truth(&mut self) -> Option<bool> {
        match self.text()? {
            "0" => Some(false),
            "1" => Some(true),
            _ => None,
        }
    }

    fn position(&mut self) -> Option<Option<Position>> {
        let (epoch, id) = (self.text()?, self.text()?);
        if epoch.is_empty() && id.is_empty() {
            return Some(None);
        }
        let (epoch, id) = (epoch.parse().ok()?, decimal(id)?);
        Some(Some(Position { epoch, id }))
    }

    fn ask(&mut self) -> Option<Ask> {
        Some(Ask {
            since: self.position()?,
            last: self.number()?,
            is_page: self.truth()?,
        })
    }

    fn act(&mut self, script: Script, key: Option<u128>) -> Option<Act> {
        Some(match script {
            Script::Create => Act::Create {
                name: self.name()?,
                key: digest(self.text()?)?,
                number: self.number()?,
            },
            Script::Delete => Act::Delete {
                key: digest(self.text()?)?,
            },
            Script::Describe => Act::Describe,
            Script::Join => Act::Join {
                name: self.name()?,
                at: self.at()?,
                identity: self.hex()?,
                ask: self.ask()?,
            },
            Script::Leave => Act::Leave {
                name: self.name()?,
                at: self.at()?,
            },
            Script::Publish => self.publish(key?)?,
            Script::Read => Act::Read { ask: self.ask()? },
            Script::Names => Act::Names {
                most: self.number()?,
            },
            Script::Declare => self.declare()?,
            Script::Audit => Act::Audit { node: self.hex()? },
            Script::Sweep => Act::Sweep {
                node: self.hex()?,
                most: self.number()?,
            },
        })
    }

    fn publish(&mut self, key: u128) -> Option<Act> {
        let (kind, at) = (self.text()?, self.text()?);
        let speaker = match (kind, at) {
            ("m", at) => Speaker::Member(Where::read(at)?),
            ("g", "") => Speaker::Guest,
            ("u", "") => Speaker::User,
            _ => return None,
        };
        let sender = self.name()?;
        let (has_text, text) = (self.truth()?, self.name()?);
        Some(Act::Publish {
            speaker,
            sender,
            text: has_text.then_some(text),
            key,
        })
    }

    fn declare(&mut self) -> Option<Act> {
        let node = self.hex()?;
        let mut members = Vec::new();
        while self.0.len() > 0 {
            members.push(Declared {
                name: self.name()?,
                identity: self.hex()?,
                place: self.hex()?,
            });
        }
        Some(Act::Declare { node, members })
    }
}
