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
