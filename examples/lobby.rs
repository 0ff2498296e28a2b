//! A game lobby: who is here, told to all, with a grace of 30 s for whoever loses the line.
//!
//! `cargo run --example lobby`, then `ws://127.0.0.1:8080/lobby?name=Ann&secret=1234` from two clients.
//!
//! A player who comes back with the same secret within the grace was never away: the others hear
//! nothing. The timer belongs to the program and not to the session, which is gone by then.

use dunlin::{
    App, CloseReason, Context, Handler, JoinOutcome, Message, Open, Request, Response, Server,
    Session, SessionId, Status,
};
use std::collections::HashMap;
use std::time::Duration;

const GRACE: Duration = Duration::from_secs(30);
const LOBBY: &str = "lobby";

struct Player {
    name: String,
    secret: String,
    /// `None` while the line is lost.
    session: Option<SessionId>,
}

#[derive(Default)]
struct Lobby {
    players: HashMap<u64, Player>,
    next: u64,
}

impl Handler for Lobby {
    /// The number of the player.
    type Data = u64;

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<u64> {
        let (Some(name), Some(secret)) = (request.query("name"), request.query("secret")) else {
            return Open::Refuse(Response::refusal(Status::BAD_REQUEST));
        };
        let known = self.players.iter().find(|(_, player)| player.name == name);
        let number = match known.map(|(number, player)| (*number, player)) {
            Some((_, player)) if player.secret != secret => {
                return Open::Refuse(Response::refusal(Status::CONFLICT));
            }
            Some((number, player)) => {
                // The older session may be dead and not have noticed.
                if let Some(older) = player.session {
                    session.close_other(older, 4001, "replaced");
                }
                session.context().cancel_timer(number);
                number
            }
            None => {
                self.next += 1;
                session.publish(LOBBY, format!("+ {name}"));
                self.next
            }
        };
        assert_eq!(session.join(LOBBY), JoinOutcome::Joined);
        let (name, secret) = (name.into_owned(), secret.into_owned());
        let player = Player {
            name,
            secret,
            session: Some(session.id()),
        };
        self.players.insert(number, player);
        let mut names: Vec<&str> = self.players.values().map(|player| &*player.name).collect();
        names.sort_unstable();
        session.send(format!("here: {}", names.join(", ")));
        Open::Accept(number)
    }

    fn message(&mut self, number: &mut u64, session: &mut Session<'_>, message: Message<'_>) {
        if let (Some(player), Some(text)) = (self.players.get(number), message.text()) {
            session.publish(LOBBY, format!("{}: {text}", player.name));
        }
    }

    fn close(&mut self, number: u64, session: &mut Session<'_>, _: &CloseReason) {
        if let Some(player) = self.players.get_mut(&number)
            && player.session == Some(session.id())
        {
            player.session = None;
            session.context().set_timer(GRACE, number);
        }
    }

    fn program_timer(&mut self, context: &mut Context<'_>, number: u64) {
        if let Some(player) = self.players.remove(&number) {
            context.publish(LOBBY, format!("- {}", player.name));
        }
    }
}

fn app() -> App {
    App::new().ws("/lobby", Lobby::default())
}

fn main() -> dunlin::Result<()> {
    Server::new(app()).listen("127.0.0.1:8080")?.run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::testing::{Received, Sim};

    const ANN: &str = "/lobby?name=Ann&secret=1";
    const BOB: &str = "/lobby?name=Bob&secret=2";

    #[test]
    fn whoever_comes_back_within_30_s_was_never_away() {
        let sim = Sim::new(app()).unwrap();
        let ann = sim.open(ANN);
        assert_eq!(ann.receive_text(), "here: Ann");
        let bob = sim.open(BOB);
        assert_eq!(ann.receive_text(), "+ Bob");
        bob.cut();
        sim.advance(GRACE - Duration::from_secs(1));
        let bob = sim.open(BOB);
        assert_eq!(bob.receive_text(), "here: Ann, Bob");
        sim.advance(GRACE);
        assert_eq!(ann.receive(), None);
        bob.send("back");
        assert_eq!(ann.receive_text(), "Bob: back");
    }

    #[test]
    fn whoever_stays_away_has_left_after_30_s() {
        let sim = Sim::new(app()).unwrap();
        let (ann, bob) = (sim.open(ANN), sim.open(BOB));
        ann.receive_all();
        bob.close(1000, "");
        sim.advance(GRACE - Duration::from_secs(1));
        assert_eq!(ann.receive(), None);
        sim.advance(Duration::from_secs(2));
        assert_eq!(ann.receive_text(), "- Bob");
        assert_eq!(sim.open(BOB).receive_text(), "here: Ann, Bob");
    }

    #[test]
    fn a_name_is_taken_over_with_its_secret_only() {
        let sim = Sim::new(app()).unwrap();
        let ann = sim.open(ANN);
        let error = sim.open_with("/lobby?name=Ann&secret=9", &[]).unwrap_err();
        assert_eq!(error.status(), Some(Status::CONFLICT));
        let again = sim.open(ANN);
        assert_eq!(again.receive_text(), "here: Ann");
        let last = ann.receive_all().pop();
        assert_eq!(last, Some(Received::close(4001, "replaced")));
        sim.advance(2 * GRACE);
        again.send("still here");
        assert_eq!(again.receive_text(), "Ann: still here");
    }
}
