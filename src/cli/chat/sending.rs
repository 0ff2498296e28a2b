//! What goes to the server, what it confirms, and what a room says.

use super::conversation::{Chat, Ending, Link, RESUME, State, WAIT};
use super::lines::Line;
use super::report::Told;
use super::room::Said;
use super::talk::Talk;
use dunlin::{Context, SendOutcome};
use std::time::Duration;

/// Lines of a second that go into a room, which takes 50.
const ROOM_PACE: u32 = 40;
const SECOND: Duration = Duration::from_secs(1);

impl Chat {
    /// Sends what can be sent now, and asks the server to confirm it.
    pub(super) fn pump(&mut self, cx: &mut Context<'_>) {
        if self.is_leaving() {
            return;
        }
        while let Some(text) = self.next_to_send(cx) {
            let State::Open(link) = &mut self.state else {
                return;
            };
            match cx.send(link.id, &text) {
                SendOutcome::Queued | SendOutcome::Skipped => {}
                SendOutcome::AboveMark => link.is_full = true,
                // Its close event follows.
                SendOutcome::Full | SendOutcome::Closed => return,
            }
            self.lines.mark_sent();
        }
        self.ask_and_end(cx);
    }

    /// The next message, if one may go.
    fn next_to_send(&mut self, cx: &mut Context<'_>) -> Option<String> {
        let State::Open(link) = &self.state else {
            return None;
        };
        if !link.has_entered || link.is_full || link.is_paused {
            return None;
        }
        let line = self.lines.next()?;
        let Some(room) = &self.room else {
            return Some(line.text.clone());
        };
        let now = cx.now();
        let (began, count) = &mut self.pace;
        if now >= *began + SECOND {
            (*began, *count) = (now, 0);
        }
        if *count >= ROOM_PACE {
            cx.set_timer((*began + SECOND).saturating_sub(now), RESUME);
            return None;
        }
        *count += 1;
        Some(room.talk(line.number, &line.text))
    }

    /// A ping behind what was sent, whose pong says that it was read; one at a time. When there is
    /// nothing more to come and all is confirmed, the end.
    fn ask_and_end(&mut self, cx: &mut Context<'_>) {
        let is_done = self.input_is_over && self.lines.is_empty();
        let is_owed = self.room.is_none() && self.lines.has_unconfirmed();
        let count = self.lines.count();
        let State::Open(link) = &mut self.state else {
            return;
        };
        if !link.has_entered || link.ping.is_some() {
            return;
        }
        if is_done && link.pong == Some(count) {
            // What the server answered before this pong has come.
            if self.manners.wait.is_zero() {
                self.leave(cx, Ending::Success);
            } else {
                cx.set_timer(self.manners.wait, WAIT);
            }
        } else if is_owed || is_done {
            link.ping = Some(count);
            cx.ping(link.id, &count.to_be_bytes());
        }
    }

    /// The server has read everything that was sent before this ping.
    pub(super) fn pong_came(&mut self, cx: &mut Context<'_>, payload: &[u8]) {
        let State::Open(link) = &mut self.state else {
            return;
        };
        let count = payload.try_into().map(u64::from_be_bytes).ok();
        if count.is_none() || link.ping != count {
            return;
        }
        link.ping = None;
        link.pong = count;
        if self.room.is_none() {
            let read = self.lines.confirm_through(count.unwrap_or_default());
            self.tell_sent(&read);
        }
        self.pump(cx);
    }

    pub(super) fn tell_sent(&mut self, lines: &[Line]) {
        for line in lines {
            self.tell(&Told::Sent {
                line: line.number,
                id: None,
            });
        }
    }

