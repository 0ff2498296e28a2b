//! The queue between other threads and the loop: what a [`Remote`](super::Remote) asks for waits here.
//!
//! It is bounded in number and in bytes, and a full one is refused to the caller at once: it never
//! grows, never blocks either side, and costs nothing while it is empty. A shutdown is no command
//! in the queue but a number beside it, so that a full or held queue cannot be in its way. A
//! thread that panics with the lock in its hands harms nobody: every change under the lock is whole.

use super::command::Command;
use crate::wire::error::{Error, ErrorKind, Result};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Commands that may wait for the loop; past it [`Remote`](super::Remote) answers an error of kind `Full`.
pub const MAX_WAITING_COMMANDS: usize = 65_536;
/// Bytes of messages, topics and reasons that may wait together; past it an error of kind `Full`.
pub const MAX_WAITING_BYTES: usize = 4 << 20;
/// Bytes of a single command, which beyond [`MAX_WAITING_BYTES`] is taken when nothing else waits;
/// past it an error of kind `Limit`.
pub const MAX_COMMAND_BYTES: usize = 64 << 20;

/// Slots that an empty queue may keep for the next commands.
const KEPT_SLOTS: usize = 256;

/// Wakes the loop out of its wait; the driver's business.
pub(crate) trait Wake: Send + Sync {
    fn wake(&self);
}

#[derive(Debug)]
struct Queue {
    commands: VecDeque<Command>,
    /// What the commands hold together.
    bytes: usize,
    /// Shutdowns asked for since the start.
    shutdowns: u32,
    /// Commands that were there before the first shutdown was asked for.
    before_shutdown: usize,
    /// The loop's end is there.
    is_open: bool,
}

impl Queue {
    /// Whether a command of so many bytes can be taken now.
    fn can_take(&self, bytes: usize) -> Result<()> {
        let waiting = self.commands.len();
        if !self.is_open {
            return Err(Error::new(ErrorKind::Closed, "the server has stopped"));
        }
        if bytes > MAX_COMMAND_BYTES {
            let message =
                format!("a command of {bytes} bytes, wanted: at most {MAX_COMMAND_BYTES}");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let is_too_much = self.bytes.saturating_add(bytes) > MAX_WAITING_BYTES;
        if waiting >= MAX_WAITING_COMMANDS || (waiting > 0 && is_too_much) {
            let message = format!(
                "{waiting} commands with {} bytes wait for the loop already; try again later",
                self.bytes
            );
            return Err(Error::new(ErrorKind::Full, message));
        }
        Ok(())
    }

    /// Adds a command; whether it is the only one.
    fn add(&mut self, command: Command) -> bool {
        self.bytes += command.bytes();
        self.commands.push_back(command);
        self.commands.len() == 1
    }
}

/// The end of the queue that other threads have.
#[derive(Clone)]
pub(super) struct Outbound {
    queue: Arc<Mutex<Queue>>,
    wake: Arc<dyn Wake>,
}

/// A new queue and its two ends.
pub(super) fn queue(wake: Arc<dyn Wake>) -> (Outbound, Inbox) {
    let queue = Arc::new(Mutex::new(Queue {
        commands: VecDeque::new(),
        bytes: 0,
        shutdowns: 0,
        before_shutdown: 0,
        is_open: true,
    }));
    let inbox = Inbox {
        queue: Arc::clone(&queue),
        obeyed: 0,
    };
    (Outbound { queue, wake }, inbox)
}

impl Outbound {
    /// Queues a command of about `bytes`; it is made only if there is room.
    ///
    /// # Errors
    /// `Closed` when the loop is gone, `Full` past the bounds of the queue, `Limit` when it could
    /// never fit.
    pub(super) fn push(&self, bytes: usize, command: impl FnOnce() -> Command) -> Result<()> {
        lock(&self.queue).can_take(bytes)?;
        // The message is copied without the lock: a long one would hold the loop.
        let command = command();
        let bytes = command.bytes();
        let pushed = self.hand_over(command, bytes, |command| command);
        pushed.map_err(|(error, _)| error)
    }

    /// Queues the command that `wrap` makes of a value. It must be made quickly: the loop waits for it.
    ///
    /// # Errors
    /// As [`Outbound::push`], with the value.
    pub(super) fn hand_over<V>(
        &self,
        value: V,
        bytes: usize,
        wrap: impl FnOnce(V) -> Command,
    ) -> Result<(), (Error, V)> {
        let was_empty = {
            let mut queue = lock(&self.queue);
            if let Err(error) = queue.can_take(bytes) {
                return Err((error, value));
            }
            queue.add(wrap(value))
        };
        // The loop does not sleep while commands wait that it would take: one wake-up does for
        // all that came since it found the queue empty.
        if was_empty {
            self.wake.wake();
        }
        Ok(())
    }

