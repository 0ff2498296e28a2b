//! The sessions of the load as the loop tells of them.

use super::peer::{Role, Stage};
use super::seen::Seen;
use super::state::{ANSWERED, Load, Phase};
use crate::plan::Scenario;
use dunlin::{
    Call, CloseReason, ClosedBy, Context, Error, ErrorKind, Handler, Message, Open, Request,
    Session, SessionId,
};
use std::io;

/// A connection that was refused comes again after so many milliseconds at least, and twice
/// that at most.
const AGAIN_MS: u64 = 100;

impl Handler for Load {
    /// Which of the peers it is.
    type Data = u32;

    fn connected(&mut self, _context: &mut Context<'_>, id: SessionId) {
        let now = Self::now();
        if let Some(calling) = self.calling.get_mut(&id) {
            calling.connected = Some(now);
            self.figures
                .connect
                .record(now.saturating_sub(calling.begun));
        }
    }

    fn open(&mut self, _request: &Request<'_>, session: &mut Session<'_>) -> Open<u32> {
        let now = Self::now();
        let id = session.id();
        let Some(calling) = self.calling.remove(&id) else {
            // Nobody else calls on this route.
            return Open::Accept(u32::MAX);
        };
        let index = calling.index as usize;
        let asked = calling.connected.unwrap_or(calling.begun);
        self.figures.upgrade.record(now.saturating_sub(asked));
        let counts = &mut self.figures.counts;
        counts.opened += 1;
        counts.open += 1;
        counts.peak = counts.peak.max(counts.open);
        self.failed_first = 0;
        if session.extensions().is_some() {
            self.figures.counts.deflated += 1;
        }
        let peer = &mut self.peers[index];
        peer.id = Some(id);
        peer.stage = Stage::Entering;
        peer.seen = Seen::from(peer.sent);
        peer.done = peer.sent;
        peer.given_up = 0;
        if let Some(hello) = self.dialect.hello((self.share.first + index) as u32) {
            session.send(hello);
        }
        if self.scenario() == Scenario::Storm && matches!(self.phase, Phase::Load | Phase::Drain) {
            // The last ones of a round may come back when the load is over.
            if self.is_measured(self.cut_at) {
                let took = now.saturating_sub(self.cut_at);
                self.figures.reconnect.record(took);
            }
            self.came_back(now);
        }
        if self.dialect.is_ready_at_once() {
            self.ready(index, session);
        }
        if self.phase == Phase::Close {
            session.close(1000, "");
        }
        Open::Accept(calling.index)
    }

    #[inline]
    fn message(&mut self, data: &mut u32, session: &mut Session<'_>, message: Message<'_>) {
        self.heard(*data as usize, session, message);
    }

    fn failed(&mut self, context: &mut Context<'_>, id: SessionId, _call: &Call, error: &Error) {
        let Some(calling) = self.calling.remove(&id) else {
            return;
        };
        let index = calling.index as usize;
        let kind = kind_of(error, calling.connected.is_some());
        self.error(&kind, || format!("{error:#}"));
        if self.figures.counts.opened == 0 {
            self.failed_first += 1;
        }
        self.gone(index);
        match (self.phase, self.scenario()) {
            // The next visit is due when it is due.
            (Phase::Load, Scenario::Churn) if self.interval.is_some() => {
                self.free.push(calling.index);
            }
            (Phase::Load, Scenario::Churn | Scenario::Storm) => {
                let spread = Self::now() / 1000 % AGAIN_MS;
                context.set_timer(
                    std::time::Duration::from_millis(AGAIN_MS + spread),
                    u64::from(calling.index),
                );
            }
            _ => {}
        }
    }

    /// Storm and churn: it tries again.
    fn program_timer(&mut self, _context: &mut Context<'_>, token: u64) {
        if self.phase == Phase::Load {
            self.free.push(token as u32);
        }
    }

    fn close(&mut self, data: u32, session: &mut Session<'_>, reason: &CloseReason) {
        let index = data as usize;
        let Some(peer) = self.peers.get(index).copied() else {
            return;
        };
        self.figures.counts.open -= 1;
        let in_flight = peer.sent.wrapping_sub(peer.done);
        let was_planned = peer.stage == Stage::Leaving;
        self.gone(index);
        if !was_planned && self.phase != Phase::Close {
            let code = reason.code.get();
            let who = match reason.by {
                ClosedBy::Peer => "by the server",
                _ => "by this side",
            };
            let how = match code {
                1006 => "1006 connection lost".to_owned(),
                code => format!("{code} {who}"),
            };
            self.figures.closed(&how);
            if self.first_error.is_none() {
                self.first_error = Some(format!("a session ended with {how} {:?}", reason.reason));
            }
        }
        if self.role(index) == Role::Echo && self.phase != Phase::Close {
            self.figures.counts.cut += u64::from(in_flight);
            self.peers[index].done = peer.sent;
            for number in peer.sent - in_flight.min(self.kept)..peer.sent {
                // Nobody waits for it any more.
                let place = self.place(index, number);
                self.times[place] = ANSWERED;
            }
        }
        if self.role(index) == Role::Receiver {
            self.receiver_left(&peer, session);
        }
        let comes_back = matches!(self.scenario(), Scenario::Churn | Scenario::Storm);
        if comes_back && self.phase == Phase::Load {
            self.free.push(data);
        }
    }
}

impl Load {
    /// Fan-out: a message may have reached everybody now, since one less is there.
    fn receiver_left(&mut self, peer: &super::peer::Peer, session: &mut Session<'_>) {
        if matches!(peer.stage, Stage::Ready | Stage::Leaving) {
            self.receivers = self.receivers.saturating_sub(1);
        }
        if self.phase == Phase::Close {
            return;
        }
        if peer.took_part {
            self.figures.receivers.left += 1;
            self.figures.receivers.to_left += u64::from(peer.done);
        }
        let now = Self::now();
        for sender in 0..self.share.senders {
            for back in 1..=self.share.plan.window.min(self.peers[sender].in_flight()) {
                let number = self.peers[sender].sent.wrapping_sub(back);
                let flight = self.flights[self.place(sender, number)];
                if flight.number == number && flight.reached == self.receivers && self.receivers > 0
                {
                    self.reached_all(sender, now, session.context());
                }
            }
        }
    }
}

/// What the system says, without its number.
fn named(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_lowercase()
}

/// The kind of an error, as it is counted.
fn kind_of(error: &Error, was_connected: bool) -> String {
    let step = if was_connected {
        "handshake"
    } else {
        "connect"
    };
    let of_system = std::error::Error::source(error);
    let of_system = of_system.and_then(|source| source.downcast_ref::<io::Error>());
    match (error.kind(), of_system) {
        (ErrorKind::Refused, _) => match error.status() {
            Some(status) => format!("handshake: {}", status.code()),
            None => "handshake: refused".to_owned(),
        },
        (ErrorKind::Timeout, _) => format!("{step}: timeout"),
        (ErrorKind::Protocol, _) => format!("{step}: wrong answer"),
        (ErrorKind::Closed, _) => format!("{step}: closed"),
        (_, Some(source)) => format!("{step}: {}", named(source)),
        (kind, None) => format!("{step}: {kind:?}").to_lowercase(),
    }
}
