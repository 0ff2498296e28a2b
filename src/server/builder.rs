//! What a server is made of, before it starts.

use super::machine::derive;
use super::running::Running;
use crate::app::remote::{Inbox, SharedStats};
use crate::app::{App, Remote};
use crate::config::Limits;
use crate::hub::Hub;
#[cfg(feature = "tls")]
use crate::net::Tls;
use crate::net::{Address, FileAccess, Listener, LoopWaker, NetIo};
use crate::turn::Turn;
use crate::wire::error::{Error, ErrorKind, Result};
use rand::TryRng;
use rand::rngs::SysRng;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Permission bits of a file.
const MODE_MAX: u32 = 0o777;

/// A server: everything happens in the thread that calls [`run`](Server::run).
///
/// ```no_run
/// # fn main() -> dunlin::Result<()> {
/// let app = dunlin::App::new().on_message("/echo", |session, message| {
///     session.send(message);
/// });
/// dunlin::Server::bind(app, "127.0.0.1:8080")?.run()
/// # }
/// ```
///
/// # In another thread
/// A program is never called from two threads, so what it holds needs neither locks nor `Send`: an
/// [`App`] and its `Server` cannot be moved to another thread.
///
/// ```compile_fail,E0277
/// # fn main() -> dunlin::Result<()> {
/// let server = dunlin::Server::bind(dunlin::App::new(), "127.0.0.1:0")?;
/// std::thread::spawn(move || server.run()); // `App` is not `Send`
/// # Ok(())
/// # }
/// ```
///
/// Make both in the thread that runs them; [`Server::spawn`] does:
///
/// ```
/// # fn main() -> dunlin::Result<()> {
/// let server = dunlin::Server::spawn(|| dunlin::Server::bind(dunlin::App::new(), "127.0.0.1:0"))?;
/// println!("{}", server.addresses()[0]);
/// server.stop()
/// # }
/// ```
pub struct Server {
    app: App,
    limits: Limits,
    listeners: Vec<Listener>,
    file_access: FileAccess,
    shares_ports: bool,
    remote: Remote,
    inbox: Inbox,
    stats: Arc<SharedStats>,
    waker: Arc<LoopWaker>,
}

impl Server {
    /// A server that runs this program, with default [`Limits`], listening nowhere yet.
    pub fn new(app: App) -> Self {
        Self::with(|_| app)
    }

    /// The same for a program that needs the server's own [`Remote`], for example in an HTTP route
    /// or for a thread that it starts. What is asked for before the server runs waits for its start.
    ///
    /// ```
    /// use dunlin::{App, Method, Response, Server, Status};
    ///
    /// let server = Server::with(|remote| {
    ///     App::new().post("/publish", move |request, _| {
    ///         let text = String::from_utf8_lossy(request.body());
    ///         match remote.publish("news", &*text) {
    ///             Ok(()) => Response::new(Status::NO_CONTENT),
    ///             Err(_) => Response::refusal(Status::SERVICE_UNAVAILABLE),
    ///         }
    ///     })
    /// });
    /// # drop(server);
    /// ```
    pub fn with(app: impl FnOnce(Remote) -> App) -> Self {
        let waker = Arc::new(LoopWaker::default());
        let (remote, inbox, stats) = Remote::new(Arc::clone(&waker) as _);
        let remote = remote.deriving(derive);
        Self {
            app: app(remote.clone()),
            limits: Limits::default(),
            listeners: Vec::new(),
            file_access: FileAccess::default(),
            shares_ports: false,
            remote,
            inbox,
            stats,
            waker,
        }
    }

    /// A server that runs this program and listens here: [`Server::new`] and [`Server::listen`].
    ///
    /// # Errors
    /// As [`Server::listen`].
    pub fn bind(app: App, address: &str) -> Result<Self> {
        Self::new(app).listen(address)
    }

    /// A server that runs this program and accepts from a socket that the caller made:
    /// [`Server::new`] and [`Server::listen_on`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let socket = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let server = dunlin::Server::from_listener(dunlin::App::new(), socket)?;
    /// # drop(server);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Server::listen_on`].
    pub fn from_listener(app: App, socket: impl Into<OwnedFd>) -> Result<Self> {
        Self::new(app).listen_on(socket)
    }

    /// Sets the limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether TCP addresses that are listened on from here on may be shared (`SO_REUSEPORT`): several processes
    /// of one user listen on one port, and the system gives each connection to one of them. All of them have to
    /// ask for it. By default the second to come gets an error. It changes nothing for Unix sockets, and for those
    /// that were made elsewhere.
    ///
    /// ```
    /// # fn main() -> dunlin::Result<()> {
    /// use dunlin::{App, Server};
    ///
    /// let first = Server::new(App::new()).reuse_port(true).listen("127.0.0.1:0")?;
    /// let address = first.addresses()[0].to_string();
    /// let second = Server::new(App::new()).reuse_port(true).listen(&address)?;
    /// # drop((first, second));
    /// # Ok(())
    /// # }
    /// ```
    pub fn reuse_port(mut self, reuse: bool) -> Self {
        self.shares_ports = reuse;
        self
    }

