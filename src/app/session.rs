//! What a handler can do with a connection.

use super::call::Call;
use super::context::Context;
use super::host::Host;
use super::remote::Remote;
use super::request::Peer;
use super::send_outcome::{JoinOutcome, SendOutcome};
use super::session_id::SessionId;
use crate::wire::close::CloseCode;
use crate::wire::error::Result;
use crate::wire::message::AsMessage;
#[cfg(feature = "json")]
use crate::wire::message::Message;
use crate::wire::receive::RawFrame;
use std::time::Duration;

/// A connection, lent to a handler for one event.
pub struct Session<'h> {
    context: Context<'h>,
    id: SessionId,
}

impl<'h> Session<'h> {
    /// Whoever holds the connections lends one of them.
    pub(crate) fn new(host: &'h mut dyn Host, id: SessionId, route: u16) -> Self {
        let context = Context::new(host, route, id);
        Self { context, id }
    }

    /// The server around it: other sessions, topics, timers of the program.
    pub fn context(&mut self) -> &mut Context<'h> {
        &mut self.context
    }

    /// The name of this session.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The address of the peer.
    pub fn peer(&self) -> Peer {
        // A session is lent for its own events alone, and is there in all of them.
        self.context.peer(self.id).unwrap_or(Peer::Unix)
    }

    /// Sends a message to the peer.
    pub fn send(&mut self, message: impl AsMessage) -> SendOutcome {
        self.context.send(self.id, message)
    }

    /// Sends a value as a message of the route's codec.
    ///
    /// # Errors
    /// Kind `Data`: the value has no form in that codec; nothing was sent.
    #[cfg(feature = "json")]
    pub fn send_value<T: serde::Serialize>(&mut self, value: &T) -> Result<SendOutcome> {
        self.context.send_value(self.id, value)
    }

    /// The value of a received message by the route's codec.
    ///
    /// # Errors
    /// Kind `Data`: the message is not of that codec, or not of this shape.
    #[cfg(feature = "json")]
    pub fn value<T: serde::de::DeserializeOwned>(&self, message: Message<'_>) -> Result<T> {
        crate::wire::codec::value(&*self.context.host.codec(self.id), message)
    }

    /// Sends one frame of any kind as it is (its payload must be short enough and, for a Close,
    /// well-formed: nothing is checked): for [raw sessions](super::RawHandler), which must keep
    /// the order of fragments themselves. A Close ends the session as [`Session::close`] does.
    pub fn send_frame(&mut self, frame: RawFrame<'_>) -> SendOutcome {
        self.context.host.send_frame(self.id, frame)
    }

    /// Sends a message to another session of any route.
    pub fn send_to(&mut self, other: SessionId, message: impl AsMessage) -> SendOutcome {
        self.context.send(other, message)
    }

    /// Ends the session with this code and reason (cut at 123 bytes on a character border).
    /// Messages that were sent before still go out; messages that arrive before the peer's Close
    /// are still delivered. 1005 closes without a code and reason; any other code that may
    /// not stand in a frame becomes 1011.
    pub fn close(&mut self, code: impl Into<CloseCode>, reason: &str) {
        self.context.close(self.id, code, reason);
    }

    /// Ends another session, or cancels a call of [`Session::connect`] that has no session yet: then
    /// its handler gets [`Handler::failed`](super::Handler::failed) with kind `Closed`.
    pub fn close_other(&mut self, other: SessionId, code: impl Into<CloseCode>, reason: &str) {
        self.context.close(other, code, reason);
    }

    /// Sends a ping of at most 125 bytes (cut there); its pong comes as the pong event.
    pub fn ping(&mut self, payload: &[u8]) -> SendOutcome {
        self.context.ping(self.id, payload)
    }

    /// Subscribes this session to a topic; once more changes nothing.
    pub fn join(&mut self, topic: &str) -> JoinOutcome {
        self.context.join(self.id, topic)
    }

    /// Ends the subscription. `false`: it was not in it.
    pub fn leave(&mut self, topic: &str) -> bool {
        self.context.leave(self.id, topic)
    }

    /// Sends a message to every subscriber of a topic, this session included if it is one.
    /// Returns the number of subscribers. Who waits when that is too much: [`Context::publish`].
    pub fn publish(&mut self, topic: &str, message: impl AsMessage) -> usize {
        self.context.publish(topic, message)
    }

    /// Sends a message to every subscriber of a topic but this session.
    pub fn publish_to_others(&mut self, topic: &str, message: impl AsMessage) -> usize {
        self.context.publish_except(self.id, topic, message)
    }

    /// How many sessions subscribe to a topic.
    pub fn subscribers(&self, topic: &str) -> usize {
        self.context.subscribers(topic)
    }

    /// Calls another server on an [outgoing route](super::App::outgoing). Its handler gets, later,
    /// the open event of the session with the id that is returned here, or
    /// [`Handler::failed`](super::Handler::failed) with that id.
    ///
    /// # Errors
    /// `Config` without a route of this name, `Limit` when the server is full or stopping.
    pub fn connect(&mut self, route: &str, call: Call) -> Result<SessionId> {
        self.context.connect(route, call)
    }

    /// Bytes that wait because the peer does not take them.
    pub fn buffered(&self) -> usize {
        self.context.buffered(self.id)
    }

    /// Asks for a timer event with this token after this time, rounded up to a millisecond of
    /// [`Session::now`], a clock that is read once a turn. A token that runs already is set anew. A time of
    /// zero may be over within the same turn, again and again: work that is cut into slices takes 1 ms,
    /// so that others have a turn in between.
    pub fn set_timer(&mut self, after: Duration, token: u64) {
        self.context.host.set_timer(self.id, after, token);
    }

    /// Cancels a timer. `false`: none of this token runs.
    pub fn cancel_timer(&mut self, token: u64) -> bool {
        self.context.host.cancel_timer(self.id, token)
    }

    /// Stops reading from this session; see [`Context::pause`].
    pub fn pause(&mut self) -> bool {
        self.context.pause(self.id)
    }

    /// Stops reading from this session while another does not take what is sent to it; see
    /// [`Context::pause_until_drained`].
    pub fn pause_until_drained(&mut self, other: SessionId) -> bool {
        self.context.pause_until_drained(self.id, other)
    }

    /// Reads from this session again; see [`Context::resume`].
    pub fn resume(&mut self) -> bool {
        self.context.resume(self.id)
    }

    /// For the open event, before anything is sent: answers with this subprotocol, which the client must
    /// have offered, in place of the one by the route's settings. `false`: it did not, or it is too late.
    pub fn choose_protocol(&mut self, name: &str) -> bool {
        self.context.host.choose_protocol(self.id, name)
    }

    /// For the open event, before anything is sent: adds a field such as `Set-Cookie` to the 101, or to the head of an event stream.
    /// `false`: it cannot stand in a head, the server writes it itself, or it is too late.
    pub fn add_answer_field(&mut self, name: &str, value: &str) -> bool {
        self.context.host.add_answer_field(self.id, name, value)
    }

    /// The subprotocol that was agreed on.
    pub fn protocol(&self) -> Option<&str> {
        self.context.host.protocol(self.id)
    }

    /// The extensions that were agreed on, as the response told them; `None` without any.
    pub fn extensions(&self) -> Option<String> {
        self.context.host.extensions(self.id)
    }

    /// Time since the server started, in whole milliseconds: the clock of the loop, read once a
    /// turn, and virtual in a simulation.
    pub fn now(&self) -> Duration {
        self.context.now()
    }

    /// A handle for other threads.
    pub fn remote(&self) -> Remote {
        self.context.remote()
    }
}
