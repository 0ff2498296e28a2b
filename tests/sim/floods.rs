//! Floods, and how long a bystander waits for its echo beside them: in turns, where the bound is exact.
//!
//! A flood keeps every one of its connections supplied with more than it can get through. After
//! every turn the simulation checks the budget, the ledger and the lists; here it is checked that
//! the bystander is answered within [`FEW`] turns and that each flooding connection moves on or ends.

mod dear;
mod fragments;
mod http;
mod leaving;
mod messages;
mod remote;
mod rooms;

use crate::puppet::secs;
use dunlin::Limits;
use dunlin::testing::{Conversation, Line, Sim};
use dunlin::wire::frame::{OpCode, Reserved, write_frame};
use dunlin::{
    App, BacklogPolicy, Handler, Message, Open, Peer, Request, Response, Session, Settings,
};
use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

/// Turns until a bystander's echo is back. One is the rule; a second and a third are for the
/// connections of a flood that have rested for a moment and count as quiet again.
pub(crate) const FEW: u64 = 3;

/// As many units of work as take about a millisecond.
pub(crate) const MILLISECOND: u64 = 1_000_000;

/// Turns in which some connection of a flood of `count` is not read. A turn reads some fourteen busy
/// ones, as each of their shares is at least a hundredth of a turn and reading gets a third of it.
pub(crate) fn a_round(count: usize) -> u64 {
    4 + count as u64 / 8
}

/// Which of the flooders the program has heard of since the last look, by the number that their
/// addresses tell.
#[derive(Clone, Default)]
pub(crate) struct Heard(Rc<RefCell<Vec<usize>>>);

impl Heard {
    fn note(&self, peer: Peer) {
        if let Some(IpAddr::V4(ip)) = peer.ip()
            && !ip.is_loopback()
        {
            let [_, _, high, low] = ip.octets();
            let number = u16::from_be_bytes([high, low]);
            self.0.borrow_mut().push(number.into());
        }
    }

    fn take(&self) -> Vec<usize> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}

/// The address of a flooder.
fn address(number: usize) -> IpAddr {
    let [high, low] = (number as u16).to_be_bytes();
    Ipv4Addr::new(10, 0, high, low).into()
}

/// A room: what a member says, all get.
struct Room(Heard);

impl Handler for Room {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join("room");
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        self.0.note(session.peer());
        session.publish("room", message);
    }
}

/// It hears, and says nothing.
struct Deaf(Heard);

impl Handler for Deaf {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, _: Message<'_>) {
        self.0.note(session.peer());
    }

    fn pong(&mut self, (): &mut (), session: &mut Session<'_>, _: &[u8]) {
        self.0.note(session.peer());
    }
}

/// Small backlogs, long messages.
pub(crate) fn settings(policy: BacklogPolicy) -> Settings {
    Settings::default()
        .backlog(policy)
        .backlog_mark(1 << 10)
        .backlog_limit(4 << 10)
        .max_message_size(8 << 20)
}

/// A simulation of a program with an echo, a room, a page and a form.
pub(crate) struct Stage {
    pub(crate) sim: Sim,
    heard: Heard,
}

impl Stage {
    pub(crate) fn new(policy: BacklogPolicy) -> Self {
        Self::with(settings(policy), Limits::default())
    }

    pub(crate) fn with(settings: Settings, limits: Limits) -> Self {
        let heard = Heard::default();
        let [echo, page, form] = [heard.clone(), heard.clone(), heard.clone()];
        let app = App::new()
            .on_message_with("/echo", settings.clone(), move |session, message| {
                echo.note(session.peer());
                let _ = session.send(message);
            })
            .ws_with("/deaf", settings.clone(), Deaf(heard.clone()))
            .ws_with("/room", settings, Room(heard.clone()))
            .get("/page", move |request, _| {
                page.note(request.peer());
                Response::ok("text/plain", b"page".as_slice())
            })
            .post("/form", move |request, _| {
                form.note(request.peer());
                Response::ok("text/plain", b"form".as_slice())
            });
        let sim = Sim::with(app, limits, 0).expect("the program is right");
        Self { sim, heard }
    }

