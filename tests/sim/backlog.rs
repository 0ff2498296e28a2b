//! SPEC 6: what happens to a peer that does not read, policy by policy.

use crate::puppet::{Diary, millis, secs, stage_with};
use dunlin::Limits;
use dunlin::testing::{Conversation, Received, Sim};
use dunlin::{App, BacklogPolicy, RawFrame, SendOutcome, Session, Settings};

const MARK: usize = 4_000;
const LIMIT: usize = 10_000;

/// A peer that stalls with nothing in its pipe; 1000 bytes fit a message of 996.
fn stalled(policy: BacklogPolicy) -> (Sim, Diary, Conversation) {
    let settings = Settings::default()
        .backlog(policy)
        .backlog_mark(MARK)
        .backlog_limit(LIMIT);
    let (sim, diary) = stage_with(settings, Limits::default());
    let peer = sim.open("/");
    peer.set_capacity(0);
    peer.stall();
    (sim, diary, peer)
}

/// Makes the server send `count` messages that take 1000 bytes each on the wire.
fn flood(sim: &Sim, peer: &Conversation, count: usize) {
    for _ in 0..count {
        peer.send("flood 1 996");
        sim.drive();
    }
}

/// Reads again and counts what arrives.
fn read_all(peer: &Conversation) -> usize {
    peer.set_capacity(64 << 10);
    peer.resume();
    let texts = |received: &&Received| matches!(received, Received::Text(_));
    peer.receive_all().iter().filter(texts).count()
}

#[test]
fn a_backlog_at_its_limit_is_kept() {
    for policy in [
        BacklogPolicy::Close,
        BacklogPolicy::DropNewest,
        BacklogPolicy::DropOldest,
    ] {
        let (sim, diary, peer) = stalled(policy);
        flood(&sim, &peer, 10);
        assert_eq!(sim.stats().buffered as usize, LIMIT, "{policy:?}");
        assert_eq!(read_all(&peer), 10, "{policy:?}");
        assert_eq!(diary.read(), ["0 drained, 0 dropped"], "{policy:?}");
    }
}

#[test]
fn one_past_the_limit_closes_with_1008() {
    let (sim, diary, peer) = stalled(BacklogPolicy::Close);
    flood(&sim, &peer, 11);
    assert_eq!(diary.read(), ["1 of 1 not taken"]);
    peer.set_capacity(1000);
    peer.resume();
    let received = peer.receive_all();
    assert_eq!(received.last(), Some(&Received::close(1008, "Slow reader")));
    assert!(received.len() <= 2, "what had not begun is forgotten");
    assert_eq!(diary.read(), ["0 closed 1008 Slow reader by Us"]);
}

#[test]
fn nothing_follows_the_close_of_a_raw_session_that_a_topic_was_too_much_for() {
    let outcomes = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let told = std::rc::Rc::clone(&outcomes);
    let handler = move |session: &mut Session<'_>, frame: RawFrame<'_>| {
        session.join("room");
        session.publish("room", &*"x".repeat(LIMIT - MARK));
        told.borrow_mut().push(session.send_frame(frame));
    };
    let settings = Settings::default().backlog_mark(MARK).backlog_limit(LIMIT);
    let sim = Sim::new(App::new().ws_raw("/", settings, handler)).unwrap();
    let peer = sim.open("/");
    peer.set_capacity(0);
    peer.stall();
    for _ in 0..2 {
        peer.send("behind");
        sim.drive();
    }
    assert_eq!(outcomes.borrow()[1], SendOutcome::Closed);
    peer.set_capacity(1000);
    peer.resume();
    let received = peer.receive_all();
    assert_eq!(received.last(), Some(&Received::close(1008, "Slow reader")));
}

#[test]
fn a_slow_reader_that_sends_on_after_its_close_still_gets_it() {
    let (sim, _, peer) = stalled(BacklogPolicy::Close);
    flood(&sim, &peer, 15);
    peer.send("join room; publish room hello; echo more");
    sim.drive();
    peer.set_capacity(1000);
    peer.resume();
    let received = peer.receive_all();
    assert_eq!(received.last(), Some(&Received::close(1008, "Slow reader")));
}

#[test]
fn one_past_the_limit_drops_the_newest_and_tells_how_many() {
    let (sim, diary, peer) = stalled(BacklogPolicy::DropNewest);
    flood(&sim, &peer, 13);
    assert_eq!(sim.stats().dropped, 3);
    assert_eq!(read_all(&peer), 10);
    let events = diary.read();
    assert_eq!(events[..3], ["1 of 1 not taken"; 3]);
    assert_eq!(events[3..], ["0 drained, 3 dropped"]);
}

