//! The hub under a driver that does everything a driver may do, in any order.

use super::bytes::Bytes;
use super::puppet::{self, STREAMS, SharedRecord, TARGETS};
use super::tape::Tapes;
use crate::app::remote::{Command, Inbox, Wake};
use crate::app::{Call, ConnInfo, Event, Peer, Remote, SessionId};
use crate::hub::{Hub, Now};
use crate::wire::close::CloseCode;
use crate::wire::error::{Error, ErrorKind};
use crate::wire::message::Message;
use crate::wire::work::Work;
use core::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// Connections that an input can make.
const MAX_ACCEPTED: usize = 40;
/// Turns in which a hub that is left alone must come to its end.
const TURNS_TO_END: u32 = 2000;

/// A list of operations: what happened, to whom, and with which bytes. They are carried out
/// twice.
///
/// # Panics
/// When the ledger is wrong, when what is sent breaks HTTP or RFC 6455, when a session does not
/// get one open and one close event, when the second time differs from the first, or when
/// anything stays after the end.
pub fn hub(data: &[u8]) {
    let first = Driver::run(data);
    let second = Driver::run(data);
    assert!(
        first.io.sent() == second.io.sent(),
        "the same calls gave other bytes"
    );
}

struct NoWake;

impl Wake for NoWake {
    fn wake(&self) {}
}

struct Driver {
    hub: Hub,
    io: Tapes,
    record: SharedRecord,
    now: u64,
    accepted: usize,
    dials: Vec<SessionId>,
    /// What tickets answer.
    inbox: Inbox,
}

/// What each step of a turn may do here.
const WORK_OF_A_STEP: u32 = 100_000;

impl Driver {
    fn run(data: &[u8]) -> Self {
        let mut bytes = Bytes::new(data);
        let (app, record) = puppet::program();
        let (remote, inbox, _) = Remote::new(Arc::new(NoWake));
        let seed = [bytes.byte(); 32];
        let hub = Hub::new(app, puppet::limits(), seed, remote);
        let mut driver = Self {
            hub: hub.expect("a good program"),
            io: Tapes::default(),
            record,
            now: 0,
            accepted: 0,
            dials: Vec::new(),
            inbox,
        };
        while !bytes.is_empty() {
            driver.act(&mut bytes);
            driver.check();
        }
        driver.end();
        driver
    }

    fn act(&mut self, bytes: &mut Bytes<'_>) {
        let (verb, with) = (bytes.byte(), bytes.byte());
        match verb % 20 {
            0 => self.accept(with),
            1 => {
                self.work();
            }
            2 => self.pass(u64::from(with) * 100),
            3 => self.pass(u64::from(with)),
            4 => {
                for _ in 0..=with % 4 {
                    self.resume(u32::from(with) * 100);
                }
            }
            5 => self.dial(with),
            6 => self.command(with, bytes),
            verb => {
                let Some(tape) = self.io.pick(with) else {
                    return;
                };
                let id = tape.id;
                match verb {
                    7 => tape.room = usize::from(bytes.byte()) * 16,
                    8 => tape.is_broken = true,
                    9 => self.hub.end_of_file(id),
                    10 => self.hub.lost(id),
                    11 => {
                        tape.room = usize::MAX;
                        self.hub.writable(id);
                    }
                    12 => self.hub.writable(id),
                    13 => {
                        let request = request(bytes.byte());
                        self.receive(id, request.into_bytes());
                    }
                    14 => {
                        let len = usize::from(bytes.short());
                        self.receive(id, bytes.take(len).to_vec());
                    }
                    15 => self.receive_directly(id, bytes),
                    _ => {
                        let (first, len) = (bytes.byte(), bytes.byte() & 0x7F);
                        let payload = bytes.take(len.min(125).into());
                        let mut frame = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
                        frame.extend_from_slice(payload);
                        self.receive(id, frame);
                    }
                }
            }
        }
    }

    fn accept(&mut self, with: u8) {
        self.accepted += 1;
        if self.accepted > MAX_ACCEPTED {
            return;
        }
        let address = Ipv4Addr::new(127, 0, 0, 1 + (with & 1));
        let peer = match with & 2 {
            0 => Peer::Tcp(SocketAddr::new(address.into(), 1024)),
            _ => Peer::Unix,
        };
        if let Some(id) = self.hub.accept(ConnInfo::new(peer)) {
            self.io.start(id, false);
        }
    }

    /// The end of a turn; whether another should follow.
    fn work(&mut self) -> bool {
        while let Some(answer) = self.inbox.take() {
            self.hub.set_work(Work::new(WORK_OF_A_STEP));
            self.hub.command(&mut self.io, answer);
        }
        for step in [Hub::run_events, Hub::flush, Hub::deliver, Hub::reap] {
            self.hub.set_work(Work::new(WORK_OF_A_STEP));
            step(&mut self.hub, &mut self.io);
        }
        let accounts = self.hub.check_accounts();
        let accounts = accounts.unwrap_or_else(|wrong| panic!("{wrong}"));
        let stats = self.hub.stats();
        assert_eq!(accounts.sessions as u64, stats.opened - stats.closed);
        self.hub.set_work(Work::new(WORK_OF_A_STEP));
        self.hub.has_work()
    }

    /// Goes on with one connection that may be read again, as far as so much work goes.
    fn resume(&mut self, work: u32) -> bool {
        let Some(id) = self.hub.next_resumed() else {
            return false;
        };
        self.hub.set_work(Work::new(work));
        if self.hub.has_pending(id) {
            self.hub.resume(&mut self.io, id);
        }
        true
    }

