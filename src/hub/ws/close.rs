//! The end of a connection: every transition out of Open and after it, in one place.
//!
//! ```text
//!  Open ──our Close──▶ Closing ──their Close──▶ Ending ──all sent──▶ Lingering ──their end──▶ Dead
//!   └────their Close, or a failure (our Close goes out)──▶ Ending        (lost, or a deadline: Dead at once)
//! ```

use crate::app::SendOutcome;
use crate::hub::conn::flags::Flags;
use crate::hub::conn::handshake::FailedCall;
use crate::hub::conn::phase::{Phase, State};
use crate::hub::core::{Core, HubContext, NO_ROUTE};
use crate::hub::time::ticks::ticks;
use crate::wire::close::{CloseCode, CloseReason, ClosedBy, cut_reason};
use crate::wire::error::{Error, ErrorKind};
use crate::wire::frame::{MAX_HEADER, OpCode, write_frame};
use crate::wire::receive::RawFrame;
use std::time::Duration;

/// How long a refused request's connection waits for the peer to end (SPEC: 64 KiB or 2 s).
const HTTP_LINGER: Duration = Duration::from_secs(2);
/// Bytes thrown away while lingering.
pub(crate) const LINGER_BYTES: u32 = 64 << 10;

impl Core {
    /// Our side ends an open session: Close goes out behind everything, theirs is awaited.
    pub(crate) fn close(&mut self, key: u32, code: CloseCode, reason: &str) {
        if self.slot(key).state() != State::Open {
            return;
        }
        self.push_close(key, code, reason);
        if self.slot(key).flags.has(Flags::PEER_CLOSED | Flags::EVENTS) {
            // A raw handler's answer, later than in the event of their Close; and an event stream has
            // nothing to answer with.
            return self.finish(key);
        }
        self.leave_all(key);
        let wait = self.rules(key).close_timeout;
        let slot = self.slot(key);
        slot.begin_closing();
        // Their Close must be read, whatever had stopped the reading.
        if slot.is_stopped() {
            slot.flags.clear(Flags::UNREAD);
            let id = slot.id(key);
            self.resumed.push_back(id);
        }
        self.deadlines.set(key, self.tick + wait, self.tick);
    }

    fn push_close(&mut self, key: u32, code: CloseCode, reason: &str) {
        let (code, reason) = match code {
            CloseCode::NO_STATUS => (code, ""),
            code if code.is_sendable() => (code, cut_reason(reason)),
            _ => (CloseCode::INTERNAL_ERROR, cut_reason(reason)),
        };
        if self.slot(key).is_event_stream() {
            // It ends with what was sent before.
        } else if code == CloseCode::NO_STATUS {
            self.push_control(key, OpCode::Close, &[]);
        } else {
            let payload = [&code.get().to_be_bytes(), reason.as_bytes()].concat();
            self.push_control(key, OpCode::Close, &payload);
        }
        let reason = CloseReason::new(code, reason, ClosedBy::Us);
        self.slot(key).cold().close.get_or_insert(reason);
    }

    /// The peer broke a rule, or its handler panicked: Close goes out, nothing more is read.
    pub(crate) fn fail(&mut self, key: u32, code: CloseCode, reason: &str) {
        match self.slot(key).state() {
            State::Open => self.push_close(key, code, reason),
            State::Closing => {}
            _ => return,
        }
        let id = self.slot(key).id(key);
        log::debug!(connection:% = id; "session {id} fails with {code} {reason}");
        self.finish(key);
    }

    /// The peer's Close arrived: it is answered with the same code, or it was the answer to ours.
    pub(crate) fn peer_closed(&mut self, key: u32, close: Option<(CloseCode, &str)>) {
        self.slot(key).flags.set(Flags::PEER_CLOSED);
        if self.slot(key).state() == State::Open {
            let payload = close.map(|(code, _)| code.get().to_be_bytes());
            let payload = payload.as_ref().map_or(&[][..], |bytes| bytes);
            self.push_control(key, OpCode::Close, payload);
            let (code, reason) = close.unwrap_or((CloseCode::NO_STATUS, ""));
            self.slot(key).cold().close = Some(CloseReason::new(code, reason, ClosedBy::Peer));
        }
        self.finish(key);
    }

    /// A raw session's peer has closed: its handler has the close timeout to answer.
    pub(crate) fn raw_close_arrived(&mut self, key: u32, payload: &[u8]) {
        let wait = self.rules(key).close_timeout;
        let slot = self.slot(key);
        slot.flags.set(Flags::PEER_CLOSED);
        if slot.state() == State::Open {
            slot.cold()
                .close
                .get_or_insert(close_reason(payload, ClosedBy::Peer));
            self.deadlines.set(key, self.tick + wait, self.tick);
        }
    }

    /// A raw session's handler has sent a Close of its own making.
    fn raw_close_sent(&mut self, key: u32, payload: &[u8]) {
        let wait = self.rules(key).close_timeout;
        let slot = self.slot(key);
        slot.cold()
            .close
            .get_or_insert(close_reason(payload, ClosedBy::Us));
        if slot.flags.has(Flags::PEER_CLOSED) {
            return self.finish(key);
        }
        slot.begin_closing();
        self.leave_all(key);
        self.deadlines.set(key, self.tick + wait, self.tick);
    }

    /// A session has nothing more to say: what waits goes out, then the sending direction ends.
    fn finish(&mut self, key: u32) {
        let wait = self.rules(key).close_timeout;
        self.leave_all(key);
        self.end(key, wait);
        let slot = self.slot(key);
        if slot.flags.has(Flags::OPENED) {
            let id = slot.id(key);
            self.close_events.push_back(id);
        }
    }