    /// Queues a command however full the queue is: for those that are bounded elsewhere. `false` when
    /// the loop is gone.
    pub(super) fn push_anyhow(&self, command: Command) -> bool {
        let was_empty = {
            let mut queue = lock(&self.queue);
            if !queue.is_open {
                drop(queue);
                return false; // and the command is dropped without the lock
            }
            queue.add(command)
        };
        if was_empty {
            self.wake.wake();
        }
        true
    }

    /// Asks for a shutdown, however full the queue is.
    ///
    /// # Errors
    /// `Closed` when the loop is gone.
    pub(super) fn shut_down(&self) -> Result<()> {
        {
            let mut queue = lock(&self.queue);
            if !queue.is_open {
                return Err(Error::new(ErrorKind::Closed, "the server has stopped"));
            }
            if queue.shutdowns == 0 {
                queue.before_shutdown = queue.commands.len();
            }
            queue.shutdowns = queue.shutdowns.saturating_add(1);
        }
        self.wake.wake();
        Ok(())
    }
}

/// The end of the queue that the loop has. Other threads wake the loop when a command comes into
/// the empty queue and when a shutdown is asked for, and not otherwise: a loop that leaves commands
/// here must come back to them by itself.
#[derive(Debug)]
pub(crate) struct Inbox {
    queue: Arc<Mutex<Queue>>,
    /// Shutdowns that were told.
    obeyed: u32,
}

impl Inbox {
    /// The command that waits longest.
    pub(crate) fn take(&mut self) -> Option<Command> {
        let mut queue = lock(&self.queue);
        let command = queue.commands.pop_front()?;
        queue.bytes -= command.bytes();
        queue.before_shutdown = queue.before_shutdown.saturating_sub(1);
        if queue.commands.is_empty() && queue.commands.capacity() > KEPT_SLOTS {
            queue.commands = VecDeque::new();
        }
        Some(command)
    }

    /// Whether no command waits.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.queue).commands.is_empty()
    }

    /// How many shutdowns are to be obeyed now; each is told once. The first waits for the commands
    /// that were queued before it, unless the loop holds them back (`is_held`) or a second was asked for.
    pub(crate) fn shutdowns(&mut self, is_held: bool) -> u32 {
        let queue = lock(&self.queue);
        if queue.before_shutdown > 0 && !is_held && queue.shutdowns < 2 {
            return 0;
        }
        let asked = queue.shutdowns;
        asked - std::mem::replace(&mut self.obeyed, asked)
    }
}

impl Inbox {
    /// The loop has ended: what waits is forgotten and nothing more is taken.
    pub(crate) fn close(&mut self) {
        let commands = {
            let mut queue = lock(&self.queue);
            queue.is_open = false;
            queue.bytes = 0;
            std::mem::take(&mut queue.commands)
        };
        drop(commands); // without the lock
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.close();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::OwnedMessage;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    /// Counts how often the loop was woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn new() -> (Outbound, Inbox, Arc<Woken>) {
        let woken = Arc::new(Woken::default());
        let (outbound, inbox) = queue(Arc::clone(&woken) as _);
        (outbound, inbox, woken)
    }

    /// A command with a message of so many bytes and nothing else.
    fn message(bytes: usize) -> Command {
        let message = OwnedMessage::Binary(vec![0; bytes]);
        let topic = String::new();
        Command::Publish { topic, message }
    }

    fn push(outbound: &Outbound, bytes: usize) -> Result<(), ErrorKind> {
        let pushed = outbound.push(bytes, || message(bytes));
        pushed.map_err(|error| error.kind())
    }

    #[test]
    fn commands_come_out_in_the_order_they_went_in() {
        let (outbound, mut inbox, _) = new();
        for bytes in 0..10 {
            push(&outbound, bytes).unwrap();
        }
        for bytes in 0..10 {
            assert_eq!(inbox.take().unwrap().bytes(), bytes);
        }
        assert!(inbox.take().is_none() && inbox.is_empty());
    }

    #[test]
    fn past_the_number_of_commands_it_is_full_and_has_room_again_when_one_is_taken() {
        let (outbound, mut inbox, _) = new();
        for _ in 0..MAX_WAITING_COMMANDS {
            push(&outbound, 0).unwrap();
        }
        assert_eq!(push(&outbound, 0), Err(ErrorKind::Full));
        assert!(inbox.take().is_some());
        assert_eq!(push(&outbound, 0), Ok(()));
    }

    #[test]
    fn past_the_bytes_it_is_full_and_has_room_again_when_they_are_taken() {
        let (outbound, mut inbox, _) = new();
        push(&outbound, MAX_WAITING_BYTES - 10).unwrap();
        assert_eq!(push(&outbound, 11), Err(ErrorKind::Full));
        assert_eq!(push(&outbound, 10), Ok(()));
        assert_eq!(push(&outbound, 1), Err(ErrorKind::Full));
        assert!(inbox.take().is_some());
        assert_eq!(push(&outbound, 1), Ok(()));
    }

