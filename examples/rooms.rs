//! Rooms of one's own: accounts in place of names that anybody may take, and lines in place of JSON.
//!
//! `cargo run --example rooms --features rooms`, then `curl -d name=den http://127.0.0.1:8080/rooms`, which prints
//! the id of a room, and from two terminals
//! `cargo run -- chat 'ws://127.0.0.1:8080/rooms/ID?token=ann-4711-0123456789'` and the same with
//! `bob-4712-0123456789`. With a folder as an argument (`… --features rooms -- FOLDER`) rooms outlive the process.
//!
//! The rooms keep order, history, marks and presence; what a client says and hears is up to the program. Here a
//! page sends its token as the cookie `token`, a script in the query. A session of an account that is in the
//! room already takes its place over: the token is the secret by which the room knows it again.

use dunlin::config::RoomLimits;
use dunlin::rooms::{Enter, Format, FormatId, Member, RoomId, Rooms, Told};
use dunlin::{
    Answer, App, CloseReason, Context, Handler, Message, Open, Request, Response, Server, Session,
    Status,
};
use std::collections::HashMap;

/// Messages that a newcomer gets.
const LAST: usize = 10;

/// One line for each thing that happens.
struct Lines;

impl Format for Lines {
    fn encode(&self, _room: Option<RoomId>, told: &Told<'_>) -> Option<String> {
        let line = |sender: &str, text: &Option<Box<str>>| {
            let text = text.as_deref().unwrap_or_default();
            format!("{sender}: {text}")
        };
        Some(match told {
            Told::Entered {
                members, excerpt, ..
            } => {
                let mut lines = vec![format!("{members} here")];
                let messages = excerpt.messages.iter();
                lines.extend(messages.map(|message| line(&message.sender, &message.text)));
                lines.join("\n")
            }
            Told::Message { message, .. } => line(&message.sender, &message.text),
            // At most once a second for a name: a reload of a page is no news.
            Told::Joined { name, members } => match name {
                Some(name) => format!("+ {name}, {members} here"),
                None => format!("{members} here"),
            },
            Told::Left { name, members } => match name {
                Some(name) => format!("- {name}, {members} here"),
                None => format!("{members} here"),
            },
            Told::Closed { reason } => format!("! you are out: {reason}"),
            Told::Error { error, .. } => format!("! {error}"),
            _ => return None,
        })
    }

    fn ends_with_room(&self) -> bool {
        true
    }
}

/// Everybody's sessions. Each is in the one room of its path.
struct Desk {
    rooms: Rooms,
    lines: FormatId,
    /// Names by their tokens, which have 16 characters at least.
    accounts: HashMap<String, String>,
}

impl Handler for Desk {
    type Data = (Member, RoomId);

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<Self::Data> {
        let token = request.query("token");
        let token = token.as_deref().or_else(|| request.cookie("token"));
        let account = token.and_then(|token| self.accounts.get_key_value(token));
        let Some((token, name)) = account else {
            return Open::Refuse(Response::refusal(Status::UNAUTHORIZED));
        };
        let Some(room) = request.param("roomId").and_then(|id| id.parse().ok()) else {
            return Open::Refuse(Response::refusal(Status::NOT_FOUND));
        };
        // From here on the session takes part, and its close event must say that it departs.
        let member = self.rooms.admit(session, self.lines);
        let enter = Enter {
            name,
            client: Some(token),
            last: LAST,
            ..Enter::default()
        };
        let entered = self.rooms.enter(session.context(), &member, room, &enter);
        if let Err(error) = &entered {
            self.refuse(session.context(), &member, room, error);
        }
        Open::Accept((member, room))
    }

