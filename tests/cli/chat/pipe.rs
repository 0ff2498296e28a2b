//! Lines in, messages out, and the end in order.

use super::talker::{Talker, chat, connected, next_text, until_close, url};
use crate::binary::dunlin;
use crate::running::{Running, start};
use crate::wire_frame::Frame;
use crate::wire_server::WireServer;
use dunlin::{App, Message, Session, apps};
use std::process::Stdio;
use std::time::Duration;

fn ready() -> Running {
    start(|| apps::all(App::new()))
}

#[test]
fn each_line_is_a_message_and_the_answers_are_printed() {
    let server = ready();
    let url = url(server.address(), "/you-said");
    let ended = chat(&[&url], "hello\n\n  two  \r\nlast");
    let wanted = "YOU SAID: hello\nYOU SAID: \nYOU SAID:   two  \nYOU SAID: last\n";
    assert_eq!(
        (ended.code, &*ended.out),
        (Some(0), wanted),
        "{}",
        ended.err
    );
    assert!(
        ended.err.contains("Connection closed. Goodbye!"),
        "{}",
        ended.err
    );
}

#[test]
fn nothing_is_lost_of_very_many_lines() {
    let server = ready();
    let lines: String = (0..20_000).map(|number| format!("{number}\n")).collect();
    let ended = chat(&[&url(server.address(), "/echo-raw")], &lines);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out == lines, "{} bytes came back", ended.out.len());
}

#[test]
fn a_line_of_megabytes_comes_back() {
    let server = ready();
    let line = format!("{}\n", "한".repeat(1 << 20));
    let ended = chat(&[&url(server.address(), "/echo-raw")], &line);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out == line, "{} bytes came back", ended.out.len());
}

#[test]
fn without_any_line_it_prints_the_greeting_and_leaves() {
    let server = ready();
    let ended = chat(&[&url(server.address(), "/echo")], "");
    assert_eq!(
        (ended.code, &*ended.out),
        (Some(0), "Please enter your name\n")
    );
}

#[test]
fn exit_leaves_and_what_stands_behind_it_is_not_sent() {
    let server = ready();
    let ended = chat(&[&url(server.address(), "/you-said")], "one\nexit\ntwo\n");
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.out, "YOU SAID: one\nConnection closed. Goodbye!\n");
}

#[test]
fn a_word_for_the_terminal_is_a_message_of_a_script() {
    let server = ready();
    let ended = chat(
        &[&url(server.address(), "/echo-raw")],
        "/help\n/etc/passwd\n//a\n",
    );
    assert_eq!(ended.out, "/help\n/etc/passwd\n//a\n");
}

#[test]
fn it_waits_for_late_answers_when_told_to() {
    let server = start(|| {
        App::new().on_message("/", |session: &mut Session<'_>, _: Message<'_>| {
            let (remote, id) = (session.remote(), session.id());
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(50));
                remote.send(id, "late")
            });
        })
    });
    let ended = chat(&["--wait", "1s", &url(server.address(), "/")], "question\n");
    assert_eq!((ended.code, &*ended.out), (Some(0), "late\n"));
}

#[test]
fn what_arrives_behind_our_close_is_printed_until_theirs() {
    let (_server, talker, mut peer) = connected(&[]);
    let ending = std::thread::spawn(move || talker.end());
    loop {
        let frame = peer.read_frame();
        if frame.opcode == 0x8 {
            assert_eq!(frame.close_parts().0, 1000);
            break;
        }
        peer.send(Frame::pong(&frame.payload));
    }
    peer.send(Frame::text("one more thing"));
    peer.send(Frame::close(1000, ""));
    let ended = ending.join().expect("it ended");
    assert_eq!((ended.code, &*ended.out), (Some(0), "one more thing\n"));
}

#[test]
fn a_line_that_is_no_utf8_is_named_and_the_others_are_sent() {
    let server = ready();
    let ended = chat(&[&url(server.address(), "/echo-raw")], b"a\nb\xff\nc\n");
    assert_eq!((ended.code, &*ended.out), (Some(1), "a\nc\n"));
    assert!(
        ended.err.contains("line 2: no UTF-8 from byte 2"),
        "{}",
        ended.err
    );
}

#[test]
fn a_line_over_the_servers_limit_is_named_and_the_others_are_sent_once() {
    let server = ready();
    let long = "b".repeat(apps::MAX_CHAT_TEXT + 1);
    let input = format!("a1\na2\n{long}\nc1\nc2\n");
    let ended = chat(&[&url(server.address(), "/chat")], input);
    assert_eq!(ended.code, Some(1));
    let said: Vec<_> = ended
        .out
        .lines()
        .filter_map(|line| line.split_once("]: "))
        .collect();
    let said: Vec<_> = said.iter().map(|(_, text)| *text).collect();
    assert_eq!(said, ["a1", "a2", "c1", "c2"], "{}", ended.err);
    assert!(
        ended
            .err
            .contains("line 3: the server takes no message of 65537"),
        "{}",
        ended.err
    );
}

