//! What a turn does at most, counted apart from the account that it keeps of itself: a step that
//! forgot to charge would still say that it stayed within its budget.

use crate::floods::{Flood, Stage, whole};
use crate::puppet::{millis, secs, stage, stage_with};
use dunlin::Limits;
use dunlin::OpCode;
use dunlin::testing::Sim;
use dunlin::wire::work::price;
use dunlin::{BacklogPolicy, Settings};

/// Runs until the simulation rests; the most by which a counter rose in a turn.
fn most_in_a_turn(sim: &Sim, count: impl Fn() -> u64) -> u64 {
    let (mut before, mut most) = (count(), 0);
    let first = sim.turns();
    loop {
        let goes_on = sim.step();
        let now = count();
        most = most.max(now.abs_diff(before));
        before = now;
        if !goes_on {
            return most;
        }
        assert!(sim.turns() - first < 100_000, "it never rests");
    }
}

/// How many steps of this price a turn can pay for, and the largest step more.
fn most_of(sim: &Sim, price: u32) -> u64 {
    sim.work().1 / u64::from(price)
}

#[test]
fn no_more_messages_are_received_than_a_turn_can_pay_for() {
    let stage = Stage::new(BacklogPolicy::Close);
    let crowd = stage.sessions("/deaf", 100);
    let supply = whole(OpCode::Text, b"").repeat(2_000);
    crowd.iter().for_each(|one| one.send_raw(&supply));
    let sim = &stage.sim;
    let most = most_in_a_turn(sim, || sim.stats().received);
    assert!(most <= most_of(sim, price::EVENT), "{most} in a turn");
    assert_eq!(sim.stats().received, 200_000);
}

#[test]
fn no_more_members_are_sent_to_than_a_turn_can_pay_for() {
    let stage = Stage::new(BacklogPolicy::Close);
    let crowd = stage.sessions("/room", 5_000);
    crowd[0].send("hello");
    let sim = &stage.sim;
    let most = most_in_a_turn(sim, || sim.stats().sent);
    assert!(most <= most_of(sim, price::SEND), "{most} in a turn");
    assert_eq!(sim.stats().sent, 5_000);
}

#[test]
fn no_more_sockets_are_closed_than_a_turn_can_pay_for() {
    let stage = Stage::new(BacklogPolicy::Close);
    let crowd = stage.sessions("/room", 2_000);
    crowd.iter().for_each(|one| one.cut());
    let sim = &stage.sim;
    let most = most_in_a_turn(sim, || sim.stats().connections);
    assert!(most <= most_of(sim, price::CLOSE), "{most} in a turn");
    assert_eq!(sim.stats().connections, 0);
}

#[test]
fn no_more_connections_are_accepted_than_a_turn_can_pay_for() {
    let (sim, _) = stage();
    let crowd: Vec<_> = (0..2_000).map(|_| sim.connect()).collect();
    let most = most_in_a_turn(&sim, || sim.stats().accepted);
    assert!(most <= most_of(&sim, price::ACCEPT), "{most} in a turn");
    assert_eq!(sim.stats().accepted, crowd.len() as u64);
}

#[test]
fn no_more_requests_are_answered_than_a_turn_can_pay_for() {
    let stage = Stage::new(BacklogPolicy::Close);
    let lines = stage.lines(20);
    let requests = b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(500);
    lines.iter().for_each(|line| line.send_raw(&requests));
    let heard = std::cell::Cell::new(0);
    let count = || {
        heard.set(heard.get() + stage.heard() as u64);
        heard.get()
    };
    let most = most_in_a_turn(&stage.sim, count);
    assert!(most <= most_of(&stage.sim, price::REQUEST), "{most}");
    assert_eq!(heard.get(), 10_000);
}

