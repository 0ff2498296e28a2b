//! A node, a modelled engine that answers at once, and the lines between them.

use super::super::asked::{Sent, Then};
use super::super::keys::Keys;
use super::super::line::{Phase, command_bytes};
use super::super::node::{COMMANDS, Node, PUSHES};
use super::super::server::{ClientId, Data, Server};
use crate::config::RoomLimits;
use crate::rooms::engine::{Clock, Engine, EngineEvent, Operation, Outcome, Token};
use crate::rooms::{RoomError, RoomId};

/// Milliseconds since 1970 when the server starts.
const EPOCH: u64 = 1_800_000_000_000;

/// A node, its engine, and the lines between them.
pub(super) struct Table {
    pub(super) now: u64,
    pub(super) server: Server,
    pub(super) node: Node,
    pub(super) clients: [Option<ClientId>; 2],
    /// An operator's connection.
    pub(super) other: ClientId,
    pub(super) token: Token,
    /// Of which lines the node hears nothing.
    pub(super) is_mute: [bool; 2],
}

impl Table {
    /// Both lines are up.
    pub(super) fn new() -> Self {
        let mut server = Server::new(1, EPOCH);
        let other = server.connect();
        let address = "redis://127.0.0.1".parse().unwrap();
        let keys = Keys::new(Keys::DEFAULT).unwrap();
        let limits = RoomLimits {
            message_rate: None,
            join_rate: None,
            history_bytes: 64 << 20,
            ..RoomLimits::default()
        };
        let mut table = Self {
            now: 0,
            server,
            node: Node::new(address, keys, limits, [3; 32]),
            clients: [None; 2],
            other,
            token: 0,
            is_mute: [false; 2],
        };
        table.pass(0);
        assert!(table.node.is_ready());
        table
    }

    pub(super) fn clock(&self) -> Clock {
        Clock {
            now: self.now,
            unix: EPOCH + self.now,
        }
    }

    /// What the node says goes to the engine.
    pub(super) fn say(&mut self, which: usize) -> Vec<u8> {
        let said = self.node.lines[which].take_output().unwrap_or_default();
        if let Some(client) = self.clients[which] {
            self.server.receive(client, &said);
        }
        said
    }

    /// What the engine says goes to the node, which works on it.
    pub(super) fn hear(&mut self, which: usize) -> bool {
        let (Some(client), false) = (self.clients[which], self.is_mute[which]) else {
            return false;
        };
        let bytes = self.server.take_output(client);
        self.node.lines[which].feed(&bytes, self.now);
        while self.node.work(self.clock()) {}
        !bytes.is_empty()
    }

    /// Makes the connections that are to be made, and ends those that are lost.
    pub(super) fn dial(&mut self) {
        for which in [COMMANDS, PUSHES] {
            if let Phase::Down { retry_at } = self.node.lines[which].phase {
                if let Some(client) = self.clients[which].take() {
                    self.server.disconnect(client);
                }
                if self.now >= retry_at {
                    self.clients[which] = Some(self.server.connect());
                    self.node.connected(which, self.clock());
                }
            }
        }
    }

    /// A line is cut, and it is time to make it anew.
    pub(super) fn cut(&mut self, which: usize) {
        self.node.disconnected(which, "cut", self.clock());
        self.now += 1_000;
    }

    /// Another process with these data takes the engine's place: all lines are cut.
    pub(super) fn restart(&mut self, data: Data) {
        self.server.restore(data);
        self.other = self.server.connect();
        self.cut(COMMANDS);
        self.cut(PUSHES);
    }

    /// All that can be done now is done.
    pub(super) fn settle(&mut self) -> Vec<EngineEvent> {
        loop {
            self.dial();
            let mut moved = false;
            for which in [COMMANDS, PUSHES] {
                moved |= !self.say(which).is_empty();
            }
            // What one line says is pushed on the other.
            for which in [PUSHES, COMMANDS] {
                moved |= self.hear(which);
            }
            if !moved {
                break;
            }
        }
        std::iter::from_fn(|| self.node.poll()).collect()
    }

    /// So many milliseconds pass, and the node does what is due.
    pub(super) fn pass(&mut self, time: u64) -> Vec<EngineEvent> {
        let (mut events, end) = (self.settle(), self.now + time);
        loop {
            self.now = end.min(self.now + 500);
            self.server.now = EPOCH + self.now;
            self.node.tick(self.clock());
            events.extend(self.settle());
            if self.now == end {
                return events;
            }
        }
    }

    /// Asks the node, which is told when it answers.
    pub(super) fn submit(&mut self, operation: Operation) -> Token {
        self.token += 1;
        let clock = self.clock();
        self.node.submit(self.token, operation, clock);
        self.token
    }

    /// What comes of one operation.
    pub(super) fn ask(&mut self, operation: Operation) -> Result<Outcome, RoomError> {
        let token = self.submit(operation);
        let events = self.settle();
        let done = events.into_iter().find_map(|event| match event {
            EngineEvent::Done(of, outcome) if of == token => Some(outcome),
            _ => None,
        });
        done.expect("an answer")
    }

    /// What an operator asks the engine.
    pub(super) fn operate(&mut self, line: &str) -> String {
        let words: Vec<Vec<u8>> = line.split(' ').map(Vec::from).collect();
        self.server.receive(self.other, &command_bytes(&words));
        String::from_utf8(self.server.take_output(self.other)).unwrap()
    }

    /// Requests of this kind that wait for their answers.
    pub(super) fn asked(&self, is_one: impl Fn(&Then) -> bool) -> usize {
        let is_one = |sent: &&Sent| matches!(sent, Sent::Script(asked, _) if is_one(&asked.then));
        self.node.sent.iter().filter(is_one).count()
    }

    pub(super) fn create(&mut self, bits: u128) -> RoomId {
        let create = Operation::Create {
            room: RoomId::of_bits(bits),
            name: format!("room {bits}"),
            key: [7; 20],
        };
        match self.ask(create) {
            Ok(Outcome::Created(info)) => info.id,
            other => panic!("{other:?}"),
        }
    }

    /// Names of the rooms behind this number.
    pub(super) fn list(&mut self, after: u64, most: usize) -> Vec<String> {
        match self.ask(Operation::List { after, most }) {
            Ok(Outcome::List(rooms)) => rooms.iter().map(|room| room.name.to_string()).collect(),
            other => panic!("{other:?}"),
        }
    }
}
