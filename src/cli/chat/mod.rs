//! `dunlin chat`: a conversation with any WebSocket server, for a person at a terminal or for a script.
//!
//! | file | subject |
//! |---|---|
//! | `arguments` | the flags, checked |
//! | `show`, `report`, `screen` | what strangers send, made harmless; what is told; where it goes |
//! | `typed`, `input`, `editor` | what a line means; lines of a pipe; lines of a person |
//! | `lines` | what waits, what is sent, what is confirmed |
//! | `conversation`, `events`, `sending`, `backoff` | the program of the event loop |
//! | `room`, `talk` | rooms with memory: their subprotocol, and messages that come again |
//!
//! Three threads: this one runs the loop, one reads the input, one waits for signals. A terminal has one
//! more, which prints.

mod arguments;
mod backoff;
mod conversation;
mod editor;
mod events;
mod input;
mod lines;
mod report;
mod room;
mod screen;
mod sending;
mod show;
mod talk;
mod typed;

pub(super) use arguments::Arguments;

use super::exit::CommandFailure;
use super::lookup::Lookup;
use arguments::{Plan, RoomPlan};
use conversation::{Chat, Ending, Manners, ROUTE, Target};
use dunlin::{App, Deflate, Handle, Route, Server, Settings};
use editor::{Key, Terminal};
use input::{Input, Read};
use lines::{Line, MAX_WAITING_LINES, Waiting};
use report::{Report, Told};
use room::Room;
use screen::Screen;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::env;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use typed::Typed;

/// The largest message that is received.
const MAX_MESSAGE: usize = 64 << 20;
/// What may wait in the connection itself: more than the longest line.
const BACKLOG: usize = 64 << 20;
/// How long the server may take to answer our Close. A second key or signal does not wait for it.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

impl Arguments {
    /// Connects, and converses until one side leaves.
    pub(super) fn run(self) -> Result<(), CommandFailure> {
        run(self.check()?)
    }
}

fn run(plan: Plan) -> Result<(), CommandFailure> {
    let is_dumb = env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    let (is_in, is_out) = (io::stdin().is_terminal(), io::stdout().is_terminal());
    let may_colour = !is_dumb && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let is_edited = is_in && is_out && !is_dumb && !plan.json;
    let report = Report {
        screen: Screen::Streams,
        json: plan.json,
        colours: (
            may_colour && is_out,
            may_colour && io::stderr().is_terminal(),
        ),
        cuts: is_out,
        says_goodbye: is_in,
    };
    let room = match &plan.room {
        Some(room) => Some(find_room(&plan, room, &report)?),
        None => None,
    };
    let manners = Manners {
        reconnects: plan.reconnects,
        is_person: is_in,
        wait: plan.wait,
        hides_own: is_edited,
    };
    let target = Target {
        url: plan.url,
        #[cfg(feature = "tls")]
        trust: plan.trust,
        headers: plan.headers,
        protocols: plan.protocols,
    };
    let (end, ended) = channel();
    let chat = Chat::new(target, manners, room, report.clone(), end);
    let mut settings = Settings::default()
        .max_message_size(MAX_MESSAGE)
        .backlog_limit(BACKLOG)
        .close_timeout(CLOSE_TIMEOUT);
    if plan.deflate {
        settings = settings.extension(Deflate::new());
    }
    let route = Route::new(chat).settings(settings);
    let handle = route.handle();
    let running = Server::new(App::new().outgoing_route(ROUTE, route)).start()?;
    // It goes last: the terminal is as it was before anything more is said.
    let terminal = start_input(&handle, report, is_edited, is_in)?;
    obey_signals(&handle, terminal.as_ref())?;
    running.run()?;
    drop(terminal);
    match ended.try_recv() {
        Ok(Ending::Failure(problem)) => {
            let problem = match problem.split_once('\n') {
                // Lines behind the first are ours: what was wanted.
                Some((first, rest)) => format!("{}\n{rest}", show::shown(first)),
                None => show::shown(&problem).into_owned(),
            };
            Err(CommandFailure::Text(problem, 1))
        }
        Ok(Ending::Quiet(code)) if code != 0 => Err(CommandFailure::Quiet(code)),
        _ => Ok(()),
    }
}

/// Looks the room up, or makes it and tells its key.
fn find_room(plan: &Plan, wanted: &RoomPlan, report: &Report) -> Result<Room, CommandFailure> {
    let failed = |problem| CommandFailure::Text(problem, 1);
    let lookup = Lookup {
        url: &plan.url,
        #[cfg(feature = "tls")]
        trust: &plan.trust,
        path: &wanted.path,
        headers: &plan.headers,
    };
    let found = lookup.find(&wanted.wanted).map_err(failed)?;
    if let Some(key) = &found.key {
        let told = Told::Created {
            room: &found.name,
            id: &found.id,
            key,
        };
        report
            .tell(&told)
            .map_err(|error| failed(format!("cannot write to standard output: {error}")))?;
    }
    let secret = room::secret().map_err(failed)?;
    let name = match &wanted.name {
        Some(name) => name.clone(),
        // The first digits name nobody: the secret has many more.
        None => format!("guest-{}", &room::secret().map_err(failed)?[..4]),
    };
    Ok(Room::new(found.id, found.name, name, secret, wanted.last))
}

