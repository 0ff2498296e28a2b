//! Routes and rooms that ask for a connection token, in virtual time.

use dunlin::config::RoomLimits;
use dunlin::rooms::Rooms;
use dunlin::testing::{Conversation, HttpAnswer, Received, Sim};
use dunlin::tokens::{Claims, Keys, LEEWAY};
use dunlin::{App, Handler, Message, Method, Open, OpenTicket, Request, Response, Session, apps};
use serde_json::Value;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

const SECRET: &str = "2f6d1c0c8a9c4d6cb0a2f1f4c7f0b1de";
/// When a simulation begins.
const START: u64 = 1_700_000_000;
const SECOND: Duration = Duration::from_secs(1);

fn keys() -> Keys {
    Keys::parse(SECRET).expect("good keys")
}

fn token(claims: &Claims) -> String {
    keys().sign(claims)
}

/// Good for an hour.
fn claims(sub: &str) -> Claims {
    Claims::new(sub, START + 3600)
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Echo and a page, both for who has a token, and another page for everybody.
fn guarded() -> Sim {
    let app = App::new()
        .on_message("/echo", |session, message| session.send(message))
        .get("/me", |request, _| {
            let claims = request.claims().expect("a route with tokens");
            Response::text(claims.subject.clone())
        })
        .require_tokens(keys())
        .get("/open", |request, _| {
            assert!(request.claims().is_none());
            Response::text("for all")
        });
    Sim::new(app).expect("a good program")
}

fn opens(sim: &Sim, target: &str, fields: &[(&str, &str)]) -> bool {
    sim.open_with(target, fields).is_ok()
}

#[test]
fn a_token_comes_as_a_bearer_in_the_query_or_as_a_subprotocol() {
    let sim = guarded();
    let good = token(&claims("ann"));
    let (field, protocol) = (bearer(&good), format!("dunlin.token.{good}"));
    let beside = format!("other, dunlin.token.{good}");
    assert!(opens(&sim, "/echo", &[("Authorization", &field)]));
    assert!(opens(&sim, &format!("/echo?token={good}"), &[]));
    assert!(opens(&sim, &format!("/echo?a=b&access_token={good}"), &[]));
    for offered in [&protocol, &beside] {
        let session = sim.open_with("/echo", &[("Sec-WebSocket-Protocol", offered)]);
        let session = session.expect("a good token");
        assert_eq!(
            session.protocol(),
            None,
            "a token is no protocol to agree on"
        );
    }
    let me = sim
        .request(Method::Get, "/me")
        .header("Authorization", &field)
        .send();
    assert_eq!(me.text(), "ann");
    assert_eq!(sim.get("/open").text(), "for all");
}

#[test]
fn without_a_good_token_there_is_a_401_before_the_handler_is_asked() {
    let sim = guarded();
    let other = Keys::parse("ffffffffffffffffffffffffffffffff").expect("good keys");
    let late = token(&Claims::new("ann", START - LEEWAY));
    let early = token(&claims("ann").not_before(START + LEEWAY + 1));
    for (target, error) in [
        ("/me".to_owned(), None),
        (
            format!("/me?token={}", other.sign(&claims("ann"))),
            Some("signature"),
        ),
        (format!("/me?token={late}"), Some("expired")),
        (format!("/me?token={early}"), Some("not good yet")),
        ("/me?token=nonsense".to_owned(), Some("no token")),
        ("/me?token=".to_owned(), Some("no token")),
    ] {
        let answer = sim.get(&target);
        assert_eq!(answer.status().code(), 401, "{target}");
        let challenge = answer.field("WWW-Authenticate").expect("a challenge");
        match error {
            None => assert_eq!(challenge, "Bearer"),
            Some(part) => {
                assert!(
                    challenge.starts_with("Bearer error=\"invalid_token\""),
                    "{challenge}"
                );
                assert!(challenge.contains(part), "{challenge}");
                assert!(answer.text().contains(part), "{}", answer.text());
            }
        }
        assert!(
            !answer.text().contains("eyJ"),
            "nothing of the token is repeated"
        );
        assert!(!opens(&sim, &target.replace("/me", "/echo"), &[]));
    }
    // Two fields: whoever reads the first and whoever reads the last would disagree.
    let good = bearer(&token(&claims("ann")));
    let request = sim
        .request(Method::Get, "/me")
        .header("Authorization", &good);
    let twice = request.header("Authorization", "Bearer x").send();
    assert_eq!(twice.status().code(), 401);
}

#[test]
fn a_session_ends_when_its_token_does() {
    let sim = guarded();
    let target = |seconds| {
        format!(
            "/echo?token={}",
            token(&Claims::new("ann", START + seconds))
        )
    };
    let (short, long) = (sim.open(&target(60)), sim.open(&target(3600)));
    sim.advance(SECOND * (60 + LEEWAY as u32 - 1));
    short.send("still here");
    assert_eq!(short.receive_text(), "still here");
    sim.advance(2 * SECOND);
    let ended = short.receive_all();
    let is_expired = |received: &Received| {
        format!("{received:?}").contains("1008")
            && format!("{received:?}").contains("Token expired")
    };
    assert!(ended.iter().any(is_expired), "{ended:?}");
    long.send("still here");
    let received = long.receive_all();
    assert!(
        format!("{received:?}").contains("still here"),
        "{received:?}"
    );
    // It does not come back with the same token.
    assert!(!opens(&sim, &target(60), &[]));
}

/// Opens sessions when it is told to.
#[derive(Default)]
struct Slow(Rc<RefCell<Vec<OpenTicket<()>>>>);

impl Handler for Slow {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        let (open, ticket) = Open::later(session);
        self.0.borrow_mut().push(ticket);
        open
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        session.send(message);
    }
}

