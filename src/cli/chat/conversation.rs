//! The conversation with one server: it connects, comes back when the connection is lost, and leaves.
//!
//! It is a program of the event loop like any other, with one outgoing route. The loop suits it better
//! than the blocking client: keys, messages, pings and waits meet in one thread that sleeps until one of
//! them comes. Other threads read the input and look names up; they reach it by a [`Handle`].

use super::super::lookup::NOT_THERE;
use super::backoff::Backoff;
use super::lines::{Line, Lines};
use super::report::{Report, Told};
use super::room::Room;
#[cfg(feature = "tls")]
use dunlin::client::Trust;
use dunlin::client::Url;
use dunlin::{Call, CloseReason, ClosedBy, Context, Handle, SessionId};
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::Sender;
use std::time::Duration;

/// The outgoing route.
pub(super) const ROUTE: &str = "server";
/// How long to try again when the input is over and lines are left.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_secs(30);
/// How long the input may take to tell what it has, when there is no connection to send it over.
const COUNTED_WITHIN: Duration = Duration::from_millis(200);
/// How many lines of unknown fate are named.
const NAMED: usize = 5;

/// Timers of the program.
pub(super) const RETRY: u64 = 1;
pub(super) const GIVE_UP: u64 = 2;
pub(super) const WAIT: u64 = 3;
pub(super) const RESUME: u64 = 4;
pub(super) const COUNTED: u64 = 5;

/// Where to, and with what.
pub(super) struct Target {
    pub(super) url: Url,
    #[cfg(feature = "tls")]
    pub(super) trust: Trust,
    pub(super) headers: Vec<(String, String)>,
    pub(super) protocols: Vec<String>,
}

/// How to behave.
pub(super) struct Manners {
    pub(super) reconnects: bool,
    /// A person types: nothing ends because the server is not there yet.
    pub(super) is_person: bool,
    /// How long to wait for answers when everything was sent.
    pub(super) wait: Duration,
    /// What was typed stands on the screen already: the room's copy of it is not shown.
    pub(super) hides_own: bool,
}

/// How the command ends.
pub(super) enum Ending {
    Success,
    Failure(String),
    /// Without a word, with this exit code.
    Quiet(u8),
}

/// An open connection.
pub(super) struct Link {
    pub(super) id: SessionId,
    pub(super) since: Duration,
    /// The backlog is above its mark.
    pub(super) is_full: bool,
    /// In a room: the server has let us in. Elsewhere always.
    pub(super) has_entered: bool,
    /// The server asked for lines later.
    pub(super) is_paused: bool,
    /// A ping is under way behind so many lines.
    pub(super) ping: Option<u64>,
    /// The server has read so many.
    pub(super) pong: Option<u64>,
}

/// Where the connection stands.
pub(super) enum State {
    Away,
    /// The name of the host is looked up.
    Resolving,
    Calling {
        call: SessionId,
        others: Vec<SocketAddr>,
    },
    Open(Link),
}

/// The conversation.
pub(super) struct Chat {
    pub(super) target: Target,
    pub(super) manners: Manners,
    pub(super) room: Option<Room>,
    pub(super) lines: Lines,
    pub(super) state: State,
    pub(super) report: Report,
    handle: Option<Handle<Chat>>,
    end: Sender<Ending>,
    backoff: Backoff,
    pub(super) was_connected: bool,
    pub(super) input_is_over: bool,
    pub(super) leaving: Option<Ending>,
    is_over: bool,
    /// Lines that did not arrive, or perhaps not.
    pub(super) lost: usize,
    /// Lines of the room's second, and when that began.
    pub(super) pace: (Duration, u32),
    output_failed: Option<io::Error>,
    /// Why there will be no connection, while the lines are counted that are not sent.
    in_vain: Option<String>,
}

impl Chat {
    pub(super) fn new(
        target: Target,
        manners: Manners,
        room: Option<Room>,
        report: Report,
        end: Sender<Ending>,
    ) -> Self {
        Self {
            target,
            manners,
            room,
            lines: Lines::default(),
            state: State::Away,
            report,
            handle: None,
            end,
            backoff: Backoff::default(),
            was_connected: false,
            input_is_over: false,
            leaving: None,
            is_over: false,
            lost: 0,
            pace: (Duration::ZERO, 0),
            output_failed: None,
            in_vain: None,
        }
    }

    /// The loop runs: the first attempt.
    pub(super) fn begin(&mut self, cx: &mut Context<'_>, handle: Handle<Chat>, report: Report) {
        self.handle = Some(handle);
        self.report = report;
        self.connect(cx);
    }

    /// A line of the input.
    pub(super) fn line(&mut self, cx: &mut Context<'_>, line: Line) {
        self.lines.push(line);
        self.pump(cx);
        self.check_output(cx);
    }

