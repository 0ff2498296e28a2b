//! What a [`Context`](super::Context) asks of the hub, which holds the connections.

use super::call::Call;
use super::metrics::{EngineStats, Metrics, Stats};
use super::remote::Remote;
use super::request::Peer;
use super::send_outcome::{JoinOutcome, SendOutcome};
use super::session_id::SessionId;
use crate::wire::close::CloseCode;
use crate::wire::error::Result;
use crate::wire::event::Event;
use crate::wire::message::Message;
use crate::wire::receive::RawFrame;
use std::sync::Arc;
use std::time::Duration;

/// The holder of the connections. An id of a session that is gone is always
/// harmless: sends answer `Closed`, everything else does nothing.
#[allow(missing_docs)]
pub trait Host {
    fn send(&mut self, to: SessionId, message: Message<'_>) -> SendOutcome;
    /// The same with a text that is kept where it has to wait, and not copied.
    #[cfg(feature = "rooms")]
    fn send_owned(&mut self, to: SessionId, text: String) -> SendOutcome;
    fn send_event(&mut self, to: SessionId, event: &Event<'_>) -> SendOutcome;
    fn send_frame(&mut self, to: SessionId, frame: RawFrame<'_>) -> SendOutcome;
    fn ping(&mut self, to: SessionId, payload: &[u8]) -> SendOutcome;
    fn close(&mut self, id: SessionId, code: CloseCode, reason: &str);
    /// Sends bytes on a connection that is no session.
    fn send_bytes(&mut self, to: SessionId, bytes: &[u8]) -> SendOutcome;
    fn join(&mut self, id: SessionId, topic: &str) -> JoinOutcome;
    fn leave(&mut self, id: SessionId, topic: &str) -> bool;
    /// `by` waits while the topic is behind; `except` gets nothing.
    fn publish(
        &mut self,
        by: SessionId,
        topic: &str,
        message: Message<'_>,
        except: Option<SessionId>,
    ) -> usize;
    /// The same with what an event stream says beside the text.
    fn publish_event(
        &mut self,
        by: SessionId,
        topic: &str,
        event: &Event<'_>,
        except: Option<SessionId>,
    ) -> usize;
    fn connect(&mut self, route: &str, call: Call) -> Result<SessionId>;
    fn subscribers(&self, topic: &str) -> usize;
    fn buffered(&self, id: SessionId) -> usize;
    fn peer(&self, id: SessionId) -> Option<Peer>;
    fn is_open(&self, id: SessionId) -> bool;
    fn members(&self, topic: &str) -> Vec<SessionId>;
    fn pause(&mut self, id: SessionId) -> bool;
    fn resume(&mut self, id: SessionId) -> bool;
    fn pause_until_drained(&mut self, id: SessionId, other: SessionId) -> bool;
    fn stats(&self) -> Stats;
    fn metrics(&self) -> Metrics;
    /// Takes the price of work that a handler does from the budget of the turn.
    fn charge(&mut self, units: u32);
    /// Whether that budget is used up.
    fn is_spent(&self) -> bool;
    /// Tells how the engine of the rooms is.
    fn report_engine(&mut self, engine: EngineStats);
    /// Counts something that was not taken because its user had too many.
    fn count_limited(&mut self);
    fn protocol(&self, id: SessionId) -> Option<&str>;
    fn extensions(&self, id: SessionId) -> Option<String>;
    fn set_timer(&mut self, id: SessionId, after: Duration, token: u64);
    fn cancel_timer(&mut self, id: SessionId, token: u64) -> bool;
    fn now(&self) -> Duration;
    /// A place for one more ticket, if there is one.
    fn ticket(&mut self) -> Option<Arc<()>>;
    /// For the session that is being opened, before anything is sent.
    fn choose_protocol(&mut self, id: SessionId, name: &str) -> bool;
    fn add_answer_field(&mut self, id: SessionId, name: &str, value: &str) -> bool;
    #[cfg(feature = "json")]
    fn codec(&self, id: SessionId) -> std::sync::Arc<dyn crate::wire::codec::Codec>;
    fn remote(&self) -> Remote;
}
