//! How a stream begins: its head, and who gets none.

use super::{room, room_with, secs};
use dunlin::testing::Sim;
use dunlin::{App, ErrorKind, Event, Handler, Limits, Message, Method, Open, OpenTicket};
use dunlin::{Origins, Request, Response, Route, Session, Settings, Status};
use std::cell::RefCell;
use std::rc::Rc;

#[test]
fn the_head_says_that_a_stream_follows_and_never_how_long_it_is() {
    let (sim, _) = room();
    for version in ["1.1", "1.0"] {
        let line = sim.connect();
        let request = format!("GET /events?greet=hi HTTP/{version}\r\nHost: a\r\n\r\n");
        line.send_raw(request.as_bytes());
        let answer = line.receive_http();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let mut lines = head.lines();
        assert_eq!(lines.next(), Some("HTTP/1.1 200 OK"));
        assert!(lines.next().is_some_and(|line| line.starts_with("Date: ")));
        let rest: Vec<_> = lines.collect();
        assert_eq!(
            rest,
            [
                "Content-Type: text/event-stream",
                "Cache-Control: no-store",
                "X-Accel-Buffering: no",
                "Connection: close",
            ]
        );
        assert_eq!(body, "data: hi\n\n");
        assert!(!line.is_over(), "it goes on");
    }
}

#[test]
fn a_handler_adds_fields_and_cannot_change_what_makes_it_a_stream() {
    let (sim, _) = room();
    let reader = sim.follow("/events?field=yes&greet=hi");
    assert_eq!(reader.field("x-field").as_deref(), Some("yes"));
    assert_eq!(reader.next_data(), "hi");
}

#[test]
fn a_refusal_is_the_response_and_nothing_that_was_sent_before_it() {
    let (sim, notes) = room();
    let refused = sim
        .follow_with("/events?refuse", &[])
        .expect_err("a refusal");
    assert_eq!(refused.kind(), ErrorKind::Refused);
    let browser = sim.http();
    let answer = browser.get("/events?refuse");
    assert_eq!(answer.status(), Status::FORBIDDEN);
    assert!(!answer.text().contains("never seen"));
    assert_eq!((sim.stats().opened, sim.topics()), (0, 0));
    assert!(notes.borrow().is_empty());
}

#[test]
fn a_head_request_gets_the_head_alone_and_opens_no_session() {
    let (sim, _) = room();
    let answer = sim.request(Method::Head, "/events").send();
    assert_eq!(answer.status(), Status::OK);
    assert_eq!(answer.field("Content-Type"), Some("text/event-stream"));
    assert_eq!(answer.field("Connection"), Some("close"));
    assert_eq!(sim.stats().opened, 0);
}

#[test]
fn other_methods_are_their_own_routes_or_not_allowed() {
    let (sim, _) = room();
    let posted = sim.request(Method::Post, "/events").send();
    assert_eq!(posted.text(), "posted");
    let refused = sim.request(Method::Put, "/events").send();
    assert_eq!(refused.status(), Status::METHOD_NOT_ALLOWED);
    assert_eq!(refused.field("Allow"), Some("GET, HEAD, POST"));
    let with_body = sim.request(Method::Get, "/events").body("x").send();
    assert_eq!(with_body.status(), Status::BAD_REQUEST);
}

#[test]
fn a_path_with_a_stream_has_no_other_answer_to_get() {
    fn nothing(_: &mut Session<'_>, _: Message<'_>) {}
    let stream = |app: App| app.sse("/a", Settings::default(), nothing);
    let page = |app: App| app.get("/a", |_, _| Response::text(""));
    let socket = |app: App| app.ws("/a", nothing);
    for app in [
        page(stream(App::new())),
        stream(page(App::new())),
        socket(stream(App::new())),
        stream(socket(App::new())),
        stream(stream(App::new())),
    ] {
        let error = Sim::new(app).expect_err("a taken path");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("\"/a\""), "{error}");
    }
    let list = stream(App::new());
    assert_eq!(list.route_list(), [("SSE", "/a")]);
}

