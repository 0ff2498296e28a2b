//! Sessions in the log: who came, to which path, how long they stayed and what they sent.
//!
//! A crowd must not drown the log, so a path writes at most [`LINES`] lines a second of a kind, and then
//! one that says how many were left out. What is kept is 8 bytes a session, in the data of its
//! handler.

use crate::{App, CloseReason, Context, Handler, Message, Open, Request, Session, Settings};
use log::info;
use std::time::Duration;

/// Lines of one kind that a path writes in a second.
const LINES: u32 = 10;
const SECOND: Duration = Duration::from_secs(1);
/// Tokens of the timers that end a second; a handler inside must not use them.
const OPENED: u64 = u64::MAX;
const CLOSED: u64 = u64::MAX - 1;

/// How many lines of a kind there were.
#[derive(Debug, Default)]
struct Limiter {
    began: Option<Duration>,
    lines: u32,
    left_out: u64,
}

impl Limiter {
    /// Whether a line may be written now.
    fn admits(&mut self, now: Duration) -> bool {
        if self.began.is_none_or(|began| now >= began + SECOND) {
            (self.began, self.lines) = (Some(now), 0);
        }
        let admits = self.lines < LINES;
        if admits {
            self.lines += 1;
        } else {
            self.left_out += 1;
        }
        admits
    }

    /// How long until it is told that a line was left out, if this was the first.
    fn tells_in(&self, now: Duration) -> Option<Duration> {
        let began = self.began.filter(|_| self.left_out == 1)?;
        Some((began + SECOND).saturating_sub(now))
    }

    /// How many were left out since it was told last.
    fn take_left_out(&mut self) -> u64 {
        std::mem::take(&mut self.left_out)
    }
}

/// A route whose sessions are in the log. Where the log takes no such lines when it is mounted, nothing is
/// kept for them either: an idle session is as small as the handler makes it.
pub(super) fn logged(
    app: App,
    path: &'static str,
    settings: Settings,
    handler: impl Handler,
) -> App {
    if log::max_level() >= log::LevelFilter::Info {
        app.ws_with(path, settings, Logged::new(path, handler))
    } else {
        app.ws_with(path, settings, handler)
    }
}

/// The same for event streams.
pub(super) fn logged_events(
    app: App,
    path: &'static str,
    settings: Settings,
    handler: impl Handler,
) -> App {
    if log::max_level() >= log::LevelFilter::Info {
        app.sse(path, settings, Logged::new(path, handler))
    } else {
        app.sse(path, settings, handler)
    }
}

/// A handler whose sessions are in the log.
struct Logged<H> {
    inner: H,
    path: &'static str,
    opened: Limiter,
    closed: Limiter,
}

impl<H> Logged<H> {
    fn new(path: &'static str, inner: H) -> Self {
        Self {
            inner,
            path,
            opened: Limiter::default(),
            closed: Limiter::default(),
        }
    }
}

/// What a session did.
struct Seen<D> {
    /// Tenths of a second from the server's start: enough for 13 years.
    opened: u32,
    /// Bytes of messages that came in, up to 4 GiB.
    bytes: u32,
    inner: D,
}

fn tenths(time: Duration) -> u32 {
    u32::try_from(time.as_millis() / 100).unwrap_or(u32::MAX)
}

impl<H: Handler> Handler for Logged<H> {
    type Data = Seen<H::Data>;

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<Self::Data> {
        let inner = match self.inner.open(request, session) {
            Open::Accept(inner) => inner,
            Open::Refuse(response) => return Open::Refuse(response),
            Open::Later(deferral) => return Open::Later(deferral),
        };
        let now = session.now();
        if self.opened.admits(now) {
            let (id, peer) = (session.id(), session.peer());
            info!(connection:% = id; "session {id} of {peer} opened on {}", self.path);
        } else if let Some(after) = self.opened.tells_in(now) {
            session.context().set_timer(after, OPENED);
        }
        Open::Accept(Seen {
            opened: tenths(now),
            bytes: 0,
            inner,
        })
    }

