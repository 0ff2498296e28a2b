//! A connection that was lost is made again, and lines wait for it.

use super::talker::{Talker, connected, next_text, until_close};
use crate::wire_frame::Frame;

#[test]
fn lines_written_while_away_wait_and_go_out_once() {
    let (server, mut talker, mut peer) = connected(&["--json"]);
    talker.write("one\n");
    assert_eq!(next_text(&mut peer), "one");
    // Its ping says that it wants to know whether the line was read.
    let ping = peer.read_frame();
    peer.send(Frame::pong(&ping.payload));
    assert_eq!(talker.object("sent")["line"], 1);
    drop(peer);
    talker.object("disconnected");
    talker.write("two\nthree\n");
    let mut peer = server.accept_session();
    assert_eq!(next_text(&mut peer), "two");
    assert_eq!(next_text(&mut peer), "three");
    talker.close_input();
    assert_eq!(until_close(&mut peer), 1000);
    let ended = talker.ended();
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
}

#[test]
fn a_line_that_may_not_have_arrived_is_named_and_not_sent_twice() {
    let (server, mut talker, mut peer) = connected(&["--json"]);
    talker.write("one\n");
    assert_eq!(peer.read_text(), "one");
    drop(peer);
    let error = talker.object("error");
    assert_eq!(error["line"], 1);
    talker.write("two\n");
    let mut peer = server.accept_session();
    assert_eq!(next_text(&mut peer), "two");
    talker.close_input();
    assert_eq!(until_close(&mut peer), 1000);
    assert_eq!(talker.ended().code, Some(1));
}

#[test]
fn a_close_that_asks_to_come_later_is_obeyed() {
    for code in [1001, 1011, 1012, 1013, 4000] {
        let (server, mut talker, mut peer) = connected(&[]);
        peer.send(Frame::close(code, "later"));
        let mut again = server.accept_session();
        talker.close_input();
        assert_eq!(until_close(&mut again), 1000);
        let ended = talker.ended();
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let said = format!("disconnected: close {code} later; again in");
        assert!(ended.err.contains(&said), "{}", ended.err);
    }
}

#[test]
fn a_close_that_means_the_end_is_one() {
    for (frame, code) in [
        (Frame::close(1000, "that is all"), 0),
        (Frame::empty_close(), 0),
        (Frame::close(1002, ""), 1),
        (Frame::close(1003, "no texts here"), 1),
    ] {
        let (_server, talker, mut peer) = connected(&[]);
        peer.send(frame);
        assert_eq!(talker.ended().code, Some(code));
    }
}

#[test]
fn it_does_not_come_back_when_told_so() {
    let (_server, talker, peer) = connected(&["--no-reconnect"]);
    drop(peer);
    let ended = talker.ended();
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("1006"), "{}", ended.err);
}

#[test]
fn the_wait_is_said_and_is_at_most_half_a_second_at_first() {
    let (server, talker, peer) = connected(&["--json"]);
    drop(peer);
    let again = talker.object("disconnected")["again_ms"].as_u64();
    assert!((50..=500).contains(&again.expect("a number")), "{again:?}");
    drop(server.accept());
    let again = talker.object("disconnected")["again_ms"].as_u64();
    assert!((50..=1000).contains(&again.expect("a number")), "{again:?}");
}

#[test]
fn a_refusal_for_now_is_asked_again_when_there_was_a_connection() {
    let (server, mut talker, peer) = connected(&["--json"]);
    drop(peer);
    server
        .accept()
        .write("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let mut peer = server.accept_session();
    talker.close_input();
    assert_eq!(until_close(&mut peer), 1000);
    assert_eq!(talker.ended().code, Some(0));
}

#[test]
fn a_writer_that_is_faster_than_the_server_is_held_back() {
    let (server, mut talker, mut peer) = connected(&[]);
    talker.write("one\n");
    assert_eq!(next_text(&mut peer), "one");
    drop(peer);
    // More than may wait, and more than a pipe holds: the writer stands still and nothing is lost.
    let writer = std::thread::spawn(move || {
        let lines: String = (0..3000)
            .map(|number| format!("{number} {}\n", "x".repeat(200)))
            .collect();
        talker.write(lines);
        Talker::end(talker)
    });
    let mut peer = server.accept_session();
    for number in 0..3000 {
        let text = next_text(&mut peer);
        assert_eq!(text.split(' ').next(), Some(&*number.to_string()));
    }
    assert_eq!(until_close(&mut peer), 1000);
    let ended = writer.join().expect("it ended");
    // The first line may not have arrived.
    assert_eq!(ended.code, Some(1), "{}", ended.err);
}
