//! A server in a thread of its own.

use super::builder::Server;
use super::running::Running;
use crate::app::Remote;
use crate::hub::said;
use crate::net::Address;
use crate::wire::error::{Error, ErrorKind, Result};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A dropped handle waits this much longer than the drain.
const GRACE: Duration = Duration::from_secs(1);

/// What the thread tells of itself when the server has started.
struct Started {
    addresses: Vec<Address>,
    remote: Remote,
    drain: Duration,
}

/// A server that runs in a thread of its own, from [`Server::spawn`].
///
/// Dropping the handle stops the server like [`stop`](ServerThread::stop) and forgets the result: a
/// test or a program that returns early leaves neither a thread nor a taken port behind. It waits for
/// the end no longer than [`Limits::drain`](crate::Limits::drain) and one second, for a handler may
/// never return; the thread is left alone then. While the dropping thread panics, connections are cut
/// at once. To let the server run on without a handle, [`detach`](ServerThread::detach) it.
#[derive(Debug)]
pub struct ServerThread {
    addresses: Vec<Address>,
    remote: Remote,
    drain: Duration,
    thread: Option<JoinHandle<Result<()>>>,
    /// Nothing comes here; its other end goes when the thread ends.
    ended: Receiver<()>,
}

impl Server {
    /// Runs a server in a new thread, named `dunlin`. `make` is called there, because a program cannot
    /// change its thread; what it takes along must be `Send`, what it makes need not. Comes back when
    /// the server has started and listens.
    ///
    /// ```
    /// # fn main() -> dunlin::Result<()> {
    /// use dunlin::{App, Server};
    ///
    /// let server = Server::spawn(|| {
    ///     let mut messages = 0; // no lock: only the server's thread has it
    ///     let app = App::new().on_message("/count", move |session, _| {
    ///         messages += 1;
    ///         session.send(messages.to_string());
    ///     });
    ///     Server::bind(app, "127.0.0.1:0")
    /// })?;
    /// server.remote().publish("news", "it runs")?;
    /// server.stop()
    /// # }
    /// ```
    ///
    /// # Errors
    /// What `make` answers, and all that can be wrong at the start, as [`Server::run`]. `Panicked` when
    /// `make` panics; `Io` when the system gives no thread.
    pub fn spawn(make: impl FnOnce() -> Result<Server> + Send + 'static) -> Result<ServerThread> {
        let (tell, told) = channel();
        let (alive, ended) = channel();
        let thread = thread::Builder::new().name("dunlin".to_owned());
        let thread = thread
            .spawn(move || {
                let ran = make_and_run(make, tell);
                drop(alive);
                ran
            })
            .map_err(|error| {
                Error::new(ErrorKind::Io, "cannot start a thread for the server").with_source(error)
            })?;
        match told.recv() {
            Ok(started) => Ok(ServerThread {
                addresses: started.addresses,
                remote: started.remote,
                drain: started.drain,
                thread: Some(thread),
                ended,
            }),
            // The thread has ended without a word of its start: its result says why.
            Err(_) => {
                join(thread)?;
                Err(Error::new(ErrorKind::Closed, "the server did not start"))
            }
        }
    }
}

fn make_and_run(make: impl FnOnce() -> Result<Server>, tell: Sender<Started>) -> Result<()> {
    let running: Running = make()?.start()?;
    let started = Started {
        addresses: running.addresses().to_vec(),
        remote: running.remote(),
        drain: running.drain(),
    };
    // The caller waits for it.
    let _ = tell.send(started);
    running.run()
}

impl ServerThread {
    /// Where it listens, or did, with the ports that the system chose.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// A handle for any thread.
    pub fn remote(&self) -> Remote {
        self.remote.clone()
    }

    /// Whether its thread has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Lets the server run on without a handle: it ends by [`Remote::shutdown`], or with the process.
    pub fn detach(mut self) -> Remote {
        self.thread = None;
        self.remote.clone()
    }

    /// Stops the server in order, as [`Remote::shutdown`], and waits for its end. A peer that leaves its
    /// connection open is waited for, no longer than [`Limits::drain`](crate::Limits::drain): in a test,
    /// drop the clients first.
    ///
    /// # Errors
    /// As [`ServerThread::join`].
    pub fn stop(self) -> Result<()> {
        // An error says that it has stopped already; how, says its result.
        let _ = self.remote.shutdown();
        self.join()
    }

    /// Waits until the server has ended, by [`Remote::shutdown`] as a rule.
    ///
    /// # Errors
    /// `Io` when the system failed. `Panicked` when the thread panicked outside of handlers, whose
    /// panics end only a session: for example in `Drop` of what the program holds. `Closed` in the
    /// server's own thread, which cannot wait for itself.
    pub fn join(mut self) -> Result<()> {
        match self.thread.take() {
            Some(thread) if thread.thread().id() == thread::current().id() => {
                let message = "the server's own thread cannot wait for its end";
                Err(Error::new(ErrorKind::Closed, message))
            }
            Some(thread) => join(thread),
            None => Ok(()),
        }
    }
}

impl Drop for ServerThread {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        let _ = self.remote.shutdown();
        if thread.thread().id() == thread::current().id() {
            return; // it would wait for itself
        }
        if thread::panicking() {
            let _ = self.remote.shutdown();
        }
        // Whether time is up or the other end is gone: there is nothing more to do.
        let _ = self.ended.recv_timeout(self.drain + GRACE);
    }
}

fn join(thread: JoinHandle<Result<()>>) -> Result<()> {
    thread.join().unwrap_or_else(|panic| {
        let message = format!("the server's thread panicked: {}", said(&*panic));
        Err(Error::new(ErrorKind::Panicked, message))
    })
}
