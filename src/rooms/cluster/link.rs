//! The lines of a node as connections of the loop.

use super::address::Site;
use super::line::Phase;
use super::lines::{Found, LookedUp, Tell};
use super::node::{COMMANDS, Node, PUSHES};
use crate::app::{App, Call, Context, Handle, Link, Progress, SessionId};
use crate::rooms::state::{State, clock, run_answered};
use crate::rooms::ticker::Ticker;
use crate::wire::error::Error;
use crate::wire::work::price;
use core::net::{IpAddr, SocketAddr};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

/// The outgoing route of the lines.
const ROUTE: &str = "dunlin.engine";
/// Which host is tried next is decided anew after so many milliseconds.
const PAUSE: u64 = 500;

/// Adds what a node needs of the loop to a program.
/// `after` sees to it that what is due is done in time.
pub(in crate::rooms) fn mount(
    state: &Rc<RefCell<State>>,
    app: App,
    handle: Handle<Ticker>,
    after: impl Fn(u64) + 'static,
) -> App {
    if state.borrow_mut().node().is_none() {
        return app;
    }
    let ticker = handle.clone();
    let tell: Tell = Arc::new(move |which, found| {
        let _ = ticker.call(move |ticker, context| ticker.looked_up(context, which, found));
    });
    state.borrow_mut().lines.tell = Some(tell);
    let link = EngineLink {
        state: Rc::clone(state),
        after: Box::new(after),
    };
    app.link(ROUTE, link).at_start(move || {
        let _ = handle.call(|ticker, context| ticker.tick(context));
    })
}

impl State {
    /// The node that speaks to an engine elsewhere, if there is one.
    fn node(&mut self) -> Option<&mut Node> {
        self.engine.as_any().downcast_mut()
    }

    fn line_of(&self, id: SessionId) -> Option<usize> {
        self.lines.ids.iter().position(|known| *known == Some(id))
    }

    /// Sends what the node has to say, ends connections that it has given up, and begins those that it
    /// wants.
    pub(in crate::rooms) fn see_to_lines(&mut self, context: &mut Context<'_>) {
        let now = context.now().as_millis() as u64;
        let Some(stats) = self.node().map(|node| node.stats()) else {
            return;
        };
        context.report_engine(stats);
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
                // The node has given it up: what is there is no master.
                self.lines.go_on(which);
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
                Call::new(nowhere, address.to_string(), "").socket_file(path)
            }
            Site::Hosts(hosts) => {
                let (host, port) = &hosts[self.lines.hosts[which] % hosts.len()];
                let Some(to) = self.look_up(which, host, *port) else {
                    return;
                };
                let call = Call::new(to, format!("{host}:{port}"), "");
                #[cfg(feature = "tls")]
                let call = match self.node() {
                    Some(node) if address.is_secure => call.secure(host, node.trust.clone()),
                    _ => call,
                };
                call
            }
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
                let (host, tell) = (host.to_owned(), self.lines.tell.clone()?);
                let asks = move || {
                    use std::net::ToSocketAddrs;
                    let found = (&*host, port).to_socket_addrs();
                    let found = found.map(Iterator::collect::<Vec<_>>);
                    let found = found.map_err(|error| format!("{host}: {error}"));
                    tell(which, found);
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
        found: LookedUp,
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
    state: Rc<RefCell<State>>,
    after: Box<dyn Fn(u64)>,
}

impl EngineLink {
    /// Does something with the node, then tells what came of it.
    fn with<R>(
        &self,
        context: &mut Context<'_>,
        id: SessionId,
        act: impl FnOnce(&mut State, usize, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let (done, answered) = {
            let mut state = self.state.borrow_mut();
            let which = state.line_of(id)?;
            let done = act(&mut state, which, context);
            state.pump(context);
            (done, std::mem::take(&mut state.answered))
        };
        run_answered(answered, context);
        (self.after)(context.now().as_millis() as u64);
        Some(done)
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
            state.lines.go_on(which);
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
