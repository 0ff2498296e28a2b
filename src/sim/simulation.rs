//! The server without sockets, as a test holds it.

use super::calls::IncomingCall;
use super::conversation::{Conversation, Line};
use super::follower::Follower;
use super::http::{HttpAnswer, HttpClient, HttpRequest};
use super::world::World;
use crate::app::{App, Metrics, Peer, Remote, Stats};
use crate::hub::Limits;
use crate::wire::error::Result;
use crate::wire::head::Method;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How much virtual time [`Sim::drive_until`] lets pass at most.
pub const MAX_DRIVE: Duration = Duration::from_secs(3600);
/// How much real time [`Sim::drive_threads_until`] waits for other threads, if nothing else is set.
const WAIT: Duration = Duration::from_secs(10);
/// A condition of [`Sim::drive_threads_until`] is looked at again after this real time without a command.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// The port of the first virtual peer.
const FIRST_PORT: u16 = 1024;

/// A server without sockets, and its clients.
///
/// What a conversation sends arrives when the simulation runs: with [`Conversation::receive`],
/// [`Sim::drive`], [`Sim::advance`], or turn by turn with [`Sim::step`].
pub struct Sim {
    pub(super) world: Rc<RefCell<World>>,
    /// How long other threads are waited for, in real time.
    wait: Cell<Duration>,
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
        let wait = Cell::new(WAIT);
        Ok(Self { world, wait })
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

    /// A raw connection that a proxy at this address passes on for a peer at another, as with the PROXY
    /// protocol: who the peer is shows with the first bytes that arrive.
    pub fn connect_through(&self, proxy: IpAddr, peer: SocketAddr) -> Line {
        let line = self.connect_from(proxy);
        self.world.borrow_mut().turn.io.lines[line.line].told_later = Some(Peer::Tcp(peer));
        line
    }

    /// From now on calls of the program to other servers fail at once, as when nobody listens there
    /// (`true`), or are made again.
    pub fn set_unreachable(&self, is_unreachable: bool) {
        self.world.borrow_mut().turn.io.is_unreachable = is_unreachable;
    }

    /// Runs until the server rests; the next call that the program made to another server, in the order
    /// of the calls. The test plays that server. `None`: there is no other. Calls that the program gave up
    /// before it had asked are passed over.
    ///
    /// # Panics
    /// As [`Sim::drive`], and when the program asks for no valid upgrade.
    #[track_caller]
    pub fn next_call(&self) -> Option<IncomingCall> {
        loop {
            let (peer, line) = self.next_call_raw()?;
            if let Some(call) = IncomingCall::read(line, peer) {
                return Some(call);
            }
        }
    }

    /// The same as a raw connection, whatever was asked on it, and the address that was called.
    ///
    /// # Panics
    /// As [`Sim::drive`].
    #[track_caller]
    pub fn next_call_raw(&self) -> Option<(Peer, Line)> {
        let mut world = self.world.borrow_mut();
        world.drive();
        let line = world.turn.io.calls.pop_front()?;
        let peer = world.turn.io.lines[line].peer;
        let world = Rc::clone(&self.world);
        Some((peer, Line { world, line }))
    }

    /// A connection for requests in plain HTTP, one after another.
    pub fn http(&self) -> HttpClient {
        HttpClient(self.connect())
    }

    /// Sends a GET on a connection of its own and returns the answer.
    ///
    /// # Panics
    /// As [`HttpRequest::send`].
    #[track_caller]
    pub fn get(&self, target: &str) -> HttpAnswer {
        self.request(Method::Get, target).send()
    }

    /// A request on a connection of its own, which ends with the answer (`Connection: close`).
    pub fn request(&self, method: Method, target: &str) -> HttpRequest {
        HttpRequest::alone(self.connect(), method, target)
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

    /// Follows an event stream ([`App::sse`]).
    ///
    /// # Panics
    /// When the server refuses; the message tells its answer.
    #[track_caller]
    pub fn follow(&self, target: &str) -> Follower {
        match self.follow_with(target, &[]) {
            Ok(follower) => follower,
            Err(error) => panic!("following {target}: {error}"),
        }
    }

    /// Follows an event stream with further header fields, such as `Last-Event-ID`.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused), with the status in its text, when the server answers
    /// with no event stream; [`Closed`](crate::ErrorKind::Closed) when no answer came.
    #[track_caller]
    pub fn follow_with(&self, target: &str, fields: &[(&str, &str)]) -> Result<Follower> {
        let follower = self.connect().follow(target, fields);
        self.drive();
        follower.opened()
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

    /// Lets time pass, from one deadline of the server to the next, until a condition holds; no further
    /// than an hour of virtual time ([`MAX_DRIVE`]). The condition is looked at whenever the server rests.
    ///
    /// # Panics
    /// As [`Sim::drive`], and when the condition does not come true: within the hour, or before nothing
    /// is left that could happen. The message tells the state of the server.
    #[track_caller]
    pub fn drive_until(&self, mut condition: impl FnMut() -> bool) {
        let end = self.now() + MAX_DRIVE;
        loop {
            self.drive();
            if condition() {
                return;
            }
            match self.next_deadline() {
                Some(at) if at <= end => self.advance(at.saturating_sub(self.now())),
                _ => panic!(
                    "the condition did not come true: {}",
                    self.world.borrow().told()
                ),
            }
        }
    }

    /// Runs until a condition holds that needs other threads: handlers hand work to them, and they come
    /// back by a [`Handle`](crate::Handle) or a [`Remote`]. Waits for what they ask in real time, at most
    /// 10 s altogether ([`Sim::wait_at_most`]), without a sleep; the virtual clock stands. The condition is looked
    /// at whenever the server rests.
    ///
    /// # Panics
    /// As [`Sim::drive`], and when the condition has not come true in that time.
    #[track_caller]
    pub fn drive_threads_until(&self, mut condition: impl FnMut() -> bool) {
        let (start, most) = (Instant::now(), self.wait.get());
        loop {
            self.drive();
            if condition() {
                return;
            }
            let Some(left) = most.checked_sub(start.elapsed()) else {
                panic!(
                    "the condition did not come true while other threads had {most:?}: {}",
                    self.world.borrow().told()
                );
            };
            // A condition may hold without a word to the server, too: a thread that has ended.
            self.world.borrow().wait_for_threads(left.min(LOOK_AGAIN));
        }
    }

    /// For how long [`Sim::drive_threads_until`] waits for other threads altogether, in real time. Default
    /// 10 s.
    pub fn wait_at_most(&self, time: Duration) {
        self.wait.set(time);
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

    /// Everything that is counted, as of now.
    pub fn metrics(&self) -> Metrics {
        self.world.borrow().turn.hub.metrics()
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
