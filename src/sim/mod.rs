//! A program in memory: the same hub as on real sockets, over virtual
//! connections and a virtual clock.
//!
//! A test opens conversations, sends, receives, lets time pass, cuts lines and
//! slows readers; nothing sleeps and nothing depends on the machine. One seed
//! decides everything that is left to chance, and it is printed when a test
//! fails. After every turn the simulation checks the promises of the server.
//! Nothing here knows a socket or a real clock.
//!
//! ```
//! use dunlin::testing::Sim;
//! use dunlin::{App, CloseCode};
//! # use dunlin::{Handler, Message, Request, Response, Session};
//! # struct Echo;
//! # impl Handler for Echo {
//! #     type Data = ();
//! #     fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Result<(), Response> {
//! #         let _ = session.send("Please enter your name");
//! #         Ok(())
//! #     }
//! #     fn message(&mut self, _: &mut (), session: &mut Session<'_>, message: Message<'_>) {
//! #         match message.text() {
//! #             Some(text) if text.eq_ignore_ascii_case("bye") => session.close(CloseCode::NORMAL, "Client said BYE"),
//! #             Some(text) => { let _ = session.send(&format!("Hi, {text}!")); }
//! #             None => {}
//! #         }
//! #     }
//! # }
//!
//! let sim = Sim::new(App::new().ws("/echo", Echo))?;
//! let echo = sim.open("/echo");
//! assert_eq!(echo.receive_text(), "Please enter your name");
//! echo.send("JetBrains");
//! assert_eq!(echo.receive_text(), "Hi, JetBrains!");
//! # Ok::<(), dunlin::Error>(())
//! ```

mod check;
mod conversation;
mod io;
mod network;
mod virtual_peer;
mod world;

pub use conversation::{Conversation, Line};
pub use network::End;
pub use virtual_peer::Received;

use crate::app::{App, Peer, Remote, Stats};
use crate::hub::Limits;
use crate::wire::error::Result;
use crate::wire::extension::Offer;
use crate::wire::upgrade::{new_key, parse_offers};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;
use world::World;

/// The port of the first virtual peer.
const FIRST_PORT: u16 = 1024;

/// A server without sockets, and its clients.
///
/// What a conversation sends arrives when the simulation runs: with [`Conversation::receive`],
/// [`Sim::drive`], [`Sim::advance`], or turn by turn with [`Sim::step`].
pub struct Sim {
    world: Rc<RefCell<World>>,
}

impl Sim {
    /// A simulation of this program with default limits.
    ///
    /// # Errors
    /// The first wrong pattern or setting of the program.
    #[track_caller]
    pub fn new(app: App) -> Result<Self> {
        Self::with(app, Limits::default(), 0)
    }

    /// A simulation with these limits, in which `seed` decides what is left to chance.
    ///
    /// # Errors
    /// The first wrong pattern or setting of the program.
    #[track_caller]
    pub fn with(app: App, limits: Limits, seed: u64) -> Result<Self> {
        let world = Rc::new(RefCell::new(World::new(app, limits, seed)?));
        Ok(Self { world })
    }

    /// From now on the network is shaky: reads are cut at any byte, sends are taken in
    /// part, and connections are served in any order.
    pub fn shake(&self) {
        self.world.borrow_mut().turn.io.is_shaky = true;
    }

    /// From now on a panic of the program does not fail the test but ends one session, as in production:
    /// for tests of that. What the program said is kept for [`Sim::take_panics`].
    pub fn expect_panics(&self) {
        let mut world = self.world.borrow_mut();
        world.panics.get_or_insert_default();
    }

