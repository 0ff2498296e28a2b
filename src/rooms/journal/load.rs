//! What a journal says: the rooms as they were when its last record was written.

use super::record::{MessageRecord, Record, RoomRecord};
use super::segments::{Folder, MAGIC};
use crate::rooms::engine::{KeyDigest, ReferenceKey};
use crate::rooms::receipts;
use crate::rooms::{Epoch, RoomId, RoomMessage};
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, OpenOptions};
use std::io;
use std::rc::Rc;

/// A room as it was kept.
pub(in crate::rooms) struct Saved {
    pub(in crate::rooms) id: RoomId,
    pub(in crate::rooms) number: u64,
    pub(in crate::rooms) name: String,
    pub(in crate::rooms) key: KeyDigest,
    pub(in crate::rooms) epoch: Epoch,
    pub(in crate::rooms) top: u64,
    /// Milliseconds since 1970.
    pub(in crate::rooms) used: u64,
    /// In the order of their ids; some may be missing between them.
    pub(in crate::rooms) messages: Vec<(RoomMessage, Option<ReferenceKey>)>,
}

/// A message that is kept beyond its segment.
pub(super) struct Kept {
    pub(super) date: u64,
    pub(super) reference: Option<ReferenceKey>,
    pub(super) sender: Box<str>,
    pub(super) text: Option<Box<str>>,
}

impl Kept {
    fn length(&self) -> usize {
        self.sender.len() + self.text.as_ref().map_or(0, |text| text.len())
    }

    fn held(&self) -> usize {
        AROUND + self.length()
    }
}

/// A room as the records so far tell it.
pub(super) struct Loaded {
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) key: KeyDigest,
    pub(super) epoch: Epoch,
    pub(super) top: u64,
    pub(super) vouched: u64,
    pub(super) used: u64,
    pub(super) messages: BTreeMap<u64, Kept>,
}

/// How long a history is worth keeping.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worth {
    /// Of a room the newest so many.
    pub(super) messages: usize,
    /// No older than this, milliseconds.
    pub(super) time: u64,
    /// Of a room so many bytes.
    pub(super) bytes: usize,
    /// Of all rooms together so many.
    pub(super) total: usize,
}

/// Bytes of messages of a room that are kept for their marks.
const RECEIPTS: usize = 1 << 20;

/// Bytes that keeping a message takes beside its text and sender, about.
const AROUND: usize = 160;

/// What all records so far tell.
#[derive(Default)]
pub(super) struct State {
    pub(super) rooms: HashMap<RoomId, Loaded>,
    /// Under which boot id the last process wrote.
    pub(super) boot: Option<[u8; 16]>,
    /// The last record says that it ended in order.
    ended: bool,
}

impl State {
    pub(super) fn apply(&mut self, record: Record<'_>) {
        self.ended = matches!(record, Record::End);
        match record {
            Record::Run(boot) => self.boot = Some(boot),
            Record::Anew => self.rooms.clear(),
            Record::Room(room) => self.room(&room),
            Record::Gone(room) => {
                self.rooms.remove(&room);
            }
            Record::Message(message) => self.message(message),
            Record::Vouch(room, epoch, up_to) => {
                if let Some(room) = self.rooms.get_mut(&room) {
                    room.epoch = epoch;
                    room.vouched = room.vouched.max(up_to);
                }
            }
            Record::End => {}
        }
    }

    fn room(&mut self, record: &RoomRecord<'_>) {
        let room = self.rooms.entry(record.id).or_insert_with(|| Loaded {
            number: record.number,
            name: record.name.to_owned(),
            key: record.key,
            epoch: record.epoch,
            top: 0,
            vouched: 0,
            used: 0,
            messages: BTreeMap::new(),
        });
        room.epoch = record.epoch;
        room.top = room.top.max(record.top);
        room.vouched = room.vouched.max(record.vouched);
        room.used = room.used.max(record.used);
    }

    fn message(&mut self, message: MessageRecord<'_>) {
        let Some(room) = self.rooms.get_mut(&message.room) else {
            return;
        };
        room.top = room.top.max(message.id);
        room.used = room.used.max(message.date);
        let kept = Kept {
            date: message.date,
            reference: message.reference,
            sender: message.sender.into(),
            text: message.text.map(Into::into),
        };
        room.messages.insert(message.id, kept);
    }

    /// Forgets messages that nobody will ask for at this time, and those that are too many for all rooms
    /// together: of each room the oldest, the longest histories first.
    pub(super) fn trim(&mut self, worth: Worth, now: u64) {
        let mut most = worth.bytes.max(RECEIPTS) + AROUND * receipts::MOST;
        while self.trim_rooms(worth, most, now) > worth.total && most > 0 {
            most /= 2;
        }
    }

    /// The same with so many bytes at most for each room; the bytes that are left.
    fn trim_rooms(&mut self, worth: Worth, most: usize, now: u64) -> usize {
        let is_young = |kept: &Kept, time: u64| kept.date.saturating_add(time) > now;
        let mut total = 0;
        for room in self.rooms.values_mut() {
            let (mut count, mut bytes, mut held, mut marks) = (0, 0, 0, 0);
            let mut is_worth = |kept: &Kept| {
                count += 1;
                bytes += kept.length();
                held += kept.held();
                let is_history =
                    count <= worth.messages && bytes <= worth.bytes && is_young(kept, worth.time);
                let is_receipt = kept.reference.is_some()
                    && bytes <= RECEIPTS
                    && marks < receipts::MOST
                    && is_young(kept, receipts::KNOWN_FOR as u64);
                marks += usize::from(kept.reference.is_some());
                (is_history || is_receipt) && held <= most
            };
            let newest = room.messages.iter().rev();
            let old = newest.filter(|(_, kept)| !is_worth(kept));
            let old: Vec<u64> = old.map(|(number, _)| *number).collect();
            for number in old {
                room.messages.remove(&number);
            }
            total += room.messages.values().map(Kept::held).sum::<usize>();
        }
        total
    }