#[test]
fn a_page_of_an_allowed_origin_may_read_and_another_gets_403() {
    let own = Settings::default();
    let listed = Settings::default().origins(Origins::List(vec!["https://a.example".to_owned()]));
    for (settings, origin, is_allowed) in [
        (&own, "http://localhost", true),
        (&own, "https://a.example", false),
        (&listed, "https://a.example", true),
        (&listed, "https://b.example", false),
        (&listed, "null", false),
    ] {
        let (sim, _) = room_with(settings.clone(), Limits::default());
        let opened = sim.follow_with("/events", &[("Origin", origin)]);
        let allowed = opened.map(|reader| reader.field("Access-Control-Allow-Origin"));
        match is_allowed {
            true => assert_eq!(allowed.expect("a stream").as_deref(), Some(origin)),
            false => assert!(allowed.expect_err("403").to_string().contains("403")),
        }
        let head = sim
            .request(Method::Head, "/events")
            .header("Origin", origin);
        let status = head.send().status();
        assert_eq!(status == Status::OK, is_allowed, "{origin}");
    }
    let (sim, _) = room_with(own.allow_absent_origin(false), Limits::default());
    assert!(sim.follow_with("/events", &[]).is_err());
}

#[test]
fn the_last_id_comes_from_the_field_or_from_the_query_within_bounds() {
    struct Tells;
    impl Handler for Tells {
        type Data = ();
        fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
            session.send(format!("{:?}", request.last_event_id()));
            Open::Accept(())
        }
        fn message(&mut self, (): &mut (), _: &mut Session<'_>, _: Message<'_>) {}
    }
    let sim = Sim::new(App::new().sse("/", Settings::default(), Tells)).unwrap();
    let long = "x".repeat(257);
    for (target, field, told) in [
        ("/", None, "None"),
        ("/?since=a%3A7", None, "Some(\"a:7\")"),
        ("/?since=a:7", Some("b:8"), "Some(\"b:8\")"),
        ("/", Some("é 1"), "Some(\"é 1\")"),
        ("/?since=a%0A7", None, "None"),
        ("/?since=", None, "None"),
        ("/?since=good", Some(&*long), "None"),
    ] {
        let field = field.map(|value| ("Last-Event-ID", value));
        let reader = sim.follow_with(target, field.as_slice()).expect("a stream");
        assert_eq!(reader.next_data(), told, "{target}");
    }
}

/// Decides later.
#[derive(Default)]
struct Late {
    tickets: Rc<RefCell<Vec<OpenTicket<u32>>>>,
}

impl Handler for Late {
    type Data = u32;

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<u32> {
        session.send("never seen");
        let (open, ticket) = Open::later(session);
        self.tickets.borrow_mut().push(ticket);
        open
    }

    fn accepted(&mut self, data: &mut u32, session: &mut Session<'_>) {
        assert!(session.add_answer_field("X-Late", "yes"));
        session.send(Event::new(data.to_string()).id("late"));
    }

    fn message(&mut self, _: &mut u32, _: &mut Session<'_>, _: Message<'_>) {}
}

#[test]
fn a_ticket_opens_or_refuses_a_stream_later() {
    let late = Late::default();
    let tickets = Rc::clone(&late.tickets);
    let sim = Sim::new(App::new().sse_route("/", Route::new(late))).unwrap();
    let accepted = sim.connect().follow("/", &[]);
    // What is sent meanwhile is thrown away with the rest.
    accepted.send_raw(b"GET / HTTP/1.1\r\n");
    let refused = sim.connect().follow("/", &[]);
    sim.drive();
    assert!(!accepted.is_open());
    let mut given = std::mem::take(&mut *tickets.borrow_mut()).into_iter();
    assert!(given.next().is_some_and(|ticket| ticket.accept(42)));
    let no = Response::refusal(Status::UNAUTHORIZED);
    assert!(given.next().is_some_and(|ticket| ticket.refuse(no)));
    let event = accepted.next_event().expect("an event");
    assert_eq!((event.id.as_deref(), &*event.data), (Some("late"), "42"));
    assert_eq!(accepted.field("X-Late").as_deref(), Some("yes"));
    let refusal = refused.opened().expect_err("a refusal").to_string();
    assert!(refusal.contains("401"), "{refusal}");
    // Nobody decides about the third.
    let forgotten = sim.connect().follow("/", &[]);
    sim.advance(secs(11));
    let refusal = forgotten.opened().expect_err("a refusal").to_string();
    assert!(refusal.contains("503"), "{refusal}");
    assert_eq!(sim.stats().opened, 1);
}