    #[test]
    fn a_message_beyond_the_bytes_is_taken_alone_and_none_beyond_the_largest() {
        let (outbound, mut inbox, _) = new();
        push(&outbound, 0).unwrap();
        assert_eq!(push(&outbound, MAX_WAITING_BYTES + 1), Err(ErrorKind::Full));
        inbox.take().unwrap();
        assert_eq!(push(&outbound, MAX_WAITING_BYTES + 1), Ok(()));
        assert_eq!(push(&outbound, 0), Err(ErrorKind::Full));
        inbox.take().unwrap();
        let never = || -> Command { panic!("it was made") };
        let error = outbound.push(MAX_COMMAND_BYTES + 1, never).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
        assert!(error.to_string().contains("67108864"), "{error}");
    }

    #[test]
    fn what_does_not_fit_is_not_copied() {
        let (outbound, _inbox, _) = new();
        push(&outbound, MAX_WAITING_BYTES).unwrap();
        let never = || -> Command { panic!("it was made") };
        let error = outbound.push(1, never).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Full);
        assert!(error.to_string().contains("4194304 bytes wait"), "{error}");
    }

    #[test]
    fn the_loop_is_woken_once_for_all_that_came_since_the_queue_was_empty() {
        let (outbound, mut inbox, woken) = new();
        for _ in 0..10 {
            push(&outbound, 1).unwrap();
        }
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
        while inbox.take().is_some() {}
        push(&outbound, 1).unwrap();
        assert_eq!(woken.0.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn no_wake_up_is_lost_between_threads() {
        const EACH: usize = 20_000;
        let (outbound, mut inbox, woken) = new();
        let threads = [(); 3].map(|()| {
            let outbound = outbound.clone();
            thread::spawn(move || {
                for _ in 0..EACH {
                    while push(&outbound, 1) == Err(ErrorKind::Full) {
                        thread::yield_now();
                    }
                }
            })
        });
        let (mut taken, mut seen) = (0, 0);
        while taken < 3 * EACH {
            // Asleep until somebody has woken since the queue was found empty.
            while woken.0.load(Ordering::SeqCst) == seen {
                thread::yield_now();
            }
            seen = woken.0.load(Ordering::SeqCst);
            while inbox.take().is_some() {
                taken += 1;
            }
        }
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert!(inbox.is_empty());
    }

    #[test]
    fn a_shutdown_is_never_refused_and_waits_for_what_was_queued_before_it() {
        let (outbound, mut inbox, woken) = new();
        push(&outbound, MAX_WAITING_BYTES).unwrap();
        assert_eq!(inbox.shutdowns(false), 0);
        outbound.shut_down().unwrap();
        assert_eq!(woken.0.load(Ordering::SeqCst), 2);
        assert_eq!(inbox.shutdowns(false), 0);
        inbox.take().unwrap();
        push(&outbound, 1).unwrap();
        assert_eq!(inbox.shutdowns(false), 1);
        assert_eq!(inbox.shutdowns(false), 0, "it is told once");
        outbound.shut_down().unwrap();
        assert_eq!(inbox.shutdowns(false), 1);
    }

    #[test]
    fn a_shutdown_waits_neither_for_a_held_queue_nor_when_asked_for_twice() {
        let (outbound, mut inbox, _) = new();
        push(&outbound, 1).unwrap();
        outbound.shut_down().unwrap();
        assert_eq!(inbox.shutdowns(false), 0);
        assert_eq!(inbox.shutdowns(true), 1);
        let (outbound, mut inbox, _) = new();
        push(&outbound, 1).unwrap();
        outbound.shut_down().unwrap();
        outbound.shut_down().unwrap();
        assert_eq!(inbox.shutdowns(false), 2);
    }

    #[test]
    fn a_queue_without_its_loop_is_closed_and_holds_nothing() {
        let (outbound, inbox, _) = new();
        push(&outbound, 1).unwrap();
        drop(inbox);
        assert_eq!(push(&outbound, 1), Err(ErrorKind::Closed));
        let error = outbound.shut_down().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
        let queue = lock(&outbound.queue);
        assert_eq!((queue.commands.capacity(), queue.bytes), (0, 0));
    }

    #[test]
    fn an_empty_queue_costs_nothing_and_gives_back_what_a_crowd_needed() {
        let (outbound, mut inbox, _) = new();
        assert_eq!(lock(&inbox.queue).commands.capacity(), 0);
        for _ in 0..MAX_WAITING_COMMANDS {
            push(&outbound, 0).unwrap();
        }
        while inbox.take().is_some() {}
        let queue = lock(&inbox.queue);
        assert!(queue.commands.capacity() <= KEPT_SLOTS);
        assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn a_thread_that_panics_under_the_lock_harms_nobody() {
        let (outbound, mut inbox, _) = new();
        let queue = Arc::clone(&outbound.queue);
        let panicked = thread::spawn(move || {
            let _queue = lock(&queue);
            std::panic::resume_unwind(Box::new("on purpose"));
        });
        assert!(panicked.join().is_err() && outbound.queue.is_poisoned());
        push(&outbound, 1).unwrap();
        assert!(inbox.take().is_some() && inbox.is_empty());
    }
}
