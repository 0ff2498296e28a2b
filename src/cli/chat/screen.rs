//! Where lines go: to the standard streams, or above the line that is being edited.
//!
//! The editor prints foreign lines only while it reads keys; otherwise they would reach the terminal
//! beside its own queue and in another order. So lines are collected here, and a thread of the editor
//! takes them while the gate is open ([`Pane::open`], [`Pane::shut`]).

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bytes that wait for a terminal; whoever adds to more waits.
const MAX_PENDING: usize = 256 << 10;
/// How long the last lines may take to appear.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Where lines go.
#[derive(Clone)]
pub(super) enum Screen {
    /// Messages to standard output, everything else to standard error.
    Streams,
    /// All of it above the line that is being edited.
    Pane(Arc<Pane>),
}

impl Screen {
    /// Writes a line of what the user asked for.
    ///
    /// # Errors
    /// What standard output answers.
    pub(super) fn out(&self, line: &str) -> io::Result<()> {
        match self {
            Self::Streams => {
                let mut out = io::stdout().lock();
                out.write_all(line.as_bytes())?;
                out.write_all(b"\n")?;
                out.flush()
            }
            Self::Pane(pane) => {
                pane.push(line);
                Ok(())
            }
        }
    }

    /// Writes a line about what happens.
    pub(super) fn note(&self, line: &str) {
        match self {
            Self::Streams => {
                // A closed standard error is no reason to stop.
                let _ = writeln!(io::stderr(), "{line}");
            }
            Self::Pane(pane) => pane.push(line),
        }
    }
}

/// Lines on their way to the editor.
#[derive(Default)]
pub(super) struct Pane {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    pending: String,
    /// The editor reads keys and prints what it is given.
    is_open: bool,
    /// The editor has ended: nobody takes anything any more.
    is_over: bool,
    /// Nothing more is added: the last batch is followed by a check that it appeared.
    is_finishing: bool,
    is_finished: bool,
    /// Everything was printed: the editor paints no more.
    is_printed: bool,
}

/// What the thread of the editor is to print.
pub(super) enum Batch {
    /// Whole lines.
    Lines(String),
    /// Everything was taken; say when it can be seen.
    Last,
}

impl Pane {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn push(&self, line: &str) {
        let mut state = self.lock();
        while state.pending.len() >= MAX_PENDING && !state.is_over {
            state = self.wait(state);
        }
        state.pending.push_str(line);
        state.pending.push('\n');
        drop(state);
        self.changed.notify_all();
    }

    /// Everything that waits, as soon as the editor can print it; `None` when it has ended.
    pub(super) fn take(&self) -> Option<Batch> {
        let mut state = self.lock();
        loop {
            if state.is_over || state.is_finished {
                return None;
            }
            if state.is_open && !state.pending.is_empty() {
                let lines = std::mem::take(&mut state.pending);
                drop(state);
                self.changed.notify_all();
                return Some(Batch::Lines(lines));
            }
            if state.is_open && state.is_finishing {
                return Some(Batch::Last);
            }
            state = self.wait(state);
        }
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The editor reads keys from now on.
    pub(super) fn open(&self) {
        self.change(|state| state.is_open = true);
    }

    /// The editor is about to hand a line over, and prints nothing until it reads again.
    pub(super) fn shut(&self) {
        self.change(|state| state.is_open = false);
    }

    /// The editor is about to paint its line: whether it may. It may not when everything was printed: what it
    /// wrote now would come behind what makes the terminal as it was.
    pub(super) fn may_paint(&self) -> bool {
        let is_printed = self.lock().is_printed;
        if is_printed {
            self.change(|state| state.is_finished = true);
        }
        !is_printed
    }

    /// Everything was printed, but for a painting that may be under way: waits for the next one.
    pub(super) fn printed(&self) {
        self.change(|state| state.is_printed = true);
        let waits = |state: &mut State| !state.is_finished && !state.is_over;
        let _ = self
            .changed
            .wait_timeout_while(self.lock(), LAST_LINES, waits);
        self.change(|state| state.is_finished = true);
    }

    /// The editor has ended.
    pub(super) fn end(&self) {
        self.change(|state| state.is_over = true);
    }

    /// Waits until the last line can be seen. What the editor did not print, it gives back.
    pub(super) fn finish(&self) -> String {
        self.change(|state| state.is_finishing = true);
        let until = Instant::now() + LAST_LINES;
        let mut state = self.lock();
        while !state.is_finished && !state.is_over {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        std::mem::take(&mut state.pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(batch: Option<Batch>) -> Option<String> {
        match batch {
            Some(Batch::Lines(lines)) => Some(lines),
            Some(Batch::Last) | None => None,
        }
    }

    #[test]
    fn lines_wait_for_the_editor_and_come_together_in_order() {
        let pane = Arc::new(Pane::default());
        pane.push("a");
        pane.push("b");
        let other = Arc::clone(&pane);
        let taken = std::thread::spawn(move || lines(other.take()));
        pane.open();
        assert_eq!(taken.join().expect("taken").as_deref(), Some("a\nb\n"));
    }

    #[test]
    fn what_the_editor_did_not_print_is_given_back_at_the_end() {
        let pane = Pane::default();
        pane.push("a");
        pane.end();
        assert!(pane.take().is_none());
        assert_eq!(pane.finish(), "a\n");
    }

    #[test]
    fn the_end_comes_behind_the_last_line() {
        let pane = Arc::new(Pane::default());
        pane.open();
        pane.push("a");
        let other = Arc::clone(&pane);
        let editor = std::thread::spawn(move || {
            let mut seen = Vec::new();
            while let Some(batch) = other.take() {
                match batch {
                    Batch::Lines(lines) => seen.push(lines),
                    Batch::Last => {
                        let editor = Arc::clone(&other);
                        let painting = std::thread::spawn(move || while editor.may_paint() {});
                        other.printed();
                        painting.join().expect("it may not paint for ever");
                    }
                }
            }
            seen
        });
        assert_eq!(pane.finish(), "");
        assert_eq!(editor.join().expect("it ended"), ["a\n"]);
    }
}
