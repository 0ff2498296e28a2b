//! One WebSocket message, borrowed from wherever its bytes lie, or owned.

use super::event::Event;
use std::borrow::Cow;

/// A complete data message (RFC 6455 §5.6), borrowed.
///
/// A received message borrows the loop's receive buffer and is gone when the
/// handler returns; a handler that wants to keep it makes its own copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Text, checked to be UTF-8.
    Text(&'a str),
    /// Any bytes.
    Binary(&'a [u8]),
}

impl<'a> Message<'a> {
    /// The text, if it is text.
    pub fn text(&self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// A copy that can be kept.
    pub fn to_owned(&self) -> OwnedMessage {
        match *self {
            Self::Text(text) => OwnedMessage::Text(text.to_owned()),
            Self::Binary(bytes) => OwnedMessage::Binary(bytes.to_owned()),
        }
    }

    /// The payload, whatever its type.
    pub fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Length of the payload in bytes.
    pub fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Whether the payload is empty.
    pub fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }
}

/// A complete data message (RFC 6455 §5.6) that is nobody else's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedMessage {
    /// Text, which is UTF-8 by its type.
    Text(String),
    /// Any bytes.
    Binary(Vec<u8>),
}

impl OwnedMessage {
    /// Bytes of memory that it holds beside itself.
    pub(crate) fn capacity(&self) -> usize {
        match self {
            Self::Text(text) => text.capacity(),
            Self::Binary(bytes) => bytes.capacity(),
        }
    }
}

impl From<Message<'_>> for OwnedMessage {
    fn from(message: Message<'_>) -> Self {
        message.to_owned()
    }
}

/// What can be sent as a message: texts as text, bytes as binary.
///
/// `&str`, `String`, `Cow<str>`, `&[u8]`, byte arrays, `Vec<u8>`, [`Message`], [`OwnedMessage`],
/// [`Event`] (its text, with more for event streams), and references to them. A value of another type is made a text with `format!`, or sent by the route's
/// codec with `send_value`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as a message",
    label = "neither a text nor bytes",
    note = "send a `&str` or `String` (text), or `&[u8]` or `Vec<u8>` (binary)",
    note = "a value goes as JSON, or whatever the route's codec is, with `send_value(&value)`"
)]
pub trait AsMessage {
    /// The message, borrowed.
    fn as_message(&self) -> Message<'_>;

    /// The same as an event, for what says more than its text. Only [`Event`] does.
    fn as_event(&self) -> Option<&Event<'_>> {
        None
    }
}

impl<M: AsMessage + ?Sized> AsMessage for &M {
    fn as_message(&self) -> Message<'_> {
        (**self).as_message()
    }

    fn as_event(&self) -> Option<&Event<'_>> {
        (**self).as_event()
    }
}

impl AsMessage for Event<'_> {
    fn as_message(&self) -> Message<'_> {
        Message::Text(self.data())
    }

    fn as_event(&self) -> Option<&Event<'_>> {
        Some(self)
    }
}

impl AsMessage for Message<'_> {
    fn as_message(&self) -> Message<'_> {
        *self
    }
}

impl AsMessage for OwnedMessage {
    fn as_message(&self) -> Message<'_> {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary(bytes) => Message::Binary(bytes),
        }
    }
}

impl AsMessage for str {
    fn as_message(&self) -> Message<'_> {
        Message::Text(self)
    }
}

impl AsMessage for String {
    fn as_message(&self) -> Message<'_> {
        Message::Text(self)
    }
}

impl AsMessage for Cow<'_, str> {
    fn as_message(&self) -> Message<'_> {
        Message::Text(self)
    }
}

impl AsMessage for [u8] {
    fn as_message(&self) -> Message<'_> {
        Message::Binary(self)
    }
}

impl<const N: usize> AsMessage for [u8; N] {
    fn as_message(&self) -> Message<'_> {
        Message::Binary(self)
    }
}

impl AsMessage for Vec<u8> {
    fn as_message(&self) -> Message<'_> {
        Message::Binary(self)
    }
}

impl<'a> From<&'a str> for Message<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Message<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Binary(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_text_and_bytes_are_binary() {
        fn of(message: impl AsMessage) -> OwnedMessage {
            message.as_message().to_owned()
        }
        let text = OwnedMessage::Text("a".to_owned());
        assert_eq!(of("a"), text);
        assert_eq!(of("a".to_owned()), text);
        let string = "a".to_owned();
        assert_eq!(of(&string), text);
        assert_eq!(of(Cow::Borrowed("a")), text);
        assert_eq!(of(&text), text);
        let bytes = OwnedMessage::Binary(vec![1, 2]);
        assert_eq!(of([1, 2]), bytes);
        let array = [1, 2];
        assert_eq!(of(array), bytes);
        assert_eq!(of(&[1, 2][..]), bytes);
        assert_eq!(of(vec![1, 2]), bytes);
        let vector = vec![1, 2];
        assert_eq!(of(&vector), bytes);
        assert_eq!(of(Message::Binary(&[1, 2])), bytes);
    }
}