#[test]
fn a_session_that_was_opened_later_ends_with_its_token_all_the_same() {
    let slow = Slow::default();
    let tickets = Rc::clone(&slow.0);
    let app = App::new().ws("/slow", slow).require_tokens(keys());
    let sim = Sim::new(app).expect("a good program");
    let good = token(&Claims::new("ann", START + 60));
    let session = sim.connect().upgrade(&format!("/slow?token={good}"), &[]);
    sim.advance(5 * SECOND);
    let ticket = tickets.borrow_mut().pop().expect("a ticket");
    ticket.accept(());
    sim.drive();
    assert!(session.is_open());
    sim.advance(SECOND * (60 - 5 + LEEWAY as u32 + 1));
    let ended = format!("{:?}", session.receive_all());
    assert!(ended.contains("Token expired"), "{ended}");
}

/// Rooms that ask for tokens, and two rooms: their ids.
fn rooms(change: impl FnOnce(&mut RoomLimits)) -> (Sim, [String; 2]) {
    let mut limits = RoomLimits::default();
    change(&mut limits);
    let rooms = Rooms::with_limits(limits).expect("good limits");
    let app = apps::rooms::mount_with(App::new(), &rooms).require_tokens(keys());
    let sim = Sim::new(app).expect("a good program");
    let ids = ["den", "attic"].map(|name| {
        let answer = ask(
            &sim,
            Method::Post,
            &format!("/chat?name={name}"),
            &claims("admin"),
            "",
        );
        let id = answer.json::<Value>()["roomId"].clone();
        id.as_str().expect("an id").to_owned()
    });
    (sim, ids)
}

fn ask(sim: &Sim, method: Method, target: &str, claims: &Claims, body: &str) -> HttpAnswer {
    let request = sim.request(method, target);
    let request = request.header("Authorization", &bearer(&token(claims)));
    request.body(body).send()
}

fn v1(sim: &Sim, claims: &Claims) -> Conversation {
    let offered = format!("dunlin.v1, dunlin.token.{}", token(claims));
    let session = sim.open_with("/ws/chat", &[("Sec-WebSocket-Protocol", &offered)]);
    let session = session.expect("a good token");
    assert_eq!(session.protocol().as_deref(), Some("dunlin.v1"));
    session
}

#[track_caller]
fn said(session: &Conversation, text: &str) -> Value {
    session.send(text);
    serde_json::from_str(&session.receive_text()).expect("JSON")
}

