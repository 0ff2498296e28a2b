//! The ready applications over a socket, string by string.

use crate::running::{Running, assert_silent, start};
use crate::wire_client::{Frame, WireClient};
use dunlin::{App, apps};

fn ready() -> Running {
    start(|| apps::all(App::new()))
}

/// Says a text and compares what comes back.
#[track_caller]
fn exchange(client: &mut WireClient, text: &str, wanted: &str) {
    client.send_text(text);
    assert_eq!(client.read_text(), wanted);
}

mod echo {
    use super::*;

    #[test]
    fn a_name_is_asked_for_and_greeted() {
        let server = ready();
        let mut client = server.greeted("/echo", "Please enter your name");
        exchange(&mut client, "JetBrains", "Hi, JetBrains!");
        exchange(&mut client, "", "Hi, !");
        exchange(&mut client, "세계", "Hi, 세계!");
    }

    #[test]
    fn bye_in_any_case_closes_without_a_reply() {
        let server = ready();
        for bye in ["bye", "BYE", "bYe"] {
            let mut client = server.greeted("/echo", "Please enter your name");
            client.send_text(bye);
            client.expect_close(1000, "Client said BYE");
        }
    }

    #[test]
    fn binary_is_passed_over() {
        let server = ready();
        for path in ["/echo", "/you-said"] {
            let mut client = server.open(path);
            if path == "/echo" {
                client.read_text();
            }
            client.send(Frame::binary(*b"bye"));
            assert_silent(&mut client);
        }
    }

    #[test]
    fn you_said_repeats_without_a_greeting_and_says_bye_before_it_closes() {
        let server = ready();
        let mut client = server.open("/you-said");
        exchange(&mut client, "hello", "YOU SAID: hello");
        exchange(&mut client, "Bye", "YOU SAID: Bye");
        client.expect_close(1000, "Client said BYE");
    }

    #[test]
    fn raw_echo_keeps_type_and_bytes() {
        let server = ready();
        let mut client = server.open("/echo-raw");
        exchange(&mut client, "bye", "bye");
        for frame in [
            Frame::text(""),
            Frame::binary([0, 255, 0x80]),
            Frame::binary([]),
        ] {
            client.send(frame.clone());
            assert_eq!(client.read_frame(), frame);
        }
    }

    #[test]
    fn raw_echo_takes_messages_far_beyond_the_default() {
        let server = ready();
        let mut client = server.open("/echo-raw");
        let big = Frame::binary(vec![7; 3 << 20]);
        client.send(big.clone());
        assert!(client.read_frame() == big, "3 MiB came back changed");
    }

    #[test]
    fn raw_echo_refuses_more_than_64_mib_by_the_header_alone() {
        let server = ready();
        let mut client = server.open("/echo-raw");
        let header = Frame::binary([]).mask([0; 4]).header((64 << 20) + 1, 8);
        client.write(header);
        assert_eq!(client.read_close().0, 1009);
    }
}

mod chat {
    use super::*;

    #[track_caller]
    fn join(server: &Running, users: usize) -> WireClient {
        let greeting = format!("You are connected! There are {users} users here.");
        server.greeted("/chat", &greeting)
    }

    #[test]
    fn everybody_hears_everybody_by_name_the_sender_included() {
        let server = ready();
        let mut first = join(&server, 1);
        let mut second = join(&server, 2);
        first.send_text("hello");
        for client in [&mut first, &mut second] {
            assert_eq!(client.read_text(), "[user0]: hello");
        }
        second.send_text("hi, user0");
        for client in [&mut first, &mut second] {
            assert_eq!(client.read_text(), "[user1]: hi, user0");
        }
    }

    #[test]
    fn joining_and_leaving_are_not_broadcast() {
        let server = ready();
        let mut first = join(&server, 1);
        let second = join(&server, 2);
        second.leave();
        assert_silent(&mut first);
    }

    #[test]
    fn a_name_is_never_given_twice_and_leavers_are_not_counted() {
        let server = ready();
        join(&server, 1).leave();
        let mut next = join(&server, 1);
        exchange(&mut next, "who am I", "[user1]: who am I");
    }