    /// Listens on an address: `127.0.0.1:8080`, `[::1]:0` (a port of the system's choice) or
    /// `unix:PATH`. It may be called several times. Connections wait until [`Server::run`].
    ///
    /// The file of a Unix socket is made here and removed when the server ends. One that a killed
    /// process left is replaced if nobody answers on it; any other file is left alone, and an error.
    ///
    /// # Errors
    /// `Config` for what is no address, `Io` when the system refuses it.
    pub fn listen(mut self, address: &str) -> Result<Self> {
        let listener = Listener::bind(&address.parse()?, self.file_access, self.shares_ports)?;
        self.listeners.push(listener);
        Ok(self)
    }

    /// Listens on a TCP address and speaks TLS there, 1.3 or 1.2, with this certificate: `https://` and
    /// `wss://`. It may be called several times, also with clones of one [`Tls`]. Who does not finish the
    /// handshake and the head of a request within [`Limits::head_timeout`] is cut.
    ///
    /// # Errors
    /// As [`Server::listen`], and `Config` for a Unix socket.
    #[cfg(feature = "tls")]
    pub fn listen_tls(self, address: &str, tls: &Tls) -> Result<Self> {
        let mut server = self.listen(address)?;
        if let Some(listener) = server.listeners.last_mut() {
            listener.secure(tls.clone())?;
        }
        Ok(server)
    }

    /// Accepts from a TCP socket that listens already, as [`Server::listen_on`], and speaks TLS there.
    ///
    /// # Errors
    /// As [`Server::listen_on`], and `Config` for a Unix socket.
    #[cfg(feature = "tls")]
    pub fn listen_on_tls(self, socket: impl Into<OwnedFd>, tls: &Tls) -> Result<Self> {
        let mut server = self.listen_on(socket)?;
        if let Some(listener) = server.listeners.last_mut() {
            listener.secure(tls.clone())?;
        }
        Ok(server)
    }

    /// Accepts from a socket that listens already: a [`std::net::TcpListener`], a
    /// [`std::os::unix::net::UnixListener`] or a descriptor from a service manager. It may be called
    /// several times. The socket becomes non-blocking, with all that share it; the file of a Unix
    /// socket stays when the server ends.
    ///
    /// # Errors
    /// `Config` for what is no listening stream socket of TCP or Unix.
    pub fn listen_on(mut self, socket: impl Into<OwnedFd>) -> Result<Self> {
        self.listeners.push(Listener::adopt(socket.into())?);
        Ok(self)
    }

    /// Listens on an address that has a program of its own, such as one for operators: it answers the
    /// routes of `app` and no others, and no other listener answers those. Topics, sessions, limits
    /// and the [`Remote`] are the server's, so either program reaches sessions of both.
    ///
    /// ```
    /// # fn main() -> dunlin::Result<()> {
    /// use dunlin::{App, Response, Server};
    ///
    /// let public = App::new().on_message("/echo", |session, message| session.send(message));
    /// let server = Server::bind(public, "127.0.0.1:0")?;
    /// let remote = server.remote();
    /// let admin = App::new().get("/connections", move |_, _| {
    ///     Response::ok("text/plain", remote.stats().connections.to_string().into_bytes())
    /// });
    /// let server = server.listen_for("127.0.0.1:0", admin)?;
    /// # drop(server);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Server::listen`]. A wrong route is an error of the start, as is an outgoing route of the
    /// same name in both programs.
    pub fn listen_for(self, address: &str, app: App) -> Result<Self> {
        let index = self.next_listener();
        let mut server = self.listen(address)?;
        server.app.add_listener_routes(index, app);
        Ok(server)
    }

    /// Listens on an address for those who operate the server, such as a load balancer that asks whether
    /// it is ready, or Prometheus. It has a program of its own, as with [`listen_for`](Server::listen_for),
    /// and is treated otherwise than the others: it accepts, up to 32 connections of its own, also while
    /// the server is [full](Limits::max_connections), short of memory or stopping, until all other
    /// connections are gone, and it answers to every [host name](Limits::hosts). Whoever reaches it is
    /// trusted: give it an address that strangers do not reach.
    ///
    /// ```
    /// # fn main() -> dunlin::Result<()> {
    /// use dunlin::{App, Response, Server, Status};
    ///
    /// let admin = App::new().get("/readyz", |_, context| match context.metrics().not_ready {
    ///     None => Response::text("ready\n"),
    ///     Some(why) => Response::text(why.reason()).with_status(Status::SERVICE_UNAVAILABLE),
    /// });
    /// let server = Server::bind(App::new(), "127.0.0.1:0")?.listen_admin("127.0.0.1:0", admin)?;
    /// # drop(server);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Server::listen_for`].
    pub fn listen_admin(self, address: &str, app: App) -> Result<Self> {
        let mut server = self.listen_for(address, app)?;
        server.open_to_operators();
        Ok(server)
    }