#[test]
fn one_past_the_limit_drops_the_oldest_and_tells_how_many() {
    let (sim, diary, peer) = stalled(BacklogPolicy::DropOldest);
    flood(&sim, &peer, 10);
    peer.send("flood 1 500; echo newest");
    sim.drive();
    let dropped = sim.stats().dropped;
    assert!((1..=3).contains(&dropped), "{dropped} dropped");
    peer.set_capacity(64 << 10);
    peer.resume();
    let received = peer.receive_all();
    assert_eq!(received.last(), Some(&Received::text("newest")));
    assert_eq!(received.len() as u64, 12 - dropped);
    assert_eq!(diary.read(), [format!("0 drained, {dropped} dropped")]);
}

#[test]
fn a_drop_below_the_mark_is_told_too() {
    let (sim, diary, peer) = stalled(BacklogPolicy::DropNewest);
    flood(&sim, &peer, 1);
    peer.send("flood 1 9996");
    sim.drive();
    assert_eq!(read_all(&peer), 1);
    assert_eq!(diary.read(), ["1 of 1 not taken", "0 drained, 1 dropped"]);
}

#[test]
fn the_message_that_has_begun_is_never_dropped() {
    let (sim, _, peer) = stalled(BacklogPolicy::DropOldest);
    peer.set_capacity(10);
    flood(&sim, &peer, 30);
    peer.set_capacity(64 << 10);
    peer.resume();
    let first = peer.receive_all().into_iter().next();
    assert!(matches!(first, Some(Received::Text(text)) if text.trim() == "0"));
    drop(sim);
}

#[test]
fn a_long_message_that_has_begun_is_whole_before_the_close() {
    let (sim, _, peer) = stalled(BacklogPolicy::Close);
    peer.set_capacity(10);
    peer.send("flood 1 50000");
    flood(&sim, &peer, 1);
    peer.set_capacity(64 << 10);
    peer.resume();
    let received = peer.receive_all();
    assert!(matches!(&received[0], Received::Text(text) if text.len() == 50_000));
    assert_eq!(received[1..], [Received::close(1008, "Slow reader")]);
}

#[test]
fn one_message_may_pass_the_limit_when_nothing_else_waits() {
    for policy in [
        BacklogPolicy::Close,
        BacklogPolicy::DropNewest,
        BacklogPolicy::DropOldest,
        BacklogPolicy::StopReading,
    ] {
        let (sim, _, peer) = stalled(policy);
        peer.send("flood 1 50000");
        sim.drive();
        assert_eq!(read_all(&peer), 1, "{policy:?}");
    }
}

#[test]
fn ten_seconds_over_the_mark_close_a_slow_reader() {
    let (sim, _, peer) = stalled(BacklogPolicy::Close);
    flood(&sim, &peer, 5);
    sim.advance(millis(9_900));
    assert_eq!(sim.stats().buffered, 5_000);
    sim.advance(millis(100));
    peer.set_capacity(1000);
    peer.resume();
    assert_eq!(
        peer.receive_all().last(),
        Some(&Received::close(1008, "Slow reader"))
    );
}

#[test]
fn a_slow_reader_that_takes_a_little_now_and_then_is_closed_too() {
    let (sim, _, peer) = stalled(BacklogPolicy::Close);
    flood(&sim, &peer, 9);
    for _ in 0..10 {
        peer.set_capacity(100);
        peer.resume();
        sim.step();
        peer.stall();
        sim.advance(secs(1));
    }
    peer.set_capacity(64 << 10);
    peer.resume();
    let received = peer.receive_all();
    assert_eq!(received.last(), Some(&Received::close(1008, "Slow reader")));
}

#[test]
fn a_backlog_at_the_mark_may_wait() {
    let (sim, diary, peer) = stalled(BacklogPolicy::Close);
    flood(&sim, &peer, 4);
    sim.advance(secs(20));
    assert_eq!(read_all(&peer), 4);
    assert_eq!(diary.read(), [""; 0]);
}

#[test]
fn ten_seconds_over_the_mark_drop_down_to_the_mark() {
    for policy in [BacklogPolicy::DropNewest, BacklogPolicy::DropOldest] {
        let (sim, diary, peer) = stalled(policy);
        flood(&sim, &peer, 8);
        sim.advance(secs(10));
        let stats = sim.stats();
        assert!(stats.buffered as usize <= MARK, "{policy:?} {stats:?}");
        assert_eq!(read_all(&peer) as u64, 8 - stats.dropped, "{policy:?}");
        let expected = format!("0 drained, {} dropped", stats.dropped);
        assert_eq!(diary.read(), [expected], "{policy:?}");
    }
}

#[test]
fn a_reader_that_catches_up_in_time_is_not_punished() {
    let (sim, diary, peer) = stalled(BacklogPolicy::Close);
    for _ in 0..5 {
        flood(&sim, &peer, 8);
        sim.advance(secs(9));
        assert_eq!(read_all(&peer), 8);
        peer.set_capacity(0);
        peer.stall();
    }
    assert_eq!(diary.read(), ["0 drained, 0 dropped"; 5]);
}