fn enter(room: &str, sender: &str) -> String {
    format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"{sender}"}}"#)
}

fn talk(room: &str) -> String {
    format!(r#"{{"type":"TALK","roomId":"{room}","message":"hello","ref":"1"}}"#)
}

#[test]
fn a_room_is_entered_under_the_name_of_the_token_and_under_no_other() {
    let (sim, [den, _]) = rooms(|_| {});
    let ann = v1(&sim, &claims("ann"));
    let refused = said(&ann, &enter(&den, "bob"));
    assert_eq!(
        (&refused["type"], &refused["code"]),
        (&"ERROR".into(), &"other-name".into())
    );
    let entered = said(&ann, &enter(&den, "ann"));
    assert_eq!(
        (&entered["type"], &entered["name"]),
        (&"ENTERED".into(), &"ann".into())
    );
    // Without a name it is that of the token.
    let bob = v1(&sim, &claims("bob"));
    let entered = said(&bob, &format!(r#"{{"type":"ENTER","roomId":"{den}"}}"#));
    assert_eq!(entered["name"], "bob");
    // The plain format is bound in the same way.
    let target = format!("/ws/chat?token={}", token(&claims("kim")));
    let kim = sim.open(&target);
    assert_eq!(said(&kim, &enter(&den, "ann"))["type"], "ERROR");
    assert_eq!(said(&kim, &enter(&den, "kim"))["sender"], "kim");
}

#[test]
fn a_token_for_some_rooms_opens_no_others_by_any_way() {
    let (sim, [den, attic]) = rooms(|_| {});
    let some = claims("ann").rooms([&den]);
    let ann = v1(&sim, &some);
    let refused = said(&ann, &enter(&attic, "ann"));
    assert_eq!(
        (&refused["type"], &refused["code"]),
        (&"ERROR".into(), &"forbidden".into())
    );
    assert_eq!(said(&ann, &enter(&den, "ann"))["type"], "ENTERED");
    for (method, path, body) in [
        (Method::Get, format!("/chat/{attic}"), ""),
        (Method::Get, format!("/chat/{attic}/messages"), ""),
        (Method::Post, format!("/chat/{attic}/messages"), "hello"),
        (Method::Get, format!("/chat/{attic}/members"), ""),
        (Method::Delete, format!("/chat/{attic}"), ""),
        (Method::Post, "/chat?name=more".to_owned(), ""),
    ] {
        let answer = ask(&sim, method, &path, &some, body);
        assert_eq!(answer.status().code(), 403, "{path}");
        assert_eq!(answer.json::<Value>()["status"], 403);
    }
    let authorization = bearer(&token(&some));
    let fields = [("Authorization", &*authorization)];
    assert!(
        sim.follow_with(&format!("/chat/{attic}/events"), &fields)
            .is_err()
    );
    assert!(
        sim.follow_with(&format!("/chat/{den}/events"), &fields)
            .is_ok()
    );
    // The list has what may be seen.
    let listed = ask(&sim, Method::Get, "/chat", &some, "").json::<Value>();
    let names: Vec<_> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|room| &room["name"])
        .collect();
    assert_eq!(names, ["den"]);
    let all = ask(&sim, Method::Get, "/chat", &claims("ann"), "").json::<Value>();
    assert_eq!(all.as_array().map(Vec::len), Some(2));
}

#[test]
fn a_token_for_listening_says_nothing_and_hears_everything() {
    let (sim, [den, _]) = rooms(|_| {});
    let silent = claims("ann").read_only();
    let ann = v1(&sim, &silent);
    assert_eq!(said(&ann, &enter(&den, "ann"))["type"], "ENTERED");
    assert_eq!(said(&ann, &talk(&den))["code"], "forbidden");
    let messages = format!("/chat/{den}/messages");
    assert_eq!(
        ask(&sim, Method::Post, &messages, &silent, "a")
            .status()
            .code(),
        403
    );
    assert_eq!(
        ask(&sim, Method::Post, &messages, &claims("bob"), "a")
            .status()
            .code(),
        200
    );
    let heard: Value = serde_json::from_str(&ann.receive_text()).expect("JSON");
    assert_eq!(
        (&heard["sender"], &heard["message"]),
        (&"bob".into(), &"a".into())
    );
}

#[test]
fn over_http_one_speaks_under_the_name_of_the_token_also_while_one_is_there() {
    let (sim, [den, _]) = rooms(|_| {});
    let ann = v1(&sim, &claims("ann"));
    assert_eq!(said(&ann, &enter(&den, "ann"))["type"], "ENTERED");
    let messages = format!("/chat/{den}/messages");
    let answer = ask(
        &sim,
        Method::Post,
        &messages,
        &claims("ann"),
        "from a script",
    );
    assert_eq!(answer.status().code(), 200, "{}", answer.text());
    let heard: Value = serde_json::from_str(&ann.receive_text()).expect("JSON");
    assert_eq!(heard["sender"], "ann");
    let other = ask(
        &sim,
        Method::Post,
        &format!("{messages}?sender=bob"),
        &claims("ann"),
        "a",
    );
    assert_eq!(other.status().code(), 403);
    let own = ask(
        &sim,
        Method::Post,
        &format!("{messages}?sender=ann"),
        &claims("ann"),
        "a",
    );
    assert_eq!(own.status().code(), 200);
}

#[test]
fn refusals_on_the_paths_of_rooms_are_json() {
    let (sim, [den, _]) = rooms(|_| {});
    let answer = sim.get(&format!("/chat/{den}/messages"));
    assert_eq!(answer.status().code(), 401);
    let told = answer.json::<Value>();
    assert_eq!(
        (&told["status"], &told["error"]),
        (&401.into(), &"Unauthorized".into())
    );
    assert_eq!(told["path"], "/chat/{roomId}/messages");
    assert!(sim.open_with("/ws/chat", &[]).is_err());
    assert!(
        sim.follow_with(&format!("/chat/{den}/events"), &[])
            .is_err()
    );
}

#[test]
fn a_user_has_one_rate_over_many_connections_and_over_coming_back() {
    let (sim, [den, _]) = rooms(|limits| limits.message_rate = Some(10));
    let messages = format!("/chat/{den}/messages");
    let ann = v1(&sim, &claims("ann"));
    assert_eq!(said(&ann, &enter(&den, "ann"))["type"], "ENTERED");
    // Nine messages are left of ten: six here, three over HTTP.
    for _ in 0..6 {
        ann.send(talk(&den));
    }
    for _ in 0..3 {
        let answer = ask(&sim, Method::Post, &messages, &claims("ann"), "a");
        assert_eq!(answer.status().code(), 200);
    }
    let refused = ask(&sim, Method::Post, &messages, &claims("ann"), "a");
    assert_eq!(refused.status().code(), 429);
    assert_eq!(refused.field("Retry-After"), Some("1"));
    let _ = ann.receive_all();
    assert_eq!(said(&ann, &talk(&den))["code"], "too-fast");
    // Coming back does not help, another user is not touched, and a second later all is well.
    ann.cut();
    sim.drive();
    let again = v1(&sim, &claims("ann"));
    assert_eq!(said(&again, &enter(&den, "ann"))["code"], "too-fast");
    let bob = v1(&sim, &claims("bob"));
    assert_eq!(said(&bob, &enter(&den, "bob"))["type"], "ENTERED");
    assert!(sim.stats().limited >= 3, "{:?}", sim.stats());
    sim.advance(SECOND);
    assert_eq!(said(&again, &enter(&den, "ann"))["type"], "ENTERED");
}

#[test]
fn joins_are_counted_by_user_as_well() {
    let (sim, [den, attic]) = rooms(|limits| limits.join_rate = Some(2));
    let (one, two) = (v1(&sim, &claims("ann")), v1(&sim, &claims("ann")));
    assert_eq!(said(&one, &enter(&den, "ann"))["type"], "ENTERED");
    assert_eq!(said(&two, &enter(&attic, "ann"))["type"], "ENTERED");
    assert_eq!(said(&two, &enter(&den, "ann"))["code"], "too-fast");
}
