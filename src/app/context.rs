//! What a program can do with all connections, lent to it for the time of one callback.

use super::call::Call;
use super::host::Host;
use super::metrics::{Metrics, Stats};
use super::remote::Remote;
use super::request::Peer;
use super::send_outcome::{JoinOutcome, SendOutcome};
use super::session_id::SessionId;
use crate::wire::close::CloseCode;
use crate::wire::error::Result;
use crate::wire::message::AsMessage;
use std::time::Duration;

/// The server as a callback of the program sees it: every session by its id, topics, timers of the
/// program, time and counters.
///
/// A [`Session`](super::Session) lends it by [`Session::context`](super::Session::context); HTTP
/// handlers, timers of the program and calls of a [`Handle`](super::Handle) are given one. An id of a
/// session that is gone is always harmless: sends answer [`SendOutcome::Closed`], and everything else
/// does nothing and says so. In a close event the session that closes is gone already.
pub struct Context<'h> {
    pub(super) host: &'h mut dyn Host,
    pub(super) route: u16,
    /// Who caused this callback: held back while a topic that is published to in it is behind.
    pub(crate) caller: SessionId,
}

impl<'h> Context<'h> {
    /// Whoever holds the connections lends them to a callback of this route.
    pub(crate) fn new(host: &'h mut dyn Host, route: u16, caller: SessionId) -> Self {
        Self {
            host,
            route,
            caller,
        }
    }

    /// Sends a message to a session of any route.
    pub fn send(&mut self, to: SessionId, message: impl AsMessage) -> SendOutcome {
        match message.as_event() {
            None => self.host.send(to, message.as_message()),
            Some(event) => self.host.send_event(to, event),
        }
    }

    /// Sends a text that nobody needs any more: what its peer does not take at once waits without a copy.
    #[cfg(feature = "rooms")]
    pub(crate) fn send_owned(&mut self, to: SessionId, text: String) -> SendOutcome {
        self.host.send_owned(to, text)
    }

    /// Sends a value as a message of the codec of the session's route.
    ///
    /// # Errors
    /// Kind `Data`: the value has no form in that codec; nothing was sent.
    #[cfg(feature = "json")]
    pub fn send_value<T: serde::Serialize>(
        &mut self,
        to: SessionId,
        value: &T,
    ) -> Result<SendOutcome> {
        let encoded = self.host.codec(to).encode(value)?;
        Ok(self.send(to, encoded.message()))
    }

    /// Ends a session as [`Session::close`](super::Session::close) does, or cancels a call of
    /// [`Context::connect`] that has no session yet: then its handler gets
    /// [`Handler::failed`](super::Handler::failed) with kind `Closed`.
    pub fn close(&mut self, id: SessionId, code: impl Into<CloseCode>, reason: &str) {
        self.host.close(id, code.into(), reason);
    }

    /// Sends a ping of at most 125 bytes (cut there) to a session; its pong comes as its pong event.
    pub fn ping(&mut self, id: SessionId, payload: &[u8]) -> SendOutcome {
        self.host.ping(id, &payload[..payload.len().min(125)])
    }

    /// Sends bytes as they are on a connection of a [`Link`](super::Link): all of them, in the order of
    /// the calls. What its server does not take waits, and counts among
    /// [`Stats::buffered`](super::Stats::buffered); [`Context::buffered`] tells how much that is.
    pub fn send_bytes(&mut self, to: SessionId, bytes: &[u8]) -> SendOutcome {
        self.host.send_bytes(to, bytes)
    }

    /// Whether this callback has used up what it may do in this turn: then others are kept waiting by it.
    /// For callbacks that can go on later, such as [`Link::received`](super::Link::received).
    pub fn is_spent(&self) -> bool {
        self.host.is_spent()
    }

    /// Whose event this is: a session, or the connection of an HTTP request. `None` for timers of the
    /// program and for calls of other threads.
    pub fn caller(&self) -> Option<SessionId> {
        let nobody = [SessionId::NOBODY, SessionId::OTHER_THREADS];
        (!nobody.contains(&self.caller)).then_some(self.caller)
    }

    /// Whether a session is open: what is sent to it goes out.
    pub fn is_open(&self, id: SessionId) -> bool {
        self.host.is_open(id)
    }

    /// Subscribes a session to a topic; once more changes nothing.
    pub fn join(&mut self, id: SessionId, topic: &str) -> JoinOutcome {
        self.host.join(id, topic)
    }

    /// Ends the subscription of a session. `false`: it was not in it.
    pub fn leave(&mut self, id: SessionId, topic: &str) -> bool {
        self.host.leave(id, topic)
    }

    /// Sends a message to every subscriber of a topic; their number. While the topic is more than 64 KiB
    /// behind, whoever caused this callback waits: its session or HTTP connection is not read, calls of
    /// other threads are not taken. A timer of the program has nothing that could wait: it publishes a
    /// bounded amount.
    pub fn publish(&mut self, topic: &str, message: impl AsMessage) -> usize {
        self.publish_to(topic, message, None)
    }

    /// Sends a message to every subscriber of a topic but this session; how many that are.
    pub fn publish_except(&mut self, id: SessionId, topic: &str, message: impl AsMessage) -> usize {
        self.publish_to(topic, message, Some(id))
    }

    fn publish_to(
        &mut self,
        topic: &str,
        message: impl AsMessage,
        except: Option<SessionId>,
    ) -> usize {
        let by = self.caller;
        match message.as_event() {
            None => self.host.publish(by, topic, message.as_message(), except),
            Some(event) => self.host.publish_event(by, topic, event, except),
        }
    }