#[test]
fn no_more_bytes_of_backlogs_are_sent_than_a_turn_can_pay_for() {
    let stage = Stage::new(BacklogPolicy::DropOldest);
    let crowd = stage.sessions("/room", 1_000);
    for one in &crowd {
        one.set_capacity(0);
        one.stall();
    }
    let talker = stage.sim.open("/room");
    talker.send(&*"x".repeat(2_000));
    stage.sim.drive();
    assert_eq!(stage.sim.stats().buffered, 1_000 * 2_004);
    for one in &crowd {
        one.set_capacity(64 << 10);
        one.resume();
    }
    let sim = &stage.sim;
    let most = most_in_a_turn(sim, || sim.stats().buffered) / 2_004;
    assert!(most <= most_of(sim, price::SEND), "{most} in a turn");
    assert_eq!(sim.stats().buffered, 0);
}

#[test]
fn no_more_timers_run_than_a_turn_can_pay_for() {
    let (sim, diary) = stage();
    let peer = sim.open("/");
    let timers: Vec<_> = (0..20_000)
        .map(|token| format!("timer 10 {token}"))
        .collect();
    timers
        .chunks(1_000)
        .for_each(|some| peer.send(&*some.join(";")));
    sim.drive();
    sim.jump(millis(10));
    let ran = std::cell::Cell::new(0);
    let most = most_in_a_turn(&sim, || {
        ran.set(ran.get() + diary.read().len() as u64);
        ran.get()
    });
    assert!(most <= most_of(&sim, price::TIMER + price::EVENT), "{most}");
    assert_eq!(ran.get(), 20_000);
}

#[test]
fn no_more_sessions_are_told_of_a_shutdown_than_a_turn_can_pay_for() {
    let stage = Stage::new(BacklogPolicy::Close);
    let crowd = stage.sessions("/room", 20_000);
    crowd.iter().for_each(|one| one.manual());
    let sim = &stage.sim;
    sim.remote().shutdown().expect("it runs");
    sim.step();
    // The time of all of them has come at once.
    sim.jump(secs(5));
    // The Close of each waits in its outbox until its turn comes to be sent.
    let close = 2 + 2 + "Server stopping".len() as u64;
    let most = most_in_a_turn(sim, || sim.stats().buffered) / close;
    assert!(most > 0, "they were not told");
    assert!(most <= most_of(sim, price::EVENT), "{most} in a turn");
    for one in &crowd {
        assert_eq!(one.arrived().len(), 1);
    }
}

#[test]
fn no_more_deadlines_are_looked_at_than_a_turn_can_pay_for() {
    let stage = Stage::new(BacklogPolicy::Close);
    let crowd = stage.sessions("/room", 20_000);
    crowd.iter().for_each(|one| one.manual());
    let sim = &stage.sim;
    sim.jump(secs(26));
    // A ping for each that was silent for 25 s waits in its outbox.
    let ping = 2 + 8;
    let most = most_in_a_turn(sim, || sim.stats().buffered) / ping;
    assert!(most > 0, "nobody was pinged");
    assert!(most <= most_of(sim, price::TIMER), "{most} in a turn");
    for one in &crowd {
        assert_eq!(one.arrived().len(), 1);
    }
}

#[test]
fn a_crowd_that_floods_is_read_in_shares_that_are_worth_their_price() {
    let supply = whole(OpCode::Text, b"").repeat(2_000);
    let stage = Stage::new(BacklogPolicy::Close);
    let sessions = stage.sessions("/echo", 900);
    let mut flood = Flood::of_conversations(stage, sessions, supply);
    flood.run(10);
    let before = flood.sim.stats().received;
    flood.run(50);
    let a_turn = (flood.sim.stats().received - before) / 50;
    // A third of a turn is for reading, and a tenth of that for calls of the kernel.
    assert!(a_turn > 2_500, "{a_turn} messages a turn");
}

#[test]
fn a_handler_that_does_much_in_one_call_is_the_programs_own_affair() {
    let settings = Settings::default().backlog_limit(1 << 30);
    let (sim, _) = stage_with(settings, Limits::default());
    let peer = sim.open("/");
    peer.send("flood 2000 60000");
    sim.drive();
    assert_eq!(peer.arrived().len(), 2_000);
}
