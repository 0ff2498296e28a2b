//! The blocking client, with a right server and with wrong ones.

use crate::false_server::{Script, UPGRADE};
use crate::running::{Running, start};
#[cfg(feature = "deflate")]
use dunlin::Deflate;
use dunlin::client::Options;
use dunlin::{App, Client, CloseCode, ClosedBy, ErrorKind, Incoming, Result, Settings, apps};
use std::net::TcpListener;
use std::time::Duration;

/// A wait that must end by itself: short, for nothing comes.
const IN_VAIN: Duration = Duration::from_millis(20);

fn ready() -> Running {
    start(|| apps::all(App::new()))
}

fn url(server: &Running, path: &str) -> String {
    format!("ws://{}{path}", server.address())
}

#[track_caller]
fn refused<T>(result: Result<T>, kind: ErrorKind, part: &str) {
    let error = result.map(drop).expect_err("an error");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(part), "{error}");
}

mod with_dunlin {
    use super::*;

    #[test]
    fn messages_of_any_length_come_back() {
        let server = ready();
        let mut client = Client::connect(&url(&server, "/echo-raw")).unwrap();
        for length in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
            let text: String = "한글 text".chars().cycle().take(length / 3).collect();
            client.send(&text).unwrap();
            assert_eq!(client.receive().unwrap(), Incoming::Text(text));
            let bytes = vec![0xa5; length];
            client.send(&bytes).unwrap();
            assert_eq!(client.receive().unwrap(), Incoming::Binary(bytes));
        }
        let reason = client.close(1000, "done").unwrap();
        assert_eq!((reason.code, reason.by), (CloseCode::NORMAL, ClosedBy::Us));
    }

    #[test]
    fn a_ping_is_answered_with_its_payload() {
        let server = ready();
        let mut client = Client::connect(&url(&server, "/echo-raw")).unwrap();
        client.ping("there?").unwrap();
        assert_eq!(
            client.receive().unwrap(),
            Incoming::Pong(b"there?".to_vec())
        );
    }

    #[test]
    fn the_servers_close_tells_why() {
        let server = ready();
        let mut client = Client::connect(&url(&server, "/echo")).unwrap();
        assert_eq!(
            client.receive_message().unwrap().text(),
            Some("Please enter your name")
        );
        client.send("bye").unwrap();
        let Incoming::Close(reason) = client.receive_message().unwrap() else {
            panic!("wanted a Close");
        };
        assert_eq!(reason.to_string(), "1000 Client said BYE");
        assert_eq!(reason.by, ClosedBy::Peer);
        refused(client.receive(), ErrorKind::Closed, "Client said BYE");
    }

    #[test]
    fn a_server_that_stops_says_1001() {
        let server = ready();
        let mut client = Client::connect(&url(&server, "/echo-raw")).unwrap();
        let _ = server.remote().shutdown();
        let Incoming::Close(reason) = client.receive().unwrap() else {
            panic!("wanted a Close");
        };
        assert_eq!(reason.code, CloseCode::GOING_AWAY);
        drop(client);
        server.stop().unwrap();
    }

    #[test]
    fn a_message_over_the_clients_limit_ends_it() {
        let server = ready();
        let options = Client::options().max_message_size(1000);
        let mut client = options.connect(&url(&server, "/echo-raw")).unwrap();
        client.send("a".repeat(1000)).unwrap();
        assert!(client.receive().unwrap().text().is_some());
        client.send("a".repeat(1001)).unwrap();
        refused(client.receive(), ErrorKind::Limit, "1009");
    }

    #[cfg(feature = "deflate")]
    #[test]
    fn deflate_is_agreed_and_used_both_ways() {
        let server = ready();
        for deflate in [Deflate::new(), Deflate::new().context_takeover(true)] {
            let options = Client::options().extension(deflate);
            let mut client = options.connect(&url(&server, "/echo-raw")).unwrap();
            assert_eq!(client.extensions()[0].name, "permessage-deflate");
            let text = "again and ".repeat(5000);
            for _ in 0..3 {
                client.send(&text).unwrap();
                assert_eq!(client.receive().unwrap().text(), Some(&*text));
            }
        }
    }

    #[test]
    fn the_subprotocol_is_the_servers_choice() {
        let server = start(|| {
            let settings = Settings::default().protocols(["v2", "v1"]);
            App::new().ws_with(
                "/",
                settings,
                |_: &mut dunlin::Session<'_>, _: dunlin::Message<'_>| {},
            )
        });
        for (offered, chosen) in [
            (&["v1", "v2"][..], Some("v2")),
            (&["v1", "v3"], Some("v1")),
            (&["v3"], None),
            (&[], None),
        ] {
            let options = offered
                .iter()
                .fold(Options::new(), |o, name| o.protocol(*name));
            let client = options.connect(&url(&server, "/")).unwrap();
            assert_eq!(client.protocol(), chosen, "{offered:?}");
        }
    }

    #[test]
    fn headers_reach_the_server_and_a_refusal_tells_its_status() {
        let server = ready();
        let raw = url(&server, "/echo-raw");
        let own = format!("http://{}", server.address());
        assert!(Options::new().header("Origin", own).connect(&raw).is_ok());
        let foreign = Options::new().header("Origin", "http://evil.example");
        refused(foreign.connect(&raw), ErrorKind::Refused, "403");
        let nowhere = Client::connect(&url(&server, "/nowhere"));
        refused(nowhere, ErrorKind::Refused, "404");
    }
}

