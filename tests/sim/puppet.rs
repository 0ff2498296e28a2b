//! A handler that does what its clients tell it, and a diary of its events.
//!
//! A client writes to a puppet what the puppet shall do: `join room; publish room hello; echo done`.
//! Sessions are numbered in the order they opened.

use dunlin::Limits;
use dunlin::testing::{Conversation, Sim};
use dunlin::{
    App, CloseCode, CloseReason, Handler, Message, Open, Request, Response, Session, SessionId,
    Settings, Status,
};
use std::cell::RefCell;
use std::panic;
use std::rc::Rc;
use std::sync::Once;
use std::time::Duration;

/// What a puppet says when it panics as it was told.
pub(crate) const TOLD_TO: &str = "the puppet was told to";

thread_local! {
    /// Where code of this thread panicked last.
    static PANICKED_AT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Lets the panics of puppets pass in silence, and notes where each panic was.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let at = info.location().map(ToString::to_string);
            PANICKED_AT.set(at);
            if info.payload_as_str() != Some(TOLD_TO) {
                usual(info);
            }
        }));
    });
}

/// How a test fails: the message of its panic, and where that was (`file:line:column`).
///
/// # Panics
/// When it does not fail.
#[track_caller]
pub(crate) fn failure(test: impl FnOnce()) -> (String, String) {
    watch_panics();
    let failed = panic::catch_unwind(panic::AssertUnwindSafe(test));
    let Err(panic) = failed else {
        panic!("the test did not fail");
    };
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    let at = PANICKED_AT.take().expect("the hook has seen it");
    (text.expect("a panic with a text"), at)
}

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Diary(Rc<RefCell<Vec<String>>>);

impl Diary {
    fn write(&self, event: String) {
        self.0.borrow_mut().push(event);
    }

    /// The events since the last time.
    pub(crate) fn read(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}

pub(crate) struct Puppet {
    diary: Diary,
    sessions: Vec<SessionId>,
    /// How many numbers were sent.
    numbers: u64,
}

impl Puppet {
    fn obey(&mut self, session: &mut Session<'_>, commands: &str) {
        for command in commands.split(';') {
            let mut words = command.trim().splitn(3, ' ');
            let (verb, first, second) = (
                words.next().unwrap_or(""),
                words.next().unwrap_or(""),
                words.next().unwrap_or(""),
            );
            match second.strip_prefix('#') {
                Some(length) => {
                    let number = self.number_of(length.parse().unwrap_or(0));
                    self.act(session, verb, first, &number);
                }
                None => self.act(session, verb, first, second),
            }
        }
    }

    /// The next number, as text of this length: later numbers belong to later calls.
    fn number_of(&mut self, length: usize) -> String {
        self.numbers += 1;
        format!("{:<length$}", self.numbers)
    }

    fn act(&mut self, session: &mut Session<'_>, verb: &str, first: &str, second: &str) {
        let number = || first.parse::<usize>().unwrap_or(0);
        match verb {
            "" => {}
            "echo" => {
                let _ = session.send(first);
            }
            "say" => {
                let _ = session.send(second);
            }
            "flood" => self.flood(session, number(), second),
            "join" => {
                session.join(first);
            }
            "leave" => {
                session.leave(first);
            }
            "publish" => {
                session.publish(first, second);
            }
            "others" => {
                session.publish_to_others(first, second);
            }
            "tell" => {
                let answer = session.send_to(self.session(number()), second);
                self.diary.write(format!("tell {first}: {answer:?}"));
            }
            "close" => session.close(CloseCode::new(number() as u16), second),
            "close-other" => session.close_other(self.session(number()), CloseCode::NORMAL, second),
            "close-all" => {
                for other in &self.sessions {
                    session.close_other(*other, CloseCode::NORMAL, "all");
                }
            }
            "ping" => {
                let _ = session.ping(first.as_bytes());
            }
            "timer" => session.set_timer(
                Duration::from_millis(number() as u64),
                second.parse().unwrap_or(0),
            ),
            "cancel" => {
                session.cancel_timer(number() as u64);
            }
            "panic" => panic!("{TOLD_TO}"),
            other => panic!("a puppet cannot {other:?}"),
        }
    }

    /// Sends so many messages of so many bytes; each begins with its number.
    fn flood(&mut self, session: &mut Session<'_>, count: usize, bytes: &str) {
        let bytes = bytes.parse().unwrap_or(0);
        let mut refused = 0;
        for number in 0..count {
            let answer = session.send(format!("{number:<bytes$}"));
            refused += usize::from(!answer.is_queued());
        }
        if refused > 0 {
            self.diary.write(format!("{refused} of {count} not taken"));
        }
    }

    fn session(&self, number: usize) -> SessionId {
        self.sessions[number % self.sessions.len()]
    }

    fn number(&self, session: &Session<'_>) -> usize {
        let id = session.id();
        let number = self.sessions.iter().position(|known| *known == id);
        number.expect("every event belongs to a session that opened")
    }
}

impl Handler for Puppet {
    type Data = ();

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        self.sessions.push(session.id());
        if let Some(commands) = request.query("do") {
            self.obey(session, &commands);
        }
        match request.query("refuse") {
            Some(_) => Open::Refuse(Response::refusal(Status::FORBIDDEN)),
            None => Open::Accept(()),
        }
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        match message.text() {
            Some(commands) => self.obey(session, commands),
            None => {
                let _ = session.send(message);
            }
        }
    }

    fn drain(&mut self, (): &mut (), session: &mut Session<'_>, dropped: u64) {
        let number = self.number(session);
        self.diary
            .write(format!("{number} drained, {dropped} dropped"));
    }

    fn pong(&mut self, (): &mut (), session: &mut Session<'_>, payload: &[u8]) {
        let number = self.number(session);
        let payload = String::from_utf8_lossy(payload);
        self.diary.write(format!("{number} pong {payload}"));
    }

    fn timer(&mut self, (): &mut (), session: &mut Session<'_>, token: u64) {
        let (number, now) = (self.number(session), session.now().as_millis());
        self.diary.write(format!("{number} timer {token} at {now}"));
    }

    fn close(&mut self, (): (), session: &mut Session<'_>, reason: &CloseReason) {
        let number = self.number(session);
        let by = reason.by;
        self.diary
            .write(format!("{number} closed {reason} by {by:?}"));
    }
}

/// A simulation with a puppet at `/`, whose event stream is `/events`.
pub(crate) fn stage() -> (Sim, Diary) {
    stage_with(Settings::default(), Limits::default())
}

pub(crate) fn stage_with(settings: Settings, limits: Limits) -> (Sim, Diary) {
    stage_of(settings, limits, 0)
}

pub(crate) fn stage_of(settings: Settings, limits: Limits, seed: u64) -> (Sim, Diary) {
    watch_panics();
    let diary = Diary::default();
    let puppet = Rc::new(RefCell::new(Puppet {
        diary: diary.clone(),
        sessions: Vec::new(),
        numbers: 0,
    }));
    let app = App::new()
        .ws_with("/", settings.clone(), Rc::clone(&puppet))
        .sse("/events", settings, puppet)
        .get("/page", |_, _| {
            Response::ok("text/plain", b"page".as_slice())
        });
    let sim = Sim::with(app, limits, seed).expect("the program is right");
    (sim, diary)
}

/// Opens a conversation that answers nothing by itself.
pub(crate) fn open_manual(sim: &Sim) -> Conversation {
    let conversation = sim.open("/");
    conversation.manual();
    conversation
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
