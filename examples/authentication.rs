//! Authentication: a thread looks the token up before the 101, and nobody else waits meanwhile.
//!
//! `cargo run --example authentication`, then
//! `cargo run -- chat ws://127.0.0.1:8080/account -H 'Authorization: Bearer 4711'`; with any other token it is 401.
//!
//! Pages cannot set that field: they log in first and bring a cookie, which `token` takes as well. That
//! is safe because the default of `Settings::origins` lets only pages of this host open a session.

use dunlin::{App, Handler, Message, Open, OpenTicket, Request, Response, Server, Session, Status};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// Look-ups that may wait for the thread.
const MOST_WAITING: usize = 256;

struct Account {
    name: String,
    may_write: bool,
}

struct LookUp {
    token: String,
    ticket: OpenTicket<Account>,
}

struct Accounts {
    look_ups: SyncSender<LookUp>,
}

impl Handler for Accounts {
    type Data = Account;

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<Account> {
        let Some(token) = token(request) else {
            return Open::Refuse(unauthorized());
        };
        let (open, ticket) = Open::later(session);
        // Past the bound the ticket is dropped with what holds it, which answers 503.
        let _ = self.look_ups.try_send(LookUp { token, ticket });
        open
    }

    /// What the handler does for a session that is open now: `open` is too early for it.
    fn accepted(&mut self, account: &mut Account, session: &mut Session<'_>) {
        session.send(format!("Hello, {}!", account.name));
    }

    fn message(&mut self, account: &mut Account, session: &mut Session<'_>, _: Message<'_>) {
        session.send(if account.may_write {
            "written"
        } else {
            "you may only read"
        });
    }
}

fn token(request: &Request<'_>) -> Option<String> {
    let token = request.bearer_token().or_else(|| request.cookie("token"));
    token.map(str::to_owned)
}

fn unauthorized() -> Response {
    Response::refusal(Status::UNAUTHORIZED).field("WWW-Authenticate", "Bearer")
}

fn look_up_all(look_ups: &Receiver<LookUp>) {
    for LookUp { token, ticket } in look_ups {
        // A peer that has left, or has waited for 10 s, need not be looked up.
        if ticket.is_waiting() {
            match look_up(&token) {
                Some(account) => ticket.accept(account),
                None => ticket.refuse(unauthorized()),
            };
        }
    }
}

/// Stands for a database that takes its time. A real one holds hashes of tokens, not tokens.
fn look_up(token: &str) -> Option<Account> {
    thread::sleep(Duration::from_millis(20));
    let (name, may_write) = match token {
        "4711" => ("Ann", true),
        "4712" => ("Bob", false),
        _ => return None,
    };
    Some(Account {
        name: name.to_owned(),
        may_write,
    })
}

fn app() -> App {
    let (look_ups, waiting) = sync_channel(MOST_WAITING);
    thread::spawn(move || look_up_all(&waiting));
    App::new().ws("/account", Accounts { look_ups })
}

fn main() -> dunlin::Result<()> {
    Server::new(app()).listen("127.0.0.1:8080")?.run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::testing::{Conversation, Sim};

    fn ask(sim: &Sim, fields: &[(&str, &str)]) -> dunlin::Result<Conversation> {
        let client = sim.connect().upgrade("/account", fields);
        sim.drive_threads_until(|| client.is_answered());
        client.opened()
    }

    #[test]
    fn a_known_token_opens_with_what_its_account_may_do() {
        let sim = Sim::new(app()).expect("the program is right");
        let ann = ask(&sim, &[("Authorization", "Bearer 4711")]).expect("Ann");
        let bob = ask(&sim, &[("Cookie", "token=4712")]).expect("Bob");
        for (client, greeting, answer) in [
            (&ann, "Hello, Ann!", "written"),
            (&bob, "Hello, Bob!", "you may only read"),
        ] {
            assert_eq!(client.receive_text(), greeting);
            client.send("something");
            assert_eq!(client.receive_text(), answer);
        }
    }

    #[test]
    fn an_unknown_token_and_none_are_401() {
        let sim = Sim::new(app()).expect("the program is right");
        for fields in [&[][..], &[("Authorization", "Bearer 1")]] {
            let status = ask(&sim, fields).unwrap_err().status();
            assert_eq!(status, Some(Status::UNAUTHORIZED), "{fields:?}");
        }
    }

    #[test]
    fn a_page_of_another_host_is_403_whatever_cookie_it_brings() {
        let sim = Sim::new(app()).expect("the program is right");
        let fields = [
            ("Cookie", "token=4711"),
            ("Origin", "https://elsewhere.example"),
        ];
        let status = ask(&sim, &fields).unwrap_err().status();
        assert_eq!(status, Some(Status::FORBIDDEN));
    }

    #[test]
    fn past_the_bound_a_peer_gets_503() {
        let (look_ups, _nobody_takes_them) = sync_channel(1);
        let sim = Sim::new(App::new().ws("/account", Accounts { look_ups }));
        let sim = sim.expect("the program is right");
        let fields = [("Authorization", "Bearer 4711")];
        let first = sim.connect().upgrade("/account", &fields);
        sim.drive();
        let status = ask(&sim, &fields).unwrap_err().status();
        assert_eq!(status, Some(Status::SERVICE_UNAVAILABLE));
        assert!(!first.is_answered());
        sim.advance(Duration::from_secs(10));
        let status = first.opened().unwrap_err().status();
        assert_eq!(status, Some(Status::SERVICE_UNAVAILABLE), "10 s are over");
    }
}
