//! The limits of a server, row by row: each at its default, at the limit and one past it.
//!
//! | limit | tested in |
//! |---|---|
//! | connections; of an address | `handshake`, `addresses` |
//! | message, frame; chat text; fragments of a message | here |
//! | backlog: bytes and time; drops told | here with the defaults, `backlog` policy by policy |
//! | all buffered bytes | here, `memory` |
//! | messages and joins in a second | here, `tokens` by user |
//! | rooms, rooms of a connection, names | `rooms::limits`, `rooms::bounds` |
//! | close handshake; head; keep-alive | `closing`; `handshake` |

use crate::puppet::{millis, secs, stage_with};
use dunlin::testing::{Conversation, Received, Sim};
use dunlin::{App, Limits, OpCode, Reserved, Settings, apps};

const MIB: usize = 1 << 20;
/// Of all buffered bytes, where that is the limit in question.
const CAP: usize = 1_000_000;

fn echo() -> Sim {
    let app = App::new().on_message("/", |session, message| {
        session.send(message.len().to_string());
    });
    Sim::new(app).expect("a good program")
}

#[track_caller]
fn is_closed(session: &Conversation, code: u16) {
    let received = session.receive_all();
    let is_it = |received: &Received| match received {
        Received::Close { code: told, .. } => told.get() == code,
        _ => false,
    };
    assert!(received.last().is_some_and(is_it), "{code}: {received:?}");
}

/// The header of a masked, final frame of binary data with this length, and not a byte of that.
fn header(length: u64) -> Vec<u8> {
    [&[0x82, 0xff][..], &length.to_be_bytes(), &[1, 2, 3, 4]].concat()
}

#[test]
fn a_message_of_1_mib_is_taken_in_one_frame_or_many_and_a_byte_more_is_1009() {
    let sim = echo();
    let session = sim.open("/");
    let whole = vec![b'a'; MIB];
    session.send_frame(true, Reserved::NONE, OpCode::Binary, &whole);
    assert_eq!(session.receive_text(), MIB.to_string());
    let half = &whole[..MIB / 2];
    session.send_frame(false, Reserved::NONE, OpCode::Binary, half);
    session.send_frame(true, Reserved::NONE, OpCode::Continuation, half);
    assert_eq!(session.receive_text(), MIB.to_string());
    // Whole, and known from the header alone.
    session.send_raw(&header(MIB as u64 + 1));
    is_closed(&session, 1009);
    let session = sim.open("/");
    session.send_frame(false, Reserved::NONE, OpCode::Binary, half);
    session.send_frame(
        true,
        Reserved::NONE,
        OpCode::Continuation,
        &whole[..MIB / 2 + 1],
    );
    is_closed(&session, 1009);
}

#[cfg(feature = "apps")]
#[test]
fn a_chat_takes_64_kib_and_the_raw_echo_64_mib() {
    let sim = Sim::new(apps::all(App::new())).expect("a good program");
    for (path, most) in [
        ("/chat", 64 << 10),
        ("/chatt", 64 << 10),
        ("/echo-raw", 64 * MIB),
    ] {
        let session = sim.open(path);
        sim.drive();
        session.send_raw(&header(most as u64));
        sim.drive();
        let closed = session.receive_all();
        let is_close = |received: &Received| matches!(received, Received::Close { .. });
        assert!(!closed.iter().any(is_close), "{path}: {closed:?}");
        let session = sim.open(path);
        session.send_raw(&header(most as u64 + 1));
        is_closed(&session, 1009);
    }
}

#[test]
fn a_message_has_1024_fragments_and_one_more_for_each_32_bytes() {
    let sim = echo();
    for (bytes, free) in [(0, 1024), (320, 1034)] {
        let fragments = |count: usize| {
            let session = sim.open("/");
            session.send_frame(false, Reserved::NONE, OpCode::Binary, &vec![0; bytes]);
            for _ in 2..count {
                session.send_frame(false, Reserved::NONE, OpCode::Continuation, b"");
            }
            session.send_frame(true, Reserved::NONE, OpCode::Continuation, b"");
            session
        };
        assert_eq!(fragments(free).receive_text(), bytes.to_string());
        is_closed(&fragments(free + 1), 1008);
    }
}

#[test]
fn a_backlog_of_1_mib_is_kept_and_one_message_more_closes_with_1008() {
    let (sim, diary) = stage_with(Settings::default(), Limits::default());
    let slow = |messages: usize| {
        let peer = sim.open("/");
        peer.set_capacity(0);
        peer.stall();
        // 1024 bytes each with their header.
        peer.send(format!("flood {messages} 1020"));
        sim.drive();
        peer
    };
    let kept = slow(1024);
    assert_eq!(sim.stats().buffered as usize, MIB);
    assert_eq!(diary.read(), Vec::<String>::new());
    kept.set_capacity(64 << 10);
    kept.resume();
    assert_eq!(kept.receive_all().len(), 1024);
    diary.read();
    let ended = slow(1025);
    assert_eq!(diary.read(), ["1 of 1025 not taken"]);
    ended.set_capacity(64 << 10);
    ended.resume();
    is_closed(&ended, 1008);
}

