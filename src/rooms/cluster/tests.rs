//! One node beside a modelled engine that answers at once: what the simulation never comes to, limits and
//! silence.

use super::keys::Keys;
use super::line::{Phase, command_bytes};
use super::node::{COMMANDS, Node, PUSHES};
use super::server::{ClientId, Server};
use crate::config::RoomLimits;
use crate::rooms::engine::{Clock, Engine, EngineEvent, Operation, Outcome, Token};
use crate::rooms::{RoomError, RoomId};

/// Milliseconds since 1970 when the server starts.
const EPOCH: u64 = 1_800_000_000_000;

/// A node, its engine, and the lines between them.
struct Table {
    now: u64,
    server: Server,
    node: Node,
    clients: [Option<ClientId>; 2],
    /// An operator's connection.
    other: ClientId,
    token: Token,
}

impl Table {
    /// Both lines are up.
    fn new() -> Self {
        let mut server = Server::new(1, EPOCH);
        let other = server.connect();
        let address = "redis://127.0.0.1".parse().unwrap();
        let keys = Keys::new(Keys::DEFAULT).unwrap();
        let limits = RoomLimits {
            message_rate: None,
            join_rate: None,
            ..RoomLimits::default()
        };
        let mut table = Self {
            now: 0,
            server,
            node: Node::new(address, keys, limits, [3; 32]),
            clients: [None; 2],
            other,
            token: 0,
        };
        table.pass(0);
        assert!(table.node.is_ready());
        table
    }

    fn clock(&self) -> Clock {
        Clock {
            now: self.now,
            unix: EPOCH + self.now,
        }
    }

    /// What the node says goes to the engine.
    fn say(&mut self, which: usize) -> bool {
        let (Some(client), Some(bytes)) =
            (self.clients[which], self.node.lines[which].take_output())
        else {
            return false;
        };
        self.server.receive(client, &bytes);
        true
    }

    /// What the engine says goes to the node.
    fn hear(&mut self, which: usize) -> bool {
        let Some(client) = self.clients[which] else {
            return false;
        };
        let bytes = self.server.take_output(client);
        self.node.lines[which].feed(&bytes, self.now);
        !bytes.is_empty()
    }

    /// Makes the connections that are to be made, and ends those that are lost.
    fn dial(&mut self) {
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

    /// All that can be done now is done.
    fn settle(&mut self) -> Vec<EngineEvent> {
        loop {
            self.dial();
            let mut moved = false;
            for which in [COMMANDS, PUSHES] {
                moved |= self.say(which);
            }
            // What one line says is pushed on the other.
            for which in [COMMANDS, PUSHES] {
                moved |= self.hear(which);
            }
            while self.node.work(self.clock()) {
                moved = true;
            }
            if !moved {
                break;
            }
        }
        std::iter::from_fn(|| self.node.poll()).collect()
    }

    /// So many milliseconds pass, at the end of which the node does what is due.
    fn pass(&mut self, time: u64) -> Vec<EngineEvent> {
        self.now += time;
        self.server.now = EPOCH + self.now;
        let mut events = self.settle();
        self.node.tick(self.clock());
        events.extend(self.settle());
        events
    }

    /// Asks the node, which is told when it answers.
    fn submit(&mut self, operation: Operation) -> Token {
        self.token += 1;
        let clock = self.clock();
        self.node.submit(self.token, operation, clock);
        self.token
    }

    /// What comes of one operation.
    fn ask(&mut self, operation: Operation) -> Result<Outcome, RoomError> {
        let token = self.submit(operation);
        let events = self.settle();
        let done = events.into_iter().find_map(|event| match event {
            EngineEvent::Done(of, outcome) if of == token => Some(outcome),
            _ => None,
        });
        done.expect("an answer")
    }

    /// What an operator asks the engine.
    fn operate(&mut self, line: &str) -> String {
        let words: Vec<Vec<u8>> = line.split(' ').map(Vec::from).collect();
        self.server.receive(self.other, &command_bytes(&words));
        String::from_utf8(self.server.take_output(self.other)).unwrap()
    }

    fn create(&mut self, bits: u128) -> RoomId {
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
    fn list(&mut self, after: u64, most: usize) -> Vec<String> {
        match self.ask(Operation::List { after, most }) {
            Ok(Outcome::List(rooms)) => rooms.iter().map(|room| room.name.to_string()).collect(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_list_goes_on_behind_rooms_whose_time_is_over() {
    let mut table = Table::new();
    table.create(1);
    for number in 2..9 {
        let gone = RoomId::of_bits(100 + number);
        table.operate("INCR dunlin:number");
        table.operate(&format!("ZADD dunlin:rooms {number} {gone}"));
    }
    for there in 2..5 {
        table.create(there);
    }
    // Whole pages of them stand before what is there.
    assert_eq!(table.list(1, 3), ["room 2", "room 3", "room 4"]);
    assert_eq!(table.list(0, 3), ["room 1", "room 2", "room 3"]);
    assert_eq!(table.list(0, 100).len(), 4);
    assert_eq!(table.list(11, 3), [""; 0]);
    // They were taken out of the directory.
    assert_eq!(table.operate("ZCARD dunlin:rooms"), ":4\r\n");
}