    /// Reads a segment; how many bytes of it are good, and whether what follows them is a record that
    /// was not written to its end.
    pub(super) fn read(&mut self, bytes: &[u8]) -> (usize, bool) {
        let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
            return (0, MAGIC.starts_with(bytes));
        };
        while let Some((record, length)) = Record::read(rest) {
            self.apply(record);
            rest = &rest[length..];
        }
        let is_torn = Record::length(rest).is_none_or(|length| length > rest.len());
        (bytes.len() - rest.len(), is_torn)
    }
}

/// What a folder holds, read once at the start.
pub(super) struct Load {
    pub(super) saved: Vec<Saved>,
    /// The number that the next segment gets.
    pub(super) next: u64,
    /// Bytes of all segments.
    pub(super) bytes: u64,
}

/// Reads all segments, cuts what is not whole, and decides what ids are vouched for.
///
/// # Errors
/// What the file system says.
pub(super) fn load(
    folder: &Folder,
    boot: Option<[u8; 16]>,
    worth: Worth,
    now: u64,
) -> io::Result<Load> {
    let (mut state, mut all_good, mut total) = (State::default(), true, 0);
    let numbers = folder.numbers()?;
    let mut left = numbers.iter();
    for number in left.by_ref() {
        let path = folder.segment(*number);
        let bytes = fs::read(&path)?;
        let (good, is_torn) = state.read(&bytes);
        state.trim(worth, now);
        total += good as u64;
        if good < bytes.len() {
            // A record that was being written when the process was killed is the last one there is.
            let is_last = Some(number) == numbers.last();
            all_good = is_torn && is_last;
            log::warn!(
                "{}: cut behind {good} of {} bytes, {}",
                path.display(),
                bytes.len(),
                if all_good {
                    "where a process was killed"
                } else {
                    "where it is damaged"
                }
            );
            state.ended = false;
            OpenOptions::new()
                .write(true)
                .open(&path)?
                .set_len(good as u64)?;
            break;
        }
    }
    for number in left {
        log::warn!(
            "{}: removed, the segment before it is damaged",
            folder.segment(*number).display()
        );
        fs::remove_file(folder.segment(*number))?;
    }
    let next = numbers.last().map_or(1, |last| last + 1);
    let same_boot = boot.is_some() && boot == state.boot;
    let keeps_epochs = all_good && (state.ended || same_boot);
    let mut saved: Vec<_> = std::mem::take(&mut state.rooms)
        .into_iter()
        .map(|(id, room)| room.saved(id, state.ended, keeps_epochs))
        .collect();
    saved.sort_unstable_by_key(|room| room.number);
    Ok(Load {
        saved,
        next,
        bytes: total,
    })
}

impl Loaded {
    /// What of it can be vouched for. After a process was killed ids may have been given that were
    /// not written: those up to the vouched one are not given again.
    fn saved(self, id: RoomId, ended: bool, keeps_epoch: bool) -> Saved {
        let top = if ended {
            self.top
        } else {
            self.top.max(self.vouched)
        };
        let messages = self.messages.into_iter().map(|(id, kept)| {
            let message = RoomMessage::new(id, kept.date, Rc::from(kept.sender), kept.text);
            (message, kept.reference)
        });
        Saved {
            id,
            number: self.number,
            name: self.name,
            key: self.key,
            epoch: if keeps_epoch {
                self.epoch
            } else {
                Epoch::random()
            },
            top,
            used: self.used,
            messages: messages.collect(),
        }
    }
}

/// For the fuzz target: reads any bytes as a segment, and once more as the bodies of records whose lengths
/// and sums are right. What is good of them reads again as it did.
///
/// # Panics
/// When it does not, or when a room would give an id twice.
#[cfg(any(test, feature = "fuzzing"))]
pub fn fuzz_reader(bytes: &[u8]) {
    fuzz_segment(bytes);
    let mut segment = MAGIC.to_vec();
    let mut rest = bytes;
    while let Some((length, behind)) = rest.split_first() {
        let (body, behind) = behind.split_at(behind.len().min(usize::from(*length)));
        segment.extend((body.len() as u32).to_le_bytes());
        segment.extend(crc32fast::hash(body).to_le_bytes());
        segment.extend(body);
        rest = behind;
    }
    fuzz_segment(&segment);
}

#[cfg(any(test, feature = "fuzzing"))]
fn fuzz_segment(bytes: &[u8]) {
    let worth = Worth {
        messages: 100,
        time: 300_000,
        bytes: 256 << 10,
        total: 64 << 20,
    };
    let mut state = State::default();
    let (good, _) = state.read(bytes);
    let mut again = State::default();
    assert_eq!(again.read(&bytes[..good]).0, good);
    assert_eq!(state.rooms.len(), again.rooms.len());
    state.trim(worth, 1_000_000);
    let ended = state.ended;
    for (id, room) in state.rooms {
        let (top, vouched) = (room.top, room.vouched);
        let saved = room.saved(id, ended, true);
        assert!(saved.top >= top && (ended || saved.top >= vouched));
        let ids = saved.messages.iter().map(|(message, _)| message.id);
        let ids: Vec<u64> = ids.collect();
        assert!(
            ids.is_sorted_by(|one, next| one < next),
            "each id is given once"
        );
        assert!(
            saved
                .messages
                .iter()
                .all(|(message, _)| message.id <= saved.top)
        );
    }
}
