//! What the loop promises whatever its clients do: listeners, commands of other threads, ends.

mod crowds;
mod listeners;
mod remotes;

use crate::running::{Running, start};
use dunlin::{App, CloseReason, Handler, Message, Open, Remote, Request, Session, SessionId};
use std::sync::mpsc::{Receiver, Sender, channel};

/// What a handler has seen.
#[derive(Debug)]
enum Seen {
    Open(SessionId),
    Close(SessionId, CloseReason),
}

/// A room that echoes, publishes what starts with `all: `, and tells a test what it sees.
struct Room(Sender<Seen>);

impl Handler for Room {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join("room");
        let _ = self.0.send(Seen::Open(session.id()));
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        match message {
            Message::Text(text) if text.starts_with("all: ") => {
                session.publish("room", message);
            }
            _ => {
                let _ = session.send(message);
            }
        }
    }

    fn close(&mut self, (): (), session: &mut Session<'_>, reason: &CloseReason) {
        let _ = self.0.send(Seen::Close(session.id(), reason.clone()));
    }
}

/// A server with a `/room` and an `/echo`, and what its room sees.
fn room() -> (Running, Receiver<Seen>) {
    let (tell, seen) = channel();
    let server = start(move || program(tell));
    (server, seen)
}

fn program(tell: Sender<Seen>) -> App {
    App::new()
        .ws("/room", Room(tell))
        .on_message("/echo", |session, message| {
            let _ = session.send(message);
        })
}

/// The next session that opens.
#[track_caller]
fn opened(seen: &Receiver<Seen>) -> SessionId {
    match seen.recv() {
        Ok(Seen::Open(id)) => id,
        other => panic!("no open but {other:?}"),
    }
}

/// The next session that closes, and its code.
#[track_caller]
fn closed(seen: &Receiver<Seen>) -> (SessionId, u16) {
    match seen.recv() {
        Ok(Seen::Close(id, reason)) => (id, reason.code.get()),
        other => panic!("no close but {other:?}"),
    }
}

/// Connections that live now, as of the last turn.
fn connections(remote: &Remote) -> u64 {
    remote.stats().connections
}
