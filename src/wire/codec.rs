//! Values in place of payloads: a codec turns one into the other.

/// The crate whose serializers and deserializers a [`Codec`] is handed, for codecs of your own.
pub use erased_serde;

use super::error::{Error, ErrorKind, Result};
use super::message::Message;
use erased_serde::{Deserializer, Serialize};
use serde::de::DeserializeOwned;
use std::fmt;

/// What a codec writes: a text message or a binary one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encoded {
    /// Goes out as text.
    Text(String),
    /// Goes out as binary.
    Binary(Vec<u8>),
}

impl Encoded {
    /// The message to send.
    pub fn message(&self) -> Message<'_> {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary(bytes) => Message::Binary(bytes),
        }
    }
}

/// What reads one value out of a deserializer; the codec makes the deserializer.
pub type Visit<'v> = &'v mut dyn FnMut(&mut dyn Deserializer<'_>) -> erased_serde::Result<()>;

/// Turns values into messages and back (Ktor's `contentConverter`). A route has one in its
/// [`Settings`](crate::Settings); the default is [`Json`].
pub trait Codec: fmt::Debug + Send + Sync {
    /// The message for a value.
    ///
    /// # Errors
    /// Kind `Data`: the value has no form in this codec.
    fn encode(&self, value: &dyn Serialize) -> Result<Encoded>;

    /// Hands `visit` a deserializer over the message.
    ///
    /// # Errors
    /// Kind `Data`: the message is not of this codec, or does not have the shape that `visit` wants.
    fn decode(&self, message: Message<'_>, visit: Visit<'_>) -> Result<()>;
}

/// JSON in text messages (RFC 8259).
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

impl Codec for Json {
    fn encode(&self, value: &dyn Serialize) -> Result<Encoded> {
        match serde_json::to_string(value) {
            Ok(text) => Ok(Encoded::Text(text)),
            Err(error) => Err(no_such_shape("the value has no JSON form", error)),
        }
    }

    fn decode(&self, message: Message<'_>, visit: Visit<'_>) -> Result<()> {
        let Message::Text(text) = message else {
            return Err(Error::new(
                ErrorKind::Data,
                "the message is binary, wanted: JSON in a text message",
            ));
        };
        let mut json = serde_json::Deserializer::from_str(text);
        let read = visit(&mut <dyn Deserializer<'_>>::erase(&mut json));
        read.map_err(|error| no_such_shape("the JSON does not have the wanted shape", error))?;
        json.end()
            .map_err(|error| no_such_shape("something stands behind the JSON value", error))
    }
}

fn no_such_shape(what: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Data, what).with_source(error)
}

/// The value of a message by this codec.
///
/// # Errors
/// As [`Codec::decode`].
pub fn value<T: DeserializeOwned>(codec: &dyn Codec, message: Message<'_>) -> Result<T> {
    let mut value = None;
    codec.decode(message, &mut |deserializer| {
        value = Some(erased_serde::deserialize(deserializer)?);
        Ok(())
    })?;
    value.ok_or_else(|| Error::new(ErrorKind::Data, "the codec read no value"))
}

impl Message<'_> {
    /// The value of a JSON message, whatever the codec of its route; see
    /// [`Session::value`](crate::Session::value) for that.
    ///
    /// # Errors
    /// Kind `Data`: binary, not JSON, or not this shape.
    pub fn value<T: DeserializeOwned>(self) -> Result<T> {
        value(&Json, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Point {
        x: i32,
        y: i32,
    }

    #[test]
    fn a_value_survives_the_way_out_and_back() {
        let point = Point { x: 1, y: -2 };
        let encoded = Json.encode(&point).unwrap();
        assert_eq!(encoded, Encoded::Text(r#"{"x":1,"y":-2}"#.into()));
        assert_eq!(encoded.message().value::<Point>().unwrap(), point);
    }

    #[test]
    fn what_is_not_this_shape_is_a_typed_error() {
        for text in [
            "",
            "{",
            "[]",
            r#"{"x":1}"#,
            r#"{"x":1,"y":"a"}"#,
            r#"{"x":1,"y":2} {}"#,
        ] {
            let error = Message::Text(text).value::<Point>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data, "{text}");
        }
        let binary = Message::Binary(br#"{"x":1,"y":2}"#);
        assert_eq!(binary.value::<Point>().unwrap_err().kind(), ErrorKind::Data);
    }
}
