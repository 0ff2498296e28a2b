//! What is asked for, and refusals that no second attempt would mend.

use super::talker::{Talker, chat, next_text, until_close, url};
use crate::running::start;
use crate::wire_server::WireServer;
use dunlin::{App, Response, Status};

#[test]
fn headers_subprotocols_and_origin_are_asked_for() {
    let server = WireServer::bind();
    let url = url(server.address(), "/a?b");
    let mut talker = Talker::start(&[
        &url,
        "-H",
        "X-Key: v:1",
        "-s",
        "one",
        "--subprotocol",
        "two",
        "-o",
        "http://page",
    ]);
    let mut peer = server.accept();
    assert!(
        peer.request.starts_with("GET /a?b HTTP/1.1\r\n"),
        "{}",
        peer.request
    );
    assert_eq!(peer.field("X-Key"), Some("v:1"));
    assert_eq!(peer.field("Sec-WebSocket-Protocol"), Some("one, two"));
    assert_eq!(peer.field("Origin"), Some("http://page"));
    let extensions = peer.field("Sec-WebSocket-Extensions").expect("an offer");
    assert!(extensions.contains("permessage-deflate"), "{extensions}");
    peer.switch(&["Sec-WebSocket-Protocol: two"]);
    talker.write("hi\n");
    assert_eq!(next_text(&mut peer), "hi");
    talker.close_input();
    assert_eq!(until_close(&mut peer), 1000);
    assert_eq!(talker.ended().code, Some(0));
}

#[test]
fn compression_is_not_offered_when_it_is_not_wanted() {
    let server = WireServer::bind();
    let _talker = Talker::start(&[&url(server.address(), "/"), "--no-deflate"]);
    assert_eq!(server.accept().field("Sec-WebSocket-Extensions"), None);
}

#[test]
fn a_refusal_ends_it_with_the_status_and_no_loop() {
    let server = start(|| {
        App::new()
            .get("/secret", |_, _| Response::refusal(Status::UNAUTHORIZED))
            .get("/page", |_, _| Response::ok("text/plain", b"a page"))
            .on_message("/own", |_, _| {})
    });
    for (path, part) in [
        ("/nowhere", "404 Not Found"),
        ("/secret", "401 Unauthorized"),
        ("/own", "403 Forbidden"),
        ("/page", "200 OK"),
    ] {
        let url = url(server.address(), path);
        let ended = chat(&[&url, "-o", "http://page"], "a\n");
        assert_eq!(ended.code, Some(1), "{path}");
        assert!(ended.err.contains(part), "{path}: {}", ended.err);
        assert!(ended.err.contains("wanted: 101"), "{path}: {}", ended.err);
        assert_eq!(ended.out, "");
        assert_eq!(ended.err.matches("connecting").count(), 1, "{}", ended.err);
    }
}

#[test]
fn an_answer_that_is_no_websocket_ends_it() {
    for answer in [
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
        "HTTP/1.1 301 Moved\r\nLocation: \u{1b}[31m\r\n\r\n",
    ] {
        let server = WireServer::bind();
        let talker = Talker::start(&[&url(server.address(), "/")]);
        server.accept().write(answer);
        let ended = talker.ended();
        assert_eq!(ended.code, Some(1), "{}", ended.err);
        assert!(!ended.err.contains('\u{1b}'), "{}", ended.err);
    }
}

#[test]
fn a_script_is_told_when_nobody_listens() {
    let address = WireServer::bind().address();
    let ended = chat(&[&url(address, "/")], "a\n");
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("refused"), "{}", ended.err);
    assert!(ended.err.contains("is it running"), "{}", ended.err);
    assert!(ended.err.contains("1 line was not sent"), "{}", ended.err);
    let ended = chat(&[&format!("ws://{address}"), "--room", "a"], "a\n");
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("refused"), "{}", ended.err);
    assert!(ended.err.contains("is it running"), "{}", ended.err);
}

#[test]
fn a_name_is_tried_at_all_of_its_addresses() {
    let server = WireServer::bind();
    let port = server.address().port();
    let mut talker = Talker::start(&[&format!("ws://localhost:{port}/")]);
    let mut peer = server.accept_session();
    assert_eq!(peer.field("Host"), Some(&*format!("localhost:{port}")));
    talker.close_input();
    assert_eq!(until_close(&mut peer), 1000);
    assert_eq!(talker.ended().code, Some(0));
}

#[test]
fn a_url_that_is_none_is_wrong_usage() {
    for (url, part) in [
        ("127.0.0.1:8080", "ws://127.0.0.1:8080"),
        ("http://a/", "ws://a/"),
        ("ws://a/ b", "%20"),
    ] {
        let ended = chat(&[url], "");
        assert_eq!(ended.code, Some(2), "{url}");
        assert!(ended.err.contains(part), "{url}: {}", ended.err);
    }
}

#[test]
fn the_help_tells_the_keys_and_the_exit_codes() {
    let ended = chat(&["--help"], "");
    assert_eq!(ended.code, Some(0));
    assert!(!ended.out.contains("\nand\n"), "{}", ended.out);
    for part in [
        "--room",
        "--json",
        "-H",
        "-s",
        "--wait",
        "Ctrl-D",
        "/help",
        "Exit codes",
    ] {
        assert!(ended.out.contains(part), "{part}: {}", ended.out);
    }
}