    /// How often the program has heard of flooders since the last look.
    pub(crate) fn heard(&self) -> usize {
        self.heard.take().len()
    }

    /// `count` connections that have said nothing yet.
    pub(crate) fn lines(&self, count: usize) -> Vec<Line> {
        let lines = (0..count).map(|number| self.sim.connect_from(address(number)));
        let lines: Vec<_> = lines.collect();
        self.sim.drive();
        lines
    }

    /// `count` sessions.
    pub(crate) fn sessions(&self, target: &str, count: usize) -> Vec<Conversation> {
        self.sessions_with(target, &[], count)
    }

    /// The same with further header fields.
    pub(crate) fn sessions_with(
        &self,
        target: &str,
        fields: &[(&str, &str)],
        count: usize,
    ) -> Vec<Conversation> {
        let lines = self.lines(count).into_iter();
        let sessions: Vec<_> = lines.map(|line| line.upgrade(target, fields)).collect();
        self.sim.drive();
        assert!(sessions.iter().all(Conversation::is_open));
        sessions
    }
}

/// One masked frame, without a conversation.
pub(crate) fn frame(fin: bool, reserved: Reserved, opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    write_frame(&mut frame, fin, opcode, reserved, payload, Some([0; 4]));
    frame
}

/// A frame of a whole message or control frame.
pub(crate) fn whole(opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    frame(true, Reserved::NONE, opcode, payload)
}

/// A bystander, and what it measures.
pub(crate) struct Bystander {
    conversation: Conversation,
    /// When its message was sent that has no echo yet, and the work since.
    sent: Option<u64>,
    work: u64,
    /// The most turns that an echo took, and the most work.
    pub(crate) slowest: u64,
    pub(crate) dearest: u64,
    pub(crate) echoes: u64,
}

impl Bystander {
    pub(crate) fn new(sim: &Sim) -> Self {
        Self {
            conversation: sim.open("/echo"),
            sent: None,
            work: 0,
            slowest: 0,
            dearest: 0,
            echoes: 0,
        }
    }

    /// Makes a turn. The bystander says something before it, and looks for its echo behind it.
    pub(crate) fn step(&mut self, sim: &Sim) -> bool {
        if self.sent.is_none() {
            self.conversation.send("hello");
            self.sent = Some(sim.turns());
            self.work = 0;
        }
        let goes_on = sim.step();
        self.work += sim.work().0;
        self.dearest = self.dearest.max(self.work);
        let waited = sim.turns() - self.sent.unwrap_or(0);
        self.slowest = self.slowest.max(waited);
        if !self.conversation.arrived().is_empty() {
            self.sent = None;
            self.echoes += 1;
        }
        goes_on
    }

    /// Begins to measure anew.
    pub(crate) fn forget(&mut self) {
        (self.slowest, self.dearest) = (0, 0);
    }

    #[track_caller]
    pub(crate) fn assert_waited_at_most(&self, turns: u64) {
        assert!(self.echoes > 0, "no echo came");
        assert!(self.slowest <= turns, "an echo took {} turns", self.slowest);
    }

    #[track_caller]
    pub(crate) fn assert_waited_for_at_most(&self, work: u64) {
        assert!(self.echoes > 0, "no echo came");
        assert!(self.dearest <= work, "an echo took {} units", self.dearest);
    }
}

/// Connections that send without end, and a bystander.
pub(crate) struct Flood {
    pub(crate) sim: Sim,
    pub(crate) bystander: Bystander,
    lines: Vec<Line>,
    conversations: Vec<Conversation>,
    supply: Vec<u8>,
    /// Of each line: turns in which nothing of it was read.
    waits: Vec<u64>,
    longest_wait: u64,
    heard: Heard,
    first_within: Option<u64>,
}

impl Flood {
    /// `count` sessions that send this over and over.
    pub(crate) fn of_sessions(stage: Stage, target: &str, count: usize, supply: Vec<u8>) -> Self {
        let conversations = stage.sessions(target, count);
        Self::of_conversations(stage, conversations, supply)
    }

