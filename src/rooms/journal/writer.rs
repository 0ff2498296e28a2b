//! The thread that writes a journal: segments, one `fdatasync` a second, and now and then all that is
//! still worth keeping, written anew.

use super::load::{State, Worth};
use super::record::{MessageRecord, Record, RoomRecord};
use super::segments::{Folder, MAGIC, MOST};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

/// Bytes of records that wait for the disk.
const QUEUE: usize = 1 << 20;

/// How often what is written is made to last.
const SYNC: Duration = Duration::from_secs(1);

/// Records are gathered for so long, so that a busy room wakes the thread a hundred times a second.
const GATHER: Duration = Duration::from_millis(10);

/// How long it waits after the file system refused, until it tries again.
const RETRY: Duration = Duration::from_secs(1);

/// Segments are written anew from so many bytes on, and when they are four times what was worth it then.
const ANEW_FROM: u64 = 16 << 20;

/// So many segments are written anew whatever their size: each start begins one.
const MOST_SEGMENTS: usize = 64;

/// How long a start and a stop wait for the disk.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What the loop and the thread share.
#[derive(Default)]
struct Queue {
    records: Vec<u8>,
    /// Bytes that were ever pushed, and that were ever written.
    pushed: u64,
    written: u64,
    is_unbounded: bool,
    stops: bool,
    /// The thread is done.
    ended: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that were ever pushed, and that were ever written.
pub(super) struct Progress {
    pub(super) pushed: u64,
    pub(super) written: u64,
}

/// The loop's end of the queue.
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread, with a new segment.
    pub(super) fn start(folder: Folder, next: u64, bytes: u64, worth: Worth) -> io::Result<Self> {
        let segments = folder.numbers()?.len();
        let file = folder.create(next)?;
        let shared = Arc::new(Shared::default());
        let work = Work {
            shared: Arc::clone(&shared),
            folder,
            file,
            number: next,
            size: MAGIC.len() as u64,
            closed: bytes,
            segments,
            anew_from: ANEW_FROM,
            worth,
            synced: Instant::now(),
            is_dirty: true,
            has_failed: false,
            is_removed: false,
        };
        let thread = thread::Builder::new().name("dunlin-rooms".to_owned());
        let thread = Some(thread.spawn(move || work.run())?);
        Ok(Self { shared, thread })
    }

    /// Puts whole records into the queue; `false`: it is full. An empty one takes any record.
    pub(super) fn push(&self, records: &[u8]) -> bool {
        let mut queue = self.shared.lock();
        let is_full = !queue.records.is_empty() && queue.records.len() + records.len() > QUEUE;
        if is_full && !queue.is_unbounded {
            return false;
        }
        let was_empty = queue.records.is_empty();
        queue.records.extend_from_slice(records);
        queue.pushed += records.len() as u64;
        drop(queue);
        if was_empty {
            self.shared.changed.notify_one();
        }
        true
    }

    pub(super) fn progress(&self) -> Progress {
        let queue = self.shared.lock();
        Progress {
            pushed: queue.pushed,
            written: queue.written,
        }
    }

    /// Whether what is pushed from now on is taken whatever its size.
    pub(super) fn set_unbounded(&self, is_unbounded: bool) {
        self.shared.lock().is_unbounded = is_unbounded;
    }

    /// Waits until what was pushed is written, for five seconds at most.
    pub(super) fn wait_written(&self) {
        let queue = self.shared.lock();
        let pushed = queue.pushed;
        let is_waiting = |queue: &mut Queue| queue.written < pushed && !queue.ended;
        let changed = &self.shared.changed;
        drop(changed.wait_timeout_while(queue, LONGEST_WAIT, is_waiting));
    }