mod with_a_wrong_server {
    use super::*;

    #[test]
    fn a_wrong_answer_to_the_upgrade_is_named() {
        let right = format!("{UPGRADE}Sec-WebSocket-Accept: {{accept}}\r\n");
        for (answer, kind, part) in [
            (
                "HTTP/1.1 403 Forbidden\r\n\r\n",
                ErrorKind::Refused,
                "403 Forbidden",
            ),
            (
                "HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n",
                ErrorKind::Refused,
                "301 Moved",
            ),
            ("SSH-2.0-OpenSSH_9.6\r\n", ErrorKind::Protocol, "HTTP/1.1"),
            (
                &format!("{UPGRADE}\r\n"),
                ErrorKind::Protocol,
                "no Sec-WebSocket-Accept",
            ),
            (
                &format!("{UPGRADE}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
                ErrorKind::Protocol,
                "does not fit the key",
            ),
            (
                &format!("{right}Sec-WebSocket-Protocol: v9\r\n\r\n"),
                ErrorKind::Protocol,
                "\"v9\", offered: v1",
            ),
            (
                &format!("{right}Sec-WebSocket-Extensions: x-compress\r\n\r\n"),
                ErrorKind::Protocol,
                "x-compress, which was not offered",
            ),
            (
                &format!("{right}Filler: {}", "a".repeat(17 << 10)),
                ErrorKind::Limit,
                "longer than",
            ),
        ] {
            let server = Script::answer(answer).start();
            let options = Options::new().protocol("v1");
            refused(options.connect(&server.url()), kind, part);
        }
    }

    #[cfg(feature = "deflate")]
    #[test]
    fn parameters_that_an_extension_does_not_know_are_named() {
        let deflate = "Sec-WebSocket-Extensions: permessage-deflate; a=b";
        let accept = "Sec-WebSocket-Accept: {accept}";
        let server = Script::answer(&format!("{UPGRADE}{accept}\r\n{deflate}\r\n\r\n")).start();
        let opened = Options::new()
            .extension(Deflate::new())
            .connect(&server.url());
        refused(opened, ErrorKind::Protocol, "unknown parameter a");
    }

    #[test]
    fn a_masked_frame_ends_the_connection() {
        let server = Script::upgrade().first(b"\x81\x81abcd\x00").start();
        let mut client = Client::connect(&server.url()).unwrap();
        refused(client.receive(), ErrorKind::Protocol, "masked");
    }

    #[test]
    fn frames_that_come_with_the_answer_are_received() {
        let server = Script::upgrade().first(b"\x81\x02hi").start();
        let mut client = Client::connect(&server.url()).unwrap();
        assert_eq!(client.receive().unwrap().text(), Some("hi"));
    }

    #[test]
    fn an_end_without_a_close_is_told_from_one() {
        let server = Script::upgrade().reply(b"").start();
        let mut client = Client::connect(&server.url()).unwrap();
        client.send("anybody?").unwrap();
        refused(client.receive(), ErrorKind::Closed, "1006");
        let server = Script::upgrade().reply(b"\x88\x02\x03\xf3").start();
        let mut client = Client::connect(&server.url()).unwrap();
        client.send("anybody?").unwrap();
        assert!(
            matches!(client.receive().unwrap(), Incoming::Close(reason) if reason.code.get() == 1011)
        );
    }

    #[test]
    fn no_answer_to_the_upgrade_is_a_timeout() {
        for answer in ["", "HTTP/1.1 101 Swi"] {
            let server = Script::answer(answer).start();
            let options = Options::new().handshake_timeout(IN_VAIN);
            let opened = options.connect(&server.url());
            refused(opened, ErrorKind::Timeout, "the answer to the upgrade");
        }
    }

    #[test]
    fn no_message_is_a_timeout_and_no_close_another() {
        let server = Script::upgrade().start();
        let options = Options::new().read_timeout(IN_VAIN).close_timeout(IN_VAIN);
        let mut client = options.connect(&server.url()).unwrap();
        refused(client.receive(), ErrorKind::Timeout, "a message");
        refused(client.receive_message(), ErrorKind::Timeout, "a message");
        client.send("still open").unwrap();
        refused(
            client.close(1000, ""),
            ErrorKind::Timeout,
            "the server's Close",
        );
    }
}

mod without_a_server {
    use super::*;

    #[test]
    fn nobody_at_the_address_is_told_with_it() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = gone.local_addr().unwrap().to_string();
        drop(gone);
        let opened = Client::connect(&format!("ws://{address}/"));
        refused(opened, ErrorKind::Io, &address);
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused_before_anything() {
        refused(
            Client::connect("127.0.0.1:1"),
            ErrorKind::Config,
            "ws://127.0.0.1:1",
        );
    }
}
