//! The events of the loop, as the conversation takes them.

use super::conversation::{
    COUNTED, Chat, Ending, GIVE_UP, GIVE_UP_AFTER, Link, RESUME, RETRY, State, WAIT,
};
use super::report::Told;
use super::room::PROTOCOL;
use dunlin::{
    Call, CloseReason, Context, Error, ErrorKind, Handler, Message, Open, Request, Session,
    SessionId,
};

/// How to mend a refusal.
const REFUSED: &str = "wanted: 101; is the path right, and does the server want a field (--header), an origin \
                       (--origin) or a subprotocol (--subprotocol)?";

/// Whether the same question can get another answer later.
fn may_be_mended(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Io | ErrorKind::Timeout | ErrorKind::Closed => true,
        ErrorKind::Refused => {
            let status = error.status().map(|status| status.code());
            matches!(status, Some(408 | 425 | 429 | 500 | 502..=504))
        }
        _ => false,
    }
}

impl Handler for Chat {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        let protocol = session.protocol().map(str::to_owned);
        let extensions = session.extensions();
        let link = Link {
            id: session.id(),
            since: session.now(),
            is_full: false,
            has_entered: self.room.is_none(),
            is_paused: false,
            ping: None,
            pong: None,
        };
        self.state = State::Open(link);
        self.was_connected = true;
        let url = self.target.url.to_string();
        let told = Told::Connected {
            url: &url,
            protocol: protocol.as_deref(),
            extensions: extensions.as_deref(),
        };
        self.tell(&told);
        let cx = session.context();
        cx.cancel_timer(GIVE_UP);
        match &self.room {
            Some(_) if protocol.as_deref() != Some(PROTOCOL) => {
                let wanted = PROTOCOL;
                self.fail(
                    cx,
                    format!("{url} does not speak {wanted}, the subprotocol of rooms"),
                );
            }
            Some(room) => {
                let enter = room.enter();
                session.send(&enter);
            }
            None => self.pump(cx),
        }
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        let cx = session.context();
        match message {
            Message::Text(text) if self.room.is_some() => self.room_said(cx, text),
            Message::Text(text) => self.tell(&Told::Text(text)),
            Message::Binary(bytes) => self.tell(&Told::Binary(bytes)),
        }
        self.check_output(cx);
    }

    fn drain(&mut self, (): &mut (), session: &mut Session<'_>, _: u64) {
        if let State::Open(link) = &mut self.state {
            link.is_full = false;
        }
        self.pump(session.context());
    }

    fn pong(&mut self, (): &mut (), session: &mut Session<'_>, payload: &[u8]) {
        let cx = session.context();
        self.pong_came(cx, payload);
        self.check_output(cx);
    }

    fn program_timer(&mut self, cx: &mut Context<'_>, token: u64) {
        let is_open = matches!(self.state, State::Open(_));
        match token {
            RETRY if matches!(self.state, State::Away) && !self.is_leaving() => self.connect(cx),
            GIVE_UP if !is_open => {
                let after = GIVE_UP_AFTER.as_secs();
                self.fail(
                    cx,
                    format!("the server was not to be reached for {after} s"),
                );
            }
            COUNTED => self.fail_counted(cx),
            WAIT if !self.is_leaving() => self.leave(cx, Ending::Success),
            RESUME => {
                if let State::Open(link) = &mut self.state {
                    link.is_paused = false;
                }
                self.pump(cx);
            }
            _ => {}
        }
        self.check_output(cx);
    }

    fn failed(&mut self, cx: &mut Context<'_>, _: SessionId, _: &Call, error: &Error) {
        if self.is_leaving() {
            return;
        }
        let State::Calling { others, .. } = std::mem::replace(&mut self.state, State::Away) else {
            return;
        };
        let is_elsewhere = matches!(error.kind(), ErrorKind::Io | ErrorKind::Timeout);
        if is_elsewhere && !others.is_empty() {
            return self.call(cx, others);
        }
        let why = format!("{error:#}").replace('\n', "; ");
        if may_be_mended(error) {
            self.away(cx, &why, None);
        } else if error.kind() == ErrorKind::Refused {
            self.fail(cx, format!("{why}\n{REFUSED}"));
        } else {
            self.fail(cx, why);
        }
        self.check_output(cx);
    }

    fn close(&mut self, (): (), session: &mut Session<'_>, reason: &CloseReason) {
        let cx = session.context();
        let State::Open(link) = std::mem::replace(&mut self.state, State::Away) else {
            return;
        };
        if !self.is_leaving() {
            self.lost(cx, &link, reason);
            return self.check_output(cx);
        }
        if reason.code.get() != 1006 {
            // The Close is answered behind everything that was sent before it.
            let read = self.lines.confirm_through(u64::MAX);
            self.tell_sent(&read);
        }
        self.tell_closed(reason);
        if matches!(self.leaving, Some(Ending::Success)) {
            self.tell(&Told::Goodbye);
        }
        self.finish(cx);
    }
}
