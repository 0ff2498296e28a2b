//! A message that is put together out of pieces: decoded data as it comes, and texts too long
//! to be checked in one step.
//!
//! Each piece is checked, if it is text, and copied once. A collector never holds more than
//! twice what arrived, nor much more than the message may have.

use super::buffers::MAX_BUFFER;
use super::event::Failure;
use crate::wire::utf8::TextBuilder;
use bytes::Bytes;
use tungstenite::{Message, Utf8Bytes};

/// Messages longer than this are shared instead of copied, and their buffers are not pooled.
pub(super) const LONG: usize = MAX_BUFFER;

/// The message so far.
#[derive(Debug)]
pub(super) enum Collector {
    Text(TextBuilder),
    Binary(Vec<u8>),
}

/// A message that is complete.
#[derive(Debug, Default)]
pub(super) enum Collected {
    #[default]
    Nothing,
    Text(String),
    Binary(Vec<u8>),
    /// Text or binary that others may go on to hold.
    Shared(Message),
}

impl Collector {
    /// An empty message in a buffer whose content is of no meaning.
    pub(super) fn new(text: bool, mut buffer: Vec<u8>) -> Self {
        if text {
            Self::Text(TextBuilder::new(buffer))
        } else {
            buffer.clear();
            Self::Binary(buffer)
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Bytes that are reserved for it.
    pub(super) fn capacity(&self) -> usize {
        match self {
            Self::Text(text) => text.capacity(),
            Self::Binary(bytes) => bytes.capacity(),
        }
    }

    /// Adds a piece; `most` is how long the message may become.
    pub(super) fn push(&mut self, piece: &[u8], most: usize) -> Result<(), Failure> {
        let len = self.len();
        let needed = len + piece.len();
        if self.capacity() < needed {
            // Double, as a vector does, but not past the end.
            let goal = needed.max((2 * len).min(most));
            match self {
                Self::Text(text) => text.reserve_exact(goal - len),
                Self::Binary(bytes) => bytes.reserve_exact(goal - len),
            }
        }
        match self {
            Self::Text(text) => text.push(piece)?,
            Self::Binary(bytes) => bytes.extend_from_slice(piece),
        }
        Ok(())
    }

    /// The whole message. Nothing is copied, however long it is.
    pub(super) fn finish(self) -> Result<Collected, Failure> {
        Ok(match self {
            Self::Text(text) => match text.finish()? {
                long if long.len() > LONG => {
                    Collected::Shared(Message::Text(Utf8Bytes::from(long)))
                }
                text => Collected::Text(text),
            },
            Self::Binary(bytes) => Collected::binary(bytes),
        })
    }

    /// The buffer, for another use.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.into_buffer(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl Collected {
    /// A binary message.
    pub(super) fn binary(bytes: Vec<u8>) -> Self {
        if bytes.len() > LONG {
            Self::Shared(Message::Binary(Bytes::from(bytes)))
        } else {
            Self::Binary(bytes)
        }
    }

    /// The bytes of a message that may be shared.
    pub(super) fn shared(&self) -> Option<Bytes> {
        match self {
            Self::Shared(Message::Text(text)) => Some(text.clone().into()),
            Self::Shared(Message::Binary(bytes)) => Some(bytes.clone()),
            _ => None,
        }
    }

    /// The buffer, for another use; empty if others may hold it.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
            Self::Nothing | Self::Shared(_) => Vec::new(),
        }
    }
}