    /// Waits until all is on disk, for five seconds at most.
    pub(super) fn finish(mut self) {
        let mut queue = self.shared.lock();
        queue.stops = true;
        self.shared.changed.notify_one();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(queue, LONGEST_WAIT, |queue| !queue.ended);
        let (queue, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(queue);
        if waited.timed_out() {
            log::error!(
                "the disk does not take the rooms within {LONGEST_WAIT:?}: they may not be whole"
            );
        } else if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    /// Without an end in order the thread still ends; what it has is written.
    fn drop(&mut self) {
        self.shared.lock().stops = true;
        self.shared.changed.notify_one();
    }
}

/// What the thread has.
struct Work {
    shared: Arc<Shared>,
    folder: Folder,
    file: File,
    number: u64,
    /// Bytes of this segment that are good, and of those before it.
    size: u64,
    closed: u64,
    /// How many there are before it.
    segments: usize,
    anew_from: u64,
    worth: Worth,
    synced: Instant,
    is_dirty: bool,
    has_failed: bool,
    /// The segment has no name any more.
    is_removed: bool,
}

impl Work {
    fn run(mut self) {
        while let Some(records) = self.next() {
            let mut rest = &records[..];
            while !rest.is_empty() {
                let fits = self.fitting(rest);
                if let Err(error) = self.write(&rest[..fits]) {
                    if !self.failed(&error) {
                        return self.end();
                    }
                    continue;
                }
                self.has_failed = false;
                self.shared.lock().written += fits as u64;
                self.shared.changed.notify_all();
                rest = &rest[fits..];
                if !rest.is_empty()
                    && let Err(error) = self.roll()
                    && !self.failed(&error)
                {
                    return self.end();
                }
            }
            if self.closed >= self.anew_from || self.segments >= MOST_SEGMENTS {
                self.bound();
            }
            if self.synced.elapsed() >= SYNC {
                self.sync();
            }
        }
        self.sync();
        self.end();
    }

    fn end(self) {
        self.shared.lock().ended = true;
        self.shared.changed.notify_all();
    }

    /// The next records; `None` when there will be none.
    fn next(&mut self) -> Option<Vec<u8>> {
        let shared = Arc::clone(&self.shared);
        let mut queue = shared.lock();
        while queue.records.is_empty() {
            if queue.stops {
                return None;
            }
            let wait = if self.is_dirty { SYNC } else { Duration::MAX };
            let left = wait.saturating_sub(self.synced.elapsed());
            let waited = shared.changed.wait_timeout(queue, left.max(GATHER));
            let waited = waited.unwrap_or_else(PoisonError::into_inner);
            queue = waited.0;
            if waited.1.timed_out() && self.is_dirty {
                drop(queue);
                self.sync();
                queue = shared.lock();
            }
        }
        let waited = shared
            .changed
            .wait_timeout_while(queue, GATHER, |queue| !queue.stops);
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        Some(std::mem::take(&mut queue.records))
    }

    /// Bytes of whole records that this segment has room for; a single one if it is empty.
    fn fitting(&self, records: &[u8]) -> usize {
        let room = MOST.saturating_sub(self.size);
        let mut fits = 0;
        while let Some(length) = Record::length(&records[fits..]) {
            let is_first = fits == 0 && self.size == MAGIC.len() as u64;
            if !is_first && (fits + length) as u64 > room {
                break;
            }
            fits += length;
        }
        fits
    }

    fn write(&mut self, records: &[u8]) -> io::Result<()> {
        self.file.write_all(records)?;
        self.size += records.len() as u64;
        self.is_dirty = true;
        Ok(())
    }

    /// The file system refused: what was written in part is cut, and it is tried again later.
    /// `false`: the server stops, and does not wait for that.
    fn failed(&mut self, error: &io::Error) -> bool {
        if !std::mem::replace(&mut self.has_failed, true) {
            log::error!("cannot write the rooms to disk, trying again every second: {error}");
        }
        let _ = self.file.set_len(self.size);
        let queue = self.shared.lock();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(queue, RETRY, |queue| !queue.stops);
        let (queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !queue.stops
    }

    fn sync(&mut self) {
        self.synced = Instant::now();
        self.see_to_name();
        match self.file.sync_data() {
            Ok(()) => self.is_dirty = false,
            Err(error) => {
                if !std::mem::replace(&mut self.has_failed, true) {
                    log::error!("cannot make the rooms last on disk: {error}");
                }
            }
        }
    }

    /// Says once when somebody has removed the segment: what is written to it is read by nobody.
    fn see_to_name(&mut self) {
        let is_there = self.file.metadata().is_ok_and(|file| file.nlink() > 0);
        if !is_there && !std::mem::replace(&mut self.is_removed, true) {
            log::error!(
                "{} was removed: rooms are not kept over a restart until this process starts anew",
                self.folder.segment(self.number).display()
            );
        }
    }

    /// Begins a new segment.
    fn roll(&mut self) -> io::Result<()> {
        self.sync();
        let next = self.folder.create(self.number + 1)?;
        self.closed += self.size;
        (self.file, self.size) = (next, MAGIC.len() as u64);
        self.number += 1;
        self.segments += 1;
        Ok(())
    }

    /// Writes the old segments anew: they hold little that is still worth it.
    fn bound(&mut self) {
        let bound = match self.write_anew() {
            Ok(()) => 4 * self.closed,
            Err(error) => {
                log::error!(
                    "cannot write the rooms anew, trying again when there are more: {error}"
                );
                self.segments = 0;
                self.closed + ANEW_FROM
            }
        };
        self.anew_from = bound.max(ANEW_FROM);
    }

    /// Writes what the closed segments hold and is still worth keeping into one file in place of the last
    /// of them, and removes the others.
    fn write_anew(&mut self) -> io::Result<()> {
        let numbers = self.folder.numbers()?;
        let closed: Vec<u64> = numbers
            .into_iter()
            .filter(|number| *number < self.number)
            .collect();
        let Some((last, others)) = closed.split_last() else {
            return Ok(());
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap_or_default().as_millis() as u64;
        let mut state = State::default();
        for number in &closed {
            let bytes = fs::read(self.folder.segment(*number))?;
            state.read(&bytes);
            state.trim(self.worth, now);
        }
        let (mut file, path) = self.folder.create_aside()?;
        let mut size = MAGIC.len() as u64;
        let mut out = Vec::new();
        Record::Anew.write(&mut out);
        // Not this run: its own record stands behind those of its rooms.
        Record::Run(state.boot.unwrap_or_default()).write(&mut out);
        for (id, room) in &state.rooms {
            let record = RoomRecord {
                id: *id,
                number: room.number,
                epoch: room.epoch,
                top: room.top,
                vouched: room.vouched,
                used: room.used,
                key: room.key,
                name: &room.name,
            };
            Record::Room(record).write(&mut out);
            for (number, kept) in &room.messages {
                let message = MessageRecord {
                    room: *id,
                    id: *number,
                    date: kept.date,
                    reference: kept.reference,
                    sender: &kept.sender,
                    text: kept.text.as_deref(),
                };
                Record::Message(message).write(&mut out);
            }
            if out.len() > 64 << 10 {
                file.write_all(&out)?;
                size += out.len() as u64;
                out.clear();
            }
        }
        file.write_all(&out)?;
        size += out.len() as u64;
        file.sync_all()?;
        fs::rename(path, self.folder.segment(*last))?;
        self.folder.sync()?;
        for number in others {
            fs::remove_file(self.folder.segment(*number))?;
        }
        self.closed = size;
        self.segments = 1;
        Ok(())
    }
}