    /// The last HTTP response is written; a slow reader has as long for it as for a Close.
    pub(crate) fn finish_http(&mut self, key: u32) {
        let wait = self.http_rules.close_timeout;
        self.end(key, wait);
    }

    fn end(&mut self, key: u32, wait: u64) {
        let receiver = self.keep(key, |slot| {
            let receiver = slot.forget_received();
            slot.phase = Phase::Ending(0);
            receiver
        });
        self.retired_receivers.extend(receiver);
        let slot = self.slot(key);
        slot.flags.clear(Flags::UNREAD);
        let id = slot.id(key);
        self.resumed.push_back(id);
        self.deadlines.set(key, self.tick + wait, self.tick);
        self.mark_dirty(key);
    }

    /// The peer has ended its sending direction. Only marks: closing costs the kernel
    /// microseconds, so it waits for its slice of *reap*.
    pub(crate) fn end_of_file(&mut self, key: u32) {
        let slot = self.slot(key);
        slot.flags.set(Flags::EOF);
        match slot.state() {
            // An answer may still be under way to a peer that only stopped asking.
            State::Head if slot.backlog() > 0 => self.finish_http(key),
            // An answer may still be read by a peer that only stopped asking.
            State::Ending | State::Waiting | State::Streaming => {}
            State::Open if slot.is_event_stream() => {
                // There is no other way to leave one.
                let left = CloseReason::new(CloseCode::NO_STATUS, "", ClosedBy::Peer);
                slot.cold().close.get_or_insert(left);
                self.lost(key);
            }
            State::Dialling
            | State::Link
            | State::Head
            | State::Open
            | State::Closing
            | State::Lingering => self.lost(key),
            State::Dead => {}
        }
    }

    /// Throws away what arrives behind the end; a peer that goes on regardless is cut.
    pub(crate) fn discard(&mut self, key: u32, len: usize) {
        let slot = self.slot(key);
        let speaks_http = slot.route == NO_ROUTE || slot.is_event_stream();
        let (Phase::Ending(discarded) | Phase::Lingering(discarded)) = &mut slot.phase else {
            return;
        };
        *discarded = discarded.saturating_add(len as u32);
        if speaks_http && *discarded > LINGER_BYTES {
            self.lost(key);
        }
    }

    /// The connection is gone, or is cut.
    pub(crate) fn lost(&mut self, key: u32) {
        let slot = self.slot(key);
        if slot.state() == State::Dead {
            return;
        }
        if slot.flags.has(Flags::OPENED) {
            slot.cold().close.get_or_insert_with(CloseReason::lost);
        }
        let receiver = self.keep(key, |slot| {
            match std::mem::replace(&mut slot.phase, Phase::Dead(None)) {
                Phase::Dialling(Some(handshake)) => {
                    let (call, error) = (handshake.call, None);
                    slot.phase = Phase::Dead(Some(Box::new(FailedCall { call, error })));
                    None
                }
                Phase::Link(linked) => {
                    let message = "the server closed the connection";
                    let error = Some(Error::new(ErrorKind::Closed, message));
                    let call = linked.call;
                    slot.phase = Phase::Dead(Some(Box::new(FailedCall { call, error })));
                    None
                }
                Phase::Open(receiver) | Phase::Closing(receiver) => Some(receiver),
                _ => None,
            }
        });
        self.retired_receivers
            .extend(receiver.filter(|receiver| !receiver.is_at_rest()));
        self.leave_all(key);
        self.deadlines.clear(key);
        self.closing.push_back(key);
    }
}

/// What a Close payload says (RFC 6455 §5.5.1).
fn close_reason(payload: &[u8], by: ClosedBy) -> CloseReason {
    match payload {
        [high, low, reason @ ..] => {
            let code = CloseCode::new(u16::from_be_bytes([*high, *low]));
            CloseReason::new(code, String::from_utf8_lossy(reason), by)
        }
        _ => CloseReason::new(CloseCode::NO_STATUS, "", by),
    }
}

impl HubContext<'_> {
    /// Sends one frame as it is, for raw sessions.
    pub(crate) fn send_frame(&mut self, key: u32, frame: RawFrame<'_>) -> SendOutcome {
        if !self.catch_up_open(key) {
            return SendOutcome::Closed;
        }
        if self.core.slot(key).is_event_stream() {
            self.core.metrics.on_dropped(1);
            return SendOutcome::Skipped;
        }
        let mut bytes = Vec::with_capacity(MAX_HEADER + frame.payload.len());
        let mask = self.core.mask(key);
        write_frame(
            &mut bytes,
            frame.fin,
            frame.opcode,
            frame.reserved,
            frame.payload,
            mask,
        );
        if frame.opcode == OpCode::Close {
            self.core.push_ready(key, &bytes);
            self.core.raw_close_sent(key, frame.payload);
            return SendOutcome::Queued;
        }
        self.append(
            key,
            &bytes,
            u64::from(!frame.opcode.is_control() && frame.fin),
        )
    }

    /// Everything is sent: the peer shall read an end of file.
    pub(crate) fn end_sending(&mut self, key: u32) {
        self.io.shutdown_write(key);
        let has_ended = self.core.slot(key).flags.has(Flags::EOF);
        if has_ended || self.may_be_dropped(key) {
            self.core.lost(key);
        } else {
            let slot = self.core.slot(key);
            slot.phase = match slot.phase {
                Phase::Ending(discarded) => Phase::Lingering(discarded),
                _ => Phase::Lingering(0),
            };
            if slot.route == NO_ROUTE || slot.is_event_stream() {
                let core = &mut *self.core;
                let last = core.tick + ticks(HTTP_LINGER);
                core.deadlines.set(key, last, core.tick);
            }
        }
    }
}
