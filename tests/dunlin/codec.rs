//! Values in place of payloads: JSON as it comes, and a codec of an embedder's own.

use crate::running::{Running, start};
use crate::wire_client::Frame;
use dunlin::app::codec::{Encoded, Visit};
use dunlin::{App, Codec, Error, ErrorKind, Message, Result, Session, Settings};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Task {
    name: String,
    done: bool,
}

/// Answers a task with the same one done; anything else with the kind of its error.
fn finish(session: &mut Session<'_>, message: Message<'_>) {
    match session.value::<Task>(message) {
        Ok(task) => {
            let task = Task { done: true, ..task };
            let sent = session.send_value(&task).expect("a task has a form");
            assert_eq!(sent, dunlin::SendOutcome::Queued);
        }
        Err(error) => {
            let _ = session.send(format!("{:?}: {error:#}", error.kind()));
        }
    }
}

fn server(settings: impl FnOnce() -> Settings + Send + 'static) -> Running {
    start(|| App::new().on_message_with("/", settings(), finish))
}

#[test]
fn json_is_read_and_written_in_text_messages() {
    let server = server(Settings::default);
    let mut client = server.open("/");
    client.send_text(r#" {"done": false, "name": "세탁", "more": [1]} "#);
    assert_eq!(client.read_text(), r#"{"name":"세탁","done":true}"#);
}

#[test]
fn what_is_not_this_shape_is_an_error_of_kind_data_and_the_session_goes_on() {
    let server = server(Settings::default);
    let mut client = server.open("/");
    for wrong in [
        "",
        "talk",
        "[]",
        r#"{"name":"a"}"#,
        r#"{"name":1,"done":true}"#,
    ] {
        client.send_text(wrong);
        let answer = client.read_text();
        assert!(answer.starts_with("Data: "), "{wrong:?}: {answer}");
    }
    client.send(Frame::binary(*br#"{"name":"a","done":false}"#));
    let answer = client.read_text();
    assert!(
        answer.starts_with("Data: ") && answer.contains("binary"),
        "{answer}"
    );
    client.send_text(r#"{"name":"a","done":false}"#);
    assert_eq!(client.read_text(), r#"{"name":"a","done":true}"#);
}

#[test]
fn a_value_without_a_json_form_is_an_error_and_nothing_is_sent() {
    let server = start(|| {
        App::new().on_message("/", |session, _| {
            // Keys of a JSON object are text.
            let value = std::collections::HashMap::from([(vec![1], 2)]);
            let error = session.send_value(&value).expect_err("it has no form");
            assert_eq!(error.kind(), ErrorKind::Data);
            let _ = session.send("next");
        })
    });
    let mut client = server.open("/");
    client.send_text("try");
    assert_eq!(client.read_text(), "next");
}

/// JSON behind a length byte, in binary messages.
#[derive(Debug)]
struct Counted;

impl Codec for Counted {
    fn encode(&self, value: &dyn erased_serde::Serialize) -> Result<Encoded> {
        let data = |error| Error::new(ErrorKind::Data, "no form").with_source(error);
        let mut bytes = vec![0];
        serde_json::to_writer(&mut bytes, value).map_err(data)?;
        bytes[0] = u8::try_from(bytes.len() - 1)
            .map_err(|_| Error::new(ErrorKind::Data, "longer than 255 bytes"))?;
        Ok(Encoded::Binary(bytes))
    }

    fn decode(&self, message: Message<'_>, visit: Visit<'_>) -> Result<()> {
        let wrong = |what| Error::new(ErrorKind::Data, what);
        let Message::Binary([count, bytes @ ..]) = message else {
            return Err(wrong("wanted: a binary message with a count"));
        };
        if bytes.len() != usize::from(*count) {
            return Err(wrong("the count is wrong"));
        }
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let mut erased = <dyn erased_serde::Deserializer<'_>>::erase(&mut json);
        visit(&mut erased).map_err(|error| wrong("not the wanted shape").with_source(error))
    }
}

fn counted(json: &str) -> Vec<u8> {
    [&[json.len() as u8], json.as_bytes()].concat()
}

#[test]
fn a_route_can_have_a_codec_of_its_own() {
    let server = server(|| Settings::default().codec(Counted));
    let mut client = server.open("/");
    client.send(Frame::binary(counted(r#"{"name":"a","done":false}"#)));
    let answer = Frame::binary(counted(r#"{"name":"a","done":true}"#));
    assert_eq!(client.read_frame(), answer);
}

#[test]
fn the_errors_of_a_codec_reach_the_handler() {
    let server = server(|| Settings::default().codec(Counted));
    let mut client = server.open("/");
    for (frame, wanted) in [
        (
            Frame::text("{}"),
            "Data: wanted: a binary message with a count",
        ),
        (Frame::binary(*b"\x05{}"), "Data: the count is wrong"),
    ] {
        client.send(frame);
        assert_eq!(client.read_text(), wanted);
    }
    client.send(Frame::binary(counted("{}")));
    let answer = client.read_text();
    assert!(
        answer.starts_with("Data: not the wanted shape: "),
        "{answer}"
    );
    let name = "n".repeat(230);
    client.send(Frame::binary(counted(&format!(
        r#"{{"name":"{name}","done":true}}"#
    ))));
    assert_eq!(client.read_frame().opcode, 0x2);
}

#[test]
fn a_message_can_be_read_as_json_whatever_the_codec_of_its_route() {
    let server = start(|| {
        let settings = Settings::default().codec(Counted);
        App::new().on_message_with("/", settings, |session, message| {
            let task: Task = message.value().expect("a task in JSON");
            let _ = session.send(&task.name);
        })
    });
    let mut client = server.open("/");
    client.send_text(r#"{"name":"plain JSON","done":false}"#);
    assert_eq!(client.read_text(), "plain JSON");
}

#[test]
fn a_value_that_is_too_long_for_its_codec_is_not_sent() {
    let server = start(|| {
        let settings = Settings::default().codec(Counted);
        App::new().on_message_with("/", settings, |session, _| {
            let error = session.send_value(&"long".repeat(100));
            let error = error.expect_err("over 255 bytes");
            let _ = session.send(error.to_string());
        })
    });
    let mut client = server.open("/");
    client.send_text("try");
    assert_eq!(client.read_text(), "longer than 255 bytes");
}
