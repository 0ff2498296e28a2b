//! The lines of a node as connections of the loop.

use super::address::{EngineAddress, Site};
use super::keys::Keys;
use super::line::Phase;
use super::node::{COMMANDS, Node, PUSHES};
use crate::app::{App, Call, Context, Handle, Link, Progress, SessionId};
use crate::config::RoomLimits;
use crate::rooms::Rooms;
use crate::rooms::state::{State, clock};
use crate::rooms::ticker::Ticker;
use crate::wire::error::{Error, ErrorKind, Result};
use crate::wire::work::price;
use core::net::{IpAddr, SocketAddr};
use std::thread;

/// The outgoing route of the lines.
const ROUTE: &str = "dunlin.engine";
/// Which host is tried next is decided anew after so many milliseconds.
const PAUSE: u64 = 500;

/// How rooms of several servers find their engine: for [`Rooms::in_cluster`].
#[derive(Clone, Debug)]
pub struct Cluster {
    address: EngineAddress,
    prefix: String,
    #[cfg(feature = "tls")]
    trust: crate::app::Trust,
}

impl Cluster {
    /// By this engine, with keys that begin with `dunlin`.
    pub fn new(address: EngineAddress) -> Self {
        Self {
            address,
            prefix: "dunlin".to_owned(),
            #[cfg(feature = "tls")]
            trust: crate::app::Trust::system(),
        }
    }

    /// Another prefix of all keys and channels: servers with different ones know nothing of each other.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Whom to believe where the engine speaks TLS.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn trust(mut self, trust: crate::app::Trust) -> Self {
        self.trust = trust;
        self
    }

    pub(in crate::rooms) fn node(self, limits: &RoomLimits, seed: [u8; 32]) -> Result<Node> {
        let keys = Keys::new(&self.prefix).map_err(|problem| {
            let message = format!("{:?} is no prefix of keys: {problem}", self.prefix);
            Error::new(ErrorKind::Config, message)
        })?;
        #[cfg(feature = "tls")]
        let trust = self.trust;
        let node = Node::new(self.address, keys, limits.clone(), seed);
        #[cfg(feature = "tls")]
        let node = node.trusting(trust);
        Ok(node)
    }
}

/// What a host was found to be.
#[derive(Debug, Default)]
enum Found {
    /// It is not known.
    #[default]
    Nothing,
    /// Somebody is asking.
    Asking,
    /// These, the next one to be tried first.
    Addresses(Vec<SocketAddr>),
}

/// The connections of a node.
#[derive(Debug, Default)]
pub(in crate::rooms) struct Lines {
    ids: [Option<SessionId>; 2],
    /// By which this thread is reached from one that looks a name up.
    handle: Option<Handle<Ticker>>,
    /// Which of the hosts each line tries next, and where that is.
    hosts: [usize; 2],
    found: [Found; 2],
}

/// Adds what a node needs of the loop to a program.
pub(in crate::rooms) fn mount(rooms: &Rooms, app: App, handle: Handle<Ticker>) -> App {
    if rooms.state.borrow_mut().node().is_none() {
        return app;
    }
    rooms.state.borrow_mut().lines.handle = Some(handle.clone());
    let link = EngineLink {
        rooms: rooms.clone(),
    };
    app.link(ROUTE, link).at_start(move || {
        let _ = handle.call(|ticker, context| ticker.tick(context));
    })
}

impl State {
    fn line_of(&self, id: SessionId) -> Option<usize> {
        self.lines.ids.iter().position(|known| *known == Some(id))
    }

    /// Sends what the node has to say, ends connections that it has given up, and begins those that it
    /// wants.
    pub(in crate::rooms) fn see_to_lines(&mut self, context: &mut Context<'_>) {
        let now = context.now().as_millis() as u64;
        for which in [COMMANDS, PUSHES] {
            let Some(node) = self.node() else {
                return;
            };
            let (phase, is_stopping) = (node.lines[which].phase, node.is_stopping);
            let output = node.lines[which].take_output();
            let Phase::Down { retry_at } = phase else {
                if let Some(bytes) = output
                    && let Some(id) = self.lines.ids[which]
                {
                    context.send_bytes(id, &bytes);
                }
                continue;
            };
            if let Some(id) = self.lines.ids[which].take() {
                context.close(id, 1000, "");
            }
            if now >= retry_at && !is_stopping {
                self.dial(context, which, now);
            }
        }
    }

    fn dial(&mut self, context: &mut Context<'_>, which: usize, now: u64) {
        let Some(node) = self.node() else {
            return;
        };
        let address = node.address.clone();
        let call = match &address.site {
            Site::File(path) => {
                let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
                Some(Call::new(nowhere, address.to_string(), "").socket_file(path))
            }
            Site::Hosts(hosts) => {
                let (host, port) = &hosts[self.lines.hosts[which] % hosts.len()];
                let found = self.look_up(which, host, *port);
                found.map(|to| Call::new(to, format!("{host}:{port}"), ""))
            }
        };
        let Some(call) = call else {
            return;
        };
        #[cfg(feature = "tls")]
        let next = self.lines.hosts[which];
        #[cfg(feature = "tls")]
        let call = match (&address.site, self.node()) {
            (Site::Hosts(hosts), Some(node)) if address.is_secure => {
                let (host, _) = &hosts[next % hosts.len()];
                call.secure(host, node.trust.clone())
            }
            _ => call,
        };
        let begun = context.connect(ROUTE, call);
        let Some(node) = self.node() else {
            return;
        };
        match begun {
            Ok(id) => {
                node.lines[which].phase = Phase::Dialling { since: now };
                self.lines.ids[which] = Some(id);
            }
            Err(_) => {
                // The server stops.
                let retry_at = now + PAUSE;
                node.lines[which].phase = Phase::Down { retry_at };
            }
        }
    }