    /// Takes the price of what this callback does from the budget of the turn: with what is spent, the
    /// next event of anybody waits for the next turn.
    pub(crate) fn charge(&mut self, units: u32) {
        self.host.charge(units);
    }

    /// Tells how the engine of the rooms is: [`Metrics::engine`], and whether the server is ready.
    #[cfg(feature = "cluster")]
    pub(crate) fn report_engine(&mut self, engine: super::metrics::EngineStats) {
        self.host.report_engine(engine);
    }

    /// Counts something that was not taken because its user had too many: [`Stats::limited`].
    #[cfg_attr(not(feature = "rooms"), allow(dead_code))]
    pub(crate) fn count_limited(&mut self) {
        self.host.count_limited();
    }

    /// How many sessions subscribe to a topic.
    pub fn subscribers(&self, topic: &str) -> usize {
        self.host.subscribers(topic)
    }

    /// The sessions that subscribe to a topic, in no order that lasts. The list is made anew: 8 bytes
    /// and some nanoseconds for each of them.
    pub fn members(&self, topic: &str) -> Vec<SessionId> {
        self.host.members(topic)
    }

    /// Ends every session that subscribes to a topic; how many that are. What was published before
    /// still reaches them.
    pub fn close_members(
        &mut self,
        topic: &str,
        code: impl Into<CloseCode>,
        reason: &str,
    ) -> usize {
        let (members, code) = (self.host.members(topic), code.into());
        for &member in &members {
            self.host.close(member, code, reason);
        }
        members.len()
    }

    /// Calls another server on an [outgoing route](super::App::outgoing). Its handler gets, later,
    /// the open event of the session with the id that is returned here, or
    /// [`Handler::failed`](super::Handler::failed) with that id.
    ///
    /// # Errors
    /// `Config` without a route of this name, `Limit` when the server is full or stopping.
    pub fn connect(&mut self, route: &str, call: Call) -> Result<SessionId> {
        self.host.connect(route, call)
    }

    /// Bytes that wait because the peer of a session does not take them; 0 when it is gone.
    pub fn buffered(&self, id: SessionId) -> usize {
        self.host.buffered(id)
    }

    /// The address of a session's peer; `None` when it is gone.
    pub fn peer(&self, id: SessionId) -> Option<Peer> {
        self.host.peer(id)
    }

    /// Stops reading from a session: what its peer sends waits in the peer's own socket. No message
    /// event of it comes before [`Context::resume`]; its pongs wait as well, and no ping timeout is
    /// concluded from that. A peer that breaks off is noticed when reading goes on. A close ends the
    /// pause. `false`: it is not open, or paused already.
    ///
    /// For one request at a time, and for bridges whose other side is full.
    pub fn pause(&mut self, id: SessionId) -> bool {
        self.host.pause(id)
    }

    /// Pauses a session until the backlog of another is below its mark, or that one is over: what is
    /// read from one is sent to the other no faster than that takes it. `false`: the other's backlog is
    /// below its mark, or one of them is not open; nothing has changed.
    pub fn pause_until_drained(&mut self, id: SessionId, other: SessionId) -> bool {
        self.host.pause_until_drained(id, other)
    }

    /// Reads from a paused session again, or asks a [stream](super::Answer::stream) again that waits.
    /// `false`: it was not paused.
    pub fn resume(&mut self, id: SessionId) -> bool {
        self.host.resume(id)
    }

    /// Asks for [`Handler::program_timer`](super::Handler::program_timer) of this route with this
    /// token after this time, rounded up to a millisecond of [`Context::now`]. It outlives every
    /// session. A token that runs already is set anew. A time of zero may be over within the same turn; see
    /// [`Session::set_timer`](super::Session::set_timer). `false`: this is a plain HTTP route, which has
    /// no timer event.
    pub fn set_timer(&mut self, after: Duration, token: u64) -> bool {
        let timed = SessionId::of_route(self.route);
        timed.is_some_and(|route| {
            self.host.set_timer(route, after, token);
            true
        })
    }

    /// Cancels a timer of [`Context::set_timer`]. `false`: none of this token runs.
    pub fn cancel_timer(&mut self, token: u64) -> bool {
        let timed = SessionId::of_route(self.route);
        timed.is_some_and(|route| self.host.cancel_timer(route, token))
    }

    /// Sets a timer of a session, as [`Session::set_timer`](super::Session::set_timer) does. Nothing
    /// happens when it is gone.
    pub fn set_session_timer(&mut self, id: SessionId, after: Duration, token: u64) {
        self.host.set_timer(id, after, token);
    }

    /// Cancels a timer of a session. `false`: none of this token runs.
    pub fn cancel_session_timer(&mut self, id: SessionId, token: u64) -> bool {
        self.host.cancel_timer(id, token)
    }

    /// Time since the server started, in whole milliseconds: the clock of the loop, read once a
    /// turn, and virtual in a simulation.
    pub fn now(&self) -> Duration {
        self.host.now()
    }

    /// The counters of now.
    pub fn stats(&self) -> Stats {
        self.host.stats()
    }

    /// Everything that is counted, as of now; the times of turns up to the last one.
    pub fn metrics(&self) -> Metrics {
        self.host.metrics()
    }

    /// A handle for other threads.
    pub fn remote(&self) -> Remote {
        self.host.remote()
    }
}
