//! The loop's end of a journal: what happened is handed over, and ids are vouched for in advance.

use super::boot::boot_id;
use super::load::{self, Saved, Worth};
use super::record::{MessageRecord, Record, RoomRecord};
use super::segments::Folder;
use super::vouched::Vouched;
use super::writer::Writer;
use crate::config::RoomLimits;
use crate::rooms::engine::{Clock, ReferenceKey};
use crate::rooms::room::Room;
use crate::rooms::{RoomId, RoomMessage};
use crate::wire::error::{Error, ErrorKind, Result};
use std::path::Path;

/// Ids that are vouched for at a time; doubled, up to the second number, for a room that needs them faster
/// than they are written.
const VOUCHED: u64 = 64;
const MOST_VOUCHED: u64 = 1 << 16;

/// Bytes that all rooms together bring back, where no limit says how many they may keep.
const TOTAL: usize = 64 << 20;

/// How often the log says that the disk does not keep up, milliseconds.
const SAID_EVERY: u64 = 60_000;

/// What the loop knows of its journal.
pub(in crate::rooms) struct Journal {
    writer: Writer,
    scratch: Vec<u8>,
    boot: [u8; 16],
    /// Messages that were not kept since it was said last, and when that was.
    lost: u64,
    said: Option<u64>,
}

impl Journal {
    /// Opens a folder, reads what was kept, and starts the thread.
    ///
    /// # Errors
    /// Kind `Config` when another process has the folder, `Io` for everything the file system refuses.
    pub(in crate::rooms) fn open(
        path: &Path,
        limits: &RoomLimits,
        clock: Clock,
    ) -> Result<(Self, Vec<Saved>)> {
        let folder = Folder::open(path)?;
        let worth = Worth {
            messages: limits.history_messages,
            time: limits.history_time.as_millis() as u64,
            bytes: limits.history_bytes,
            total: limits.history_total.unwrap_or(TOTAL),
        };
        let boot = boot_id();
        let failed = |error| {
            let message = format!("cannot keep rooms in {}", path.display());
            Error::new(ErrorKind::Io, message).with_source(error)
        };
        let load = load::load(&folder, boot, worth, clock.unix).map_err(failed)?;
        let writer = Writer::start(folder, load.next, load.bytes, worth).map_err(failed)?;
        let journal = Self {
            writer,
            scratch: Vec::new(),
            boot: boot.unwrap_or_default(),
            lost: 0,
            said: None,
        };
        Ok((journal, load.saved))
    }

    /// Hands a record over; whether there was room for it.
    fn write(&mut self, record: &Record<'_>) -> bool {
        self.scratch.clear();
        record.write(&mut self.scratch);
        self.writer.push(&self.scratch)
    }

    fn write_room(&mut self, id: RoomId, room: &Room, used: u64) -> bool {
        let record = RoomRecord {
            id,
            number: room.number,
            epoch: room.epoch,
            top: room.top,
            vouched: room.vouched.asked,
            used,
            key: room.key,
            name: &room.name,
        };
        self.write(&Record::Room(record))
    }

    /// A room that the journal has kept goes on: with a record of how, since its epoch may be new.
    ///
    /// It is taken whatever its size: the ids that it vouches for must not depend on a full queue. They are
    /// not sure before it is written: until then the disk holds the room without them.
    pub(in crate::rooms) fn restored(&mut self, id: RoomId, room: &mut Room, clock: Clock) {
        self.writer.set_unbounded(true);
        self.created(id, room, clock);
        self.writer.set_unbounded(false);
        room.vouched.sure = room.top;
        room.vouched.asked_at = self.writer.progress().pushed;
    }

    /// All rooms are restored. Waits until that is written, for five seconds at most: what happens in rooms
    /// before costs them their epochs.
    pub(in crate::rooms) fn settle(&mut self) {
        self.writer.set_unbounded(true);
        // Behind the rooms: before all have their new epochs on disk, this is not a run of theirs.
        self.write(&Record::Run(self.boot));
        self.writer.set_unbounded(false);
        self.writer.wait_written();
    }

    /// A room is there.
    pub(in crate::rooms) fn created(&mut self, id: RoomId, room: &mut Room, clock: Clock) {
        room.vouched = Vouched::upto(room.top, VOUCHED);
        // Where there is no place for the record, a later message brings it.
        room.vouched.is_lossy = !self.write_room(id, room, clock.unix);
    }

    pub(in crate::rooms) fn deleted(&mut self, id: RoomId) {
        // A room that comes back after a full queue is dropped for being empty, in time.
        self.write(&Record::Gone(id));
    }

    /// Sees to it that the next id of a room is vouched for, by a new epoch if need be.
    pub(in crate::rooms) fn vouch(&mut self, id: RoomId, room: &mut Room) {
        let next = room.top + 1;
        let vouched = &mut room.vouched;
        let is_low = next + vouched.ahead / 2 > vouched.asked;
        if next <= vouched.sure && !is_low {
            return;
        }
        if self.writer.progress().written >= vouched.asked_at {
            vouched.sure = vouched.asked;
        }
        if next > vouched.sure {
            // The disk is behind. Ids of an epoch that is not on disk are never given twice.
            room.vouched = Vouched {
                is_lossy: vouched.is_lossy,
                ..Vouched::upto(next, (2 * vouched.ahead).min(MOST_VOUCHED))
            };
            room.begin_epoch();
            let upto = room.vouched.asked;
            room.vouched.is_lossy |= !self.write(&Record::Vouch(id, room.epoch, upto));
        } else if is_low && vouched.asked == vouched.sure {
            let upto = next + vouched.ahead;
            if self.write(&Record::Vouch(id, room.epoch, upto)) {
                let asked_at = self.writer.progress().pushed;
                (room.vouched.asked, room.vouched.asked_at) = (upto, asked_at);
            }
        }
    }

    /// A message has got its id.
    pub(in crate::rooms) fn published(
        &mut self,
        id: RoomId,
        room: &mut Room,
        message: &RoomMessage,
        reference: Option<ReferenceKey>,
        clock: Clock,
    ) {
        if room.vouched.is_lossy {
            // What was not kept ends the history that is on disk: this says up to where.
            room.vouched.is_lossy = !self.write_room(id, room, clock.unix);
        }
        let record = MessageRecord {
            room: id,
            id: message.id,
            date: message.date,
            reference,
            sender: &message.sender,
            text: message.text.as_deref(),
        };
        if !self.write(&Record::Message(record)) {
            room.vouched.is_lossy = true;
            self.lost += 1;
        }
        self.say(clock.now);
    }

    /// Tells of messages that were not kept, now and then.
    fn say(&mut self, now: u64) {
        let is_due = self.said.is_none_or(|said| now >= said + SAID_EVERY);
        if self.lost > 0 && is_due {
            let lost = std::mem::take(&mut self.lost);
            log::warn!(
                "the disk does not keep up: {lost} messages of rooms are not kept over a restart"
            );
            self.said = Some(now);
        }
    }

    /// Ends in order: everything is on disk when it returns, or cannot be.
    pub(in crate::rooms) fn finish<'r>(
        mut self,
        rooms: impl Iterator<Item = (&'r RoomId, &'r Room)>,
    ) {
        self.writer.set_unbounded(true);
        for (id, room) in rooms.filter(|(_, room)| room.vouched.is_lossy) {
            self.write_room(*id, room, 0);
        }
        self.write(&Record::End);
        self.writer.finish();
    }
}
