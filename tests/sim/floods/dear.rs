//! One message each that costs much more than a share, from those who come anew and from those who were quiet.

use super::{Bystander, FEW};
use crate::puppet::secs;
use dunlin::testing::{Conversation, Sim};
use dunlin::{App, Settings};

/// The answer to anything at `/dear`: an eighth of a turn, whatever the share of who asks.
const ANSWER: usize = 300 << 10;
/// One that is more than a turn has for reading.
const LONG_ANSWER: usize = 2 << 20;
const CROWD: usize = 60;

/// A program with an echo and something dear, and somebody who has been at the echo for a while.
fn stage(length: usize) -> (Sim, Bystander) {
    let settings = Settings::default().backlog_limit(2 * length);
    let answer = "x".repeat(length);
    let app = App::new()
        .on_message("/echo", |session, message| {
            let _ = session.send(message);
        })
        .on_message_with("/dear", settings, move |session, _| {
            let _ = session.send(&*answer);
        });
    let sim = Sim::new(app).expect("the program is right");
    sim.set_capacity(2 * length);
    let bystander = Bystander::new(&sim);
    sim.advance(secs(3));
    (sim, bystander)
}

fn has_its_answer(one: &Conversation) -> bool {
    one.waiting() > 0
}

/// Those who come anew, ask, and leave with the answer; and one who was found busy long ago, and has more to say
/// than is ever read.
struct Crowd {
    size: usize,
    /// Each, and whether it has asked.
    newcomers: Vec<(Conversation, bool)>,
    busy: Conversation,
    answered: usize,
    echoed: usize,
}

impl Crowd {
    /// What it was like for so many newcomers at a time, in so many turns; nobody else waited.
    fn of(size: usize, answer: usize, turns: usize) -> Self {
        let (sim, mut bystander) = stage(answer);
        let mut crowd = Self {
            size,
            newcomers: Vec::new(),
            busy: sim.open("/echo"),
            answered: 0,
            echoed: 0,
        };
        for _ in 0..turns {
            crowd.step(&sim, &mut bystander);
        }
        bystander.assert_waited_at_most(FEW);
        crowd
    }

    fn step(&mut self, sim: &Sim, bystander: &mut Bystander) {
        while self.busy.unread() < 1 << 20 {
            self.busy.send(&*"x".repeat(10_000));
        }
        while self.newcomers.len() < self.size {
            let newcomer = sim.connect().upgrade("/dear", &[]);
            self.newcomers.push((newcomer, false));
        }
        for (newcomer, has_asked) in &mut self.newcomers {
            // What comes with the request would be read with it.
            if newcomer.is_open() && !std::mem::replace(has_asked, true) {
                newcomer.send("please");
            }
        }
        bystander.step(sim);
        self.echoed += self.busy.arrived().len();
        let left = self
            .newcomers
            .extract_if(.., |(one, _)| has_its_answer(one));
        self.answered += left.map(|(one, _)| one.cut()).count();
    }
}

#[test]
fn whoever_comes_anew_for_something_dear_is_behind_who_stays() {
    let crowd = Crowd::of(CROWD, ANSWER, 600);
    assert!(crowd.answered > 600, "{} answers", crowd.answered);
    assert!(crowd.echoed > 600, "{} echoes", crowd.echoed);
}

#[test]
fn whoever_is_behind_those_who_are_dear_is_served_all_the_same() {
    let crowd = Crowd::of(3, LONG_ANSWER, 200);
    assert!(crowd.answered > 40, "{} answers", crowd.answered);
    assert!(crowd.echoed > 200, "{} echoes", crowd.echoed);
}

#[test]
fn whoever_was_dear_is_behind_the_quiet_for_a_while() {
    let (sim, mut bystander) = stage(ANSWER);
    let crowd: Vec<_> = (0..CROWD).map(|_| sim.open("/dear")).collect();
    sim.advance(secs(3));
    let mut rounds = 0;
    for second in 0..5 {
        if second == 1 {
            // Until then nobody could know what a message of theirs costs.
            bystander.forget();
        }
        crowd.iter().for_each(|one| one.send("please"));
        while !crowd.iter().all(has_its_answer) || bystander.sent.is_some() {
            bystander.step(&sim);
            rounds += 1;
            assert!(rounds < 1_000, "they are never answered");
        }
        for one in &crowd {
            one.arrived();
        }
        sim.advance(secs(1));
    }
    bystander.assert_waited_at_most(FEW);
}