/// Starts the threads of the input, and the conversation.
fn start_input(
    handle: &Handle<Chat>,
    mut report: Report,
    is_edited: bool,
    is_person: bool,
) -> Result<Option<Terminal>, CommandFailure> {
    let failed = |error| CommandFailure::Text(format!("cannot read the input: {error}"), 1);
    let waiting = Arc::default();
    let terminal = if is_edited {
        let (handle, waiting) = (handle.clone(), Arc::clone(&waiting));
        let number = AtomicUsize::new(0);
        let edited = Terminal::edit(report.colours.0, move |key| match key {
            Key::Line(line) => person_typed(&handle, &waiting, &number, line),
            Key::Garbled => {
                let problem =
                    "this line is not sent: it is no UTF-8; is the terminal set to UTF-8?";
                let _ = handle.call(move |chat, _| chat.tell_error(None, None, problem));
            }
            Key::Leave => leave(&handle),
        });
        let terminal = edited.map_err(failed)?;
        report.screen = terminal.screen();
        Some(terminal)
    } else {
        None
    };
    let own = handle.clone();
    handle
        .call(move |chat, cx| chat.begin(cx, own, report))
        .map_err(|rejected| rejected.error)?;
    if terminal.is_none() {
        let handle = handle.clone();
        let thread = thread::Builder::new().name("input".to_owned());
        thread
            .spawn(move || read_all(&handle, &waiting, is_person))
            .map_err(failed)?;
    }
    Ok(terminal)
}

/// A line of a person at the editor. Nothing here may wait.
fn person_typed(handle: &Handle<Chat>, waiting: &Arc<Waiting>, count: &AtomicUsize, line: String) {
    match typed::by_a_person(line) {
        Typed::Message(text) => {
            let Some(permit) = waiting.ask(text.len()) else {
                let problem = format!(
                    "this line is not sent: {MAX_WAITING_LINES} lines or 1 MiB wait already; the up key brings it back"
                );
                let _ = handle.call(move |chat, _| chat.tell_error(None, None, &problem));
                return;
            };
            let line = Line {
                number: count.fetch_add(1, Ordering::Relaxed) as u64 + 1,
                text,
                _permit: permit,
            };
            // An error says that the conversation is over.
            let _ = handle.call(move |chat, cx| chat.line(cx, line));
        }
        other => command(handle, other),
    }
}

/// A word for the command itself.
fn command(handle: &Handle<Chat>, typed: Typed) {
    match typed {
        Typed::Leave => leave(handle),
        Typed::Help => {
            let _ = handle.call(|chat, _| {
                for line in typed::HELP {
                    chat.tell(&Told::Note(line));
                }
            });
        }
        Typed::Unknown(word) => {
            let problem = format!(
                "{word} is no command; /help lists them, a line that begins with // is sent"
            );
            let _ = handle.call(move |chat, _| chat.tell_error(None, None, &problem));
        }
        Typed::Message(_) | Typed::Nothing => {}
    }
}

fn leave(handle: &Handle<Chat>) {
    let _ = handle.call(|chat, cx| {
        chat.report.says_goodbye = true;
        chat.leave(cx, Ending::Success);
    });
}

/// Reads standard input to its end, no faster than the server takes it.
fn read_all(handle: &Handle<Chat>, waiting: &Arc<Waiting>, is_person: bool) {
    let mut input = Input::new(io::stdin().lock());
    loop {
        let (number, read) = match input.next() {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(error) => {
                let problem = format!("cannot read standard input: {error}");
                let _ = handle.call(move |chat, cx| chat.bad_line(cx, 0, &problem));
                break;
            }
        };
        let text = match read {
            Read::Line(text) => text,
            Read::Bad(why) => {
                let permit = waiting.wait(0);
                let _ = handle.call(move |chat, cx| {
                    chat.bad_line(cx, number, &why);
                    drop(permit);
                });
                continue;
            }
        };
        let typed = if is_person {
            typed::by_a_person(text)
        } else {
            typed::by_a_script(text)
        };
        match typed {
            Typed::Message(text) => {
                let permit = waiting.wait(text.len());
                let line = Line {
                    number,
                    text,
                    _permit: permit,
                };
                if handle.call(move |chat, cx| chat.line(cx, line)).is_err() {
                    return;
                }
            }
            Typed::Leave if !is_person => {
                let _ = handle.call(|chat, _| chat.report.says_goodbye = true);
                break;
            }
            other => command(handle, other),
        }
    }
    let _ = handle.call(|chat, cx| chat.end_of_input(cx));
}

/// The first signal leaves in order, the second at once. Both leave the terminal as it was.
fn obey_signals(handle: &Handle<Chat>, terminal: Option<&Terminal>) -> Result<(), CommandFailure> {
    let failed = |error| CommandFailure::Text(format!("cannot listen for signals: {error}"), 1);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
    let restore = terminal.map(Terminal::restorer);
    let handle = handle.clone();
    let thread = thread::Builder::new().name("signals".to_owned());
    let started = thread.spawn(move || {
        let mut is_leaving = false;
        for signal in signals.forever() {
            // As shells do.
            let code = 128 + u8::try_from(signal).unwrap_or(127);
            if std::mem::replace(&mut is_leaving, true) {
                if let Some(restore) = &restore {
                    restore();
                }
                std::process::exit(i32::from(code));
            }
            let _ = handle.call(move |chat, cx| chat.leave(cx, Ending::Quiet(code)));
        }
    });
    started.map(drop).map_err(failed)
}