    fn message(&mut self, data: &mut Self::Data, session: &mut Session<'_>, message: Message<'_>) {
        let (member, room) = (&data.0, data.1);
        let Some(text) = message.text() else {
            session.close(1003, "Only text is taken");
            return;
        };
        let context = session.context();
        let said = match self.rooms.takes_message(context, member) {
            Ok(true) => self.rooms.talk(context, member, room, Some(text), None),
            // It is closed already.
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = said {
            self.refuse(context, member, room, &error);
        }
    }

    fn drain(&mut self, data: &mut Self::Data, session: &mut Session<'_>, dropped: u64) {
        if dropped > 0 {
            // It reads too slowly: it is told so, and may come again for what it missed.
            self.rooms.lost(session.context(), &data.0);
        }
    }

    fn close(&mut self, data: Self::Data, session: &mut Session<'_>, _reason: &CloseReason) {
        self.rooms.depart(session.context(), &data.0);
    }
}

impl Desk {
    fn refuse(
        &self,
        context: &mut Context<'_>,
        member: &Member,
        room: RoomId,
        error: &dunlin::rooms::RoomError,
    ) {
        let reference = None;
        let told = Told::Error { reference, error };
        self.rooms.tell(context, member, Some(room), &told);
    }
}

/// Makes a room, and answers with its id as soon as that is known.
fn create(rooms: &Rooms, request: &Request<'_>, context: &mut Context<'_>) -> Answer {
    let form = request.form();
    let name = form.as_ref().ok().and_then(|form| form.get("name"));
    let name = name.unwrap_or_default().to_owned();
    let (answer, ticket) = Answer::later(context);
    rooms.create(context, &name, move |created, _| {
        ticket.answer(match created {
            Ok((room, _key)) => Response::text(format!("{}\n", room.id)),
            Err(error) => Response::text(format!("{error}\n")).with_status(Status::BAD_REQUEST),
        });
    });
    answer
}

fn app(rooms: &Rooms) -> App {
    let accounts = [
        ("ann-4711-0123456789", "Ann"),
        ("bob-4712-0123456789", "Bob"),
    ];
    let desk = Desk {
        rooms: rooms.clone(),
        lines: rooms.add_format(Lines),
        accounts: accounts
            .map(|(token, name)| (token.to_owned(), name.to_owned()))
            .into(),
    };
    let with = rooms.clone();
    rooms
        .mount(App::new())
        .ws("/rooms/{roomId}", desk)
        .post("/rooms", move |request, context| {
            create(&with, request, context)
        })
}

fn main() -> dunlin::Result<()> {
    let rooms = match std::env::args().nth(1) {
        Some(folder) => Rooms::in_folder(folder, RoomLimits::default())?,
        None => Rooms::new(),
    };
    Server::new(app(&rooms)).listen("127.0.0.1:8080")?.run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::Method;
    use dunlin::testing::{Conversation, Sim};
    use std::time::Duration;

    const ANN: &str = "ann-4711-0123456789";
    const BOB: &str = "bob-4712-0123456789";

    fn server() -> (Sim, String) {
        let sim = Sim::new(app(&Rooms::new())).expect("the program is right");
        let form = "application/x-www-form-urlencoded";
        let made = sim
            .request(Method::Post, "/rooms")
            .header("Content-Type", form)
            .body("name=den")
            .send();
        let path = format!("/rooms/{}", made.text().trim());
        (sim, path)
    }

    fn open(sim: &Sim, path: &str, token: &str) -> Conversation {
        sim.open(&format!("{path}?token={token}"))
    }

    #[test]
    fn accounts_talk_under_their_names_and_newcomers_read_what_was_said() {
        let (sim, path) = server();
        let ann = open(&sim, &path, ANN);
        assert_eq!(ann.receive_text(), "1 here");
        ann.send("hello");
        assert_eq!(ann.receive_text(), "Ann: hello");
        let cookie = [("Cookie", &*format!("token={BOB}"))];
        let bob = sim.open_with(&path, &cookie).expect("Bob");
        assert_eq!(bob.receive_text(), "2 here\nAnn: hello");
        assert_eq!(ann.receive_text(), "+ Bob, 2 here");
        bob.send("hi");
        assert_eq!(ann.receive_text(), "Bob: hi");
        bob.close(1000, "");
        sim.advance(Duration::from_secs(2));
        assert_eq!(ann.receive_text(), "- Bob, 1 here");
    }

    #[test]
    fn nobody_opens_without_a_token_that_is_known() {
        let (sim, path) = server();
        for path in [path.clone(), format!("{path}?token=ann")] {
            let status = sim.open_with(&path, &[]).unwrap_err().status();
            assert_eq!(status, Some(Status::UNAUTHORIZED));
        }
        let nowhere = format!("/rooms/den?token={ANN}");
        let status = sim.open_with(&nowhere, &[]).unwrap_err().status();
        assert_eq!(status, Some(Status::NOT_FOUND));
    }

    #[test]
    fn a_second_session_of_an_account_takes_its_place_over() {
        let (sim, path) = server();
        let bob = open(&sim, &path, BOB);
        let ann = open(&sim, &path, ANN);
        ann.receive_all();
        bob.receive_all();
        let again = open(&sim, &path, ANN);
        assert_eq!(again.receive_text(), "2 here");
        assert_eq!(ann.receive_text(), "! you are out: replaced");
        ann.send("am I here?");
        assert!(ann.receive_text().starts_with("! you are not in this room"));
        sim.advance(Duration::from_secs(2));
        assert_eq!(bob.receive(), None, "a reload is no news");
    }

    #[test]
    fn an_unknown_room_is_an_answer_and_not_the_end() {
        let (sim, _) = server();
        let nowhere = format!("/rooms/{}", RoomId::random());
        let ann = open(&sim, &nowhere, ANN);
        assert!(ann.receive_text().starts_with("! no room has this id"));
    }
}