    fn pass(&mut self, ms: u64) {
        self.now += ms;
        let now = self.now;
        self.hub.advance(Now { ms: now, unix: now });
    }

    /// Begins a call that the hub asked for, or ends one.
    fn dial(&mut self, with: u8) {
        if let Some((id, _)) = self.hub.next_dial()
            && self.hub.knows(id)
        {
            self.io.start(id, true);
            self.dials.push(id);
        }
        if with & 1 == 0 {
            return;
        }
        let Some(id) = self.dials.pop() else { return };
        match with & 2 {
            0 => self.hub.connected(&mut self.io, id),
            _ => {
                let error = Error::new(ErrorKind::Io, "nobody there");
                self.hub.dial_failed(id, error);
            }
        }
    }

    fn command(&mut self, with: u8, bytes: &mut Bytes<'_>) {
        let unknown = SessionId {
            index: u32::from(with),
            generation: 7,
        };
        let to = self.io.pick(bytes.byte()).map_or(unknown, |tape| tape.id);
        let message = || Message::from("from outside").into();
        let event = || Box::new(Event::new("from\noutside").id("1"));
        let command = match with % 8 {
            0 => return self.hub.shut_down(),
            1 => Command::Close {
                id: to,
                code: CloseCode::new(990 + u16::from(with)),
                reason: "told from outside".to_owned(),
            },
            2 => {
                let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 9);
                let call = Call::new(address, "localhost", "/");
                let route = ["out", "nowhere"][usize::from(with >> 3 & 1)].to_owned();
                Command::Connect { route, call }
            }
            4 if with & 0x40 != 0 => Command::SendEvent { to, event: event() },
            7 if with & 0x40 != 0 => Command::PublishEvent {
                topic: ["a", "b", "c"][usize::from(with % 3)].to_owned(),
                event: event(),
            },
            3 | 4 => Command::Send {
                to,
                message: message(),
            },
            _ => Command::Publish {
                topic: ["a", "b", "c"][usize::from(with % 3)].to_owned(),
                message: message(),
            },
        };
        self.hub.command(&mut self.io, command);
    }

    fn receive(&mut self, id: SessionId, mut bytes: Vec<u8>) {
        if self.hub.wants_read(id) && !self.dials.contains(&id) {
            self.hub.received(&mut self.io, id, &mut bytes);
        }
    }

    fn receive_directly(&mut self, id: SessionId, bytes: &mut Bytes<'_>) {
        let len = usize::from(bytes.byte()) * 8;
        let payload = bytes.take(len);
        if !self.hub.wants_read(id) || self.dials.contains(&id) {
            return;
        }
        let Some(target) = self.hub.target(id) else {
            return self.receive(id, payload.to_vec());
        };
        let count = target.len().min(payload.len());
        target[..count].copy_from_slice(&payload[..count]);
        self.hub.received_directly(&mut self.io, id, count);
    }

    fn check(&self) {
        let stats = self.hub.stats();
        self.record.borrow().check(stats.opened - stats.closed);
        let known = |tape: &super::tape::Tape| self.hub.knows(tape.id);
        assert!(self.io.live.values().all(known), "a key was given away");
    }

    /// Every line breaks, and the hub is left alone with its clock.
    fn end(&mut self) {
        let ids: Vec<_> = self.io.live.values().map(|tape| tape.id).collect();
        for id in ids {
            self.hub.lost(id);
        }
        let mut turns = 0;
        // What is due of a session that is gone still comes, and does nothing.
        while self.work() || !self.hub.is_empty() || self.hub.next_deadline().is_some() {
            turns += 1;
            assert!(turns < TURNS_TO_END, "{:?} does not end", self.hub.stats());
            while let Some((id, _)) = self.hub.next_dial() {
                self.hub
                    .dial_failed(id, Error::new(ErrorKind::Io, "too late"));
            }
            while self.resume(u32::MAX) {}
            let next = self.hub.next_deadline().unwrap_or(0);
            self.pass(next.saturating_sub(self.now));
            self.check();
        }
        self.check();
        let stats = self.hub.stats();
        assert_eq!((self.hub.topics(), stats.buffered), (0, 0), "{stats:?}");
        assert!(self.io.live.is_empty(), "connections stay");
    }
}

/// A request to begin with.
fn request(with: u8) -> String {
    let is_stream = with >> 6 == 3 && with & 1 == 1;
    let target = if is_stream {
        STREAMS[usize::from(with >> 1) % STREAMS.len()]
    } else {
        TARGETS[usize::from(with) % TARGETS.len()]
    };
    let commands = match with >> 3 {
        kind if kind % 8 == 7 => "?do=s~ja&later",
        kind if kind % 8 == 6 => {
            ["?stream", "?stream=3100", "?stream=100"][usize::from(kind) / 8 % 3]
        }
        kind => ["", "?do=jajb", "?do=S%7fs~ja&refuse"][usize::from(kind) % 3],
    };
    let extension = match with >> 6 {
        1 => "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
        2 => "Content-Length: 3\r\n",
        _ => "",
    };
    let upgrade = match with >> 6 {
        3 => "Expect: 100-continue\r\n",
        _ => {
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        }
    };
    format!("GET {target}{commands} HTTP/1.1\r\nHost: localhost\r\n{upgrade}{extension}\r\n")
}
