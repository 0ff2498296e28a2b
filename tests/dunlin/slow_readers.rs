//! Peers that do not read: each bears its own backlog, as the policy of its route says, and
//! everybody else goes on.

use crate::running::{Running, assert_echo, start, turn};
use crate::wire_client::{Frame, WireClient};
use dunlin::{
    App, BacklogPolicy, CloseReason, Handler, Message, Open, Request, Session, Settings, apps,
};
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Length of the texts that fill backlogs.
const LONG: usize = 32 << 10;
/// Texts of one test: more than the kernel keeps for a peer that does not read.
const TEXTS: usize = 300;

/// A long text that tells its number.
fn numbered(number: usize) -> String {
    format!("{number:LONG$}")
}

/// The number of such a text.
#[track_caller]
fn number(text: &str) -> usize {
    assert_eq!(text.len(), LONG);
    text.trim_start().parse().expect("a number")
}

/// A room: texts go to everybody, and who was slow is told what it missed.
struct Room(Mutex<Option<Sender<CloseReason>>>);

impl Handler for Room {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join("room");
        let _ = session.send("welcome");
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        session.publish("room", message);
    }

    fn drain(&mut self, (): &mut (), session: &mut Session<'_>, dropped: u64) {
        let _ = session.send(format!("dropped {dropped}"));
    }

    fn close(&mut self, (): (), _: &mut Session<'_>, reason: &CloseReason) {
        if let Some(tell) = &*self.0.lock().expect("one thread") {
            let _ = tell.send(reason.clone());
        }
    }
}

/// A server with a `/room` of this policy and a backlog of at most 256 KiB.
fn room(policy: BacklogPolicy, tell: Option<Sender<CloseReason>>) -> Running {
    start(move || {
        let settings = Settings::default()
            .backlog(policy)
            .backlog_limit(256 << 10)
            .backlog_mark(64 << 10)
            .close_timeout(Duration::from_secs(1));
        App::new().ws_with("/room", settings, Room(Mutex::new(tell)))
    })
}

/// Publishes all texts, each when the one before has come to a talker and a listener; nothing is
/// read by anybody else. The bytes that wait never pass `limit` and what is on its way.
#[track_caller]
fn talk(server: &Running, talker: &mut WireClient, listener: &mut WireClient, limit: usize) {
    for at in 0..TEXTS {
        talker.send_text(&numbered(at));
        for client in [&mut *talker, &mut *listener] {
            assert_eq!(number(&client.read_text()), at);
        }
        let buffered = server.remote().stats().buffered as usize;
        assert!(buffered <= limit + 2 * LONG, "{buffered} bytes wait");
    }
}

/// A client behind its greeting that takes little from the network until it reads.
#[track_caller]
fn narrow(server: &Running, path: &str) -> WireClient {
    let mut client = WireClient::narrow(server.address());
    client.upgrade(path, &[]);
    client.read_text();
    client
}

/// A client behind its greeting.
#[track_caller]
fn greeted(server: &Running, path: &str) -> WireClient {
    let mut client = server.open(path);
    client.read_text();
    client
}

#[test]
fn a_subscriber_of_the_flow_that_stops_reading_is_closed_with_1008_and_delays_nobody() {
    let server = start(|| apps::flow::mount(App::new()));
    let mut slow = narrow(&server, "/flow");
    let mut talker = greeted(&server, "/flow");
    let mut listener = greeted(&server, "/flow");
    talk(&server, &mut talker, &mut listener, 1 << 20);
    // What was on its way when the backlog was full arrives, in order, and then the reason.
    let mut count = 0;
    let close = loop {
        let frame = slow.read_frame();
        match frame.opcode {
            0x8 => break frame,
            _ => assert_eq!(
                number(std::str::from_utf8(&frame.payload).expect("text")),
                count
            ),
        }
        count += 1;
    };
    assert_eq!(close.close_parts(), (1008, "Slow reader"));
    assert!(count > 0 && count < TEXTS, "{count} texts");
    slow.send(close);
    assert_eq!(slow.read_to_clean_end(), b"");
}

#[test]
fn a_slow_reader_that_never_reads_again_is_cut() {
    let (tell, told) = channel();
    let server = room(BacklogPolicy::Close, Some(tell));
    let slow = narrow(&server, "/room");
    let mut talker = greeted(&server, "/room");
    let mut listener = greeted(&server, "/room");
    talk(&server, &mut talker, &mut listener, 256 << 10);
    let reason = told.recv_timeout(Duration::from_secs(20));
    let reason = reason.expect("it is cut when the close handshake has taken its time");
    assert_eq!(reason.code.get(), 1008);
    // The close event comes in the turn in which the socket goes.
    turn(&mut talker);
    let stats = server.remote().stats();
    assert_eq!((stats.connections, stats.buffered), (2, 0));
    drop(slow);
}

