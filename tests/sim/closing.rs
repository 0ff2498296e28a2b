//! SPEC 4: the ways in which a session ends.

use crate::puppet::{millis, open_manual, secs, stage, stage_with};
use dunlin::Limits;
use dunlin::testing::{End, Received, Sim};
use dunlin::{App, BacklogPolicy, CloseCode, RawFrame, Session, Settings};
use dunlin::{OpCode, Reserved};

#[test]
fn the_peers_close_is_answered_with_its_code_and_the_line_ends() {
    let (sim, diary) = stage();
    let peer = open_manual(&sim);
    peer.close(CloseCode::new(4321), "enough");
    assert_eq!(peer.receive(), Some(Received::close(4321, "")));
    assert_eq!(peer.end(), Some(End::Finished));
    assert_eq!(diary.read(), ["0 closed 4321 enough by Peer"]);
    assert!(!sim.is_empty(), "the peer ends its side first");
    peer.half_close();
    sim.drive();
    assert!(sim.is_empty());
}

#[test]
fn an_empty_close_is_answered_with_an_empty_one() {
    let (_sim, diary) = stage();
    let peer = _sim.open("/");
    peer.close_empty();
    assert_eq!(peer.receive(), Some(Received::close(1005, "")));
    assert_eq!(diary.read(), ["0 closed 1005 by Peer"]);
}

#[test]
fn a_close_of_the_handler_waits_for_the_peers() {
    let (sim, diary) = stage();
    let peer = open_manual(&sim);
    peer.send("close 1000 bye");
    assert_eq!(peer.receive(), Some(Received::close(1000, "bye")));
    assert_eq!(peer.end(), None);
    peer.close(CloseCode::NORMAL, "");
    sim.drive();
    assert_eq!(peer.end(), Some(End::Finished));
    assert_eq!(diary.read(), ["0 closed 1000 bye by Us"]);
}

#[test]
fn a_close_handshake_ends_within_10_s() {
    let (sim, diary) = stage();
    let peer = open_manual(&sim);
    peer.send("close 1000 bye");
    sim.advance(millis(9_900));
    assert!(!sim.is_empty());
    sim.advance(millis(100));
    assert!(sim.is_empty());
    assert_eq!(diary.read(), ["0 closed 1000 bye by Us"]);
}

#[test]
fn a_peer_that_never_answers_the_close_of_a_raw_handler_is_cut_after_10_s() {
    let close = |session: &mut Session<'_>, _: RawFrame<'_>| {
        let _ = session.send_frame(RawFrame {
            fin: true,
            reserved: Reserved::NONE,
            opcode: OpCode::Close,
            payload: &1000_u16.to_be_bytes(),
        });
    };
    let sim = Sim::new(App::new().ws_raw("/", Settings::default(), close)).unwrap();
    let peer = open_manual(&sim);
    peer.send("");
    assert_eq!(peer.receive(), Some(Received::close(1000, "")));
    sim.advance(millis(9_900));
    assert!(!sim.is_empty());
    sim.advance(millis(100));
    assert!(sim.is_empty());
}

#[test]
fn a_peer_that_never_hangs_up_is_cut_after_10_s() {
    let (sim, _) = stage();
    let peer = open_manual(&sim);
    peer.close(CloseCode::NORMAL, "");
    sim.advance(millis(9_900));
    assert!(!sim.is_empty());
    sim.advance(millis(100));
    assert!(sim.is_empty());
}

#[test]
fn a_ping_deadline_in_the_turn_of_a_close_does_not_cut_the_handshake() {
    let (sim, _) = stage();
    let peer = open_manual(&sim);
    peer.send("close 1000 late");
    sim.jump(secs(25));
    assert_eq!(peer.receive(), Some(Received::close(1000, "late")));
    assert_eq!(peer.end(), None, "the peer's Close is awaited");
    sim.advance(millis(9_900));
    assert_eq!(peer.end(), None);
}

#[test]
fn data_behind_our_close_is_still_delivered() {
    let (sim, diary) = stage();
    let peer = open_manual(&sim);
    peer.send("close 1000 bye");
    sim.drive();
    peer.send("tell 0 late");
    sim.drive();
    assert_eq!(diary.read(), ["tell 0: Closed"]);
    assert_eq!(peer.receive_all(), [Received::close(1000, "bye")]);
}

#[test]
fn nothing_behind_the_peers_close_is_delivered() {
    let (sim, diary) = stage();
    let peer = open_manual(&sim);
    peer.close(CloseCode::NORMAL, "");
    peer.send("tell 0 late");
    sim.drive();
    assert_eq!(diary.read(), ["0 closed 1000 by Peer"]);
}

#[test]
fn when_both_sides_close_at_once_each_close_goes_out_once() {
    let (sim, diary) = stage();
    let peer = open_manual(&sim);
    peer.send("close 1000 ours");
    peer.close(CloseCode::new(3000), "theirs");
    assert_eq!(peer.receive_all(), [Received::close(1000, "ours")]);
    assert_eq!(peer.end(), Some(End::Finished));
    assert_eq!(diary.read(), ["0 closed 1000 ours by Us"]);
    drop(sim);
}

