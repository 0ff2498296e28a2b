//! Which extension a session gets, and which programs do not start.

use super::toy::Xor;
use crate::running::{Running, start};
use dunlin::Deflate;
use dunlin::Reserved;
use dunlin::wire::extension::Extension;
use dunlin::{App, Error, ErrorKind, Server, Settings};

/// An echo with deflate and the toy, in this order.
fn both() -> Running {
    start(|| {
        let settings = Settings::default()
            .extension(Deflate::new())
            .extension(Xor::shared());
        App::new().on_message_with("/", settings, |session, _| {
            let agreed = session.extensions().unwrap_or_default();
            let _ = session.send(format!("plain {agreed}"));
        })
    })
}

/// What the response says to these lines of offers.
fn agreed(server: &Running, offers: &[&str]) -> Option<String> {
    let fields: Vec<_> = offers
        .iter()
        .map(|line| format!("Sec-WebSocket-Extensions: {line}"))
        .collect();
    let fields: Vec<_> = fields.iter().map(String::as_str).collect();
    let head = server.connect().upgrade("/", &fields);
    head.field("sec-websocket-extensions").map(str::to_owned)
}

#[test]
fn offers_are_tried_in_the_order_of_the_client() {
    let server = both();
    for (offers, wanted) in [
        ("x-xor; key=7", "x-xor; key=7"),
        ("x-xor; key=7, permessage-deflate", "x-xor; key=7"),
        ("x-unknown, x-xor; key=7", "x-xor; key=7"),
        ("x-xor; key=1, x-xor; key=2", "x-xor; key=1"),
    ] {
        assert_eq!(
            agreed(&server, &[offers]).as_deref(),
            Some(wanted),
            "{offers}"
        );
    }
    let deflate = agreed(&server, &["permessage-deflate, x-xor; key=7"]).expect("an extension");
    assert!(deflate.starts_with("permessage-deflate"), "{deflate}");
    assert!(!deflate.contains("x-xor"), "{deflate}");
}

#[test]
fn an_offer_that_is_declined_leaves_the_next_one_its_chance() {
    let server = both();
    let declined = "x-xor; key=300, x-xor; colour=red, x-xor";
    assert_eq!(agreed(&server, &[declined]), None);
    assert_eq!(
        agreed(&server, &[declined, "x-xor; key=\"9\""]).as_deref(),
        Some("x-xor; key=9")
    );
    let deflate = agreed(&server, &[declined, "permessage-deflate"]);
    assert!(deflate.is_some_and(|agreed| agreed.starts_with("permessage-deflate")));
}

#[test]
fn a_handler_sees_what_was_agreed() {
    let server = both();
    for (offer, wanted) in [
        ("x-xor; key=7", "plain x-xor; key=7"),
        ("x-unknown", "plain "),
    ] {
        let mut client = server.connect();
        client.upgrade("/", &[&format!("Sec-WebSocket-Extensions: {offer}")]);
        client.send_text("which?");
        assert_eq!(client.read_text(), wanted);
    }
}

/// Why a server with these extensions does not start.
#[track_caller]
fn start_error(extensions: Vec<Box<dyn Extension>>) -> Error {
    let mut settings = Settings::default();
    settings.extensions = extensions.into_iter().map(Into::into).collect();
    let app = App::new().on_message_with("/", settings, |_, _| {});
    let server = Server::new(app).listen("127.0.0.1:0").expect("a free port");
    server.run().expect_err("it must not start")
}

#[test]
fn two_extensions_that_claim_the_same_bit_are_refused_at_start() {
    let error = start_error(vec![
        Box::new(Deflate::new()),
        Box::new(Xor::claiming(Reserved::RSV1)),
    ]);
    assert_eq!(error.kind(), ErrorKind::Config);
    let text = error.to_string();
    assert!(text.contains("`extensions`"), "{text}");
    assert!(text.contains("x-xor"), "{text}");
    assert!(text.contains("RSV1"), "{text}");
}

#[test]
fn the_check_of_an_extension_is_an_error_at_start() {
    let error = start_error(vec![Box::new(Xor::broken())]);
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(error.to_string(), "x-xor: key is 256; it must be 0 to 255");
    let error = start_error(vec![Box::new(Deflate::new().level(10))]);
    assert!(error.to_string().contains("level is 10"), "{error}");
}
