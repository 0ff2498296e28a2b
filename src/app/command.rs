//! What another thread asks of the loop: owned values that cross threads, each of which knows its size.

use super::call::Call;
use super::session_id::SessionId;
use crate::config::Limits;
use crate::wire::close::CloseCode;
use crate::wire::message::Message;
use std::any::Any;

/// What another thread asks of the loop.
#[derive(Debug)]
pub(crate) enum Command {
    Publish {
        topic: String,
        message: Owned,
    },
    Send {
        to: SessionId,
        message: Owned,
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
}

impl Command {
    /// The bytes that it holds beside its slot in the queue.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Publish { topic, message } => topic.capacity() + message.capacity(),
            Self::Send { message, .. } => message.capacity(),
            Self::Close { reason, .. } => reason.capacity(),
            Self::Connect { route, call } => route.capacity() + call.bytes(),
            Self::Reload(limits) => limits_bytes(limits),
            Self::Call { bytes, .. } => *bytes,
        }
    }
}

/// What limits hold in memory.
pub(super) fn limits_bytes(limits: &Limits) -> usize {
    let hosts = limits.hosts.iter().flatten();
    let hosts = hosts.map(|host| size_of::<String>() + host.capacity());
    size_of::<Limits>() + hosts.sum::<usize>()
}

/// A message that crosses threads.
#[derive(Debug)]
pub(crate) enum Owned {
    Text(String),
    Binary(Vec<u8>),
}

impl Owned {
    pub(crate) fn borrow(&self) -> Message<'_> {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary(bytes) => Message::Binary(bytes),
        }
    }

    fn capacity(&self) -> usize {
        match self {
            Self::Text(text) => text.capacity(),
            Self::Binary(bytes) => bytes.capacity(),
        }
    }
}

impl From<Message<'_>> for Owned {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::Text(text.to_owned()),
            Message::Binary(bytes) => Self::Binary(bytes.to_owned()),
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
        let message = Owned::Text(text);
        assert_eq!(Command::Publish { topic, message }.bytes(), 1000 + capacity);
        let address = core::net::SocketAddr::from(([127, 0, 0, 1], 80));
        let call = Call::new(address, "host", "/target").field("Name", "value");
        let route = "up".to_owned();
        let fields = size_of::<(String, String)>();
        let bytes = Command::Connect { route, call }.bytes();
        assert!(bytes >= 2 + 4 + 7 + 4 + 5 + fields, "{bytes}");
    }
}
