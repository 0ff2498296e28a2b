//! Layer 5: a program, its limits and its listeners, joined to the loop.

mod files;
mod memory;

pub use crate::net::Address;

use crate::app::remote::{Inbox, SharedStats};
use crate::app::{App, Remote};
use crate::config::Limits;
use crate::hub::Hub;
use crate::net::{Listener, LoopWaker, NetIo};
use crate::turn::Turn;
use crate::wire::error::{Error, ErrorKind, Result};
use rand::TryRng;
use rand::rngs::SysRng;
use std::sync::Arc;

/// What all connections together may have buffered at least, however little memory there is: the
/// default backlog of one.
const LEAST_BUFFERED: usize = 1 << 20;

/// A server: everything happens in the thread that calls [`run`](Server::run).
///
/// ```no_run
/// # fn main() -> dunlin::Result<()> {
/// let app = dunlin::App::new().on_message("/echo", |session, message| {
///     let _ = session.send(message);
/// });
/// dunlin::Server::new(app).listen("127.0.0.1:8080")?.run()
/// # }
/// ```
pub struct Server {
    app: App,
    limits: Limits,
    listeners: Vec<Listener>,
    remote: Remote,
    inbox: Inbox,
    stats: Arc<SharedStats>,
    waker: Arc<LoopWaker>,
}

impl Server {
    /// A server that runs this program, with default [`Limits`], listening nowhere yet.
    pub fn new(app: App) -> Self {
        let waker = Arc::new(LoopWaker::default());
        let (remote, inbox, stats) = Remote::new(Arc::clone(&waker) as _);
        Self {
            app,
            limits: Limits::default(),
            listeners: Vec::new(),
            remote,
            inbox,
            stats,
            waker,
        }
    }

    /// Sets the limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Listens on an address: `127.0.0.1:8080`, `[::1]:0` (a port of the system's choice) or
    /// `unix:PATH`. It may be called several times. Connections wait until [`Server::run`].
    ///
    /// # Errors
    /// `Config` for what is no address, `Io` when the system refuses it.
    pub fn listen(mut self, address: &str) -> Result<Self> {
        self.listeners.push(Listener::bind(&address.parse()?)?);
        Ok(self)
    }

    /// Where it listens, with the ports that the system chose, in the order of the calls.
    pub fn addresses(&self) -> Vec<Address> {
        let addresses = self.listeners.iter().map(Listener::address);
        addresses.cloned().collect()
    }

    /// A handle for other threads: publish, send, close, shutdown, stats.
    pub fn remote(&self) -> Remote {
        self.remote.clone()
    }

    /// Serves until [`Remote::shutdown`]; then every session gets Close 1001 and what has not
    /// ended after [`Limits::drain`] is cut.
    ///
    /// # Errors
    /// `Config` for a wrong route, setting or limit, or without a listener; `Io` when the system fails.
    pub fn run(self) -> Result<()> {
        if self.listeners.is_empty() {
            let message = "the server listens nowhere; call `listen` before `run`";
            return Err(Error::new(ErrorKind::Config, message));
        }
        self.limits.check()?;
        let limits = derive(self.limits);
        let io = |error: std::io::Error| {
            Error::new(ErrorKind::Io, "the poll loop failed").with_source(error)
        };
        let mut seed = [0; 32];
        SysRng.try_fill_bytes(&mut seed).map_err(|error| {
            Error::new(ErrorKind::Io, "the system gives no random bytes").with_source(error)
        })?;
        let hub = Hub::new(self.app, limits, seed, self.remote)?;
        let net = NetIo::new(self.listeners, &self.waker).map_err(io)?;
        let mut turn = Turn::new(hub, net, self.inbox, self.stats);
        while !turn.is_over() {
            turn.step(None).map_err(io)?;
        }
        Ok(())
    }
}

/// Fills in what the machine decides.
fn derive(mut limits: Limits) -> Limits {
    let files = files::open_files();
    let most = files::connections(files);
    limits.max_connections = Some(match limits.max_connections {
        None => most,
        Some(wanted) if wanted > most => {
            log::warn!("{wanted} connections are wanted, {files} open files allow {most}");
            most
        }
        Some(wanted) => wanted,
    });
    let buffered = limits
        .max_buffered
        .get_or_insert_with(|| (memory::usable() / 4).max(LEAST_BUFFERED));
    log::info!(
        "up to {files} open files and {} MiB buffered",
        *buffered >> 20
    );
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_decides_is_within_bounds_and_what_was_set_stays() {
        let derived = derive(Limits::default());
        assert!(derived.max_connections.is_some() && derived.max_per_address.is_none());
        assert!(derived.max_buffered.unwrap() >= LEAST_BUFFERED);
        derived.check().unwrap();
        let set = derive(Limits::default().max_connections(3).max_buffered(5));
        assert_eq!((set.max_connections, set.max_buffered), (Some(3), Some(5)));
        let most = derive(Limits::default().max_connections(1 << 30));
        assert_eq!(most.max_connections, derived.max_connections);
    }

    #[test]
    fn a_server_does_not_run_with_a_limit_out_of_bounds() {
        let limits = Limits::default().max_connections(0);
        let server = Server::new(App::new()).limits(limits);
        let error = server.listen("127.0.0.1:0").unwrap().run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("`max_connections`"), "{error}");
    }
}
