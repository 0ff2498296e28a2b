//! The program of the floods that `dunlin serve` does not offer: `own-app PORT`.
//!
//! It serves the ready applications, two routes with deflate contexts of their own, and a room to which another
//! thread publishes through a `Remote`, as fast as it can, from a member's first word on.

use std::io::{self, Error};
use std::thread;
use std::time::{Duration, Instant};

use dunlin::{
    App, BacklogPolicy, Deflate, Handler, Message, Open, Remote, Request, Server, Session, Settings,
};

use dunlin_bench::rights::step_behind;

const TOPIC: &str = "remote";
const LENGTH: usize = 64 << 10;
/// Bounds of what the other thread publishes.
const MESSAGES: usize = 32_768;
const SPAN: Duration = Duration::from_secs(10);

/// Serves until it is killed.
pub(crate) fn serve(port: u16) -> io::Result<()> {
    let contexts = Settings::default().extension(Deflate::new().context_takeover(true));
    let answering = contexts.clone().backlog(BacklogPolicy::StopReading);
    let app = dunlin::apps::all(App::new())
        .ws_with("/own-flow", contexts, Room("own-flow"))
        .on_message_with("/own-echo", answering, |session, message| {
            let _ = session.send(message);
        })
        .ws("/remote", Publishing { begun: false });
    Server::new(app)
        .listen(&format!("127.0.0.1:{port}"))
        .and_then(Server::run)
        .map_err(Error::other)
}

/// What one says all of them get.
struct Room(&'static str);

impl Handler for Room {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join(self.0);
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        session.publish(self.0, message);
    }
}

/// The room of the other thread.
struct Publishing {
    begun: bool,
}

impl Handler for Publishing {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join(TOPIC);
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, _: Message<'_>) {
        if !std::mem::replace(&mut self.begun, true) {
            let remote = session.remote();
            thread::spawn(move || publish(&remote));
        }
    }
}

/// A full server is asked again a moment later.
fn publish(remote: &Remote) {
    // Without it the two threads share the core evenly, and the kernel is measured and not the loop.
    let _ = step_behind();
    let text = "r".repeat(LENGTH);
    let end = Instant::now() + SPAN;
    let mut published = 0;
    while published < MESSAGES && Instant::now() < end {
        match remote.publish(TOPIC, &*text) {
            Ok(()) => published += 1,
            Err(_) => thread::sleep(Duration::from_millis(1)),
        }
    }
}
