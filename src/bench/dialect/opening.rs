//! What is said on a new connection until it may begin: entering a room, subscribing to a channel.

use super::template::with_index;
use crate::plan::DialectChoice;
use dunlin::Message;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

/// What became of a message that came before the connection was ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Early {
    /// It says nothing about that.
    Waits,
    /// The connection may begin.
    Ready,
    /// This is to be said now.
    Say(String),
    /// The server does not want it.
    Refused(String),
}

/// How a connection begins.
#[derive(Clone, Debug)]
pub(super) enum Opening {
    AtOnce,
    Hello {
        hello: Option<String>,
        ready: Option<String>,
    },
    Rooms {
        room: String,
    },
    Pusher {
        channel: String,
        secret: Option<(String, String)>,
    },
}

impl Opening {
    pub(super) fn of(dialect: &DialectChoice) -> Self {
        match dialect {
            DialectChoice::Plain => Self::AtOnce,
            DialectChoice::Template { hello, ready, .. } => Self::Hello {
                hello: hello.clone(),
                ready: ready.clone(),
            },
            DialectChoice::Rooms { room } => Self::Rooms { room: room.clone() },
            DialectChoice::Pusher { channel, secret } => Self::Pusher {
                channel: channel.clone(),
                secret: secret.clone(),
            },
        }
    }

    pub(super) fn hello(&self, index: u32) -> Option<String> {
        match self {
            Self::AtOnce | Self::Pusher { .. } => None,
            Self::Hello { hello, .. } => hello.as_ref().map(|hello| with_index(hello, index)),
            Self::Rooms { room } => {
                let enter = r#"{"type":"ENTER","roomId":"ROOM","sender":"bench-{i}"}"#;
                Some(with_index(&enter.replace("ROOM", room), index))
            }
        }
    }

    pub(super) fn is_ready_at_once(&self) -> bool {
        matches!(self, Self::AtOnce | Self::Hello { ready: None, .. })
    }

