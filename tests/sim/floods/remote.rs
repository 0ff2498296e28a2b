//! Another thread that publishes as fast as it can.

use super::{Bystander, FEW, Stage};
use dunlin::Limits;
use dunlin::MAX_WAITING_BYTES;
use dunlin::testing::{Conversation, Received, Sim};
use dunlin::{BacklogPolicy, CloseCode, ErrorKind, Settings};
use std::time::Duration;

const MESSAGE: usize = 64 << 10;

fn stage(policy: BacklogPolicy) -> Sim {
    Stage::with(Settings::default().backlog(policy), Limits::default()).sim
}

fn members(sim: &Sim, count: usize) -> Vec<Conversation> {
    let members: Vec<_> = (0..count)
        .map(|_| sim.connect().upgrade("/room", &[]))
        .collect();
    sim.drive();
    members
}

/// Publishes until there is no room; how many were taken.
fn publish(sim: &Sim, message: &str) -> usize {
    let remote = sim.remote();
    let mut taken = 0;
    loop {
        match remote.publish("room", message) {
            Ok(()) => taken += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Full);
                return taken;
            }
        }
        assert!(taken <= MAX_WAITING_BYTES / MESSAGE, "nothing is ever full");
    }
}

/// Publishes as fast as it can for so many turns; the most bytes that were buffered, and how many
/// messages were taken.
fn flood(sim: &Sim, turns: usize, readers: &[Conversation]) -> (u64, usize) {
    let mut bystander = Bystander::new(sim);
    let message = "x".repeat(MESSAGE - 10);
    let (mut highest, mut taken) = (0, 0);
    for _ in 0..turns {
        taken += publish(sim, &message);
        bystander.step(sim);
        highest = highest.max(sim.stats().buffered);
        readers.iter().for_each(|member| {
            member.arrived();
        });
    }
    bystander.assert_waited_at_most(FEW);
    (highest, taken)
}

#[test]
fn to_50_members_that_read() {
    let sim = stage(BacklogPolicy::Close);
    let readers = members(&sim, 50);
    let (highest, taken) = flood(&sim, 200, &readers);
    assert!(taken > MAX_WAITING_BYTES / MESSAGE, "{taken} were taken");
    // What did not fit the line of each, a message and a half, and the log.
    assert!(highest <= 51 * (128 << 10), "{highest} bytes were buffered");
    assert!(readers.iter().all(|member| member.end().is_none()));
    sim.drive();
    assert_eq!(sim.stats().buffered, 0);
    // Beside the echoes of the bystander.
    let stats = sim.stats();
    assert_eq!((stats.sent - stats.received) as usize, 50 * taken);
}

#[test]
fn to_50_members_that_do_not_read_and_50_that_do() {
    for policy in [
        BacklogPolicy::Close,
        BacklogPolicy::DropNewest,
        BacklogPolicy::DropOldest,
        BacklogPolicy::StopReading,
    ] {
        let sim = stage(policy);
        let stalled = members(&sim, 50);
        stalled.iter().for_each(|member| member.stall());
        let readers = members(&sim, 50);
        let (highest, _) = flood(&sim, 200, &readers);
        // The limit of each and a message, what did not fit the lines of the others, and the log.
        assert!(
            highest <= 50 * (1088 << 10) + 51 * (128 << 10),
            "{policy:?}: {highest}"
        );
        assert!(readers.iter().all(|member| member.end().is_none()));
        stalled.iter().for_each(|member| member.cut());
        sim.drive();
        assert_eq!(sim.stats().buffered, 0, "{policy:?}");
    }
}

#[test]
fn to_2000_members() {
    let sim = stage(BacklogPolicy::Close);
    let readers = members(&sim, 2_000);
    let (highest, taken) = flood(&sim, 300, &readers);
    assert!(taken > MAX_WAITING_BYTES / MESSAGE, "{taken} were taken");
    // What did not fit the lines of those whom a turn reaches, 64 KiB each, and the log.
    assert!(highest <= 100 * (64 << 10), "{highest} bytes were buffered");
    assert!(readers.iter().all(|member| member.end().is_none()));
}

#[test]
fn what_comes_behind_a_held_publish_still_happens() {
    let sim = stage(BacklogPolicy::Close);
    let readers = members(&sim, 200);
    let lone = sim.open("/echo");
    publish(&sim, &"x".repeat(100_000));
    let mut turns = 0;
    let id = lone.id().expect("it lives");
    while sim.remote().close(id, CloseCode::NORMAL, "done").is_err() {
        sim.step();
        turns += 1;
        assert!(turns < 1_000, "there is never room");
    }
    sim.remote().shutdown().expect("it is never full for this");
    sim.advance(Duration::from_secs(2));
    assert!(lone.end().is_some() && sim.is_empty());
    drop(readers);
}

#[test]
fn another_thread_and_held_sessions_take_turns() {
    let sim = stage(BacklogPolicy::Close);
    let readers = members(&sim, 200);
    let publishers = members(&sim, 4);
    let message = "x".repeat(MESSAGE - 10);
    let (mut taken, mut heard) = (0, [0; 4]);
    for _ in 0..450 {
        taken += publish(&sim, &message);
        for (number, publisher) in publishers.iter().enumerate() {
            if publisher.unread() < 10_000 {
                let text = format!("{number}{}", "s".repeat(1000));
                (0..20).for_each(|_| publisher.send(&*text));
            }
        }
        sim.step();
        for received in readers[0].arrived() {
            if let Received::Text(text) = received
                && let Some(number) = text.chars().next().and_then(|first| first.to_digit(10))
            {
                heard[number as usize] += 1;
            }
        }
        readers.iter().chain(&publishers).for_each(|member| {
            member.arrived();
        });
    }
    // A pass is some fifteen turns, and behind each both get their chance.
    let done = taken - MAX_WAITING_BYTES / MESSAGE;
    assert!(done > 20, "{done} of other threads");
    assert!(
        heard.iter().all(|count| *count > 10),
        "{heard:?} beside {done}"
    );
}

#[test]
fn commands_that_make_no_work_do_not_leave_those_behind_them_asleep() {
    let sim = stage(BacklogPolicy::Close);
    let peer = sim.open("/echo");
    let remote = sim.remote();
    // More than a turn takes, and nothing comes of them.
    for _ in 0..30_000 {
        remote.publish("nobody is here", "").expect("there is room");
    }
    let id = peer.id().expect("it lives");
    remote.send(id, "last").expect("there is room");
    assert_eq!(peer.receive_text(), "last");
}