    /// A line of the input that cannot be sent.
    pub(super) fn bad_line(&mut self, cx: &mut Context<'_>, number: u64, problem: &str) {
        self.lost += 1;
        self.tell_error(Some(number), None, problem);
        self.check_output(cx);
    }

    /// There are no more lines.
    pub(super) fn end_of_input(&mut self, cx: &mut Context<'_>) {
        self.input_is_over = true;
        if self.in_vain.is_some() {
            return self.fail_counted(cx);
        }
        match &self.state {
            State::Open(_) => self.pump(cx),
            _ if self.was_connected && self.lines.is_empty() => self.leave(cx, Ending::Success),
            _ => drop(cx.set_timer(GIVE_UP_AFTER, GIVE_UP)),
        }
    }

    /// Something to tell.
    pub(super) fn tell(&mut self, told: &Told<'_>) {
        if let Err(error) = self.report.tell(told) {
            self.output_has_failed(error);
        }
    }

    pub(super) fn output_has_failed(&mut self, error: io::Error) {
        self.output_failed.get_or_insert(error);
    }

    pub(super) fn tell_error(&mut self, line: Option<u64>, code: Option<&str>, message: &str) {
        self.tell(&Told::Error {
            line,
            code,
            message,
        });
    }

    /// Leaves in order, with 1000; when asked again, at once.
    pub(super) fn leave(&mut self, cx: &mut Context<'_>, ending: Ending) {
        if self.leaving.is_some() {
            return self.finish(cx);
        }
        self.leaving = Some(ending);
        match self.state {
            State::Open(Link { id, .. }) => cx.close(id, 1000, ""),
            State::Calling { call, .. } => {
                cx.close(call, 1000, "");
                self.finish(cx);
            }
            State::Away | State::Resolving => self.finish(cx),
        }
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.is_some() || self.is_over
    }

    /// Whoever read the output has gone: there is nobody to work for.
    pub(super) fn check_output(&mut self, cx: &mut Context<'_>) {
        let Some(error) = self.output_failed.take() else {
            return;
        };
        if self.is_leaving() {
            return;
        }
        let ending = match error.kind() {
            io::ErrorKind::BrokenPipe => Ending::Quiet(0),
            _ => Ending::Failure(format!("cannot write to standard output: {error}")),
        };
        self.leave(cx, ending);
    }

    pub(super) fn connect(&mut self, cx: &mut Context<'_>) {
        let url = self.target.url.to_string();
        self.tell(&Told::Connecting { url: &url });
        self.state = State::Resolving;
        let (host, port) = (self.target.url.host().to_owned(), self.target.url.port());
        if let Ok(ip) = host.parse::<IpAddr>() {
            return self.call(cx, vec![SocketAddr::new(ip, port)]);
        }
        let Some(handle) = self.handle.clone() else {
            return;
        };
        // It may take long, so a thread of its own asks.
        let thread = std::thread::Builder::new().name("resolver".to_owned());
        let started = thread.spawn(move || {
            let found = (host.as_str(), port).to_socket_addrs();
            let found = found.map(Iterator::collect::<Vec<_>>);
            // An error says that the command has ended.
            let _ = handle.call(move |chat, cx| chat.resolved(cx, found));
        });
        if let Err(error) = started {
            self.away(cx, &format!("cannot start a thread: {error}"), None);
        }
    }

    fn resolved(&mut self, cx: &mut Context<'_>, found: io::Result<Vec<SocketAddr>>) {
        if !matches!(self.state, State::Resolving) || self.is_leaving() {
            return;
        }
        let host = self.target.url.host().to_owned();
        match found {
            Ok(addresses) if !addresses.is_empty() => self.call(cx, addresses),
            Ok(_) => self.away(cx, &format!("{host} has no address"), None),
            Err(error) => self.away(cx, &format!("{host} has no address: {error}"), None),
        }
    }

    pub(super) fn call(&mut self, cx: &mut Context<'_>, mut addresses: Vec<SocketAddr>) {
        let (address, url) = (addresses.remove(0), &self.target.url);
        let mut call = Call::new(address, url.authority(), url.target());
        #[cfg(feature = "tls")]
        if url.is_secure() {
            call = call.secure(url.host(), self.target.trust.clone());
        }
        for (name, value) in &self.target.headers {
            call = call.field(name, value);
        }
        call = call.protocols(self.target.protocols.clone());
        match cx.connect(ROUTE, call) {
            Ok(call) => {
                let others = addresses;
                self.state = State::Calling { call, others };
            }
            Err(error) => self.fail(cx, format!("{error:#}")),
        }
    }

    /// Ends with an error.
    pub(super) fn fail(&mut self, cx: &mut Context<'_>, problem: String) {
        if !self.is_leaving() {
            self.leave(cx, Ending::Failure(problem));
        }
    }