    /// A message of the server in a room.
    pub(super) fn room_said(&mut self, cx: &mut Context<'_>, text: &str) {
        let Some(room) = &mut self.room else {
            return;
        };
        match room.read(text) {
            Said::Entered {
                members,
                is_missing,
                messages,
            } => self.entered(cx, members, is_missing, &messages),
            Said::Talk { talk, line, id } => {
                let confirmed = line.and_then(|line| self.lines.confirm(line));
                let is_hidden = self.manners.hides_own && confirmed.is_some();
                if let Some(talk) = talk.filter(|_| !is_hidden) {
                    self.tell_talk(&talk, false);
                }
                if let Some(line) = confirmed {
                    let line = line.number;
                    self.tell(&Told::Sent { line, id });
                }
                self.pump(cx);
            }
            Said::Presence {
                has_joined,
                sender,
                members,
            } => self.tell(&Told::Presence {
                event: if has_joined { "joined" } else { "left" },
                sender: sender.as_deref(),
                members,
            }),
            Said::Gap(from, to) => self.tell(&Told::Missing(Some((from, to)))),
            Said::Epoch => {}
            Said::Closed(reason) => self.room_closed(cx, &reason),
            Said::Error {
                line,
                code,
                message,
            } => self.room_refused(cx, line, &code, &message),
            Said::Unknown(start) => {
                let problem = format!("the server said what is no message of a room: {start}");
                self.tell_error(None, None, &problem);
            }
        }
    }

    fn entered(&mut self, cx: &mut Context<'_>, members: u64, is_missing: bool, messages: &[Talk]) {
        if let State::Open(Link { has_entered, .. }) = &mut self.state {
            *has_entered = true;
        }
        if let Some(room) = &self.room {
            let told = Told::Entered {
                room: &room.label,
                id: &room.id,
                name: &room.sender,
                members,
            };
            if let Err(error) = self.report.tell(&told) {
                self.output_has_failed(error);
            }
        }
        if is_missing {
            self.tell(&Told::Missing(None));
        }
        for talk in messages {
            self.tell_talk(talk, true);
        }
        self.pump(cx);
    }

    fn tell_talk(&mut self, talk: &Talk, is_history: bool) {
        self.tell(&Told::Talk {
            sender: &talk.sender,
            text: &talk.text,
            id: talk.id,
            date: talk.date,
            is_history,
        });
    }

    /// The room has ended for this member. Coming back by itself would be a quarrel with whoever
    /// closed it or took the name over; who was too slow is waited for.
    fn room_closed(&mut self, cx: &mut Context<'_>, reason: &str) {
        if let ("slow", State::Open(link)) = (reason, &self.state) {
            return cx.close(link.id, 1000, "");
        }
        if reason.eq_ignore_ascii_case("room closed") {
            self.tell(&Told::Note("the room was closed"));
            return self.leave(cx, Ending::Success);
        }
        self.fail(cx, format!("the room has ended this membership: {reason}"));
    }

    /// An error of the room: for a line, for joining, or for no reason that is known here.
    fn room_refused(&mut self, cx: &mut Context<'_>, line: Option<u64>, code: &str, message: &str) {
        let comes_later = matches!(code, "too-fast" | "engine-unavailable");
        let State::Open(link) = &mut self.state else {
            return;
        };
        if comes_later && link.has_entered {
            link.is_paused = true;
            cx.set_timer(SECOND, RESUME);
            if let Some(line) = line {
                return self.lines.send_again(line);
            }
        }
        if link.has_entered {
            let refused = line.and_then(|line| self.lines.confirm(line));
            self.lost += usize::from(refused.is_some());
            self.tell_error(line, Some(code), message);
            return self.pump(cx);
        }
        if comes_later {
            // It is tried again as after any lost connection.
            return cx.close(link.id, 1000, "");
        }
        let mend = match code {
            "name-taken" => "\nwanted: another name, with --name NAME",
            "unknown-room" => {
                "\nwanted: a room that is there; `--room NAME` makes one of that name"
            }
            _ => "",
        };
        self.fail(
            cx,
            format!("the room lets nobody in: {code}: {message}{mend}"),
        );
    }
}