#[test]
fn what_was_sent_before_the_peers_close_goes_out_before_the_answer() {
    let (_sim, _) = stage();
    let peer = _sim.open("/");
    peer.send("echo one; echo two");
    peer.close(CloseCode::NORMAL, "");
    let expected = [
        Received::text("one"),
        Received::text("two"),
        Received::close(1000, ""),
    ];
    assert_eq!(peer.receive_all(), expected);
}

#[test]
fn a_half_closed_line_is_a_lost_one() {
    let (sim, diary) = stage();
    let peer = open_manual(&sim);
    peer.send("echo last");
    peer.half_close();
    assert_eq!(peer.receive_text(), "last");
    sim.drive();
    assert_eq!(diary.read(), ["0 closed 1006 by Lost"]);
    assert!(sim.is_empty());
}

#[test]
fn a_close_followed_by_an_end_of_file_is_answered() {
    let (sim, diary) = stage();
    let peer = open_manual(&sim);
    peer.close(CloseCode::NORMAL, "");
    peer.half_close();
    assert_eq!(peer.receive(), Some(Received::close(1000, "")));
    assert!(sim.is_empty());
    assert_eq!(diary.read(), ["0 closed 1000 by Peer"]);
}

#[test]
fn a_cut_line_closes_with_1006() {
    let (sim, diary) = stage();
    let peer = sim.open("/");
    peer.cut();
    sim.drive();
    assert_eq!(diary.read(), ["0 closed 1006 by Lost"]);
    assert!(sim.is_empty());
}

#[test]
fn reasons_are_cut_at_123_bytes_on_a_character_border() {
    let (_sim, _) = stage();
    let peer = _sim.open("/");
    peer.send(format!("close 1000 a{}", "님".repeat(50)));
    let expected = format!("a{}", "님".repeat(40));
    assert_eq!(peer.receive(), Some(Received::close(1000, expected)));
}

#[test]
fn a_code_that_may_not_stand_in_a_frame_becomes_1011() {
    let (_sim, _) = stage();
    let peer = _sim.open("/");
    peer.send("close 1006 lost");
    assert_eq!(peer.receive(), Some(Received::close(1011, "lost")));
}

#[test]
fn only_the_first_close_of_a_handler_counts() {
    let (_sim, diary) = stage();
    let peer = _sim.open("/");
    peer.send("close 1000 first; close 1001 second; echo behind");
    assert_eq!(peer.receive_all(), [Received::close(1000, "first")]);
    assert_eq!(diary.read(), ["0 closed 1000 first by Us"]);
}

#[test]
fn a_broken_rule_sends_its_close_before_the_line_ends() {
    let (sim, diary) = stage();
    let peer = open_manual(&sim);
    peer.send("echo before");
    peer.send_frame(true, Reserved::RSV2, OpCode::Text, b"");
    peer.send("echo behind");
    assert_eq!(peer.receive_text(), "before");
    assert_eq!(
        peer.receive(),
        Some(Received::close(1002, "reserved bits are set"))
    );
    assert_eq!(peer.receive(), None);
    assert_eq!(peer.end(), Some(End::Finished));
    assert_eq!(diary.read(), ["0 closed 1002 reserved bits are set by Us"]);
}

#[test]
fn a_peer_that_reads_its_close_late_still_reads_it() {
    let (sim, _) = stage();
    let peer = open_manual(&sim);
    peer.set_capacity(100);
    peer.stall();
    peer.send("flood 1 500; close 1000 bye");
    sim.advance(secs(9));
    peer.resume();
    assert_eq!(peer.receive_text().trim(), "0");
    assert_eq!(peer.receive(), Some(Received::close(1000, "bye")));
}

#[test]
fn everything_that_was_sent_before_an_end_of_file_is_still_delivered() {
    let (sim, diary) = stage();
    let (peer, witness) = (sim.open("/"), sim.open("/?do=join+room"));
    let messages = "publish room x;".repeat(20);
    // More than one share, and more than a topic may be behind: reading stops in the middle.
    for _ in 0..1_000 {
        peer.send(&*messages);
    }
    peer.half_close();
    assert_eq!(witness.receive_all().len(), 20_000);
    assert_eq!(diary.read().len(), 1, "and then it is closed");
    assert_eq!(sim.stats().connections, 1);
}

#[test]
fn an_end_of_file_behind_what_waits_comes_when_reading_goes_on() {
    let settings = Settings::default()
        .backlog(BacklogPolicy::StopReading)
        .backlog_mark(1_000);
    let (sim, diary) = stage_with(settings, Limits::default());
    let peer = sim.open("/");
    peer.set_capacity(0);
    peer.stall();
    for _ in 0..3 {
        peer.send("flood 2 996");
    }
    peer.half_close();
    sim.drive();
    assert_eq!((sim.stats().received, diary.read().len()), (1, 0));
    peer.set_capacity(64 << 10);
    peer.resume();
    assert_eq!(peer.receive_all().len(), 6);
    assert_eq!(
        diary.read().last().map(String::as_str),
        Some("0 closed 1006 by Lost")
    );
    assert!(sim.is_empty());
}
