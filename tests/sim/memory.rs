//! Past the cap of all bytes that are held: nobody is read until the largest went, and nobody who
//! stays loses anything.

use crate::puppet::stage_with;
use dunlin::Limits;
use dunlin::testing::Received;
use dunlin::{BacklogPolicy, Settings};

const CAP: usize = 2 << 20;

#[test]
fn nothing_is_read_until_enough_went_and_then_reading_goes_on() {
    let settings = Settings::default().backlog(BacklogPolicy::Close);
    let (sim, diary) = stage_with(settings, Limits::default().max_buffered(CAP));
    let members: Vec<_> = (0..3_000)
        .map(|_| sim.connect().upgrade("/?do=join+room", &[]))
        .collect();
    let bystander = sim.open("/");
    sim.drive();
    for member in &members {
        member.set_capacity(0);
        member.stall();
    }
    sim.remote()
        .publish("room", "x".repeat(2_000).as_str())
        .expect("it runs");
    let (mut waited, mut longest) = (0, 0);
    while sim.step() {
        bystander.send("echo here");
        waited += 1;
        if !bystander.arrived().is_empty() {
            waited = 0;
        }
        longest = longest.max(waited);
    }
    assert!(longest > 2, "it was read all the time");
    assert!(longest < 200, "it was not read for {longest} turns");
    bystander.send("echo last");
    let received = bystander.receive_all();
    assert_eq!(received.last(), Some(&Received::text("last")));
    let gone = diary.read();
    assert!(
        gone.iter()
            .all(|event| event.ends_with("closed 1008 Out of memory by Us"))
    );
    assert!(sim.stats().buffered as usize <= CAP, "{:?}", sim.stats());
    let mut kept = 0;
    for member in &members {
        member.set_capacity(64 << 10);
        member.resume();
    }
    sim.drive();
    for member in &members {
        let texts = member.arrived();
        let is_text =
            |received: &Received| matches!(received, Received::Text(text) if text.len() == 2_000);
        kept += usize::from(texts.first().is_some_and(is_text));
    }
    assert_eq!(kept + gone.len(), members.len());
    assert!(kept > 500, "{kept} stayed");
    assert_eq!(sim.stats().buffered, 0);
}

#[test]
fn past_the_cap_nothing_is_delivered_to_a_crowd_that_reads_nothing() {
    let (sim, _) = stage_with(Settings::default(), Limits::default().max_buffered(CAP));
    let members: Vec<_> = (0..2_000)
        .map(|_| sim.connect().upgrade("/?do=join+room", &[]))
        .collect();
    sim.drive();
    for member in &members {
        member.set_capacity(0);
        member.stall();
    }
    let (mut before, mut past) = (0, 0);
    for _ in 0..1_000 {
        // What the server does not take now is as good as never sent.
        let _ = sim.remote().publish("room", "x".repeat(8_000).as_str());
        sim.step();
        let now = sim.stats().buffered as usize;
        // What the topic itself may have is 64 KiB and the message that passes that.
        if before > CAP + (80 << 10) {
            past += 1;
            assert!(now < before + 10_000, "{now} bytes are held, {before} were");
        }
        before = now;
    }
    assert!(past > 10, "the cap was hardly passed");
    sim.drive();
    assert!(sim.stats().buffered as usize <= CAP);
}

#[test]
fn what_those_held_who_are_gone_already_costs_nobody_else_the_connection() {
    let settings = Settings::default().backlog_limit(1 << 20);
    let (sim, diary) = stage_with(settings, Limits::default().max_buffered(190_000));
    let stalled = || {
        let peer = sim.open("/");
        peer.set_capacity(0);
        peer.stall();
        peer
    };
    let (gone, other) = (stalled(), stalled());
    // What is held is counted by capacity: 128 KiB at most.
    gone.send("flood 100 1000");
    sim.drive();
    assert!(gone.backlog() > 90_000);
    gone.cut();
    other.send("flood 80 1000");
    sim.drive();
    assert_eq!((other.end(), diary.read().len()), (None, 1));
    assert!(other.backlog() > 70_000);
}

#[test]
fn what_a_topic_has_not_delivered_yet_costs_no_session_its_connection() {
    let limits = Limits::default().max_buffered(60_000);
    let (sim, diary) = stage_with(Settings::default(), limits);
    let members: Vec<_> = (0..1_000).map(|_| sim.open("/?do=join+room")).collect();
    let bystander = sim.open("/");
    // A part of a message is all that it holds.
    bystander.send_raw(&[0x82, 0xfe, 0x03, 0xe8, 0, 0, 0, 0, 1, 2, 3]);
    sim.drive();
    for _ in 0..100 {
        let published = sim.remote().publish("room", "x".repeat(900));
        published.expect("it runs");
    }
    let mut was_over = false;
    while sim.step() {
        was_over |= sim.is_over_memory();
    }
    assert!(was_over, "it is what this is about");
    assert_eq!((bystander.end(), diary.read().len()), (None, 0));
    for member in &members {
        assert_eq!(member.arrived().len(), 100);
    }
}

#[test]
fn a_short_frame_that_is_half_there_is_not_charged_with_the_buffer_of_a_long_one() {
    let (sim, _) = stage_with(Settings::default(), Limits::default());
    let (long, short) = (sim.open("/"), sim.open("/"));
    // In parts, so that it is put together in a buffer, which others get when it is done.
    long.trickle(20_000);
    long.send(vec![7; 200_000]);
    sim.drive();
    short.send_raw(&[0x82, 0x8a, 0, 0, 0, 0, 1, 2, 3]);
    sim.drive();
    let held = sim.stats().buffered;
    assert!((1..1_000).contains(&held), "{held} bytes for a frame of 10");
}