    fn message(&mut self, data: &mut Self::Data, session: &mut Session<'_>, message: Message<'_>) {
        let bytes = u32::try_from(message.len()).unwrap_or(u32::MAX);
        data.bytes = data.bytes.saturating_add(bytes);
        self.inner.message(&mut data.inner, session, message);
    }

    fn drain(&mut self, data: &mut Self::Data, session: &mut Session<'_>, dropped: u64) {
        self.inner.drain(&mut data.inner, session, dropped);
    }

    fn pong(&mut self, data: &mut Self::Data, session: &mut Session<'_>, payload: &[u8]) {
        self.inner.pong(&mut data.inner, session, payload);
    }

    fn timer(&mut self, data: &mut Self::Data, session: &mut Session<'_>, token: u64) {
        self.inner.timer(&mut data.inner, session, token);
    }

    fn program_timer(&mut self, context: &mut Context<'_>, token: u64) {
        let (limiter, what) = match token {
            OPENED => (&mut self.opened, "opened"),
            CLOSED => (&mut self.closed, "closed"),
            _ => {
                self.inner.program_timer(context, token);
                return;
            }
        };
        let count = limiter.take_left_out();
        info!("{count} more sessions {what} on {}", self.path);
    }

    fn close(&mut self, data: Self::Data, session: &mut Session<'_>, reason: &CloseReason) {
        let now = session.now();
        if self.closed.admits(now) {
            let (id, peer, code) = (session.id(), session.peer(), reason.code);
            let time = tenths(now).saturating_sub(data.opened);
            let (path, bytes) = (self.path, data.bytes);
            info!(
                connection:% = id;
                "session {id} of {peer} on {path} closed with {code} after {}.{} s, {bytes} B in",
                time / 10,
                time % 10
            );
        } else if let Some(after) = self.closed.tells_in(now) {
            session.context().set_timer(after, CLOSED);
        }
        self.inner.close(data.inner, session, reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Route;
    use crate::sim::Sim;

    #[test]
    fn ten_lines_a_second_are_written_and_the_others_counted() {
        let mut limiter = Limiter::default();
        let at = |ms| Duration::from_millis(ms);
        let written = (0..25).filter(|ms| limiter.admits(at(*ms))).count();
        assert_eq!(written, 10);
        assert_eq!(limiter.take_left_out(), 15);
        assert!(!limiter.admits(at(999)));
        assert_eq!(limiter.tells_in(at(999)), Some(at(1)));
        assert!(!limiter.admits(at(999)));
        assert_eq!(limiter.tells_in(at(999)), None, "it is told once");
        assert_eq!(limiter.take_left_out(), 2);
        assert!(limiter.admits(at(1000)));
    }

    #[test]
    fn what_was_left_out_is_told_when_the_second_is_over() {
        let handler = Logged::new("/", |_: &mut Session<'_>, _: Message<'_>| {});
        let route = Route::new(handler);
        let handle = route.handle();
        let sim = Sim::new(App::new().route("/", route)).expect("a good program");
        let sessions: Vec<_> = (0..15).map(|_| sim.open("/")).collect();
        let left_out = || {
            let (tell, told) = std::sync::mpsc::channel();
            let asked = handle.call(move |logged, _| {
                let _ = tell.send((logged.opened.left_out, logged.closed.left_out));
            });
            assert!(asked.is_ok());
            sim.drive();
            told.try_recv().expect("it ran")
        };
        assert_eq!(left_out(), (5, 0));
        sim.advance(SECOND);
        assert_eq!(left_out(), (0, 0));
        sessions.iter().for_each(|session| session.cut());
        sim.drive();
        assert_eq!(left_out(), (0, 5));
        sim.advance(SECOND);
        assert_eq!(left_out(), (0, 0));
    }
}
