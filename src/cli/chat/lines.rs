//! Lines on their way to the server: those that wait, and those that were sent and not confirmed yet.
//!
//! A line is confirmed when the server has read it: by the pong of a ping that was sent behind it, or in
//! a room by its receipt. What waits is bounded in lines and bytes ([`Waiting`]); a [`Permit`] goes along
//! with each line and gives its part back when the line is dropped, wherever that is.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Lines that may wait or be unconfirmed at the same time.
pub(super) const MAX_WAITING_LINES: usize = 1000;
/// Their bytes; a single line may have more.
pub(super) const MAX_WAITING_BYTES: usize = 1 << 20;
/// A line up to this size is taken by every server.
const SMALL: usize = 4096;

/// How much waits.
#[derive(Default)]
pub(super) struct Waiting {
    held: Mutex<(usize, usize)>,
    freed: Condvar,
}

impl Waiting {
    /// Waits until there is space for a line of this many bytes.
    pub(super) fn wait(self: &Arc<Self>, bytes: usize) -> Permit {
        let mut held = self.lock();
        while !has_space(*held, bytes) {
            held = self
                .freed
                .wait(held)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.grant(held, bytes)
    }

    /// A permit when there is space now.
    pub(super) fn ask(self: &Arc<Self>, bytes: usize) -> Option<Permit> {
        let held = self.lock();
        has_space(*held, bytes).then(|| self.grant(held, bytes))
    }

    fn grant(self: &Arc<Self>, mut held: MutexGuard<'_, (usize, usize)>, bytes: usize) -> Permit {
        held.0 += 1;
        held.1 += bytes;
        Permit {
            waiting: Arc::clone(self),
            bytes,
        }
    }

    fn lock(&self) -> MutexGuard<'_, (usize, usize)> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn has_space((lines, held): (usize, usize), bytes: usize) -> bool {
    lines == 0 || lines < MAX_WAITING_LINES && held + bytes <= MAX_WAITING_BYTES
}

/// The right of one line to wait.
pub(super) struct Permit {
    waiting: Arc<Waiting>,
    bytes: usize,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut held = self.waiting.lock();
        held.0 -= 1;
        held.1 -= self.bytes;
        drop(held);
        self.waiting.freed.notify_all();
    }
}

/// A line of the input.
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: u64,
    pub(super) text: String,
    pub(super) _permit: Permit,
}

/// All lines that are not confirmed.
#[derive(Default)]
pub(super) struct Lines {
    waiting: VecDeque<Line>,
    /// With the place of each in the order of sending on this connection.
    sent: VecDeque<(u64, Line)>,
    /// Lines sent on this connection.
    count: u64,
    /// The longest line that this server has read.
    longest_read: usize,
}

impl Lines {
    pub(super) fn push(&mut self, line: Line) {
        self.waiting.push_back(line);
    }