#[test]
fn an_echo_that_is_never_read_stays_under_the_mark_and_one_message() {
    let (sim, _, peer) = stalled(BacklogPolicy::StopReading);
    for _ in 0..100 {
        peer.send("flood 1 996");
    }
    sim.drive();
    let buffered = sim.stats().buffered as usize;
    let unread = 100 * 17;
    assert!(buffered <= MARK + 1000 + unread, "{buffered}");
    assert_eq!(sim.stats().sent, 5);
    for _ in 0..10_000 {
        peer.send("flood 1 996");
    }
    sim.drive();
    assert_eq!(sim.stats().sent, 5);
    assert_eq!(peer.unread(), 10_000 * 17);
}

#[test]
fn reading_goes_on_when_the_peer_reads_again() {
    let (sim, diary, peer) = stalled(BacklogPolicy::StopReading);
    for _ in 0..1000 {
        peer.send("flood 1 996");
    }
    sim.advance(secs(9));
    assert_eq!(read_all(&peer), 1000);
    assert_eq!(peer.unread(), 0);
    assert!(!diary.read().is_empty(), "drain events came");
    assert_eq!(sim.stats().buffered, 0);
}

#[test]
fn a_peer_that_takes_nothing_for_10_s_is_closed_where_reading_stopped() {
    for first in ["flood 5 996", "flood 1 50000"] {
        let (sim, diary, peer) = stalled(BacklogPolicy::StopReading);
        peer.send(first);
        sim.advance(millis(9_900));
        assert_eq!(diary.read(), [""; 0], "{first}");
        sim.advance(secs(11));
        assert_eq!(diary.read(), ["0 closed 1008 Slow reader by Us"], "{first}");
    }
}

#[test]
fn a_peer_that_takes_a_long_message_slowly_is_not_closed_where_reading_stopped() {
    let (sim, diary, peer) = stalled(BacklogPolicy::StopReading);
    peer.send("flood 1 50000");
    sim.drive();
    for _ in 0..40 {
        peer.set_capacity(2000);
        peer.resume();
        sim.step();
        peer.stall();
        sim.advance(secs(9));
    }
    assert_eq!(read_all(&peer), 1);
    assert_eq!(diary.read(), ["0 drained, 0 dropped"]);
}

#[test]
fn a_close_is_read_where_reading_stopped_and_we_close() {
    let (sim, diary, peer) = stalled(BacklogPolicy::StopReading);
    let other = sim.open("/");
    peer.send("flood 5 996");
    sim.drive();
    peer.send("echo unheard");
    peer.close(dunlin::CloseCode::NORMAL, "");
    sim.drive();
    assert!(peer.unread() > 0);
    other.send("close-other 0 enough");
    sim.drive();
    assert_eq!(peer.unread(), 0);
    assert_eq!(read_all(&peer), 5);
    assert_eq!(diary.read(), ["0 closed 1000 enough by Us"]);
}

#[test]
fn past_the_cap_of_all_buffered_bytes_the_largest_backlog_goes() {
    let limits = Limits::default().max_buffered(100_000);
    let (sim, diary) = stage_with(Settings::default(), limits);
    let peers: Vec<_> = (0..3).map(|_| sim.open("/")).collect();
    for (peer, kib) in peers.iter().zip([20, 50, 29]) {
        peer.set_capacity(0);
        peer.stall();
        peer.send(format!("flood {kib} 996"));
        sim.drive();
    }
    assert_eq!(diary.read(), [""; 0]);
    peers[0].send("flood 5 996");
    sim.drive();
    assert_eq!(diary.read(), ["1 closed 1008 Out of memory by Us"]);
    assert!(sim.stats().buffered <= 100_000, "{:?}", sim.stats());
    assert_eq!((read_all(&peers[0]), read_all(&peers[2])), (25, 29));
}

#[test]
fn half_received_messages_count_against_the_cap() {
    let limits = Limits::default().max_buffered(100_000);
    let (sim, diary) = stage_with(Settings::default(), limits);
    let peers: Vec<_> = (0..3).map(|_| sim.open("/")).collect();
    for (peer, bytes) in peers.iter().zip([30_000, 60_000, 30_000]) {
        let header = [0x82, 0xff, 0, 0, 0, 0, 0, 0x0f, 0, 0, 1, 2, 3, 4];
        peer.send_raw(&header);
        peer.send_raw(&vec![0; bytes]);
        sim.drive();
    }
    assert_eq!(
        peers[1].receive(),
        Some(Received::close(1008, "Out of memory"))
    );
    assert_eq!(diary.read(), ["1 closed 1008 Out of memory by Us"]);
    // Two times 30 000, and what it takes to keep them.
    let buffered = sim.stats().buffered;
    assert!((60_000..61_000).contains(&buffered), "{buffered}");
}

#[test]
fn no_bytes_are_left_in_the_books_when_everybody_is_gone() {
    let (sim, _, peer) = stalled(BacklogPolicy::DropOldest);
    flood(&sim, &peer, 20);
    peer.send_raw(&[0x82, 0xfe, 1, 0, 1, 2, 3, 4, 5]);
    sim.drive();
    peer.cut();
    sim.drive();
    assert_eq!(sim.stats().buffered, 0);
    assert!(sim.is_empty());
}
