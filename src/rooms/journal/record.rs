//! One record of the journal: length, checksum, and what happened.
//!
//! ```text
//! length of the body, 4 bytes | CRC-32 of the body, 4 bytes | body: kind, 1 byte, and its fields
//! ```
//! Numbers are little-endian. What cannot be read ends the journal: nothing behind it is looked at.

use crate::rooms::engine::{KeyDigest, ReferenceKey};
use crate::rooms::{Epoch, RoomId};

/// The longest body: a text of 1 MiB, two names, and numbers.
pub(super) const MOST: usize = (1 << 20) + (8 << 10);

/// Bytes before the body.
pub(super) const HEAD: usize = 8;

/// What is kept of a room but its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RoomRecord<'b> {
    pub(super) id: RoomId,
    pub(super) number: u64,
    pub(super) epoch: Epoch,
    pub(super) top: u64,
    /// No id above this was given without another record.
    pub(super) vouched: u64,
    /// Milliseconds since 1970.
    pub(super) used: u64,
    pub(super) key: KeyDigest,
    pub(super) name: &'b str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MessageRecord<'b> {
    pub(super) room: RoomId,
    pub(super) id: u64,
    pub(super) date: u64,
    pub(super) reference: Option<ReferenceKey>,
    pub(super) sender: &'b str,
    pub(super) text: Option<&'b str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record<'b> {
    /// A process began to write, while the machine ran under this boot id.
    Run([u8; 16]),
    /// All before this is written anew behind it.
    Anew,
    /// A room is there, or this is how it is now.
    Room(RoomRecord<'b>),
    Gone(RoomId),
    Message(MessageRecord<'b>),
    /// Ids up to this may be given within this epoch.
    Vouch(RoomId, Epoch, u64),
    /// The process ended in order: no id was given that is not written here.
    End,
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn bytes(&mut self, count: usize) -> Option<&'b [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A number that is counted up: nobody gets past this.
    fn count(&mut self) -> Option<u64> {
        self.u64().filter(|count| *count < 1 << 62)
    }

    fn u128(&mut self) -> Option<u128> {
        self.array().map(u128::from_le_bytes)
    }

    fn room(&mut self) -> Option<RoomId> {
        self.u128().map(RoomId::of_bits)
    }

    fn epoch(&mut self) -> Option<Epoch> {
        self.u64().map(Epoch::of_bits)
    }

    fn text(&mut self) -> Option<&'b str> {
        let length = self.array().map(u32::from_le_bytes)?;
        std::str::from_utf8(self.bytes(usize::try_from(length).ok()?)?).ok()
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}

impl<'b> Record<'b> {
    /// Writes it behind what is there.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend([0; HEAD]);
        self.write_body(out);
        let body = &out[start + HEAD..];
        let (length, sum) = (body.len() as u32, crc32fast::hash(body));
        out[start..start + 4].copy_from_slice(&length.to_le_bytes());
        out[start + 4..start + HEAD].copy_from_slice(&sum.to_le_bytes());
    }

    fn write_body(&self, out: &mut Vec<u8>) {
        match self {
            Self::Run(boot) => {
                out.push(1);
                out.extend(boot);
            }
            Self::Anew => out.push(2),
            Self::Room(room) => {
                out.push(3);
                out.extend(room.id.bits().to_le_bytes());
                for number in [
                    room.number,
                    room.epoch.bits(),
                    room.top,
                    room.vouched,
                    room.used,
                ] {
                    out.extend(number.to_le_bytes());
                }
                out.extend(room.key);
                put_text(out, room.name);
            }
            Self::Gone(room) => {
                out.push(4);
                out.extend(room.bits().to_le_bytes());
            }
            Self::Message(message) => {
                out.push(5);
                out.extend(message.room.bits().to_le_bytes());
                out.extend(message.id.to_le_bytes());
                out.extend(message.date.to_le_bytes());
                out.push(
                    u8::from(message.reference.is_some()) | u8::from(message.text.is_some()) << 1,
                );
                if let Some(reference) = message.reference {
                    out.extend(reference.to_le_bytes());
                }
                put_text(out, message.sender);
                if let Some(text) = message.text {
                    put_text(out, text);
                }
            }
            Self::Vouch(room, epoch, up_to) => {
                out.push(6);
                out.extend(room.bits().to_le_bytes());
                out.extend(epoch.bits().to_le_bytes());
                out.extend(up_to.to_le_bytes());
            }
            Self::End => out.push(7),
        }
    }

    /// The record at the front, and how many bytes it takes. `None`: there is none that is whole.
    pub(super) fn read(bytes: &'b [u8]) -> Option<(Self, usize)> {
        let mut reader = Reader(bytes);
        let length = usize::try_from(reader.array().map(u32::from_le_bytes)?).ok()?;
        let sum = reader.array().map(u32::from_le_bytes)?;
        if length > MOST {
            return None;
        }
        let body = reader.bytes(length)?;
        if crc32fast::hash(body) != sum {
            return None;
        }
        Some((Self::read_body(body)?, HEAD + length))
    }

    /// How long the record at the front says that it is, whether or not it is there.
    pub(super) fn length(bytes: &[u8]) -> Option<usize> {
        let length = bytes
            .first_chunk()
            .map(|length| u32::from_le_bytes(*length))?;
        Some(HEAD + usize::try_from(length).ok()?)
    }

    fn read_body(body: &'b [u8]) -> Option<Self> {
        let mut reader = Reader(body);
        let [kind] = reader.array()?;
        let record = match kind {
            1 => Self::Run(reader.array()?),
            2 => Self::Anew,
            3 => Self::Room(RoomRecord {
                id: reader.room()?,
                number: reader.count()?,
                epoch: reader.epoch()?,
                top: reader.count()?,
                vouched: reader.count()?,
                used: reader.u64()?,
                key: reader.array()?,
                name: reader.text()?,
            }),
            4 => Self::Gone(reader.room()?),
            5 => {
                let (room, id, date) = (reader.room()?, reader.count()?, reader.u64()?);
                let [has] = reader.array()?;
                if has > 3 {
                    return None;
                }
                let reference = if has & 1 != 0 {
                    Some(reader.u128()?)
                } else {
                    None
                };
                let sender = reader.text()?;
                let text = if has & 2 != 0 {
                    Some(reader.text()?)
                } else {
                    None
                };
                Self::Message(MessageRecord {
                    room,
                    id,
                    date,
                    reference,
                    sender,
                    text,
                })
            }
            6 => Self::Vouch(reader.room()?, reader.epoch()?, reader.count()?),
            7 => Self::End,
            _ => return None,
        };
        reader.0.is_empty().then_some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Record<'static>> {
        let room = RoomId::random();
        vec![
            Record::Run([7; 16]),
            Record::Anew,
            Record::Room(RoomRecord {
                id: room,
                number: 3,
                epoch: Epoch::random(),
                top: 5,
                vouched: 64,
                used: 1,
                key: [9; 20],
                name: "방",
            }),
            Record::Message(MessageRecord {
                room,
                id: 6,
                date: 2,
                reference: Some(1),
                sender: "kim",
                text: Some("hello"),
            }),
            Record::Message(MessageRecord {
                room,
                id: 7,
                date: 2,
                reference: None,
                sender: "kim",
                text: None,
            }),
            Record::Vouch(room, Epoch::random(), 128),
            Record::Gone(room),
            Record::End,
        ]
    }

    #[test]
    fn a_record_reads_as_it_was_written() {
        let mut bytes = Vec::new();
        all().iter().for_each(|record| record.write(&mut bytes));
        let mut rest = &bytes[..];
        for record in all_of(&bytes) {
            let (read, length) = Record::read(rest).expect("a record");
            assert_eq!(read, record);
            rest = &rest[length..];
        }
        assert!(rest.is_empty());
    }

    fn all_of(bytes: &[u8]) -> Vec<Record<'_>> {
        let mut rest = bytes;
        std::iter::from_fn(|| {
            let (record, length) = Record::read(rest)?;
            rest = &rest[length..];
            Some(record)
        })
        .collect()
    }

    #[test]
    fn a_record_that_is_cut_or_changed_anywhere_is_none() {
        for record in all() {
            let mut bytes = Vec::new();
            record.write(&mut bytes);
            for length in 0..bytes.len() {
                assert_eq!(Record::read(&bytes[..length]), None, "{record:?}");
            }
            for at in 0..bytes.len() * 8 {
                let mut changed = bytes.clone();
                changed[at / 8] ^= 1 << (at % 8);
                assert_eq!(Record::read(&changed), None, "bit {at} of {record:?}");
            }
        }
    }
}
