//! A server in a thread, on a free port of this machine, for as long as a value lives.

#![allow(dead_code)] // a toolbox: each piece waits for the test that needs it

use crate::wire_client::{Frame, WireClient};
use dunlin::{App, Remote, Server};
use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

/// A server that runs until this is dropped.
pub(crate) struct Running {
    address: SocketAddr,
    remote: Remote,
    thread: Option<JoinHandle<dunlin::Result<()>>>,
}

/// Runs a program with default limits. `app` is called in the server's thread.
pub(crate) fn start(app: impl FnOnce() -> App + Send + 'static) -> Running {
    start_server(move || Server::new(app()))
}

/// Runs a server with settings of its own; it is told to listen here, too.
pub(crate) fn start_server(server: impl FnOnce() -> Server + Send + 'static) -> Running {
    start_listening(move || server().listen("127.0.0.1:0"))
}

/// Runs a server that listens where it says last.
pub(crate) fn start_listening(
    server: impl FnOnce() -> dunlin::Result<Server> + Send + 'static,
) -> Running {
    let (tell, told) = channel();
    let thread = thread::spawn(move || {
        let server = server()?;
        let address = server.addresses().last().map(ToString::to_string);
        let address = address.expect("it listens");
        tell.send((address, server.remote()))
            .expect("the test waits for this");
        server.run()
    });
    match told.recv() {
        Ok((address, remote)) => Running {
            address: address.parse().expect("a TCP address"),
            remote,
            thread: Some(thread),
        },
        Err(_) => panic!("the server did not start: {:?}", thread.join()),
    }
}

impl Running {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its handle.
    pub(crate) fn remote(&self) -> &Remote {
        &self.remote
    }

    /// A connection on which nothing was said yet.
    pub(crate) fn connect(&self) -> WireClient {
        WireClient::connect(self.address)
    }

    /// A WebSocket connection to this path.
    pub(crate) fn open(&self, path: &str) -> WireClient {
        let mut client = self.connect();
        client.upgrade(path, &[]);
        client
    }

    /// The same, behind the greeting, which is compared.
    pub(crate) fn greeted(&self, path: &str, greeting: &str) -> WireClient {
        let mut client = self.open(path);
        assert_eq!(client.read_text(), greeting, "greeting of {path}");
        client
    }

    /// Stops the server and says whether it ended well. Clients that are still
    /// there get a Close 1001 and are waited for.
    pub(crate) fn stop(mut self) -> dunlin::Result<()> {
        let _ = self.remote.shutdown();
        join(self.thread.take())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        // The first call is polite; the second does not wait for clients that have stopped answering.
        let _ = self.remote.shutdown();
        let _ = self.remote.shutdown();
        let ended = join(Some(thread));
        if !thread::panicking() {
            ended.expect("the server ended with an error");
        }
    }
}

fn join(thread: Option<JoinHandle<dunlin::Result<()>>>) -> dunlin::Result<()> {
    match thread.map(JoinHandle::join) {
        Some(Ok(ended)) => ended,
        Some(Err(panic)) => std::panic::resume_unwind(panic),
        None => Ok(()),
    }
}

/// Has the server said nothing to this client? Asked by a ping, whose pong must come next: no
/// waiting for a silence. Only what was sent before the ping was read is proven absent.
#[track_caller]
pub(crate) fn assert_silent(client: &mut WireClient) {
    client.send(Frame::ping(b"anything?"));
    let next = client.read_frame();
    assert_eq!(
        next,
        Frame::pong(b"anything?"),
        "the server has said something"
    );
}

/// Rounds that [`until`] goes at most. Never reached when all is well.
const ROUNDS: usize = 1_000_000;

/// Lets the server turn until this holds: each round is an answered ping of `clock`, a WebSocket
/// that nobody else sends to.
#[track_caller]
pub(crate) fn until(clock: &mut WireClient, what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..ROUNDS {
        if holds() {
            return;
        }
        turn(clock);
    }
    panic!("{ROUNDS} turns of the server have passed without: {what}");
}

/// Lets the server turn once.
#[track_caller]
pub(crate) fn turn(clock: &mut WireClient) {
    clock.send(Frame::ping(b"turn"));
    assert_eq!(clock.read_frame(), Frame::pong(b"turn"));
}

/// Sees a text come back: the server serves this client.
#[track_caller]
pub(crate) fn assert_echo(client: &mut WireClient) {
    client.send_text("are you there?");
    assert_eq!(client.read_text(), "are you there?");
}