    /// Whether nothing waits and all is confirmed.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.sent.is_empty()
    }

    /// How many are not confirmed: waiting, and sent.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.sent.len()
    }

    pub(super) fn has_unconfirmed(&self) -> bool {
        !self.sent.is_empty()
    }

    /// How many were sent on this connection.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The next line to send. A line that is longer than any before goes alone: if the server ends the
    /// connection because of its size, it is known which one it was, and that all others are as they
    /// were.
    pub(super) fn next(&self) -> Option<&Line> {
        let next = self.waiting.front()?;
        let is_known = next.text.len() <= self.longest_read.max(SMALL);
        let last = self.sent.back();
        let goes_alone =
            last.is_some_and(|(_, line)| line.text.len() > self.longest_read.max(SMALL));
        (self.sent.is_empty() || is_known && !goes_alone).then_some(next)
    }

    /// The next line was sent.
    pub(super) fn mark_sent(&mut self) {
        if let Some(line) = self.waiting.pop_front() {
            self.count += 1;
            self.sent.push_back((self.count, line));
        }
    }

    /// The server has read the first `count` lines of this connection: those of them that are news.
    pub(super) fn confirm_through(&mut self, count: u64) -> Vec<Line> {
        let read = self.sent.iter().take_while(|(place, _)| *place <= count);
        let read = read.count();
        let lines: Vec<_> = self.sent.drain(..read).map(|(_, line)| line).collect();
        self.note_longest(&lines);
        lines
    }

    /// The server has answered the line of this number.
    pub(super) fn confirm(&mut self, number: u64) -> Option<Line> {
        let found = self
            .sent
            .iter()
            .position(|(_, line)| line.number == number)?;
        let (_, line) = self.sent.remove(found)?;
        self.longest_read = self.longest_read.max(line.text.len());
        Some(line)
    }

    /// A sent line goes to the front again: the server asked for it later.
    pub(super) fn send_again(&mut self, number: u64) {
        if let Some(found) = self.sent.iter().position(|(_, line)| line.number == number)
            && let Some((_, line)) = self.sent.remove(found)
        {
            let before = self
                .waiting
                .iter()
                .take_while(|other| other.number < number);
            let at = before.count();
            self.waiting.insert(at, line);
        }
    }

    /// The connection ended, and whoever sends a line twice does no harm: all unconfirmed ones wait again.
    pub(super) fn wait_again(&mut self) {
        for (_, line) in self.sent.drain(..).rev() {
            self.waiting.push_front(line);
        }
        self.count = 0;
    }

    /// The connection ended: lines of which nobody knows whether they arrived.
    pub(super) fn take_uncertain(&mut self) -> Vec<Line> {
        self.count = 0;
        self.sent.drain(..).map(|(_, line)| line).collect()
    }

    /// The connection ended because a line was too long: that one, behind those that the server has read.
    /// What was sent behind it, the server has not looked at: it waits again.
    pub(super) fn take_too_long(&mut self) -> (Vec<Line>, Option<Line>) {
        let longest = self.sent.iter().map(|(_, line)| line.text.len()).max();
        let found = self
            .sent
            .iter()
            .position(|(_, line)| Some(line.text.len()) == longest);
        let read: Vec<_> = self.sent.drain(..found.unwrap_or(0)).collect();
        let read: Vec<_> = read.into_iter().map(|(_, line)| line).collect();
        let too_long = self.sent.pop_front().map(|(_, line)| line);
        self.wait_again();
        self.note_longest(&read);
        (read, too_long)
    }

    fn note_longest(&mut self, lines: &[Line]) {
        let longest = lines.iter().map(|line| line.text.len()).max();
        self.longest_read = self.longest_read.max(longest.unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(waiting: &Arc<Waiting>, sizes: &[usize]) -> Lines {
        let mut lines = Lines::default();
        for (number, &size) in (1..).zip(sizes) {
            lines.push(Line {
                number,
                text: "a".repeat(size),
                _permit: waiting.ask(size).expect("space"),
            });
        }
        lines
    }

    fn send_all(lines: &mut Lines) -> usize {
        let mut sent = 0;
        while lines.next().is_some() {
            lines.mark_sent();
            sent += 1;
        }
        sent
    }

    fn numbers<'l>(lines: impl IntoIterator<Item = &'l Line>) -> Vec<u64> {
        lines.into_iter().map(|line| line.number).collect()
    }

    #[test]
    fn what_waits_is_bounded_and_a_dropped_line_makes_space() {
        let waiting = Arc::default();
        let lines = lines(&waiting, &[1; MAX_WAITING_LINES]);
        assert!(waiting.ask(1).is_none());
        drop(lines);
        let huge = waiting.ask(2 * MAX_WAITING_BYTES);
        assert!(huge.is_some(), "one may be of any size");
        assert!(waiting.ask(1).is_none());
        drop(huge);
        assert_eq!(*waiting.lock(), (0, 0));
    }

    #[test]
    fn whoever_waits_for_space_goes_on_when_there_is_some() {
        let waiting: Arc<Waiting> = Arc::default();
        let all = waiting.ask(MAX_WAITING_BYTES);
        let other = Arc::clone(&waiting);
        let waits = std::thread::spawn(move || drop(other.wait(5)));
        drop(all);
        waits.join().expect("it went on");
    }

    #[test]
    fn a_confirmation_covers_what_was_sent_before_it() {
        let mut lines = lines(&Arc::default(), &[1, 2, 3]);
        lines.mark_sent();
        lines.mark_sent();
        assert_eq!(numbers(&lines.confirm_through(1)), [1]);
        assert_eq!(numbers(&lines.confirm_through(1)), [0_u64; 0]);
        assert_eq!(send_all(&mut lines), 1);
        assert_eq!(numbers(&lines.confirm_through(3)), [2, 3]);
        assert!(lines.is_empty());
    }

    #[test]
    fn a_line_longer_than_any_before_goes_alone() {
        let mut lines = lines(&Arc::default(), &[10, 5000, 10, 5000]);
        assert_eq!(send_all(&mut lines), 1);
        lines.confirm_through(1);
        assert_eq!(send_all(&mut lines), 1, "alone");
        lines.confirm_through(2);
        assert_eq!(send_all(&mut lines), 2, "this server takes 5000 bytes");
    }

    #[test]
    fn the_one_that_was_too_long_is_taken_out_and_the_rest_is_kept() {
        let mut lines = lines(&Arc::default(), &[10, 300, 20, 30]);
        assert_eq!(send_all(&mut lines), 4);
        let (read, too_long) = lines.take_too_long();
        assert_eq!(numbers(&read), [1]);
        assert_eq!(numbers(&too_long), [2]);
        assert_eq!(numbers(&lines.waiting), [3, 4]);
    }

    #[test]
    fn a_line_that_is_sent_again_keeps_its_order() {
        let mut lines = lines(&Arc::default(), &[1; 5]);
        (0..3).for_each(|_| lines.mark_sent());
        lines.send_again(3);
        lines.send_again(2);
        assert_eq!(numbers(&lines.waiting), [2, 3, 4, 5]);
        assert_eq!(lines.confirm(1).map(|line| line.number), Some(1));
        lines.mark_sent();
        lines.wait_again();
        assert_eq!(numbers(&lines.waiting), [2, 3, 4, 5]);
        assert_eq!(lines.len(), 4);
    }
}