    #[test]
    fn a_refused_upgrade_uses_no_name() {
        let server = ready();
        // The rooms have an HTTP route of this path.
        let (head, _) = server.connect().request("GET", "/chat", &[]);
        assert_eq!(head.status, 200);
        let (head, _) = server.connect().request("GET", "/chat/login", &[]);
        assert_eq!(head.status, 426);
        let mut stranger = server.connect();
        stranger.write(WireClient::upgrade_head(
            "/chat",
            &["Origin: http://elsewhere.example"],
        ));
        assert_eq!(stranger.read_head().status, 403);
        let mut first = join(&server, 1);
        exchange(&mut first, "a", "[user0]: a");
    }

    #[test]
    fn the_older_variant_has_a_room_and_names_of_its_own() {
        let server = ready();
        let mut chat = join(&server, 1);
        let mut first = server.greeted("/chat/login", "You've logged in as [user0]");
        let mut second = server.greeted("/chat/login", "You've logged in as [user1]");
        second.send_text("hello");
        for client in [&mut first, &mut second] {
            assert_eq!(client.read_text(), "[user1]: hello");
        }
        assert_silent(&mut chat);
    }

    #[test]
    fn binary_is_passed_over() {
        let server = ready();
        let mut client = join(&server, 1);
        client.send(Frame::binary(*b"hello"));
        assert_silent(&mut client);
    }

    #[test]
    fn texts_end_at_64_kib() {
        let server = ready();
        for path in ["/chat", "/chat/login", "/chatt"] {
            let mut client = server.open(path);
            if path != "/chatt" {
                client.read_text();
            }
            client.send_text(&"a".repeat(64 << 10));
            assert!(client.read_text().len() >= 64 << 10, "{path}");
            client.send_text(&"a".repeat((64 << 10) + 1));
            assert_eq!(client.read_close().0, 1009, "{path}");
        }
    }
}

#[test]
fn the_flow_emits_every_text_to_every_subscriber() {
    let server = ready();
    let mut first = server.greeted("/flow", "You are connected to WebSocket!");
    let mut second = server.greeted("/flow", "You are connected to WebSocket!");
    first.send(Frame::binary(*b"not a text"));
    for text in ["one", "two"] {
        first.send_text(text);
        for client in [&mut first, &mut second] {
            assert_eq!(client.read_text(), text);
        }
    }
}

#[test]
fn the_browser_chat_relays_texts_unchanged_and_in_order() {
    let server = ready();
    let mut first = server.open("/chatt");
    let mut second = server.open("/chatt");
    let texts = [
        "{\"mid\":\"게스트\",\"msg\":\"<b>\",\"date\":\"\"}",
        "not json",
        "{ \"a\" : 1 }",
    ];
    for text in texts {
        first.send_text(text);
    }
    for client in [&mut first, &mut second] {
        for text in texts {
            assert_eq!(client.read_text(), text);
        }
    }
    second.send(Frame::binary(*b"binary"));
    assert_silent(&mut first);
}

#[test]
fn applications_can_be_mounted_one_by_one() {
    let server = start(|| apps::echo::mount(App::new()));
    server.greeted("/echo", "Please enter your name");
    let (head, _) = server.connect().request("GET", "/chattstart", &[]);
    assert_eq!(head.status, 404);
}

#[cfg(feature = "deflate")]
#[test]
fn the_offer_of_a_browser_gets_the_window_back_and_compressed_texts() {
    let server = ready();
    let mut client = server.connect();
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
    let head = client.upgrade("/chatt", &[offer]);
    let answer = head
        .field("sec-websocket-extensions")
        .expect("it is agreed on");
    let mut parts = answer.split(';').map(str::trim);
    assert_eq!(parts.next(), Some("permessage-deflate"));
    assert!(
        parts.any(|part| part == "client_max_window_bits=15"),
        "{answer}"
    );
    client.send_text(&"compress me ".repeat(50));
    let frame = client.read_frame();
    assert_eq!((frame.opcode, frame.reserved), (0x1, 0x40));
    assert!(frame.payload.len() < 100, "{} bytes", frame.payload.len());
}
