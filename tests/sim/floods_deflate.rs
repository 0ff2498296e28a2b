//! Floods that are compressed: few bytes on the wire and much work behind them.

use crate::floods::{Bystander, FEW, Flood, MILLISECOND, Stage, a_round, frame, settings, whole};
use dunlin::Limits;
use dunlin::testing::{Line, Sim};
use dunlin::wire::work::price;
use dunlin::{
    App, BacklogPolicy, CloseReason, Deflate, Handler, Message, Open, Request, Session, SessionId,
    Settings,
};
use dunlin::{OpCode, Reserved};
use dunlin_bench::flood::deflate_stream;
use dunlin_bench::flood::deflated;

const OFFER: &[(&str, &str)] = &[("Sec-WebSocket-Extensions", "permessage-deflate")];

fn stage(deflate: Deflate) -> Stage {
    let settings = settings(BacklogPolicy::Close).extension(deflate);
    Stage::with(settings, Limits::default())
}

/// `count` sessions that hear this, compressed, over and over.
fn flood_of(deflate: Deflate, count: usize, supply: Vec<u8>) -> Flood {
    let stage = stage(deflate);
    let sessions = stage.sessions_with("/deaf", OFFER, count);
    Flood::of_conversations(stage, sessions, supply)
}

fn flood(count: usize, supply: Vec<u8>) -> Flood {
    flood_of(Deflate::new(), count, supply)
}

fn compressed(opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    frame(true, Reserved::RSV1, opcode, payload)
}

#[test]
fn texts_that_inflate_a_thousandfold() {
    for count in [1, 4, 100, 900] {
        let text = deflate_stream::message(&vec![b'x'; 256 << 10]);
        assert!(text.len() < 290);
        // The smallest step inflates 16 KiB out of 300 bytes, some 15 000 units: in the first round of
        // 900 that is far more than a smallest share.
        let flood = flood(count, compressed(OpCode::Text, &text).repeat(4));
        let mut flood = flood.first_within(4 * MILLISECOND + 3_000 * count as u64);
        flood.run(20);
        // A text takes some 150 000 units: every share brings a part of it.
        flood.assert_all_are_served_every(40 * a_round(count));
        assert!(!flood.is_over());
        flood.assert_leaves_nothing();
    }
}

#[test]
fn six_mebibytes_of_zeros_in_six_kibibytes() {
    for count in [1, 8, 100] {
        let bomb = deflate_stream::message(&vec![0; 6 << 20]);
        let mut flood = flood(count, compressed(OpCode::Binary, &bomb));
        flood.run(100);
        flood.assert_all_are_served_every(250 * a_round(count));
        assert!(!flood.is_over());
        flood.assert_leaves_nothing();
    }
}

#[test]
fn bombs_beyond_the_limit_end_with_1009() {
    let bomb = deflate_stream::message(&vec![0; 9 << 20]);
    let mut flood = flood(4, compressed(OpCode::Binary, &bomb));
    flood.run(200);
    flood.bystander.assert_waited_at_most(FEW);
    assert!(flood.is_over());
    flood.assert_leaves_nothing();
}

#[test]
fn blocks_that_hold_nothing() {
    let streams = [
        deflated::final_blocks(60_000),
        deflated::stored_blocks(60_000),
        deflated::tables(60_000),
    ];
    for stream in streams {
        for count in [1, 4, 100] {
            // The smallest step inflates what the smallest read brought, 4 KiB: some 33 000 units.
            let flood = flood(count, compressed(OpCode::Binary, &stream));
            let mut flood = flood.first_within(5 * MILLISECOND);
            flood.run(60);
            flood.bystander.assert_waited_at_most(FEW);
            assert!(!flood.is_over());
            flood.assert_leaves_nothing();
        }
    }
}

#[test]
fn compressed_empty_messages() {
    for count in [1, 4, 100, 900] {
        let mut flood = flood(count, compressed(OpCode::Text, &[0x00]).repeat(2_000));
        flood.run(60 + count as u64 / 8);
        flood.assert_all_are_served_every(4 * a_round(count));
        assert!(!flood.is_over());
        flood.assert_leaves_nothing();
    }
}

#[test]
fn compressed_fragments_of_a_byte() {
    let text: Vec<u8> = (0..1024_u32).map(|i| b'a' + (i * i % 23) as u8).collect();
    let text = deflate_stream::message(&text);
    let mut supply = frame(false, Reserved::RSV1, OpCode::Text, &text[..1]);
    for byte in &text[1..] {
        supply.extend(frame(false, Reserved::NONE, OpCode::Continuation, &[*byte]));
    }
    supply.extend(frame(true, Reserved::NONE, OpCode::Continuation, b""));
    for count in [1, 4, 100] {
        let mut flood = flood(count, supply.repeat(4));
        flood.run(60);
        flood.bystander.assert_waited_at_most(FEW);
        assert!(!flood.is_over());
        flood.assert_leaves_nothing();
    }
}

