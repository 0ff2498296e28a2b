//! Tests of the outbox.

use super::*;
use crate::wire::frame::{Reserved, write_header, write_message};
use crate::wire::message::Message;

const FRAMES: Framing = Framing::Frames;

fn text(payload: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    write_message(&mut frame, Message::Text(payload));
    frame
}

fn drain(outbox: &mut Outbox, step: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while !outbox.is_empty() {
        let front = outbox.front();
        let sent = front.len().min(step);
        all.extend_from_slice(&front[..sent]);
        outbox.sent(sent, FRAMES);
    }
    all
}

#[test]
fn bytes_leave_in_the_order_they_came() {
    let shared = Bytes::from(text(&"x".repeat(600)));
    for step in [1, 7, 1000] {
        let mut outbox = Outbox::default();
        outbox.push(&text("one"));
        outbox.push_shared(shared.clone());
        outbox.push(&text("two"));
        let expected = [text("one"), shared.to_vec(), text("two")].concat();
        assert_eq!(outbox.len(), expected.len());
        assert_eq!(drain(&mut outbox, step), expected);
    }
}

#[test]
fn dropping_the_oldest_keeps_the_begun_frame_and_control_frames() {
    let mut ping = Vec::new();
    write_header(&mut ping, true, Reserved::NONE, OpCode::Ping, 0, None);
    let mut outbox = Outbox::default();
    let frames = [text("begun"), text("old")].concat();
    outbox.push_rest(&frames, 3, FRAMES);
    outbox.push(&ping);
    outbox.push(&text("new"));
    assert_eq!(outbox.drop_oldest(4 + 2 + 5, FRAMES), 1);
    let expected = [text("begun")[3..].to_vec(), ping, text("new")].concat();
    assert_eq!(drain(&mut outbox, 1000), expected);
}

#[test]
fn dropping_the_newest_keeps_what_fits() {
    let mut outbox = Outbox::default();
    outbox.push(&[text("one"), text("two"), text("three")].concat());
    assert_eq!(outbox.drop_newest(12, FRAMES), 1);
    assert_eq!(
        drain(&mut outbox, 1000),
        [text("one"), text("two")].concat()
    );
}

#[test]
fn what_was_appended_can_be_removed() {
    let mut outbox = Outbox::default();
    outbox.push_opaque(b"HTTP/1.1 200 OK\r\n\r\n");
    outbox.push(&text("kept"));
    let len = outbox.len();
    outbox.push_shared(Bytes::from(text(&"x".repeat(600))));
    outbox.push(&text("gone"));
    outbox.truncate(len);
    assert!(drain(&mut outbox, 1000).ends_with(&text("kept")));
}

#[test]
fn the_border_of_the_begun_frame_moves_with_what_is_sent() {
    for sent in 0..12 {
        let mut outbox = Outbox::default();
        outbox.push(&[text("first"), text("next!"), text("third")].concat());
        outbox.front();
        outbox.sent(sent, FRAMES);
        outbox.clear_unbegun();
        let expected = [0, 6, 5, 4, 3, 2, 1, 0, 6, 5, 4, 3][sent];
        assert_eq!(outbox.len(), expected, "{sent} bytes sent");
    }
}

#[test]
fn a_message_in_two_pieces_stays_whole_when_it_has_begun() {
    let message = text(&"x".repeat(70_000));
    let (header, payload) = message.split_at(10);
    for sent in [0, 3, 8, 9, 17, 18, 1000] {
        let mut outbox = Outbox::default();
        outbox.push(&text("before"));
        outbox.push(header);
        outbox.push_shared(Bytes::copy_from_slice(payload));
        outbox.push(&text("behind"));
        let mut gone = 0;
        while gone < sent {
            let step = outbox.front().len().min(sent - gone);
            outbox.sent(step, FRAMES);
            gone += step;
        }
        outbox.clear_unbegun();
        let expected = match sent {
            0 | 8 => 0,
            3 => 5,
            sent => 8 + message.len() - sent,
        };
        assert_eq!(outbox.len(), expected, "{sent} bytes sent");
    }
}

#[test]
fn what_is_dropped_takes_no_memory() {
    let mut outbox = Outbox::default();
    outbox.push(&text("gone").repeat(1000));
    assert!(outbox.held() >= 6000);
    outbox.clear_unbegun();
    assert_eq!((outbox.len(), outbox.held()), (0, 0));
    outbox.push(&text("gone").repeat(1000));
    outbox.drop_oldest(600, FRAMES);
    assert!(outbox.held() <= 600, "{}", outbox.held());
}

#[test]
fn bytes_that_are_no_frames_are_never_dropped() {
    let mut outbox = Outbox::default();
    outbox.push_opaque(b"HTTP/1.1 200 OK\r\n\r\n");
    outbox.push(&text("gone"));
    outbox.clear_unbegun();
    assert_eq!(drain(&mut outbox, 3), b"HTTP/1.1 200 OK\r\n\r\n");
}

#[test]
fn events_are_dropped_whole_and_comments_stay() {
    let events = Framing::Events;
    let (one, two, three) = (
        "data: one\n\n",
        "data: two\ndata: b\n\n",
        "id: 3\ndata: c\n\n",
    );
    let all = [one, two, ":\n\n", three].concat();
    let mut outbox = Outbox::default();
    outbox.push_rest(all.as_bytes(), 4, events);
    assert_eq!(outbox.drop_oldest(20, events), 2);
    assert_eq!(
        drain(&mut outbox, 1000),
        [&one[4..], ":\n\n"].concat().as_bytes()
    );
    outbox.push(all.as_bytes());
    assert_eq!(outbox.drop_newest(one.len() + two.len(), events), 1);
    let kept = [one, two, ":\n\n"].concat();
    assert_eq!(drain(&mut outbox, 1000), kept.as_bytes());
}

#[test]
fn an_event_that_has_begun_stays_whole() {
    let (one, two) = ("id: 1\ndata: \ndata: x\n\n", "data: two\n\n");
    for sent in 0..one.len() + two.len() {
        let mut outbox = Outbox::default();
        outbox.push([one, two].concat().as_bytes());
        outbox.front();
        outbox.sent(sent, Framing::Events);
        outbox.clear_unbegun();
        let ends = [0, one.len(), one.len() + two.len()];
        let end = ends.into_iter().find(|end| *end >= sent).unwrap();
        assert_eq!(outbox.len(), end - sent, "{sent} bytes sent");
    }
}

#[test]
fn a_message_that_lies_by_itself_stays_whole_when_it_has_begun() {
    let message = Bytes::from(format!("data: {}\n\n", "x".repeat(1000)));
    for sent in [0, 1, 500, message.len(), message.len() + 4] {
        let mut outbox = Outbox::default();
        outbox.push_shared_message(message.clone());
        outbox.push(b"data: behind\n\n");
        let mut gone = 0;
        while gone < sent {
            let step = outbox.front().len().min(sent - gone);
            assert_eq!(outbox.searches(step, Framing::Events), gone > 0);
            outbox.sent(step, Framing::Events);
            gone += step;
        }
        outbox.clear_unbegun();
        let expected = match sent {
            0 => 0,
            sent if sent <= message.len() => message.len() - sent,
            _ => 10,
        };
        assert_eq!(outbox.len(), expected, "{sent} bytes sent");
    }
}
