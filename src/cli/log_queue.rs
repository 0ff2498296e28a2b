//! Lines on their way to standard error: a bounded queue, and a thread of its own that writes them.
//!
//! Standard error may be a pipe that nobody reads. Whoever logs must not wait for it: a line is
//! queued or counted as dropped, and only the writing thread ever blocks. How many lines were
//! dropped is written as soon as something can be written again.

use std::io::{self, ErrorKind, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes that may wait to be written; a line past it is dropped.
const MAX_BYTES: usize = 256 << 10;
/// What an empty buffer may keep for the next lines.
const KEPT_BYTES: usize = 16 << 10;
/// A standard error that somebody has made non-blocking is tried again after this time.
const RETRY: Duration = Duration::from_millis(10);

/// The queue.
#[derive(Debug)]
pub(super) struct LogQueue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Whole lines that the writer has not taken yet.
    pending: Vec<u8>,
    /// Bytes that the writer has taken and not written yet.
    writing: usize,
    /// Lines that found no room since the writer last told.
    dropped: u64,
}

impl State {
    fn is_written(&self) -> bool {
        self.pending.is_empty() && self.writing == 0 && self.dropped == 0
    }
}

impl LogQueue {
    pub(super) const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                pending: Vec::new(),
                writing: 0,
                dropped: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// Queues a line with its end, or counts it as dropped. Never waits for the writer.
    pub(super) fn push(&self, line: &str) {
        let mut state = self.lock();
        if state.pending.len() + state.writing + line.len() > MAX_BYTES {
            state.dropped += 1;
        } else {
            state.pending.extend_from_slice(line.as_bytes());
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until everything is written, but not longer than this; whether it is.
    pub(super) fn flush(&self, limit: Duration) -> bool {
        let state = self.lock();
        let waited = self
            .changed
            .wait_timeout_while(state, limit, |state| !state.is_written());
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_written()
    }

    /// Writes what is queued, for ever. `tell_dropped` makes the line about so many dropped ones.
    pub(super) fn write_to(&self, sink: &mut impl Write, tell_dropped: impl Fn(u64) -> String) {
        let mut batch = Vec::new();
        loop {
            let mut state = self.lock();
            state.writing = 0;
            if state.is_written() {
                self.changed.notify_all();
            }
            let waited = self.changed.wait_while(state, |state| state.is_written());
            state = waited.unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut batch, &mut state.pending);
            let dropped = std::mem::take(&mut state.dropped);
            if dropped > 0 {
                batch.extend_from_slice(tell_dropped(dropped).as_bytes());
            }
            state.writing = batch.len();
            drop(state);
            // A standard error that is closed takes nothing: the log is lost, the server is not.
            let _ = write_all(sink, &batch);
            batch.clear();
            batch.shrink_to(KEPT_BYTES);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes everything, also where writing does not block.
fn write_all(sink: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match sink.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Never reached when all is well.
    const LONG: Duration = Duration::from_secs(30);

    /// Tells what it is given and waits for a permission each time.
    struct Gate {
        given: Sender<String>,
        may: Receiver<()>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            self.given.send(text).unwrap();
            match self.may.recv() {
                Ok(()) => Ok(bytes.len()),
                Err(_) => loop {
                    thread::park(); // for ever, as a pipe that nobody reads
                },
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gated() -> (Arc<LogQueue>, Receiver<String>, Sender<()>) {
        let queue = Arc::new(LogQueue::new());
        let (tell, given) = channel();
        let (allow, may) = channel();
        let writer = Arc::clone(&queue);
        thread::spawn(move || {
            let mut gate = Gate { given: tell, may };
            writer.write_to(&mut gate, |dropped| format!("{dropped} dropped\n"));
        });
        (queue, given, allow)
    }

    #[test]
    fn lines_are_written_whole_and_in_order() {
        let (queue, given, allow) = gated();
        queue.push("one\n");
        assert_eq!(given.recv().unwrap(), "one\n");
        queue.push("two\n");
        queue.push("three\n");
        allow.send(()).unwrap();
        assert_eq!(given.recv().unwrap(), "two\nthree\n");
        allow.send(()).unwrap();
        assert!(queue.flush(LONG));
    }

    #[test]
    fn what_finds_no_room_is_dropped_at_once_and_counted_later() {
        let (queue, given, allow) = gated();
        queue.push("first\n");
        given.recv().unwrap();
        // What is being written counts, too.
        let long = "x".repeat(MAX_BYTES - "first\n".len() - 2);
        queue.push(&long);
        queue.push("xx");
        for _ in 0..1000 {
            queue.push("no room\n");
        }
        allow.send(()).unwrap();
        let batch = given.recv().unwrap();
        assert!(
            batch == format!("{long}xx1000 dropped\n"),
            "{}",
            batch.len()
        );
        allow.send(()).unwrap();
        assert!(queue.flush(LONG));
        queue.push("again\n");
        assert_eq!(given.recv().unwrap(), "again\n");
        allow.send(()).unwrap();
        assert!(queue.flush(LONG));
    }

    #[test]
    fn a_line_that_just_fits_is_queued_and_a_byte_more_is_dropped() {
        for (len, dropped) in [(MAX_BYTES, 0), (MAX_BYTES + 1, 1)] {
            let queue = LogQueue::new();
            queue.push(&"x".repeat(len));
            assert_eq!(queue.lock().dropped, dropped, "{len} bytes");
        }
        let queue = LogQueue::new();
        queue.push(&"x".repeat(MAX_BYTES - 1));
        queue.push("y");
        assert_eq!(queue.lock().dropped, 0);
        queue.push("z");
        let state = queue.lock();
        assert_eq!((state.pending.len(), state.dropped), (MAX_BYTES, 1));
    }

    #[test]
    fn a_flush_ends_although_nothing_can_be_written() {
        let (queue, given, allow) = gated();
        queue.push("stuck\n");
        given.recv().unwrap();
        assert!(!queue.flush(Duration::from_millis(1)));
        drop(allow);
        assert!(!queue.flush(Duration::from_millis(1)));
    }

    #[test]
    fn a_flush_of_an_idle_queue_waits_for_nothing() {
        assert!(LogQueue::new().flush(LONG));
    }

    /// Fails in every manner before it takes a byte at a time.
    struct Difficult {
        errors: Vec<ErrorKind>,
        taken: Vec<u8>,
    }

    impl Write for Difficult {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.errors.pop() {
                Some(error) => Err(error.into()),
                None => {
                    self.taken.push(bytes[0]);
                    Ok(1)
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_standard_error_that_does_not_block_is_tried_again() {
        let errors = vec![ErrorKind::WouldBlock, ErrorKind::Interrupted];
        let mut sink = Difficult {
            errors,
            taken: Vec::new(),
        };
        write_all(&mut sink, b"abc").unwrap();
        assert_eq!(sink.taken, b"abc");
        sink.errors.push(ErrorKind::BrokenPipe);
        assert!(write_all(&mut sink, b"abc").is_err());
    }
}
