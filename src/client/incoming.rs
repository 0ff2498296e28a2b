//! What a client receives, owned.

use crate::wire::close::CloseReason;

/// Something whole that the server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A ping, at most 125 bytes; it is answered already.
    Ping(Vec<u8>),
    /// A pong, at most 125 bytes.
    Pong(Vec<u8>),
    /// The server's Close: nothing follows. Its code is 1005 when the frame had none; `by`
    /// tells whether it answers ours.
    Close(CloseReason),
}

impl Incoming {
    /// The text, if it is a text message.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The payload of a data message.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text.as_bytes()),
            Self::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A ping or a pong.
    pub fn is_heartbeat(&self) -> bool {
        matches!(self, Self::Ping(_) | Self::Pong(_))
    }
}
