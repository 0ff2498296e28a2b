//! Event streams over sockets, byte by byte: what `EventSource` and `curl -N` read.

use crate::running::{Running, start};
use crate::wire_client::WireClient;
use dunlin::{
    App, CloseCode, Event, Handler, Message, Open, Request, Session, Settings, Stats, apps,
};
use std::time::{Duration, Instant};

/// Joins `news`; a text of a WebSocket goes there as an event with the number of its bytes as its id,
/// `bye` closes everybody.
struct News;

impl Handler for News {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join("news");
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        match message.text() {
            Some("bye") => {
                let context = session.context();
                context.close_members("news", CloseCode::NORMAL, "bye");
            }
            Some(text) => {
                let event = Event::new(text).id(text.len().to_string()).name("news");
                session.publish("news", event);
            }
            None => {}
        }
    }
}

fn news() -> Running {
    start(|| {
        App::new()
            .ws("/news", News)
            .sse("/news/events", Settings::default(), News)
    })
}

/// A reader behind the head of its answer.
#[track_caller]
fn follow(server: &Running, request: &str) -> WireClient {
    let mut reader = server.connect();
    reader.write(request);
    let head = reader.read_head();
    assert_eq!(head.status, 200, "{head:?}");
    assert_eq!(head.field("content-type"), Some("text/event-stream"));
    reader
}

#[track_caller]
fn expect(reader: &mut WireClient, bytes: &str) {
    let read = reader.take(bytes.len());
    assert_eq!(String::from_utf8_lossy(&read), bytes);
}

/// Waits until the counters of a server are as they should be.
#[track_caller]
fn wait_until(server: &Running, what: impl Fn(&Stats) -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !what(&server.remote().stats()) {
        assert!(Instant::now() < end, "{:?}", server.remote().stats());
        std::thread::yield_now();
    }
}

const GET: &str = "GET /news/events HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[test]
fn the_head_is_these_bytes_and_no_other() {
    let server = news();
    let mut reader = server.connect();
    reader.write(GET);
    let head = [
        "HTTP/1.1 200 OK\r\nDate: ",
        "Thu, 01 Jan 1970 00:00:00 GMT", // or another
        "\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\
         X-Accel-Buffering: no\r\nConnection: close\r\n\r\n",
    ];
    expect(&mut reader, head[0]);
    reader.take(head[1].len());
    expect(&mut reader, head[2]);
}

#[test]
fn events_come_as_they_are_published_also_to_http_1_0_and_unchunked() {
    let server = news();
    let old = GET.replace("1.1", "1.0");
    let mut readers = [follow(&server, GET), follow(&server, &old)];
    let mut speaker = server.open("/news");
    speaker.send_text("hello");
    speaker.send_text("two\nlines");
    for reader in &mut readers {
        expect(reader, "id: 5\nevent: news\ndata: hello\n\n");
        expect(reader, "id: 9\nevent: news\ndata: two\ndata: lines\n\n");
    }
    assert_eq!(speaker.read_text(), "hello");
    assert_eq!(speaker.read_text(), "two\nlines");
}

#[test]
fn a_stream_ends_behind_its_last_event_with_a_clean_end() {
    let server = news();
    let mut reader = follow(&server, GET);
    let mut speaker = server.open("/news");
    speaker.send_text("last");
    speaker.send_text("bye");
    let all = reader.read_to_clean_end();
    assert_eq!(all, b"id: 4\nevent: news\ndata: last\n\n");
    drop(reader);
    speaker.read_text();
    speaker.expect_close(1000, "bye");
}

#[test]
fn a_reader_that_leaves_frees_its_session_at_once() {
    let server = news();
    let (left, reset) = (follow(&server, GET), follow(&server, GET));
    wait_until(&server, |stats| stats.opened == 2);
    drop(left);
    reset.reset();
    wait_until(&server, |stats| (stats.closed, stats.connections) == (2, 0));
}

#[test]
fn what_a_reader_sends_behind_its_request_is_no_request() {
    let server = news();
    let mut reader = follow(&server, &format!("{GET}{GET}GET / HTTP/1.1\r\n\r\n"));
    reader.write(GET);
    let mut speaker = server.open("/news");
    speaker.send_text("one");
    speaker.send_text("bye");
    let all = reader.read_to_clean_end();
    assert_eq!(all, b"id: 3\nevent: news\ndata: one\n\n");
    assert_eq!(server.remote().stats().opened, 2);
}

#[test]
fn a_head_request_and_wrong_methods_are_answered_without_a_session() {
    let server = news();
    let (head, _) = server.connect().request("HEAD", "/news/events", &[]);
    assert_eq!(head.field("content-type"), Some("text/event-stream"));
    assert_eq!(head.field("content-length"), None);
    let post = ["Content-Length: 0"];
    let (head, _) = server.connect().request("POST", "/news/events", &post);
    assert_eq!((head.status, head.field("allow")), (405, Some("GET, HEAD")));
    assert_eq!(server.remote().stats().opened, 0);
}

#[test]
fn a_narrow_reader_gets_everything_in_order() {
    let server = start(|| {
        let settings = Settings::default().backlog_limit(64 << 20);
        let settings = settings.backlog_mark(64 << 20);
        App::new()
            .ws("/news", News)
            .sse("/news/events", settings, News)
    });
    let mut reader = WireClient::narrow(server.address());
    reader.write(GET);
    reader.read_head();
    let mut speaker = server.open("/news");
    let text = format!("{}\n{}", "a".repeat(20_000), "b".repeat(20_000));
    for _ in 0..50 {
        speaker.send_text(&text);
        speaker.read_text();
    }
    let (a, b) = text.split_once('\n').expect("two lines");
    let event = format!("id: 40001\nevent: news\ndata: {a}\ndata: {b}\n\n");
    for number in 0..50 {
        assert!(reader.take(event.len()) == event.as_bytes(), "{number}");
    }
}

#[test]
fn the_flow_is_followed_and_resumed() {
    let server = start(|| apps::all(App::new()));
    let get = |fields: &str| format!("GET /flow/events HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let mut reader = follow(&server, &get(""));
    let mut speaker = server.greeted("/flow", "You are connected to WebSocket!");
    for text in ["one", "두"] {
        speaker.send_text(text);
        assert_eq!(speaker.read_text(), text);
    }
    expect(&mut reader, "id: ");
    let epoch = String::from_utf8(reader.take(16)).expect("hex digits");
    expect(&mut reader, ":1\ndata: one\n\n");
    expect(&mut reader, &format!("id: {epoch}:2\ndata: 두\n\n"));
    let last = format!("Last-Event-ID: {epoch}:1\r\n");
    let mut back = follow(&server, &get(&last));
    expect(&mut back, &format!("id: {epoch}:2\ndata: 두\n\n"));
}
