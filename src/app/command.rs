//! What another thread asks of the loop: owned values that cross threads, each of which knows its size.

use super::call::Call;
use super::response::Response;
use super::session_id::SessionId;
use crate::config::Limits;
use crate::wire::close::CloseCode;
use crate::wire::event::Event;
use crate::wire::message::OwnedMessage;
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What another thread asks of the loop.
#[derive(Debug)]
pub(crate) enum Command {
    Publish {
        topic: String,
        message: OwnedMessage,
    },
    Send {
        to: SessionId,
        message: OwnedMessage,
    },
    PublishEvent {
        topic: String,
        event: Box<Event<'static>>,
    },
    SendEvent {
        to: SessionId,
        event: Box<Event<'static>>,
    },
    Close {
        id: SessionId,
        code: CloseCode,
        reason: String,
    },
    Connect {
        route: String,
        call: Call,
    },
    /// Limits that were checked.
    Reload(Box<Limits>),
    /// A [`RouteCall`](super::handle::RouteCall), of which nothing is known here.
    Call {
        route: u16,
        bytes: usize,
        call: Box<dyn Any + Send>,
    },
    /// A ticket answers.
    Answer {
        to: SessionId,
        ticket: Arc<AtomicBool>,
        answer: LateAnswer,
        /// The place that the ticket had: it is free when the answer is given.
        place: Arc<()>,
    },
}

/// What limits hold in memory.
pub(super) fn limits_bytes(limits: &Limits) -> usize {
    let hosts = limits.hosts.iter().flatten();
    let hosts = hosts.map(|host| size_of::<String>() + host.capacity());
    let networks = limits.proxy_protocol.held() + limits.trusted_proxies.held();
    size_of::<Limits>() + hosts.sum::<usize>() + networks
}

/// The answer of a ticket.
pub(crate) enum LateAnswer {
    /// The response, which refuses the upgrade where one was asked for.
    Response(Response),
    /// Makes the data of a session that opens.
    Accept {
        /// The route that was asked.
        route: u16,
        data: Box<dyn FnOnce() -> Box<dyn Any> + Send>,
    },
    /// The ticket was dropped.
    Dropped,
}

impl fmt::Debug for LateAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Response(_) => "Response",
            Self::Accept { .. } => "Accept",
            Self::Dropped => "Dropped",
        })
    }
}

impl Command {
    /// The bytes that it holds beside its slot in the queue.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Publish { topic, message } => topic.capacity() + message.capacity(),
            Self::Send { message, .. } => message.capacity(),
            Self::PublishEvent { topic, event } => {
                topic.capacity() + size_of_val(&**event) + event.len()
            }
            Self::SendEvent { event, .. } => size_of_val(&**event) + event.len(),
            Self::Close { reason, .. } => reason.capacity(),
            Self::Connect { route, call } => route.capacity() + call.bytes(),
            Self::Reload(limits) => limits_bytes(limits),
            Self::Call { bytes, .. } => *bytes,
            Self::Answer { answer, .. } => match answer {
                LateAnswer::Response(response) => response.body.len(),
                LateAnswer::Accept { .. } | LateAnswer::Dropped => 0,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_holds_is_counted_by_capacity() {
        let mut text = String::with_capacity(1000);
        text.push('a');
        let topic = text.clone();
        let capacity = topic.capacity();
        let message = OwnedMessage::Text(text);
        assert_eq!(Command::Publish { topic, message }.bytes(), 1000 + capacity);
        let address = core::net::SocketAddr::from(([127, 0, 0, 1], 80));
        let call = Call::new(address, "host", "/target").field("Name", "value");
        let route = "up".to_owned();
        let fields = size_of::<(String, String)>();
        let bytes = Command::Connect { route, call }.bytes();
        assert!(bytes >= 2 + 4 + 7 + 4 + 5 + fields, "{bytes}");
    }
}
