//! Connections to servers that speak something else than WebSocket, out of the same loop.

use crate::running::{Running, start};
use dunlin::{App, Call, Context, Error, Link, Progress, SessionId};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

/// Asks a server for lines, one after another, and tells what happens.
struct Lines {
    seen: Sender<String>,
    /// What has arrived and is not worked on.
    unread: Vec<u8>,
}

impl Link for Lines {
    fn connected(&mut self, context: &mut Context<'_>, id: SessionId) {
        let _ = self.seen.send("connected".to_owned());
        assert!(context.send_bytes(id, b"first\n").is_queued());
        assert!(context.send_bytes(id, b"second\n").is_queued());
    }

    fn received(&mut self, context: &mut Context<'_>, id: SessionId, bytes: &[u8]) -> Progress {
        self.unread.extend_from_slice(bytes);
        let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') else {
            return Progress::Done;
        };
        let line: Vec<u8> = self.unread.drain(..=end).collect();
        let _ = self.seen.send(String::from_utf8_lossy(&line).into_owned());
        if line == b"bye\n" {
            context.close(id, 1000, "");
            assert!(!context.send_bytes(id, b"too late\n").is_queued());
        }
        // One line a call: the rest is worked on when others had their turn.
        Progress::HasMore
    }

    fn ended(&mut self, _: &mut Context<'_>, _: SessionId, _: &Call, error: &Error) {
        let _ = self.seen.send(format!("ended: {error}"));
    }
}

fn linked(seen: Sender<String>) -> Running {
    start(move || {
        let unread = Vec::new();
        App::new().link("lines", Lines { seen, unread })
    })
}

fn server(serve: impl FnOnce(TcpStream) + Send + 'static) -> (SocketAddr, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let served = thread::spawn(move || serve(listener.accept().unwrap().0));
    (address, served)
}

#[test]
fn bytes_go_to_and_fro_until_the_program_ends_it() {
    let (address, served) = server(|mut stream| {
        let mut asked = [0; 13];
        stream.read_exact(&mut asked).unwrap();
        assert_eq!(&asked, b"first\nsecond\n");
        stream.write_all(b"one\ntwo\nbye\nafter the end\n").unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap_or_default();
        assert!(rest.is_empty(), "{rest:?}");
    });
    let (seen, told) = channel();
    let running = linked(seen);
    let call = Call::new(address, "lines", "");
    running.remote().connect("lines", call).unwrap();
    for wanted in [
        "connected",
        "one\n",
        "two\n",
        "bye\n",
        "ended: the program has closed the connection",
    ] {
        let next = told.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(next, wanted);
    }
    served.join().unwrap();
}

#[test]
fn one_that_cannot_be_made_or_breaks_is_told() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = nobody.local_addr().unwrap();
    drop(nobody);
    let (breaks, served) = server(drop);
    let (seen, told) = channel();
    let running = linked(seen);
    let remote = running.remote();
    remote
        .connect("lines", Call::new(refused, "nobody", ""))
        .unwrap();
    let next = told.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(next, "ended: the connection cannot be made");
    remote
        .connect("lines", Call::new(breaks, "breaks", ""))
        .unwrap();
    let mut next = told.recv_timeout(Duration::from_secs(10)).unwrap();
    if next == "connected" {
        next = told.recv_timeout(Duration::from_secs(10)).unwrap();
    }
    assert_eq!(next, "ended: the server closed the connection");
    served.join().unwrap();
}

#[test]
fn a_server_that_stops_ends_its_links_last() {
    let (address, served) = server(|mut stream| {
        let mut asked = Vec::new();
        stream.read_to_end(&mut asked).unwrap_or_default();
        assert_eq!(asked, b"first\nsecond\n");
    });
    let (seen, told) = channel();
    let running = linked(seen);
    let remote = running.remote();
    remote
        .connect("lines", Call::new(address, "lines", ""))
        .unwrap();
    assert_eq!(
        told.recv_timeout(Duration::from_secs(10)).unwrap(),
        "connected"
    );
    remote.shutdown().unwrap();
    served.join().unwrap();
    let next = told.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(next, "ended: the program has closed the connection");
}

/// Panics in one of its events, and tells how that ends.
struct Panics {
    at: &'static str,
    seen: Sender<String>,
}

impl Link for Panics {
    fn connected(&mut self, context: &mut Context<'_>, id: SessionId) {
        assert_ne!(self.at, "connected", "as asked");
        context.send_bytes(id, b"hello\n");
    }

    fn received(&mut self, _: &mut Context<'_>, _: SessionId, bytes: &[u8]) -> Progress {
        assert_ne!(self.at, "received", "as asked");
        let _ = self.seen.send(String::from_utf8_lossy(bytes).into_owned());
        Progress::Done
    }

    fn ended(&mut self, _: &mut Context<'_>, _: SessionId, _: &Call, error: &Error) {
        let at = self.at;
        let _ = self.seen.send(format!("{at} {:?}: {error}", error.kind()));
    }

    fn is_last(&mut self, _: &mut Context<'_>, _: SessionId) {
        panic!("as asked");
    }
}

#[test]
fn a_panic_in_any_of_its_events_ends_the_connection() {
    for (at, expected) in [
        ("connected", ""),
        ("received", "hello\n"),
        ("is_last", "hello\n"),
    ] {
        let (address, served) = server(move |mut stream| {
            if at != "connected" {
                stream.write_all(b"and you\n").unwrap();
            }
            let mut asked = String::new();
            // What was under way may have been cut with the connection.
            let _ = stream.read_to_string(&mut asked);
            assert!(expected.starts_with(&asked), "{at}: {asked:?}");
        });
        let (seen, told) = channel();
        let running = start(move || App::new().link("panics", Panics { at, seen }));
        let call = Call::new(address, at, "");
        running.remote().connect("panics", call).unwrap();
        let next = || told.recv_timeout(Duration::from_secs(10)).unwrap();
        if at == "is_last" {
            assert_eq!(next(), "and you\n");
            running.remote().shutdown().unwrap();
        }
        assert_eq!(next(), format!("{at} Panicked: the program panicked"));
        served.join().unwrap();
    }
}