    /// Where a host is, if that is known; else somebody begins to ask.
    fn look_up(&mut self, which: usize, host: &str, port: u16) -> Option<SocketAddr> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Some(SocketAddr::new(ip, port));
        }
        match &mut self.lines.found[which] {
            Found::Asking => None,
            Found::Addresses(addresses) => {
                // Each is tried once, then the name is looked up anew: it may be somewhere else.
                let next = addresses.pop();
                if addresses.is_empty() {
                    self.lines.found[which] = Found::Nothing;
                }
                next
            }
            Found::Nothing => {
                let (host, handle) = (host.to_owned(), self.lines.handle.clone()?);
                let asks = move || {
                    use std::net::ToSocketAddrs;
                    let found = (&*host, port).to_socket_addrs();
                    let found = found.map(Iterator::collect::<Vec<_>>);
                    let found = found.map_err(|error| format!("{host}: {error}"));
                    let _ = handle.call(move |ticker, context| {
                        ticker.looked_up(context, which, found);
                    });
                };
                let thread = thread::Builder::new().name("dunlin-names".to_owned());
                // Looking names up holds whoever does it.
                if thread.spawn(asks).is_ok() {
                    self.lines.found[which] = Found::Asking;
                }
                None
            }
        }
    }

    /// A host was looked up.
    pub(in crate::rooms) fn looked_up(
        &mut self,
        context: &mut Context<'_>,
        which: usize,
        found: std::result::Result<Vec<SocketAddr>, String>,
    ) {
        let now = context.now().as_millis() as u64;
        self.lines.found[which] = match found {
            Ok(mut addresses) if !addresses.is_empty() => {
                addresses.reverse();
                Found::Addresses(addresses)
            }
            other => {
                let why = other
                    .err()
                    .unwrap_or_else(|| "it has no address".to_owned());
                log::warn!("the engine cannot be looked up: {why}");
                if let Some(node) = self.node() {
                    let retry_at = now + 10 * PAUSE;
                    node.lines[which].phase = Phase::Down { retry_at };
                }
                self.lines.hosts[which] += 1;
                Found::Nothing
            }
        };
        self.see_to_lines(context);
    }
}

/// The program of the lines.
struct EngineLink {
    rooms: Rooms,
}

impl EngineLink {
    /// Does something with the node, then tells what came of it.
    fn with<R>(
        &self,
        context: &mut Context<'_>,
        id: SessionId,
        act: impl FnOnce(&mut State, usize, &mut Context<'_>) -> R,
    ) -> Option<R> {
        self.rooms.with(context, |state, context| {
            let which = state.line_of(id)?;
            let done = act(state, which, context);
            state.pump(context);
            Some(done)
        })
    }
}

impl Link for EngineLink {
    fn connected(&mut self, context: &mut Context<'_>, id: SessionId) {
        self.with(context, id, |state, which, context| {
            let clock = clock(context);
            if let Some(node) = state.node() {
                node.connected(which, clock);
            }
        });
    }

    fn received(&mut self, context: &mut Context<'_>, id: SessionId, bytes: &[u8]) -> Progress {
        let progress = self.with(context, id, |state, which, context| {
            let clock = clock(context);
            if let Some(node) = state.node() {
                node.lines[which].feed(bytes, clock.now);
            }
            loop {
                context.charge(price::ROOM);
                if !state.node().is_some_and(|node| node.work(clock)) {
                    break;
                }
                state.pump(context);
                if context.is_spent() {
                    return Progress::HasMore;
                }
            }
            if state.node().is_some_and(|node| node.is_over()) {
                state.end_lines(context);
            }
            Progress::Done
        });
        progress.unwrap_or(Progress::Done)
    }

    fn ended(&mut self, context: &mut Context<'_>, id: SessionId, _: &Call, error: &Error) {
        self.with(context, id, |state, which, context| {
            state.lines.ids[which] = None;
            // Where there are several, another one may be the master.
            state.lines.hosts[which] += 1;
            let clock = clock(context);
            if let Some(node) = state.node() {
                node.disconnected(which, &format!("{error:#}"), clock);
            }
        });
    }

    fn is_last(&mut self, context: &mut Context<'_>, id: SessionId) {
        let is_known = self.with(context, id, |state, which, context| {
            let clock = clock(context);
            let node = state.node();
            let is_over = node.is_none_or(|node| {
                if !node.is_stopping {
                    node.stop(clock);
                }
                node.is_over()
            });
            if which == PUSHES || is_over {
                state.end_line(which, context);
            }
        });
        if is_known.is_none() {
            context.close(id, 1000, "");
        }
    }
}

impl State {
    fn end_line(&mut self, which: usize, context: &mut Context<'_>) {
        if let Some(id) = self.lines.ids[which].take() {
            context.close(id, 1000, "");
        }
    }

    fn end_lines(&mut self, context: &mut Context<'_>) {
        self.end_line(COMMANDS, context);
        self.end_line(PUSHES, context);
    }
}