    /// The same with these sessions.
    pub(crate) fn of_conversations(
        stage: Stage,
        conversations: Vec<Conversation>,
        supply: Vec<u8>,
    ) -> Self {
        let lines = conversations.iter().map(|open| Line::clone(open)).collect();
        Self {
            conversations,
            ..Self::of_lines(stage, lines, supply)
        }
    }

    /// The same with these connections.
    pub(crate) fn of_lines(stage: Stage, lines: Vec<Line>, supply: Vec<u8>) -> Self {
        let Stage { sim, heard } = stage;
        Self {
            bystander: Bystander::new(&sim),
            waits: vec![0; lines.len()],
            conversations: Vec::new(),
            longest_wait: 0,
            first_within: Some(4 * MILLISECOND),
            heard,
            sim,
            lines,
            supply,
        }
    }

    /// From now on they read nothing, and little fits on their lines.
    pub(crate) fn stalled(self) -> Self {
        for line in &self.lines {
            line.set_capacity(1 << 10);
            line.stall();
        }
        self
    }

    /// At most this many bytes of each arrive in a turn.
    pub(crate) fn trickle(&self, bytes: usize) {
        self.lines.iter().for_each(|line| line.trickle(bytes));
    }

    /// How much work the first echo may wait for, when all who flood are as new as the bystander and
    /// have not been found busy yet.
    pub(crate) fn first_within(self, work: u64) -> Self {
        let first_within = Some(work);
        Self {
            first_within,
            ..self
        }
    }

    /// Lets the flood go on for so many turns.
    pub(crate) fn run(&mut self, turns: u64) {
        if let Some(most) = self.first_within.take() {
            self.go_on(2 * a_round(self.lines.len()));
            self.bystander.assert_waited_for_at_most(most);
            self.bystander.forget();
        }
        self.go_on(turns);
    }

    fn go_on(&mut self, turns: u64) {
        for _ in 0..turns {
            let mut before = Vec::with_capacity(self.lines.len());
            for line in &self.lines {
                if line.unread() < self.supply.len() && line.end().is_none() {
                    line.send_raw(&self.supply);
                }
                before.push(line.unread());
            }
            self.bystander.step(&self.sim);
            self.waits.iter_mut().for_each(|wait| *wait += 1);
            for number in self.heard.take() {
                self.waits[number] = 0;
            }
            for ((line, wait), before) in self.lines.iter().zip(&mut self.waits).zip(before) {
                if line.unread() < before || line.end().is_some() {
                    *wait = 0;
                }
                self.longest_wait = self.longest_wait.max(*wait);
            }
            for (open, wait) in self.conversations.iter().zip(&mut self.waits) {
                if !open.arrived().is_empty() {
                    *wait = 0;
                }
            }
        }
    }

    /// Whether all of them have ended.
    pub(crate) fn is_over(&self) -> bool {
        self.lines.iter().all(|line| line.end().is_some())
    }

    /// The bystander was answered at once, and nobody who floods was kept without being read.
    #[track_caller]
    pub(crate) fn assert_all_are_served(&self) {
        self.assert_all_are_served_every(a_round(self.lines.len()));
    }

    /// The same where what is read once takes several rounds to be worked off.
    #[track_caller]
    pub(crate) fn assert_all_are_served_every(&self, turns: u64) {
        self.bystander.assert_waited_at_most(FEW);
        let longest = self.longest_wait;
        assert!(
            longest <= turns,
            "a flooder was not served for {longest} turns"
        );
    }

    /// The bystander was answered at once, and whoever was not read any more is closed by rule.
    #[track_caller]
    pub(crate) fn assert_all_end_in_time(&self) {
        self.bystander.assert_waited_at_most(FEW);
        self.sim.advance(secs(30));
        assert!(self.is_over(), "a flooder is neither read nor closed");
    }

    /// Nothing is left of the flood when everybody is gone.
    #[track_caller]
    pub(crate) fn assert_leaves_nothing(self) {
        self.lines.iter().for_each(Line::cut);
        self.sim.drive();
        let stats = self.sim.stats();
        assert_eq!((stats.connections, stats.buffered), (1, 0));
    }
}
