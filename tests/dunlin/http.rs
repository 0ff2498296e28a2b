//! HTTP and the handshake as raw bytes: every refusal of the server, each in three deliveries,
//! and what must be served all the same.

mod bodies;
mod doors;
mod files;
mod heads;
mod origins;
mod responses;
mod served;
mod upgrades;

use crate::running::{Running, start_server};
use crate::wire_client::WireClient;
use dunlin::{App, Limits, Message, Method, Origins, Response, Server, Session, Settings};

/// Bytes that a refused client may send behind its request and still read the answer.
const DISCARDED: usize = 64 << 10;
/// Bytes of a body that the server of these tests takes.
const MAX_BODY: usize = 1024;

/// The same bytes back.
fn echo(session: &mut Session<'_>, message: Message<'_>) {
    let _ = session.send(message);
}

/// WebSocket routes with every kind of setting, and plain routes beside them.
fn app() -> App {
    let settings = Settings::default;
    let listed = Origins::List(vec![
        "https://example.org".into(),
        "https://*.example.com".into(),
    ]);
    App::new()
        .ws("/echo", echo)
        .ws("/both", echo)
        .get("/both", |_, _| {
            Response::ok("text/plain", b"plain".as_slice())
        })
        .ws_with("/any", settings().origins(Origins::Any), echo)
        .ws_with("/listed", settings().origins(listed), echo)
        .ws_with("/browsers", settings().allow_absent_origin(false), echo)
        .ws_with("/spoken", settings().protocols(["v2", "v1"]), echo)
        .ws_with(
            "/strict",
            settings().protocols(["v2", "v1"]).require_protocol(true),
            echo,
        )
        .get("/hello", |_, _| {
            Response::ok("text/plain", b"hello".as_slice())
        })
        .get("/item/{id}", |request, _| {
            let id = request.param("id").unwrap_or_default().to_owned();
            Response::ok("text/plain", id.into_bytes())
        })
        .post("/body", |request, _| {
            Response::ok("application/octet-stream", request.body().to_vec())
        })
        .http(Method::Delete, "/body", |_, _| {
            Response::ok("text/plain", b"".as_slice())
        })
}

fn server() -> Running {
    limited(|limits| limits)
}

fn limited(change: impl FnOnce(Limits) -> Limits + Send + 'static) -> Running {
    start_server(|| {
        let limits = Limits::default().max_body(MAX_BODY);
        Server::new(app()).limits(change(limits))
    })
}

/// How the bytes of a request come.
#[derive(Clone, Copy, Debug)]
enum Delivery {
    Whole,
    /// One byte to a segment.
    ByteByByte,
    /// With as much behind it as a refused client may send.
    WithMoreBehind,
}

impl Delivery {
    const ALL: [Self; 3] = [Self::Whole, Self::ByteByByte, Self::WithMoreBehind];

    #[track_caller]
    fn write(self, client: &mut WireClient, bytes: &[u8]) {
        match self {
            Self::Whole => client.write(bytes),
            Self::ByteByByte => bytes.chunks(1).for_each(|byte| client.write(byte)),
            Self::WithMoreBehind => {
                let mut more = bytes.to_vec();
                more.resize(DISCARDED, b'x');
                client.write(more);
            }
        }
    }
}

/// A request with `Host` and these fields.
fn request(line: &str, fields: &[&str]) -> Vec<u8> {
    let more: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    format!("{line}\r\nHost: localhost\r\n{more}\r\n").into_bytes()
}

/// The upgrade of a browser with one of its lines replaced by others (none: it is left out).
#[track_caller]
fn upgrade_but(line: &str, others: &[&str]) -> Vec<u8> {
    let head = WireClient::upgrade_head("/echo", &[]);
    let others: String = others.iter().map(|other| format!("{other}\r\n")).collect();
    let line = format!("{line}\r\n");
    assert!(head.contains(&line), "{line:?} is not in {head:?}");
    head.replace(&line, &others).into_bytes()
}

/// Sees each of these requests refused with `status`, a name, and these fields beside the usual
/// ones; however it comes, the client reads the answer to its end.
#[track_caller]
fn assert_refused(
    server: &Running,
    status: &str,
    fields: &[(&str, &str)],
    requests: &[(&str, Vec<u8>)],
) {
    for (what, request) in requests {
        for delivery in Delivery::ALL {
            let mut client = server.connect();
            delivery.write(&mut client, request);
            let answer = client.read_to_clean_end();
            let answer = String::from_utf8(answer).expect("an answer is text");
            assert_refusal(
                &answer,
                status,
                fields,
                &format!("{what} ({delivery:?}): {answer:?}"),
            );
        }
    }
}

/// The answer consists of what every refusal has, these fields and nothing else: so it repeats
/// nothing of the request.
#[track_caller]
fn assert_refusal(answer: &str, status: &str, fields: &[(&str, &str)], what: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").expect(what);
    assert_eq!(body, format!("{status}\n"), "{what}");
    assert_refusal_head(head, status, fields, what);
}

/// The same for the head alone.
#[track_caller]
fn assert_refusal_head(head: &str, status: &str, fields: &[(&str, &str)], what: &str) {
    let mut lines: Vec<&str> = head.split("\r\n").collect();
    assert_eq!(lines.remove(0), format!("HTTP/1.1 {status}"), "{what}");
    let date = lines.iter().position(|line| line.starts_with("Date: "));
    assert_date(lines.remove(date.expect(what)));
    let length = (status.len() + 1).to_string();
    let mut wanted: Vec<String> = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", &length),
        ("Connection", "close"),
    ]
    .iter()
    .chain(fields)
    .map(|(name, value)| format!("{name}: {value}"))
    .collect();
    lines.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(lines, wanted, "{what}");
}

/// An IMF-fixdate (RFC 9110 §5.6.7).
#[track_caller]
fn assert_date(line: &str) {
    let shape: String = line
        .chars()
        .map(|c| match c {
            '0'..='9' => '0',
            'a'..='z' => 'a',
            'A'..='Z' => 'A',
            other => other,
        })
        .collect();
    assert_eq!(shape, "Aaaa: Aaa, 00 Aaa 0000 00:00:00 AAA", "{line}");
    assert!(line.ends_with(" GMT"), "{line}");
}
