//! Servers that want more than a payload: a text of the user's, rooms, Pusher's protocol.

use super::{plan, serve, summary};
use dunlin::config::RoomLimits;
use dunlin::rooms::Rooms;
use dunlin::{App, Handler, Message, Open, Request, Session};
use dunlin_bench::dialect::settle_size;
use dunlin_bench::plan::{DialectChoice, Pace, Plan, Scenario};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;

#[track_caller]
fn all_delivered(plan: &Plan) -> dunlin_bench::summary::Summary {
    let found = summary(plan);
    let messages = &found.messages;
    assert!(messages.sent > 0, "{found:?}");
    assert_eq!(messages.answered, messages.expected, "{found:?}");
    assert!(
        found.errors.is_empty() && found.closes.is_empty(),
        "{found:?}"
    );
    found
}

/// Answers a greeting, then wraps what is said in something else.
struct Wrapping;

impl Handler for Wrapping {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        let Message::Text(text) = message else { return };
        match text.strip_prefix("login u") {
            Some(_) => session.send("come in"),
            None => session.send(format!(r#"{{"at":1,"was":{text}}}"#)),
        };
    }
}

#[test]
fn a_template_finds_its_number_in_what_the_server_made_of_it() {
    let server = serve(|| App::new().ws("/", Wrapping));
    let mut plan = plan(&server, "/", Scenario::Echo);
    plan.dialect = DialectChoice::Template {
        message: r#"{"i":"{i}","text":"{n}{pad}"}"#.to_owned(),
        before: r#""text":""#.to_owned(),
        hello: Some("login u{i}".to_owned()),
        ready: Some("come in".to_owned()),
    };
    settle_size(&mut plan, Some(100)).expect("it fits");
    let found = all_delivered(&plan);
    assert_eq!(found.messages.others, 5, "a word for each that came in");
    assert_eq!(found.messages.sent_bytes, 100 * found.messages.sent);
}

/// Makes a room; its id.
fn make_room(address: &dunlin::Address) -> String {
    let mut stream = TcpStream::connect(address.to_string()).expect("it listens");
    let request = "POST /chat?name=bench HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
    let room: Value = serde_json::from_str(body).expect("JSON");
    room["roomId"].as_str().expect("an id").to_owned()
}

#[test]
fn rooms_are_entered_and_everybody_in_them_hears_all() {
    let server = serve(|| {
        let mut limits = RoomLimits::default();
        limits.message_rate = None;
        let rooms = Rooms::with_limits(limits).expect("good limits");
        dunlin::apps::rooms::mount_with(App::new(), &rooms)
    });
    let room = make_room(&server.addresses()[0]);
    let mut plan = plan(&server, "/ws/chat", Scenario::Broadcast);
    plan.protocols = vec!["dunlin.v1".to_owned()];
    plan.dialect = DialectChoice::Rooms { room };
    (plan.connections, plan.senders) = (20, 2);
    settle_size(&mut plan, None).expect("it fits");
    all_delivered(&plan);
}

#[test]
fn what_a_room_complains_of_is_an_error_by_its_code() {
    let server = serve(|| dunlin::apps::rooms::mount(App::new()));
    let mut plan = plan(&server, "/ws/chat", Scenario::Broadcast);
    plan.protocols = vec!["dunlin.v1".to_owned()];
    plan.dialect = DialectChoice::Rooms {
        room: "nowhere".to_owned(),
    };
    settle_size(&mut plan, None).expect("it fits");
    let found = summary(&plan);
    assert_eq!(found.errors["rooms: unknown-room"], 6, "{found:?}");
}

/// Pusher's protocol as far as client events on one channel go.
struct Pusher;

impl Handler for Pusher {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        let data = r#"{\"socket_id\":\"1.1\",\"activity_timeout\":120}"#;
        session.send(format!(
            r#"{{"event":"pusher:connection_established","data":"{data}"}}"#
        ));
        session.send(r#"{"event":"pusher:ping","data":{}}"#);
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        let Message::Text(text) = message else { return };
        let event: Value = serde_json::from_str(text).expect("it is JSON");
        match event["event"].as_str() {
            Some("pusher:subscribe") => {
                let auth = event["data"]["auth"].as_str().unwrap_or_default();
                assert!(auth.starts_with("key:") && auth.len() == 68, "{auth}");
                session.join("channel");
                session.send(r#"{"event":"pusher_internal:subscription_succeeded","data":"{}"}"#);
            }
            Some("client-bench") => {
                // Not to the sender, as Pusher has it.
                session.publish_to_others("channel", text);
            }
            _ => {}
        }
    }
}

#[test]
fn client_events_of_pusher_go_to_all_others_on_the_channel() {
    let server = serve(|| App::new().ws("/app/key", Pusher));
    let mut plan = plan(&server, "/app/key", Scenario::Broadcast);
    plan.dialect = DialectChoice::Pusher {
        channel: "private-bench".to_owned(),
        secret: Some(("key".to_owned(), "secret".to_owned())),
    };
    (plan.pace, plan.window, plan.connections) = (Pace::Window(2), 2, 8);
    settle_size(&mut plan, None).expect("it fits");
    all_delivered(&plan);
}
