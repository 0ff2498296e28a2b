//! The whole server over the network and the clock of the simulation.

use super::bytes::Bytes;
use super::puppet::{self, STREAMS, SharedRecord, TARGETS};
use crate::app::{App, SessionId};
use crate::sim::{Conversation, Line, Sim};
use crate::wire::close::CloseCode;
use crate::wire::frame::{OpCode, Reserved};
use std::time::Duration;

/// Connections that an input can make.
const MAX_LINES: usize = 32;
/// No deadline of the server is further away.
const LONG: Duration = Duration::from_secs(600);

/// The paths of the ready applications.
const READY: [&str; 7] = [
    "/echo",
    "/you-said",
    "/echo-raw",
    "/chat",
    "/flow",
    "/chatt",
    "/chattstart",
];

/// A byte of the network, one of chance, then what clients, clock and network do. The bit 0x10 of
/// the first byte runs the ready applications in place of the puppet.
///
/// # Panics
/// When a promise of the simulation breaks, when a session does not get one open and one close
/// event, and when a server whose peers are all gone still holds anything.
pub fn server(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let (network, seed) = (bytes.byte(), bytes.byte());
    let (app, record, targets) = program(network & 0x10 != 0);
    let sim = Sim::with(app, puppet::limits(), seed.into());
    let mut play = Play {
        sim: sim.expect("a good program"),
        record,
        targets,
        lines: Vec::new(),
    };
    if network & 1 != 0 {
        play.sim.shake();
    }
    play.sim
        .set_capacity([64 << 10, 200, 1500, 9000][usize::from(network >> 1 & 3)]);
    while !bytes.is_empty() {
        play.act(&mut bytes);
        play.check();
    }
    play.end(network & 8 != 0);
}

/// A program, its record if it keeps one, and its paths.
fn program(ready: bool) -> (App, Option<SharedRecord>, [&'static str; 7]) {
    #[cfg(feature = "apps")]
    if ready {
        return (crate::apps::all(App::new()), None, READY);
    }
    let (app, record) = puppet::program();
    (app, Some(record), if ready { READY } else { TARGETS })
}

struct Play {
    sim: Sim,
    record: Option<SharedRecord>,
    targets: [&'static str; 7],
    lines: Vec<Who>,
}

/// A connection, and its conversation if it asked for one.
enum Who {
    Line(Line),
    Conversation(Conversation),
}

impl Who {
    fn line(&self) -> &Line {
        match self {
            Self::Line(line) => line,
            Self::Conversation(conversation) => conversation,
        }
    }
}

impl Play {
    fn act(&mut self, bytes: &mut Bytes<'_>) {
        let (verb, with) = (bytes.byte(), bytes.byte());
        match verb % 24 {
            0 => self.connect(None),
            1..=3 => self.connect(Some((with, bytes.byte()))),
            4 => {
                self.sim.step();
            }
            5 => self.sim.drive(),
            6 => self
                .sim
                .advance(Duration::from_millis(u64::from(with) * 100)),
            7 => self.sim.jump(Duration::from_millis(u64::from(with) * 300)),
            8 => self.remote(with, bytes),
            9 => {
                if let Some((_, line)) = self.sim.next_call_raw() {
                    self.push(Who::Line(line));
                }
            }
            verb => self.peer(verb, with, bytes),
        }
    }

    fn check(&self) {
        let stats = self.sim.stats();
        if let Some(record) = &self.record {
            record.borrow().check(stats.opened - stats.closed);
        }
    }

    fn push(&mut self, who: Who) {
        if self.lines.len() < MAX_LINES {
            self.lines.push(who);
        } else {
            who.line().cut();
        }
    }

    fn connect(&mut self, target: Option<(u8, u8)>) {
        if self.lines.len() == MAX_LINES {
            return;
        }
        let line = self.sim.connect();
        let Some((target, how)) = target else {
            return self.push(Who::Line(line));
        };
        let follows = how / 4 % 4 == 3;
        let targets: &[&str] = if follows { &STREAMS } else { &self.targets };
        let mut target = targets[usize::from(target) % targets.len()].to_owned();
        match how % 4 {
            1 => target.push_str("?do=jajbs%7f"),
            2 => target.push_str("?do=jasA&refuse"),
            _ => {}
        }
        let fields: &[(&str, &str)] = match how / 4 % 4 {
            1 => &[("Sec-WebSocket-Protocol", "v2, chat")],
            2 => &[("Origin", "http://elsewhere")],
            _ => &[],
        };
        if follows {
            return self.push(Who::Line(Line::clone(&line.follow(&target, &[]))));
        }
        let conversation = line.upgrade(&target, fields);
        self.push(Who::Conversation(conversation));
    }

    fn remote(&self, with: u8, bytes: &mut Bytes<'_>) {
        let remote = self.sim.remote();
        let id = SessionId {
            index: u32::from(bytes.byte()),
            generation: u32::from(bytes.byte()),
        };
        let line = self.lines.get(id.index as usize);
        let id = line.and_then(|who| who.line().id()).unwrap_or(id);
        let asked = match with % 8 {
            0 => remote.shutdown(),
            1 => remote.close(id, CloseCode::new(1000 + u16::from(with)), "from outside"),
            2..=4 => remote.send(id, "from outside"),
            _ => remote.publish(["a", "b"][usize::from(with & 1)], "to all"),
        };
        asked.expect("a queue with room");
    }

    fn peer(&self, verb: u8, with: u8, bytes: &mut Bytes<'_>) {
        if self.lines.is_empty() {
            return;
        }
        let who = &self.lines[usize::from(with) % self.lines.len()];
        let line = who.line();
        match verb {
            10 => line.half_close(),
            11 => line.cut(),
            12 => line.stall(),
            13 => line.resume(),
            14 => line.trickle(usize::from(bytes.byte())),
            15 => line.set_capacity(usize::from(bytes.short()).max(16)),
            16 => line.manual(),
            17..=18 => {
                let len = usize::from(bytes.short());
                line.send_raw(bytes.take(len));
            }
            verb => {
                let len = usize::from(bytes.byte());
                let payload = bytes.take(len);
                let Who::Conversation(conversation) = who else {
                    return line.send_raw(payload);
                };
                match verb {
                    19 => conversation.send(payload),
                    20 => conversation.send_frame(
                        len & 1 != 0,
                        Reserved(with & Reserved::MASK),
                        OpCode::from_bits(with & 0x0F).unwrap_or(OpCode::Continuation),
                        payload,
                    ),
                    21 => conversation.close(CloseCode::NORMAL, "left"),
                    _ => conversation.send(&*String::from_utf8_lossy(payload)),
                }
            }
        }
    }

    /// Everybody leaves, or the server stops: nothing stays.
    fn end(self, shutdown: bool) {
        self.sim.drive();
        if shutdown {
            let asked = self.sim.remote().shutdown();
            asked.expect("a queue with room");
        } else {
            for who in &self.lines {
                who.line().cut();
            }
            while let Some((_, line)) = self.sim.next_call_raw() {
                line.cut();
            }
        }
        self.sim.advance(LONG);
        self.check();
        let stats = self.sim.stats();
        assert!(self.sim.is_empty(), "connections stay: {stats:?}");
        assert_eq!(self.sim.topics(), 0, "topics stay");
        assert_eq!((stats.opened - stats.closed, stats.buffered), (0, 0));
        assert_eq!(self.sim.next_deadline(), None, "something is still due");
    }
}