#[test]
fn compressed_messages_that_are_left_open() {
    for takeover in [false, true] {
        let begun = deflate_stream::message(&vec![0; 100_000]);
        let begun = frame(false, Reserved::RSV1, OpCode::Binary, &begun);
        let stage = stage(Deflate::new().context_takeover(takeover));
        let sessions = stage.sessions_with("/deaf", OFFER, 300);
        sessions.iter().for_each(|one| one.send_raw(&begun));
        stage.sim.drive();
        let pings = whole(OpCode::Ping, b"").repeat(1_000);
        let mut flood = Flood::of_conversations(stage, sessions, pings);
        flood.run(100);
        flood.bystander.assert_waited_at_most(FEW);
        assert!(flood.sim.stats().buffered > 0, "what is open counts");
        flood.assert_leaves_nothing();
    }
}

#[test]
fn members_with_contexts_of_their_own_in_a_room() {
    // What comes to them is compressed for each; nobody here could read it, so raw lines take it.
    let stage = stage(Deflate::new().context_takeover(true));
    let request = b"GET /room HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let lines: Vec<Line> = stage.lines(1_000);
    lines.iter().for_each(|line| line.send_raw(request));
    stage.sim.drive();
    let [first, last] = [&lines[0], &lines[999]].map(|line| line.receive_http());
    assert!(
        first.contains("permessage-deflate\r\n") && last.contains(" 101 "),
        "{first}"
    );
    let text = "so that something can be found in the window ".repeat(20);
    let supply = whole(OpCode::Text, text.as_bytes()).repeat(20);
    let publisher = lines[..4].to_vec();
    let mut flood = Flood::of_lines(stage, publisher, supply).first_within(3 * MILLISECOND);
    flood.run(150);
    flood.bystander.assert_waited_at_most(FEW);
    let sent = flood.sim.stats().sent;
    assert!(sent > 1_000, "{sent} were sent");
    lines.iter().for_each(Line::cut);
    flood.assert_leaves_nothing();
}

#[test]
fn a_lone_compressed_message_waits_for_no_flood() {
    let text = deflate_stream::message(&vec![b'x'; 1 << 20]);
    let mut flood = flood(100, compressed(OpCode::Text, &text).repeat(4));
    flood.run(10);
    let lone = flood.sim.open_with("/echo", OFFER);
    drop(lone);
    let mut other = Bystander::new(&flood.sim);
    for _ in 0..20 {
        flood.run(1);
        other.step(&flood.sim);
    }
    other.assert_waited_at_most(FEW);
}

/// Says farewell to the first session whenever another one leaves.
struct Farewells {
    first: Option<SessionId>,
    farewell: String,
}

impl Handler for Farewells {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        self.first.get_or_insert(session.id());
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), _: &mut Session<'_>, _: Message<'_>) {}

    fn close(&mut self, (): (), session: &mut Session<'_>, _: &CloseReason) {
        if let Some(first) = self.first {
            let _ = session.send_to(first, &*self.farewell);
        }
    }
}

#[test]
fn the_longest_message_that_is_compressed_is_one_step_in_whatever_event_it_is_sent() {
    let longest = (price::DEFLATE_MOST / price::DEFLATE[1]) as usize;
    for bytes in [longest, longest + 1] {
        let farewells = Farewells {
            first: None,
            farewell: "x".repeat(bytes),
        };
        let settings = Settings::default()
            .extension(Deflate::new())
            .backlog_limit(1 << 30);
        let app = App::new().ws_with("/", settings, farewells);
        let sim = Sim::new(app).expect("a good program");
        let first = sim.open_with("/", OFFER).expect("it opens");
        let crowd: Vec<_> = (0..500).map(|_| sim.open("/")).collect();
        first.set_capacity(0);
        first.stall();
        crowd.iter().for_each(|one| one.cut());
        // Every turn is held to its budget and one step by the simulation.
        sim.drive();
        assert_eq!(sim.stats().sent, 500);
        let least = if bytes > longest {
            500 * bytes as u64
        } else {
            0
        };
        let most = if bytes > longest {
            u64::MAX
        } else {
            500 * bytes as u64
        };
        assert!((least..most).contains(&sim.stats().buffered), "{bytes}");
    }
}

#[test]
fn who_has_left_is_let_go_however_much_a_few_others_inflate() {
    let bomb = deflate_stream::message(&vec![0; 6 << 20]);
    for count in [4, 5, 8] {
        let mut flood = flood(count, compressed(OpCode::Binary, &bomb).repeat(4));
        flood.run(10);
        let leaver = flood.sim.connect().upgrade("/echo", &[]);
        flood.run(5);
        assert!(leaver.is_open());
        leaver.half_close();
        flood.run(10);
        assert!(leaver.end().is_some(), "{count} inflate, and nobody may go");
    }
}