    /// The messages of the program's panics since the last time, in order; none unless they are
    /// [expected](Sim::expect_panics), which they stay.
    pub fn take_panics(&self) -> Vec<String> {
        let mut world = self.world.borrow_mut();
        world
            .panics
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// How many bytes fit between server and peer, for the connections to come. Default 64 KiB.
    pub fn set_capacity(&self, bytes: usize) {
        self.world.borrow_mut().turn.io.capacity = bytes;
    }

    /// For how many connections the system has descriptors; past it accepting fails. Default: any number.
    pub fn set_descriptors(&self, connections: usize) {
        self.world.borrow_mut().turn.io.descriptors = connections;
    }

    /// What the last turn spent of its budget, and what a turn may spend at most (its budget and one
    /// step more), in units of work. The simulation fails by itself when that is passed.
    pub fn work(&self) -> (u64, u64) {
        let spent = self.world.borrow().turn.spent();
        let most = crate::turn::TURN + crate::turn::STEP;
        (spent.max(0) as u64, most.into())
    }

    /// A raw connection, from an address of 127.0.0.1.
    pub fn connect(&self) -> Line {
        self.connect_from(Ipv4Addr::LOCALHOST.into())
    }

    /// A raw connection from this address.
    pub fn connect_from(&self, ip: IpAddr) -> Line {
        let mut world = self.world.borrow_mut();
        let ports = usize::from(u16::MAX - FIRST_PORT);
        let port = FIRST_PORT + (world.turn.io.lines.len() % ports) as u16;
        let line = world
            .turn
            .io
            .add_incoming(Peer::Tcp(SocketAddr::new(ip, port)));
        Line {
            world: Rc::clone(&self.world),
            line,
        }
    }

    /// The next connection that the program made to another server, and where to: the test plays
    /// that server with raw bytes.
    #[track_caller]
    pub fn next_call(&self) -> Option<(Peer, Line)> {
        let mut world = self.world.borrow_mut();
        world.drive();
        let line = world.turn.io.calls.pop_front()?;
        let peer = world.turn.io.lines[line].peer;
        let world = Rc::clone(&self.world);
        Some((peer, Line { world, line }))
    }

    /// Opens a conversation.
    ///
    /// # Panics
    /// When the server refuses; the message tells its answer.
    #[track_caller]
    pub fn open(&self, target: &str) -> Conversation {
        match self.open_with(target, &[]) {
            Ok(conversation) => conversation,
            Err(error) => panic!("opening {target}: {error}"),
        }
    }

    /// Opens a conversation with further header fields, such as `Origin` or `Sec-WebSocket-Protocol`.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused), with the status in its text, when the server answers
    /// anything but 101; [`Protocol`](crate::ErrorKind::Protocol) when its 101 is wrong;
    /// [`Closed`](crate::ErrorKind::Closed) when no answer came.
    #[track_caller]
    pub fn open_with(&self, target: &str, fields: &[(&str, &str)]) -> Result<Conversation> {
        let conversation = self.connect().upgrade(target, fields);
        self.drive();
        conversation.opened()
    }

    /// One turn of the loop; whether another should follow at once.
    ///
    /// # Panics
    /// With the panic of a handler of the program, unless it is [expected](Sim::expect_panics). When the
    /// server breaks a promise.
    #[track_caller]
    pub fn step(&self) -> bool {
        self.world.borrow_mut().step()
    }

    /// Runs until nothing is left to do at this time.
    ///
    /// # Panics
    /// As [`Sim::step`], and when the server never comes to rest.
    #[track_caller]
    pub fn drive(&self) {
        self.world.borrow_mut().drive();
    }

    /// Lets time pass, in jumps from one deadline of the server to the next.
    #[track_caller]
    pub fn advance(&self, by: Duration) {
        self.world.borrow_mut().advance(by);
    }

    /// Moves the clock without a turn, as when the process was stopped: what was sent before arrives
    /// in the same turn in which deadlines turn out to be over.
    pub fn jump(&self, by: Duration) {
        self.world.borrow_mut().turn.io.ms += by.as_millis() as u64;
    }

    /// Time since the start.
    pub fn now(&self) -> Duration {
        Duration::from_millis(self.world.borrow().turn.io.ms)
    }

    /// How many turns the loop has made.
    pub fn turns(&self) -> u64 {
        self.world.borrow().turn.io.turn
    }

    /// When the server needs a turn next if nothing happens; `None`: it can sleep for ever.
    pub fn next_deadline(&self) -> Option<Duration> {
        let deadline = self.world.borrow().turn.next_deadline();
        deadline.map(Duration::from_millis)
    }

    /// The counters of now.
    pub fn stats(&self) -> Stats {
        self.world.borrow().turn.hub.stats()
    }

    /// How many topics there are.
    pub fn topics(&self) -> usize {
        self.world.borrow().turn.hub.topics()
    }

    /// Whether no connection is left.
    pub fn is_empty(&self) -> bool {
        self.world.borrow().turn.hub.is_empty()
    }

    /// The handle that other threads have; its commands arrive with the next turn.
    pub fn remote(&self) -> Remote {
        self.world.borrow().remote.clone()
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("now", &self.now()).finish()
    }
}

impl Line {
    /// Asks for an upgrade of this connection; the answer comes when the simulation runs.
    pub fn upgrade(&self, target: &str, fields: &[(&str, &str)]) -> Conversation {
        let request = {
            let mut world = self.world.borrow_mut();
            let client = &mut world.turn.io.lines[self.line].client;
            let key = new_key(client.random_key());
            let request = upgrade_request(target, &key, fields);
            let (protocols, extensions) = (offered_protocols(fields), offered_extensions(fields));
            client.expect_upgrade(key, protocols, extensions);
            request
        };
        self.send_raw(request.as_bytes());
        Conversation(self.clone())
    }
}

fn upgrade_request(target: &str, key: &str, fields: &[(&str, &str)]) -> String {
    let mut request = format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
    );
    for (name, value) in fields {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    request
}

/// The values of one field, which may stand on several lines.
fn values<'f>(fields: &'f [(&str, &str)], name: &str) -> impl Iterator<Item = &'f str> {
    let of_name = move |field: &&(&str, &str)| field.0.eq_ignore_ascii_case(name);
    fields.iter().filter(of_name).map(|(_, value)| *value)
}

fn offered_protocols(fields: &[(&str, &str)]) -> Vec<String> {
    values(fields, "sec-websocket-protocol")
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_owned())
        .collect()
}

fn offered_extensions(fields: &[(&str, &str)]) -> Vec<Offer> {
    let lines = values(fields, "sec-websocket-extensions").map(str::as_bytes);
    parse_offers(lines).unwrap_or_default()
}
