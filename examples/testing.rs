//! A program and its tests: the larger part of this file is below `mod tests`.
//!
//! `cargo test --example testing` runs them, without a socket and without a sleep; `cargo run --example testing`
//! serves the program: `cargo run -- chat ws://127.0.0.1:8080/echo`, then a name, then `bye`.

use dunlin::{App, CloseCode, Handler, Message, Open, Request, Response, Server, Session};
use std::time::Duration;

/// How long a session may say nothing.
const IDLE: Duration = Duration::from_secs(300);

struct Echo;

impl Handler for Echo {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.send("Please enter your name");
        session.set_timer(IDLE, 0);
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        session.set_timer(IDLE, 0);
        match message.text() {
            Some(text) if text.eq_ignore_ascii_case("bye") => {
                session.close(CloseCode::NORMAL, "Client said BYE");
            }
            Some(text) => drop(session.send(format!("Hi, {text}!"))),
            None => {}
        }
    }

    fn timer(&mut self, (): &mut (), session: &mut Session<'_>, _: u64) {
        session.close(4000, "Nothing said for 5 minutes");
    }
}

fn app() -> App {
    App::new().ws("/echo", Echo).get("/sessions", |_, context| {
        let stats = context.stats();
        Response::text((stats.opened - stats.closed).to_string())
    })
}

fn main() -> dunlin::Result<()> {
    Server::new(app()).listen("127.0.0.1:8080")?.run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::Status;
    use dunlin::testing::{Received, Sim};

    fn sim() -> Sim {
        Sim::new(app()).expect("the program is right")
    }

    #[test]
    fn a_name_is_greeted_and_bye_ends_the_conversation() {
        let sim = sim();
        let echo = sim.open("/echo");
        assert_eq!(echo.receive_text(), "Please enter your name");
        echo.send("JetBrains");
        assert_eq!(echo.receive_text(), "Hi, JetBrains!");
        echo.send("bye");
        let close = Received::close(1000, "Client said BYE");
        assert_eq!(echo.receive(), Some(close));
    }

    /// Five minutes take no time here: the clock is virtual and goes from one deadline to the next.
    #[test]
    fn whoever_says_nothing_for_5_minutes_is_closed() {
        let sim = sim();
        let (quiet, talks) = (sim.open("/echo"), sim.open("/echo"));
        sim.advance(IDLE - Duration::from_secs(1));
        talks.send("Ann");
        sim.advance(Duration::from_secs(1));
        let close = Received::close(4000, "Nothing said for 5 minutes");
        assert_eq!(quiet.receive_all().pop(), Some(close));
        assert_eq!(talks.receive_all().pop(), Some(Received::text("Hi, Ann!")));
    }

    /// Pings are the server's business, and the conversation answers them, as every client does. One
    /// that is gone without a word does not.
    #[test]
    fn a_peer_that_is_gone_is_noticed_within_40_seconds() {
        let sim = sim();
        let gone = sim.open("/echo");
        gone.manual();
        sim.advance(Duration::from_secs(41));
        let close = Received::close(1011, "Ping timeout");
        assert!(gone.receive_all().contains(&close));
    }

    #[test]
    fn a_slow_reader_delays_nobody() {
        let sim = sim();
        let (slow, other) = (sim.open("/echo"), sim.open("/echo"));
        slow.stall();
        slow.send("x".repeat(100_000));
        other.receive_text();
        other.send("Ann");
        assert_eq!(other.receive_text(), "Hi, Ann!");
        assert!(slow.backlog() > 0);
        slow.resume();
        assert_eq!(slow.receive_all().len(), 2);
    }

    #[test]
    fn sessions_are_counted_over_http_and_a_page_of_elsewhere_opens_none() {
        let sim = sim();
        let _open = sim.open("/echo");
        let origin = [("Origin", "https://elsewhere.example")];
        let refused = sim.open_with("/echo", &origin).unwrap_err();
        assert_eq!(refused.status(), Some(Status::FORBIDDEN));
        assert_eq!(sim.get("/sessions").text(), "1");
    }
}
