//! `dunlin bench` as a process: what it prints and writes, how it exits, how it is stopped.

mod outcome;
mod refused;
mod report;
mod stopped;

use crate::binary::{Ended, dunlin, run};
use crate::running::{Running, start};
use dunlin::{App, Handler, Message, Open, Request, Session};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a server counted by itself.
#[derive(Default)]
struct Count {
    opened: AtomicU64,
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl Count {
    /// Sessions, messages, bytes.
    fn all(&self) -> [u64; 3] {
        [&self.opened, &self.messages, &self.bytes].map(|number| number.load(Relaxed))
    }
}

/// Counts what arrives, and answers as its path says.
struct Counting {
    count: Arc<Count>,
    answer: Answer,
}

#[derive(Clone, Copy)]
enum Answer {
    Echo,
    ToAll,
    Nothing,
}

impl Handler for Counting {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        self.count.opened.fetch_add(1, Relaxed);
        session.join("all");
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        self.count.messages.fetch_add(1, Relaxed);
        self.count.bytes.fetch_add(message.len() as u64, Relaxed);
        match self.answer {
            Answer::Echo => {
                session.send(message);
            }
            Answer::ToAll => {
                session.publish("all", message);
            }
            Answer::Nothing => {}
        }
    }
}

/// A server with the paths /echo, /all and /nothing, and its count.
fn counting() -> (Running, Arc<Count>) {
    let count = Arc::new(Count::default());
    let its = Arc::clone(&count);
    let server = start(move || {
        let paths = [
            ("/echo", Answer::Echo),
            ("/all", Answer::ToAll),
            ("/nothing", Answer::Nothing),
        ];
        paths.into_iter().fold(App::new(), |app, (path, answer)| {
            let count = Arc::clone(&its);
            app.ws(path, Counting { count, answer })
        })
    });
    (server, count)
}

fn url(server: &Running, path: &str) -> String {
    format!("ws://{}{path}", server.address())
}

/// A short run: the scenario, the URL, more flags.
fn bench(scenario: &str, url: &str, more: &[&str]) -> Ended {
    let short = [
        "bench",
        scenario,
        url,
        "-q",
        "--connections",
        "6",
        "--warmup",
        "0s",
        "--duration",
        "200ms",
    ];
    // What is said twice counts as it was said last, which clap takes only so.
    let short: Vec<&str> = match more.contains(&"--duration") {
        true => short[..8].to_vec(),
        false => short.to_vec(),
    };
    run(&mut dunlin(&[&short, more].concat()))
}

/// The JSON that a command printed.
#[track_caller]
fn json(ended: &Ended) -> Value {
    let parsed = serde_json::from_str(&ended.out);
    parsed.unwrap_or_else(|error| panic!("{error}: {:?} {}", ended.out, ended.err))
}

/// A busy machine makes a run INVALID, which says nothing about the command.
#[track_caller]
fn is_done(ended: &Ended) {
    let code = ended.code.expect("no signal");
    assert!([0, 3].contains(&code), "{code}: {}{}", ended.out, ended.err);
    let says_so = ended.out.contains("INVALID") || ended.out.contains("\"invalid\": [\n");
    assert_eq!(code == 3, says_so, "{}", ended.out);
}