#[test]
fn a_backlog_may_be_above_its_mark_for_10_s() {
    let (sim, diary) = stage_with(Settings::default(), Limits::default());
    let stalled = |messages: usize| {
        let peer = sim.open("/");
        peer.set_capacity(0);
        peer.stall();
        peer.send(format!("flood {messages} 1020"));
        sim.drive();
        peer
    };
    let (at_the_mark, above) = (stalled(256), stalled(257));
    sim.advance(secs(9));
    assert_eq!(diary.read(), Vec::<String>::new());
    sim.advance(secs(2));
    for peer in [&at_the_mark, &above] {
        peer.set_capacity(MIB);
        peer.resume();
    }
    is_closed(&above, 1008);
    assert_eq!(at_the_mark.receive_all().len(), 256);
}

#[test]
fn of_all_buffered_bytes_the_largest_backlog_goes_first_and_what_is_within_the_cap_stays() {
    let (sim, diary) = stage_with(Settings::default(), Limits::default().max_buffered(CAP));
    let stalled = |messages: usize| {
        let peer = sim.open("/");
        peer.set_capacity(0);
        peer.stall();
        peer.send(format!("flood {messages} 1020"));
        sim.drive();
        peer
    };
    let (small, large) = (stalled(100), stalled(400));
    assert_eq!(diary.read(), Vec::<String>::new());
    let mut others = Vec::new();
    let gone = loop {
        assert!(others.len() < 20, "nobody went");
        others.push(stalled(100));
        sim.advance(millis(100));
        let gone = diary.read();
        if !gone.is_empty() {
            break gone;
        }
    };
    assert_eq!(gone, ["1 closed 1008 Out of memory by Us"]);
    assert!(sim.stats().buffered as usize <= CAP);
    small.set_capacity(MIB);
    small.resume();
    assert_eq!(
        small.receive_all().len(),
        100,
        "the smallest has lost nothing"
    );
    drop(large);
}

#[cfg(feature = "apps")]
mod in_rooms {
    use super::*;
    use dunlin::Method;
    use serde_json::Value;

    fn rooms(count: usize) -> (Sim, Vec<String>) {
        let sim = Sim::new(apps::rooms::mount(App::new())).expect("a good program");
        let make = |number: usize| {
            let answer = sim
                .request(Method::Post, &format!("/chat?name=room{number}"))
                .send();
            let id = answer.json::<Value>()["roomId"].clone();
            id.as_str().expect("an id").to_owned()
        };
        let ids = (0..count).map(make).collect();
        (sim, ids)
    }

    fn enter(room: &str) -> String {
        format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"ann"}}"#)
    }

    fn v1(sim: &Sim) -> Conversation {
        let offered = [("Sec-WebSocket-Protocol", "dunlin.v1")];
        sim.open_with("/ws/chat", &offered).expect("a session")
    }

    fn answers(session: &Conversation) -> Vec<(String, String)> {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let received = session.receive_all().into_iter();
        let texts = received.filter_map(|received| match received {
            Received::Text(text) => serde_json::from_str::<Value>(&text).ok(),
            _ => None,
        });
        texts
            .map(|told| (word(&told["type"]), word(&told["code"])))
            .collect()
    }

    #[test]
    fn fifty_messages_a_second_are_taken_the_next_is_an_error_and_going_on_is_1008() {
        let (sim, ids) = rooms(1);
        let session = v1(&sim);
        let talk = format!(r#"{{"type":"TALK","roomId":"{}","message":"a"}}"#, ids[0]);
        session.send(enter(&ids[0]));
        for _ in 0..50 {
            session.send(&*talk);
        }
        let told = answers(&session);
        let talks = told.iter().filter(|(kind, _)| kind == "TALK").count();
        let too_fast = told.iter().filter(|(_, code)| code == "too-fast").count();
        assert_eq!((talks, too_fast), (49, 1), "the first of 50 was the ENTER");
        assert_eq!(sim.stats().limited, 1);
        for _ in 0..49 {
            session.send(&*talk);
        }
        assert_eq!(answers(&session).len(), 49);
        session.send(&*talk);
        is_closed(&session, 1008);
    }

    #[test]
    fn twenty_rooms_a_second_are_entered_and_the_next_is_an_error() {
        let (sim, ids) = rooms(21);
        let session = v1(&sim);
        for room in &ids {
            session.send(enter(room));
        }
        let told = answers(&session);
        let entered = told.iter().filter(|(kind, _)| kind == "ENTERED").count();
        assert_eq!(entered, 20);
        assert_eq!(told.last().map(|(_, code)| &**code), Some("too-fast"));
        sim.advance(secs(1));
        session.send(enter(&ids[20]));
        let told = answers(&session);
        assert!(told.iter().any(|(kind, _)| kind == "ENTERED"), "{told:?}");
    }
}
