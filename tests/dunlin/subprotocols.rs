//! Subprotocols: the server's preference decides, and a route can insist.

use crate::running::{Running, start};
use dunlin::{App, Settings};

fn server(settings: impl FnOnce() -> Settings + Send + 'static) -> Running {
    start(|| {
        App::new().on_message_with("/", settings(), |session, _| {
            let protocol = session.protocol().unwrap_or("none").to_owned();
            let _ = session.send(&protocol);
        })
    })
}

fn preferring() -> Settings {
    Settings::default().protocols(["v2.chat", "v1.chat"])
}

/// Asks with these fields: what the response chose and what the session says.
#[track_caller]
fn chosen(server: &Running, fields: &[&str]) -> (Option<String>, String) {
    let mut client = server.connect();
    let head = client.upgrade("/", fields);
    client.send_text("which?");
    let field = head.field("sec-websocket-protocol").map(str::to_owned);
    (field, client.read_text())
}

#[test]
fn the_servers_favourite_of_what_is_offered_is_chosen() {
    let server = server(preferring);
    for offer in [
        &["Sec-WebSocket-Protocol: v1.chat, v2.chat"][..],
        &[
            "Sec-WebSocket-Protocol: v1.chat",
            "Sec-WebSocket-Protocol: v2.chat",
        ],
        &["sec-websocket-protocol: unknown,v2.chat"],
    ] {
        let wanted = (Some("v2.chat".to_owned()), "v2.chat".to_owned());
        assert_eq!(chosen(&server, offer), wanted, "{offer:?}");
    }
    let (field, _) = chosen(&server, &["Sec-WebSocket-Protocol: v1.chat"]);
    assert_eq!(field.as_deref(), Some("v1.chat"));
}

#[test]
fn without_a_common_one_the_session_has_none() {
    let server = server(preferring);
    for offer in [
        &[][..],
        &["Sec-WebSocket-Protocol: v3.chat"],
        // Names are compared as they are (RFC 6455 §4.1).
        &["Sec-WebSocket-Protocol: V2.CHAT"],
    ] {
        assert_eq!(
            chosen(&server, offer),
            (None, "none".to_owned()),
            "{offer:?}"
        );
    }
}

#[test]
fn a_route_without_subprotocols_takes_every_offer_and_chooses_none() {
    let server = server(Settings::default);
    let offer = ["Sec-WebSocket-Protocol: v1.chat"];
    assert_eq!(chosen(&server, &offer), (None, "none".to_owned()));
}

#[test]
fn a_route_can_insist_on_one() {
    let server = server(|| preferring().require_protocol(true));
    for offer in [
        &[][..],
        &["Sec-WebSocket-Protocol: v3.chat"],
        &["Sec-WebSocket-Protocol: V1.chat"],
    ] {
        let mut client = server.connect();
        client.write(crate::wire_client::WireClient::upgrade_head("/", offer));
        assert_eq!(client.read_head().status, 400, "{offer:?}");
    }
    let (field, _) = chosen(&server, &["Sec-WebSocket-Protocol: v1.chat"]);
    assert_eq!(field.as_deref(), Some("v1.chat"));
}

#[test]
fn a_handler_knows_the_subprotocol_at_open() {
    let (tell, account) = crate::witness::account();
    let server = start(move || {
        let note = tell.clone();
        let witness = tell.witness().on_open(move |_, session| {
            note.note(session.protocol().unwrap_or("none"));
            Ok(())
        });
        App::new().ws_with("/", preferring(), witness)
    });
    server
        .connect()
        .upgrade("/", &["Sec-WebSocket-Protocol: v2.chat"]);
    assert_eq!(account.note(), "v2.chat");
}

#[test]
fn settings_that_cannot_work_are_errors_at_start() {
    for (settings, part) in [
        (
            Settings::default().require_protocol(true),
            "require_protocol",
        ),
        (Settings::default().protocols(["two words"]), "two words"),
        (Settings::default().protocols([""]), "protocols"),
    ] {
        let error = settings.check().expect_err("it must not pass");
        assert_eq!(error.kind(), dunlin::ErrorKind::Config);
        assert!(error.to_string().contains(part), "{error}");
    }
}