    pub(super) fn early(&self, message: Message<'_>) -> Early {
        let Message::Text(text) = message else {
            return Early::Waits;
        };
        if let Some(complaint) = self.complaint(message) {
            return Early::Refused(complaint);
        }
        match self {
            Self::AtOnce => Early::Ready,
            Self::Hello { ready, .. } => match ready {
                Some(ready) if !text.contains(ready) => Early::Waits,
                _ => Early::Ready,
            },
            Self::Rooms { .. } if text.contains(r#""type":"ENTERED""#) => Early::Ready,
            Self::Rooms { .. } => Early::Waits,
            Self::Pusher { channel, secret } => pusher(text, channel, secret.as_ref()),
        }
    }

    pub(super) fn reply(&self, message: Message<'_>) -> Option<&'static str> {
        match (self, message) {
            (Self::Pusher { .. }, Message::Text(text)) if text.contains("\"pusher:ping\"") => {
                Some(r#"{"event":"pusher:pong","data":{}}"#)
            }
            _ => None,
        }
    }

    pub(super) fn complaint(&self, message: Message<'_>) -> Option<String> {
        let Message::Text(text) = message else {
            return None;
        };
        let mark = match self {
            Self::AtOnce | Self::Hello { .. } => return None,
            Self::Rooms { .. } => r#""type":"ERROR""#,
            Self::Pusher { .. } => "error\"",
        };
        if !text.contains(mark) {
            return None;
        }
        let value: Value = serde_json::from_str(text).ok()?;
        match self {
            Self::Rooms { .. } => Some(format!("rooms: {}", value["code"].as_str()?)),
            _ if value["event"].as_str()?.ends_with("error") => {
                let data = data(&value);
                let code = data["code"].as_i64().or_else(|| data["status"].as_i64());
                Some(format!("pusher: error {}", code.unwrap_or(0)))
            }
            _ => None,
        }
    }
}

/// The data of an event: an object, or one written as a string.
fn data(event: &Value) -> Value {
    match &event["data"] {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        other => other.clone(),
    }
}

fn pusher(text: &str, channel: &str, secret: Option<&(String, String)>) -> Early {
    let Ok(event) = serde_json::from_str::<Value>(text) else {
        return Early::Waits;
    };
    match event["event"].as_str() {
        Some("pusher:connection_established") => {
            let socket = data(&event)["socket_id"].as_str().map(str::to_owned);
            let mut wanted = serde_json::json!({ "channel": channel });
            if let Some((key, secret)) = secret {
                let member = r#"{"user_id":"SOCKET"}"#
                    .replace("SOCKET", socket.as_deref().unwrap_or_default());
                let mut signed = format!("{}:{channel}", socket.unwrap_or_default());
                if channel.starts_with("presence-") {
                    signed += &format!(":{member}");
                    wanted["channel_data"] = member.into();
                }
                wanted["auth"] = format!("{key}:{}", signature(secret, &signed)).into();
            }
            let subscribe = serde_json::json!({ "event": "pusher:subscribe", "data": wanted });
            Early::Say(subscribe.to_string())
        }
        Some("pusher_internal:subscription_succeeded" | "pusher:subscription_succeeded") => {
            Early::Ready
        }
        _ => Early::Waits,
    }
}

/// HMAC-SHA256 in hexadecimal.
fn signature(secret: &str, text: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        // A key of any length will do.
        return String::new();
    };
    mac.update(text.as_bytes());
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(dialect: DialectChoice) -> Opening {
        Opening::of(&dialect)
    }

    #[test]
    fn a_member_enters_its_room_and_waits_for_the_answer() {
        let room = "r".to_owned();
        let rooms = of(DialectChoice::Rooms { room });
        let hello = rooms.hello(3).unwrap();
        assert_eq!(
            hello,
            r#"{"type":"ENTER","roomId":"r","sender":"bench-000003"}"#
        );
        let early = |text| rooms.early(Message::Text(text));
        assert_eq!(early(r#"{"type":"JOINED","sender":"x"}"#), Early::Waits);
        assert_eq!(early(r#"{"type":"ENTERED","roomId":"r"}"#), Early::Ready);
        let error = r#"{"type":"ERROR","code":"name-taken","message":"…"}"#;
        assert_eq!(early(error), Early::Refused("rooms: name-taken".to_owned()));
    }

    #[test]
    fn a_private_channel_is_subscribed_to_with_a_signature() {
        let pusher = of(DialectChoice::Pusher {
            channel: "private-foobar".to_owned(),
            secret: Some((
                "278d425bdf160c739803".to_owned(),
                "7ad3773142a6692b25b8".to_owned(),
            )),
        });
        let established = r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1234.1234\",\"activity_timeout\":120}"}"#;
        let Early::Say(text) = pusher.early(Message::Text(established)) else {
            panic!("nothing was said");
        };
        // The example of the protocol's own documentation.
        let signature = "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4";
        assert!(
            text.contains(&format!("278d425bdf160c739803:{signature}")),
            "{text}"
        );
        let succeeded = r#"{"event":"pusher_internal:subscription_succeeded","channel":"private-foobar","data":"{}"}"#;
        assert_eq!(pusher.early(Message::Text(succeeded)), Early::Ready);
        let error = r#"{"event":"pusher:error","data":{"code":4009,"message":"no"}}"#;
        assert_eq!(
            pusher.early(Message::Text(error)),
            Early::Refused("pusher: error 4009".to_owned())
        );
        let ping = r#"{"event":"pusher:ping","data":{}}"#;
        assert!(
            pusher
                .reply(Message::Text(ping))
                .unwrap()
                .contains("pusher:pong")
        );
    }

    #[test]
    fn a_hello_of_the_user_may_wait_for_a_word() {
        let mut choice = DialectChoice::Template {
            message: "{n}".to_owned(),
            before: String::new(),
            hello: Some("join {i}".to_owned()),
            ready: Some("welcome".to_owned()),
        };
        let waiting = of(choice.clone());
        assert_eq!(waiting.hello(1).unwrap(), "join 000001");
        assert!(!waiting.is_ready_at_once());
        assert_eq!(waiting.early(Message::Text("hi")), Early::Waits);
        assert_eq!(
            waiting.early(Message::Text("you are welcome")),
            Early::Ready
        );
        if let DialectChoice::Template { ready, .. } = &mut choice {
            *ready = None;
        }
        assert!(of(choice).is_ready_at_once());
    }
}