/// Reads until nothing is missing: the texts that came, and how many were dropped.
#[track_caller]
fn catch_up(slow: &mut WireClient) -> (Vec<usize>, usize) {
    let (mut came, mut dropped) = (Vec::new(), 0);
    while came.len() + dropped < TEXTS {
        let text = slow.read_text();
        match text.strip_prefix("dropped ") {
            Some(count) => dropped += count.parse::<usize>().expect("a number"),
            None => came.push(number(&text)),
        }
    }
    assert!(came.is_sorted_by(|a, b| a < b), "out of order: {came:?}");
    (came, dropped)
}

/// Has a slow reader miss something and catch up: what came.
fn dropping(policy: BacklogPolicy) -> Vec<usize> {
    let server = room(policy, None);
    let mut slow = narrow(&server, "/room");
    let mut talker = greeted(&server, "/room");
    let mut listener = greeted(&server, "/room");
    talk(&server, &mut talker, &mut listener, 256 << 10);
    let (came, dropped) = catch_up(&mut slow);
    assert!(dropped > 0, "nothing was dropped");
    turn(&mut listener);
    assert_eq!(server.remote().stats().dropped as usize, dropped);
    // It is a member like the others again.
    talker.send_text(&numbered(TEXTS));
    for client in [&mut slow, &mut talker, &mut listener] {
        assert_eq!(number(&client.read_text()), TEXTS);
    }
    came
}

#[test]
fn dropping_the_oldest_keeps_the_newest_in_order_and_counts_what_is_gone() {
    let came = dropping(BacklogPolicy::DropOldest);
    assert_eq!(came.last(), Some(&(TEXTS - 1)));
    assert_eq!(came[0], 0, "what the kernel had taken is not lost");
}

#[test]
fn dropping_the_newest_keeps_the_oldest_in_order_and_counts_what_is_gone() {
    let came = dropping(BacklogPolicy::DropNewest);
    let whole: Vec<usize> = (0..came.len()).collect();
    assert_eq!(came, whole, "the first ones come without a gap");
}

#[test]
fn an_echo_stops_reading_from_a_peer_that_does_not_read_and_loses_nothing() {
    // 64 MB: a receive buffer may grow to half of that while it is read.
    const MANY: usize = 2000;
    let server = start(|| apps::echo::mount(App::new()));
    let mut bystander = server.open("/echo-raw");
    let mut client = WireClient::narrow(server.address());
    client.upgrade("/echo-raw", &[]);
    let mut writer = client.stream().try_clone().expect("a socket");
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    let writing = thread::spawn(move || {
        for at in 0..MANY {
            let frame = Frame::text(&numbered(at)).mask([5, 6, 7, 8]);
            writer
                .write_all(&frame.bytes())
                .expect("it is read in the end");
            count.store(at + 1, Ordering::Relaxed);
        }
    });
    // Until nothing more is taken from it for as long as it takes to serve another 500 times.
    let (mut stalled, mut last) = (0, 0);
    while stalled < 500 {
        assert_echo(&mut bystander);
        let now = written.load(Ordering::Relaxed);
        stalled = if now == last { stalled + 1 } else { 0 };
        last = now;
        let buffered = server.remote().stats().buffered;
        assert!(buffered <= 1 << 20, "{buffered} bytes wait");
    }
    assert!(last < MANY, "all was read though nothing of it went back");
    for at in 0..MANY {
        assert_eq!(number(&client.read_text()), at);
    }
    writing.join().expect("all was written");
    turn(&mut bystander);
    assert_eq!(server.remote().stats().buffered, 0);
    assert_eq!(server.remote().stats().dropped, 0);
}

#[test]
fn of_the_pings_of_a_peer_that_does_not_read_only_the_newest_is_answered() {
    let server = start(|| {
        let settings = Settings::default()
            .max_message_size(16 << 20)
            .backlog_limit(16 << 20);
        App::new().ws_with(
            "/echo",
            settings,
            |session: &mut Session<'_>, message: Message<'_>| {
                let _ = session.send(message);
            },
        )
    });
    let mut bystander = server.open("/echo");
    let mut client = WireClient::narrow(server.address());
    client.upgrade("/echo", &[]);
    // A backlog first: one message that the kernel does not take whole.
    let big = Frame::binary(vec![9; 8 << 20]);
    client.send(big.clone());
    for at in 0..20_000_u32 {
        client.send(Frame::ping(&at.to_be_bytes()));
    }
    for _ in 0..200 {
        turn(&mut bystander);
        let buffered = server.remote().stats().buffered;
        assert!(buffered <= (8 << 20) + 100, "{buffered} bytes wait");
    }
    assert!(client.read_frame() == big);
    assert_eq!(client.read_frame(), Frame::pong(&19_999_u32.to_be_bytes()));
    turn(&mut client);
}