    /// The same with a socket that listens already, as with [`listen_on`](Server::listen_on).
    ///
    /// # Errors
    /// As [`Server::listen_on`], and for the program as [`Server::listen_for`].
    pub fn listen_admin_on(self, socket: impl Into<OwnedFd>, app: App) -> Result<Self> {
        let index = self.next_listener();
        let mut server = self.listen_on(socket)?;
        server.app.add_listener_routes(index, app);
        server.open_to_operators();
        Ok(server)
    }

    /// The newest listener is for operators.
    fn open_to_operators(&mut self) {
        let index = self.next_listener() - 1;
        self.app.admin_listeners.push(index);
        if let Some(listener) = self.listeners.last_mut() {
            listener.open_to_operators();
        }
    }

    /// The number that the next listener will have.
    fn next_listener(&self) -> u16 {
        u16::try_from(self.listeners.len()).unwrap_or(u16::MAX)
    }

    /// Sets the mode of the files of Unix sockets, `0o000` to `0o777`, such as `0o660`: who may write
    /// may connect. It holds for addresses listened on before and after; after is better, for nobody
    /// can connect before the file has its mode. The default is what the process's umask leaves.
    ///
    /// # Errors
    /// `Config` for other bits, `Io` when the system refuses.
    pub fn unix_mode(mut self, mode: u32) -> Result<Self> {
        if mode > MODE_MAX {
            let message =
                format!("the mode of a Unix socket is {mode:#o}, wanted: 0o000 to {MODE_MAX:#o}");
            return Err(Error::new(ErrorKind::Config, message));
        }
        self.file_access.mode = Some(mode);
        self.apply_file_access()
    }

    /// Sets the owner and the group of the files of Unix sockets, by their numbers; `None` leaves
    /// either as it is. It holds for addresses listened on before and after.
    ///
    /// # Errors
    /// `Io` when the system refuses, as it does to users without the right to give files away.
    pub fn unix_owner(mut self, user: Option<u32>, group: Option<u32>) -> Result<Self> {
        self.file_access.user = user;
        self.file_access.group = group;
        self.apply_file_access()
    }

    fn apply_file_access(self) -> Result<Self> {
        let access = self.file_access;
        let mut listeners = self.listeners.iter();
        listeners.try_for_each(|listener| listener.set_access(access))?;
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

    /// Serves until [`Remote::shutdown`]. Then it accepts nothing more, connections without a session end
    /// at once, and every session gets Close 1001 behind what was sent to it before: up to 100 sessions at
    /// once, more of them evenly over a millisecond each, but no longer than half of [`Limits::drain`], so
    /// that they do not all come back in the same moment. What has not ended after the whole of it is cut.
    /// [Admin listeners](Server::listen_admin) are open until all others have ended.
    ///
    /// # Errors
    /// `Config` for a wrong route, setting or limit, or without a listener; `Io` when the system fails.
    /// A program with an [outgoing route](App::outgoing) needs no listener.
    pub fn run(self) -> Result<()> {
        self.start()?.run()
    }

    /// Starts the server without running it: the caller makes each turn with [`Running::step`].
    ///
    /// # Errors
    /// As [`Server::run`]: all that can be wrong at the start.
    pub fn start(self) -> Result<Running> {
        if self.listeners.is_empty() && self.app.outgoing.is_empty() {
            let message = "the server listens nowhere; call `listen` before `run`";
            return Err(Error::new(ErrorKind::Config, message));
        }
        self.limits.check()?;
        let drain = self.limits.drain;
        let limits = derive(self.limits);
        let mut seed = [0; 32];
        SysRng.try_fill_bytes(&mut seed).map_err(|error| {
            Error::new(ErrorKind::Io, "the system gives no random bytes").with_source(error)
        })?;
        let addresses = self.listeners.iter().map(Listener::address);
        let addresses = addresses.cloned().collect();
        let proxies = limits.proxy_protocol.clone();
        let hub = Hub::new(self.app, limits, seed, self.remote.clone())?;
        let net = NetIo::new(self.listeners, &self.waker, proxies).map_err(|error| {
            Error::new(ErrorKind::Io, "the poll loop failed").with_source(error)
        })?;
        let turn = Turn::new(hub, net, self.inbox, self.stats);
        Ok(Running::new(turn, addresses, self.remote, drain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_does_not_run_with_a_limit_out_of_bounds() {
        let limits = Limits::default().max_connections(0);
        let server = Server::new(App::new()).limits(limits);
        let error = server.listen("127.0.0.1:0").unwrap().run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("`max_connections`"), "{error}");
    }
}
