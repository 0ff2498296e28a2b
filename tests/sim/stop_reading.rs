//! `StopReading` against what cannot be held back by not reading: others, and one event that floods.

use crate::puppet::{Diary, stage_with};
use dunlin::Limits;
use dunlin::testing::{Conversation, Received, Sim};
use dunlin::{
    App, BacklogPolicy, Open, RawFrame, RawHandler, Request, SendOutcome, Session, Settings,
};
use dunlin::{OpCode, Reserved};
use std::cell::RefCell;
use std::rc::Rc;

const LIMIT: usize = 10_000;

fn settings() -> Settings {
    Settings::default()
        .backlog(BacklogPolicy::StopReading)
        .backlog_mark(4_000)
        .backlog_limit(LIMIT)
}

/// A member of a room that does not read, and another session that does.
fn stalled() -> (Sim, Diary, Conversation, Conversation) {
    let (sim, diary) = stage_with(settings(), Limits::default());
    let member = sim.open("/?do=join+room");
    member.set_capacity(0);
    member.stall();
    let other = sim.open("/");
    (sim, diary, member, other)
}

/// Makes the other session say this a hundred times; the most that was buffered.
fn say_100_times(sim: &Sim, other: &Conversation, what: &str) -> usize {
    let text = format!("{what} {}", "x".repeat(996));
    let mut highest = 0;
    for _ in 0..100 {
        other.send(&*text);
        sim.drive();
        highest = highest.max(sim.stats().buffered);
    }
    highest as usize
}

#[test]
fn broadcasts_past_the_limit_close_with_1008_and_never_grow() {
    let (sim, diary, member, other) = stalled();
    let highest = say_100_times(&sim, &other, "publish room");
    assert!(highest <= LIMIT, "{highest} bytes were buffered");
    member.set_capacity(1000);
    member.resume();
    let close = Received::close(1008, "Slow reader");
    assert_eq!(member.receive_all().last(), Some(&close));
    assert_eq!(diary.read(), ["0 closed 1008 Slow reader by Us"]);
    assert_eq!(sim.stats().buffered, 0);
}

#[test]
fn messages_of_others_past_the_limit_close_with_1008_and_never_grow() {
    let (sim, diary, member, other) = stalled();
    let highest = say_100_times(&sim, &other, "tell 0");
    assert!(highest <= LIMIT, "{highest} bytes were buffered");
    let events = diary.read();
    assert_eq!(events[9..11], ["tell 0: AboveMark", "tell 0: Full"]);
    assert!(events[11..].iter().all(|event| event == "tell 0: Closed"));
    member.set_capacity(1000);
    member.resume();
    let close = Received::close(1008, "Slow reader");
    assert_eq!(member.receive_all().last(), Some(&close));
}

#[test]
fn an_event_that_floods_gets_full_past_the_limit_and_the_drops_are_told() {
    let (sim, diary, member, _other) = stalled();
    member.send("flood 100 996");
    sim.drive();
    let buffered = sim.stats().buffered as usize;
    assert!((LIMIT..=LIMIT + 2000).contains(&buffered), "{buffered}");
    let kept = buffered / 1000;
    let refused = format!("{} of 100 not taken", 100 - kept);
    assert_eq!(diary.read(), [refused]);
    assert_eq!(sim.stats().dropped as usize, 100 - kept);
    member.set_capacity(64 << 10);
    member.resume();
    assert_eq!(member.receive_all().len(), kept);
    let drained = format!("0 drained, {} dropped", 100 - kept);
    assert_eq!(diary.read(), [drained]);
    assert_eq!(sim.stats().buffered, 0);
}

/// Answers every frame with a hundred, and notes how many were taken and dropped.
struct Flooding(Rc<RefCell<Vec<String>>>);

impl RawHandler for Flooding {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        Open::Accept(())
    }

    fn frame(&mut self, (): &mut (), session: &mut Session<'_>, _: RawFrame<'_>) {
        let frame = RawFrame {
            fin: true,
            reserved: Reserved::NONE,
            opcode: OpCode::Binary,
            payload: &[0; 996],
        };
        let full = (0..100).filter(|_| session.send_frame(frame) == SendOutcome::Full);
        let full = full.count();
        self.0.borrow_mut().push(format!("{full} full"));
    }

    fn drain(&mut self, (): &mut (), _: &mut Session<'_>, dropped: u64) {
        self.0.borrow_mut().push(format!("{dropped} dropped"));
    }
}

#[test]
fn a_raw_event_that_floods_gets_full_past_the_limit_too() {
    let noted = Rc::new(RefCell::new(Vec::new()));
    let app = App::new().ws_raw("/", settings(), Flooding(Rc::clone(&noted)));
    let sim = Sim::with(app, Limits::default(), 0).expect("the program is right");
    let peer = sim.open("/");
    peer.set_capacity(0);
    peer.stall();
    peer.send("go");
    sim.drive();
    let buffered = sim.stats().buffered as usize;
    assert!((LIMIT..=LIMIT + 2000).contains(&buffered), "{buffered}");
    peer.set_capacity(64 << 10);
    peer.resume();
    let kept = peer.receive_all().len();
    let expected = [
        format!("{} full", 100 - kept),
        format!("{} dropped", 100 - kept),
    ];
    assert_eq!(*noted.borrow(), expected);
}