#[test]
fn a_short_line_over_an_even_shorter_limit_is_found_as_well() {
    let server = start(|| {
        let settings = dunlin::Settings::default().max_message_size(10);
        App::new().on_message_with("/", settings, |session, message| session.send(message))
    });
    let ended = chat(&[&url(server.address(), "/")], "a\n0123456789a\nb\nc\n");
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.ends_with("b\nc\n"), "{}", ended.out);
    assert!(
        ended
            .err
            .contains("line 2: the server takes no message of 11"),
        "{}",
        ended.err
    );
}

#[test]
fn hostile_text_is_one_harmless_line() {
    let (_server, talker, mut peer) = connected(&[]);
    peer.send(Frame::text(
        "\u{1b}[2J\u{1b}]0;a\u{7}\r\n\u{9b}31m\u{202e}b\0",
    ));
    assert_eq!(talker.line(), "␛[2J␛]0;a␇␍␊<U+009B>31m<U+202E>b␀");
    peer.send(Frame::binary([0, 1, 0xff]));
    assert_eq!(talker.line(), "<binary, 3 bytes: 00 01 ff>");
    peer.send(Frame::binary([]));
    assert_eq!(talker.line(), "<binary, 0 bytes>");
    peer.send(Frame::close(1000, "a\u{1b}[31m"));
    let ended = talker.ended();
    assert_eq!(ended.code, Some(0));
    assert!(ended.err.contains("1000 a␛[31m"), "{}", ended.err);
}

#[test]
fn frames_that_break_the_protocol_end_it_with_an_error() {
    for (bytes, part) in [
        (Frame::text("x").reserved(0x40).bytes(), "1002"),
        (Frame::new(0x1, [0xff]).bytes(), "1007"),
        (Frame::new(0x3, []).bytes(), "1002"),
        (Frame::new(0x8, [3]).bytes(), "1002"),
        (vec![0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], "10"),
    ] {
        let (_server, talker, mut peer) = connected(&["--no-reconnect"]);
        peer.write(bytes);
        peer.read_close();
        drop(peer);
        let ended = talker.ended();
        assert_eq!(ended.code, Some(1), "{}", ended.err);
        assert!(ended.err.contains(part), "{part}: {}", ended.err);
        assert!(!ended.err.contains("panicked"), "{}", ended.err);
    }
}

#[test]
fn a_reader_that_has_gone_ends_it_quietly() {
    let server = WireServer::bind();
    let mut command = dunlin(&["chat", "--no-deflate", &url(server.address(), "/")]);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let mut peer = server.accept_session();
    peer.send(Frame::text("is anybody there?"));
    assert_eq!(until_close(&mut peer), 1000);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    let err = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = err.lines().collect();
    assert!(matches!(*lines, [_, "connected"]), "{err}");
}

#[test]
fn a_full_disk_is_an_error() {
    let server = ready();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let mut command = dunlin(&["chat", &url(server.address(), "/echo")]);
    let output = command.stdout(full.expect("a device")).output();
    let output = output.expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("cannot write to standard output"), "{err}");
}

#[test]
fn a_signal_leaves_in_order_and_a_second_one_at_once() {
    let (_server, talker, mut peer) = connected(&[]);
    peer.send(Frame::text("here"));
    assert_eq!(talker.line(), "here");
    talker.signal("INT");
    assert_eq!(until_close(&mut peer), 1000);
    assert_eq!(talker.ended().code, Some(130));

    let (_server, talker, mut peer) = connected(&[]);
    peer.send(Frame::text("here"));
    assert_eq!(talker.line(), "here");
    talker.signal("TERM");
    peer.read_close();
    // The Close is not answered: nobody waits for that.
    talker.signal("TERM");
    assert_eq!(talker.ended().code, Some(143));
}

#[test]
fn lines_are_sent_as_they_come_and_not_at_the_end() {
    let (_server, mut talker, mut peer) = connected(&[]);
    talker.write("first\n");
    assert_eq!(next_text(&mut peer), "first");
    peer.send(Frame::text("answer"));
    assert_eq!(talker.line(), "answer");
    talker.write("second\n");
    assert_eq!(next_text(&mut peer), "second");
    talker.close_input();
    assert_eq!(until_close(&mut peer), 1000);
    assert_eq!(Talker::ended(talker).code, Some(0));
}