    /// There will be no connection, and it is known what was not sent.
    pub(super) fn fail_counted(&mut self, cx: &mut Context<'_>) {
        match self.in_vain.take() {
            Some(why) if self.was_connected => self.fail(cx, why),
            Some(why) => self.fail(cx, format!("{why}\n{NOT_THERE}")),
            None => {}
        }
    }

    /// There is no connection: another attempt, where that may help.
    pub(super) fn away(&mut self, cx: &mut Context<'_>, why: &str, code: Option<u16>) {
        self.state = State::Away;
        let may_wait = self.was_connected || self.manners.is_person;
        if !self.manners.reconnects || !may_wait {
            self.in_vain = Some(why.to_owned());
            if self.was_connected || self.input_is_over {
                return self.fail_counted(cx);
            }
            cx.set_timer(COUNTED_WITHIN, COUNTED);
            return;
        }
        let again = self.backoff.next();
        self.tell(&Told::Disconnected { why, code, again });
        cx.set_timer(again, RETRY);
        if self.input_is_over {
            if self.lines.is_empty() {
                return self.fail(cx, format!("{why}, before all answers had come"));
            }
            cx.set_timer(GIVE_UP_AFTER, GIVE_UP);
        }
    }

    /// The connection has ended that was open.
    pub(super) fn lost(&mut self, cx: &mut Context<'_>, link: &Link, reason: &CloseReason) {
        self.backoff.lasted(cx.now().saturating_sub(link.since));
        let code = reason.code.get();
        let is_by_peer = reason.by == ClosedBy::Peer;
        if code == 1009 && is_by_peer && self.lines.has_unconfirmed() {
            self.leave_out_too_long();
        } else if self.room.is_some() {
            self.lines.wait_again();
        } else if matches!(code, 1000 | 1005) && is_by_peer {
            // It has heard enough: the last lines may be the reason, as `bye` is for an echo.
            drop(self.lines.take_uncertain());
        } else {
            self.name_uncertain();
        }
        let text = match (code, &*reason.reason) {
            (1006, "") => "the connection was lost (1006)".to_owned(),
            (code, "") => format!("close {code}"),
            (code, reason) => format!("close {code} {reason}"),
        };
        match code {
            1000 | 1005 if is_by_peer => {
                self.state = State::Away;
                self.tell_closed(reason);
                self.leave(cx, Ending::Success);
            }
            1002 | 1003 | 1007 | 1010 if !is_by_peer || code != 1007 => {
                self.state = State::Away;
                self.tell_closed(reason);
                self.fail(cx, format!("the connection cannot go on: {text}"));
            }
            _ => self.away(cx, &text, Some(code)),
        }
    }

    pub(super) fn tell_closed(&mut self, reason: &CloseReason) {
        let told = Told::Closed {
            code: reason.code.get(),
            reason: &reason.reason,
            by_us: reason.by == ClosedBy::Us,
        };
        self.tell(&told);
    }

    fn leave_out_too_long(&mut self) {
        let (read, too_long) = self.lines.take_too_long();
        self.tell_sent(&read);
        if let Some(line) = too_long {
            self.lost += 1;
            let bytes = line.text.len();
            let problem = format!("the server takes no message of {bytes} bytes; it is left out");
            self.tell_error(Some(line.number), None, &problem);
        }
    }

    fn name_uncertain(&mut self) {
        let uncertain = self.lines.take_uncertain();
        self.lost += uncertain.len();
        for line in uncertain.iter().take(NAMED) {
            let problem = "it may not have arrived; it is not sent again";
            self.tell_error(Some(line.number), None, problem);
        }
        let more = uncertain.len().saturating_sub(NAMED);
        if more > 0 {
            let problem =
                format!("{more} more lines may not have arrived; they are not sent again");
            self.tell_error(None, None, &problem);
        }
    }

    pub(super) fn finish(&mut self, cx: &mut Context<'_>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        self.state = State::Away;
        let unsent = self.lines.len();
        let mut ending = self.leaving.take().unwrap_or(Ending::Success);
        if unsent > 0 {
            let (lines, were) = if unsent == 1 {
                ("line", "was")
            } else {
                ("lines", "were")
            };
            let problem = format!("{unsent} {lines} {were} not sent");
            self.tell_error(None, None, &problem);
        }
        if matches!(ending, Ending::Success) {
            let not_sent = unsent + self.lost;
            if !self.manners.is_person && not_sent > 0 {
                ending = Ending::Failure(format!("{not_sent} of the lines may not have arrived"));
            }
        }
        if let Ending::Failure(problem) = &ending
            && self.report.json
        {
            let problem = problem.clone();
            self.tell_error(None, None, &problem);
        }
        // The other end is there until this loop has ended.
        let _ = self.end.send(ending);
        let remote = cx.remote();
        let _ = remote.shutdown();
        let _ = remote.shutdown();
    }
}
