//! The client side of the Autobahn TestSuite, for `tests/autobahn/run --client`.
//!
//! `autobahn_client loop|blocking URL AGENT` asks the suite's server how many cases it has, lets
//! it run each against this client, which echoes, and asks for the report. `loop` calls out of the
//! event loop, `blocking` is the small client for scripts; they share the receive lanes only.

use dunlin::Deflate;
use dunlin::{
    App, Call, Client, CloseReason, Context, Error, Handler, Incoming, Limits, Message, Open,
    Request, Server, Session, SessionId, Settings,
};
use std::process::ExitCode;
use std::time::Duration;

/// The suite makes the data of a case before it answers, which can take it a while.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// Sizes of section 9 and 12, and a little more.
const MAX_MESSAGE: usize = 64 << 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match &arguments[..] {
        [kind, url, agent] if kind == "blocking" => blocking(url, agent),
        [kind, url, agent] if kind == "loop" => in_loop(url, agent),
        _ => {
            eprintln!("usage: autobahn_client loop|blocking URL AGENT");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("autobahn_client: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How many cases the suite's server has.
fn count(url: &str) -> dunlin::Result<usize> {
    let mut client = Client::connect(&format!("{url}/getCaseCount"))?;
    match client.receive_message()? {
        Incoming::Text(text) => Ok(text.parse().unwrap_or(0)),
        other => Err(unexpected(&format!("{other:?}"))),
    }
}

fn report(url: &str, agent: &str) -> dunlin::Result<()> {
    let mut client = Client::connect(&format!("{url}/updateReports?agent={agent}"))?;
    while !matches!(client.receive_message(), Ok(Incoming::Close(_)) | Err(_)) {}
    Ok(())
}

fn unexpected(what: &str) -> Error {
    let message = format!("the suite's server sent {what}, wanted: the number of cases");
    Error::new(dunlin::ErrorKind::Protocol, message)
}

fn case_url(url: &str, agent: &str, case: usize) -> String {
    format!("{url}/runCase?case={case}&agent={agent}")
}

fn blocking(url: &str, agent: &str) -> dunlin::Result<()> {
    let deflate = Deflate::new();
    for case in 1..=count(url)? {
        let options = Client::options()
            .max_message_size(MAX_MESSAGE)
            .max_frame_size(MAX_MESSAGE)
            .handshake_timeout(LONGEST_WAIT)
            .read_timeout(LONGEST_WAIT)
            .extension(deflate.clone());
        let mut client = options.connect(&case_url(url, agent, case))?;
        // A case that ends in an error is for the suite to judge.
        while let Ok(incoming) = client.receive_message() {
            let echoed = match &incoming {
                Incoming::Text(text) => client.send(text.as_str()),
                Incoming::Binary(bytes) => client.send(&bytes[..]),
                _ => break,
            };
            if echoed.is_err() {
                break;
            }
        }
    }
    report(url, agent)
}

fn in_loop(url: &str, agent: &str) -> dunlin::Result<()> {
    let cases = count(url)?;
    let calls: Vec<Call> = (1..=cases)
        .rev()
        .map(|case| dunlin::client::call(&case_url(url, agent, case)))
        .collect::<dunlin::Result<_>>()?;
    let settings = Settings::default()
        .max_message_size(MAX_MESSAGE)
        .extension(Deflate::new());
    let app = App::new().outgoing("case", settings, Cases { calls });
    // A server listens somewhere; nobody calls this one.
    let limits = Limits::default().head_timeout(LONGEST_WAIT);
    let server = Server::new(app).limits(limits).listen("127.0.0.1:0")?;
    let first = dunlin::client::call(&case_url(url, agent, 1))?;
    server.remote().connect("case", first)?;
    server.run()?;
    report(url, agent)
}

/// Echoes one case after another; the last of `calls` runs.
struct Cases {
    calls: Vec<Call>,
}

impl Cases {
    fn next(&mut self, context: &mut Context<'_>) {
        self.calls.pop();
        let called = match self.calls.last() {
            Some(call) => context.connect("case", call.clone()).map(drop),
            None => context.remote().shutdown(),
        };
        if let Err(error) = called {
            eprintln!("autobahn_client: {error}");
            std::process::exit(1);
        }
    }
}

impl Handler for Cases {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        session.send(message);
    }

    fn failed(&mut self, context: &mut Context<'_>, _: SessionId, call: &Call, error: &Error) {
        eprintln!("autobahn_client: {call}: {error}");
        self.next(context);
    }

    fn close(&mut self, (): (), session: &mut Session<'_>, _: &CloseReason) {
        self.next(session.context());
    }
}
