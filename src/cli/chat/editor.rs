//! The line editor of a person at a terminal: keys in, lines out, foreign lines above.
//!
//! rustyline edits and draws; two threads are around it. One reads lines, the other hands over what is to
//! be printed above. Neither ever waits for the loop, so a terminal that stands still holds nobody up
//! but itself.

use super::screen::{Batch, Pane, Screen};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::config::Config;
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{
    Cmd, ConditionalEventHandler, Editor, Event, EventContext, EventHandler, ExternalPrinter,
    KeyEvent, Movement, Prompt, RepeatCount,
};
use std::cell::Cell;
use std::io::{self, Write};
use std::sync::Arc;
use std::thread;

/// A lone Escape is one after this many milliseconds.
const ESCAPE: u16 = 100;
/// Lines that the up key finds.
const HISTORY: usize = 1000;
/// Up one row, and down again by the line break: seen by nobody.
const NOTHING: &str = "\u{1b}[A\n";

/// What the editor has for the program.
pub(super) enum Key {
    /// A whole line.
    Line(String),
    /// Bytes that are no UTF-8; the line they stood in is gone.
    Garbled,
    /// Ctrl-C or Ctrl-D on an empty line.
    Leave,
}

/// The state of the terminal before the editor had it.
pub(super) struct Terminal {
    before: Termios,
    pane: Arc<Pane>,
}

impl Terminal {
    /// Starts the editor; `tell` is called in its thread.
    ///
    /// # Errors
    /// What the terminal answers.
    pub(super) fn edit(
        colours: bool,
        tell: impl Fn(Key) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let config = Config::builder()
            .keyseq_timeout(Some(ESCAPE))
            .max_history_size(HISTORY)
            .map_err(io::Error::other)?
            .auto_add_history(true)
            .bracketed_paste(true)
            .build();
        let history = MemHistory::with_config(&config);
        let editor = Editor::<(), MemHistory>::with_history(config, history);
        let mut editor = editor.map_err(io::Error::other)?;
        let mut printer = editor.create_external_printer().map_err(io::Error::other)?;
        let pane = Arc::new(Pane::default());
        let tell = Arc::new(tell);
        bind(&mut editor, &pane, &tell);
        let printing = Arc::clone(&pane);
        thread::Builder::new()
            .name("printer".to_owned())
            .spawn(move || print_all(&mut printer, &printing))?;
        let reading = Arc::clone(&pane);
        thread::Builder::new()
            .name("editor".to_owned())
            .spawn(move || read_all(&mut editor, &reading, colours, &*tell))?;
        Ok(Self { before, pane })
    }

    /// Where lines go that are printed above.
    pub(super) fn screen(&self) -> Screen {
        Screen::Pane(Arc::clone(&self.pane))
    }

    /// The way back to how the terminal was, for whoever ends the process.
    pub(super) fn restorer(&self) -> impl Fn() + Send + 'static {
        let before = self.before.clone();
        move || restore(&before)
    }
}

/// The last lines appear, and the terminal is as it was.
impl Drop for Terminal {
    fn drop(&mut self) {
        let rest = self.pane.finish();
        restore(&self.before);
        // A terminal that is gone takes no text.
        let _ = io::stdout().write_all(rest.as_bytes());
        let _ = io::stdout().flush();
    }
}

fn restore(before: &Termios) {
    // The prompt goes, and so does the request to mark what is pasted.
    let _ = io::stdout().write_all(b"\r\x1b[J\x1b[?2004l");
    let _ = io::stdout().flush();
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
}

fn print_all(printer: &mut impl ExternalPrinter, pane: &Pane) {
    while let Some(batch) = pane.take() {
        let printed = match batch {
            Batch::Lines(lines) => printer.print(lines),
            Batch::Last => {
                // The editor's queue has one place: when it takes the second, it has printed all before the first.
                let printed = printer.print(NOTHING.to_owned());
                let printed = printed.and_then(|()| printer.print(NOTHING.to_owned()));
                pane.printed();
                printed
            }
        };
        if printed.is_err() {
            pane.end();
        }
    }
}

fn read_all(
    editor: &mut Editor<(), MemHistory>,
    pane: &Pane,
    colours: bool,
    tell: &(impl Fn(Key) + Send + Sync),
) {
    loop {
        let prompt = Painted {
            pane,
            colours,
            is_new: Cell::new(true),
        };
        let line = editor.readline(&prompt);
        pane.shut();
        match line {
            // What was pasted may be several lines.
            Ok(lines) => lines.split('\n').for_each(|line| {
                tell(Key::Line(line.trim_end_matches('\r').to_owned()));
            }),
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                tell(Key::Garbled);
            }
            Err(_) => {
                pane.end();
                tell(Key::Leave);
                return;
            }
        }
    }
}

/// The prompt, which learns of every painting, and ends them.
struct Painted<'p> {
    pane: &'p Pane,
    colours: bool,
    /// It was not asked for yet: the editor begins to read keys.
    is_new: Cell<bool>,
}

impl Painted<'_> {
    fn note(&self) {
        if self.is_new.replace(false) {
            self.pane.open();
        }
        while !self.pane.may_paint() {
            // Until the process ends: nothing of this thread may reach the terminal any more.
            thread::park();
        }
    }
}

impl Prompt for Painted<'_> {
    fn raw(&self) -> &str {
        self.note();
        "> "
    }

    fn styled(&self) -> &str {
        self.note();
        if self.colours {
            "\u{1b}[2m> \u{1b}[0m"
        } else {
            "> "
        }
    }
}

/// Keys that mean something else than to rustyline, or end the reading.
fn bind(
    editor: &mut Editor<(), MemHistory>,
    pane: &Arc<Pane>,
    tell: &Arc<impl Fn(Key) + Send + Sync + 'static>,
) {
    for key in [KeyEvent::ctrl('M'), KeyEvent::ctrl('J')] {
        let pane = Arc::clone(pane);
        // As early as can be: the editor may print nothing behind this key.
        bind_key(editor, key, move |_| {
            pane.shut();
            Some(Cmd::AcceptLine)
        });
    }
    let told = Arc::clone(tell);
    bind_key(editor, KeyEvent::ctrl('C'), move |line| {
        if line.is_empty() {
            told(Key::Leave);
            return Some(Cmd::Noop);
        }
        Some(Cmd::Kill(Movement::WholeBuffer))
    });
    let told = Arc::clone(tell);
    bind_key(editor, KeyEvent::ctrl('D'), move |line| {
        if line.is_empty() {
            told(Key::Leave);
            return Some(Cmd::Noop);
        }
        Some(Cmd::Kill(Movement::ForwardChar(1)))
    });
    // Each of them would wait for another key, and print nothing meanwhile.
    for key in ['V', 'Q', 'X', ']'] {
        bind_key(editor, KeyEvent::ctrl(key), |_| Some(Cmd::Noop));
    }
}

fn bind_key(
    editor: &mut Editor<(), MemHistory>,
    key: KeyEvent,
    act: impl Fn(&str) -> Option<Cmd> + Send + Sync + 'static,
) {
    editor.bind_sequence(
        Event::from(key),
        EventHandler::Conditional(Box::new(Act(act))),
    );
}

struct Act<F>(F);

impl<F: Fn(&str) -> Option<Cmd> + Send + Sync> ConditionalEventHandler for Act<F> {
    fn handle(
        &self,
        _: &Event,
        _: RepeatCount,
        _: bool,
        context: &EventContext<'_>,
    ) -> Option<Cmd> {
        (self.0)(context.line())
    }
}
