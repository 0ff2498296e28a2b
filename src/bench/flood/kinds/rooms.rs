//! Rooms with memory: what is dear to answer, to keep and to forget.

use std::io::{self, Error, Read, Write};
use std::time::Duration;

use super::super::super::frames::{FIN, TEXT, lay_frame};
use super::super::super::site::Site;
use super::super::super::stream::Stream;
use super::super::kind::Kind;
use super::super::script::Script;

/// Messages that a room keeps, and the length of each when they fill it.
const KEPT: usize = 98;
const LENGTH: usize = 2500;
/// As many rooms as the server keeps.
const ROOMS: usize = 10_000;
/// Rooms that a connection may enter at once.
const JOINS: usize = 20;

pub(super) const KINDS: &[Kind] = &[
    Kind::in_room(
        "rooms-enter",
        "enter a room and get its whole history, 20 times each, leave, again",
        &[10, 100, 900],
        |site| filled(site, "x"),
        |site, n, room| {
            let enter =
                |i| format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"u{i}","last":100}}"#);
            members(n, |i| {
                talker(site, enter(i).repeat_framed(JOINS)).storm(JOINS as u64)
            })
        },
    ),
    Kind::in_room(
        "rooms-enter-escaped",
        "the same where each character of the history is escaped",
        &[100],
        |site| filled(site, "\u{1}"),
        |site, n, room| {
            let enter =
                |i| format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"u{i}","last":100}}"#);
            members(n, |i| talker(site, enter(i).repeat_framed(JOINS)).storm(1))
        },
    ),
    Kind::in_room(
        "rooms-history",
        "the history of a room, 256 KiB, pipelined",
        &[4, 100],
        |site| filled(site, "x"),
        |site, n, room| {
            vec![(
                n,
                Script::http(get(site, &format!("/chat/{room}/messages")).repeat(100)),
            )]
        },
    ),
    Kind::in_room(
        "rooms-events",
        "follow a room from an old id on, leave, again",
        &[100],
        |site| filled(site, "x"),
        |site, n, room| {
            let path = format!("/chat/{room}/events?since=0000000000000000:0");
            vec![(n, Script::http(Vec::new()).once(get(site, &path)).storm(1))]
        },
    ),
    Kind::in_room(
        "rooms-list",
        "the list of 10 000 rooms, pipelined",
        &[4, 100],
        many,
        |site, n, _| vec![(n, Script::http(get(site, "/chat").repeat(100)))],
    ),
    Kind::in_room(
        "rooms-members",
        "the names of a room of 500, pipelined",
        &[4, 100],
        make,
        |site, n, room| {
            let enter = |i| format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"{i:064}"}}"#);
            let mut groups = members(500, |i| talker(site, enter(i).repeat_framed(1)));
            let path = format!("/chat/{room}/members");
            groups.push((n, Script::http(get(site, &path).repeat(100))));
            groups
        },
    ),
    Kind::in_room(
        "rooms-create",
        "rooms made and refused, pipelined",
        &[4, 100],
        make,
        |site, n, _| vec![(n, Script::http(post(site, "/chat?name=x", "").repeat(1000)))],
    ),
    Kind::in_room(
        "rooms-say",
        "messages over HTTP to a room of 500, pipelined",
        &[1, 100],
        make,
        |site, n, room| {
            let enter = |i| format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"u{i}"}}"#);
            let mut groups = members(500, |i| talker(site, enter(i).repeat_framed(1)));
            let path = format!("/chat/{room}/messages");
            groups.push((n, Script::http(post(site, &path, "hello").repeat(1000))));
            groups
        },
    ),
    Kind::in_room(
        "rooms-json",
        "texts of 390 KiB of keys, as many as a connection may send at once, again",
        &[10, 100],
        make,
        |site, n, room| {
            let text = format!(
                r#"{{"type":"ENTER","roomId":"{room}"{}}}"#,
                r#","":0"#.repeat(66_000)
            );
            vec![(n, talker(site, text.repeat_framed(10)).storm(10))]
        },
    ),
    Kind::in_room(
        "rooms-come-and-go",
        "connections that enter 20 rooms and leave, again",
        &[100, 900],
        twenty,
        |site, n, rooms| {
            let rooms: Vec<_> = rooms.split(' ').collect();
            members(n, |i| {
                let enter =
                    |room| format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"u{i}"}}"#);
                let frames = rooms.iter().flat_map(|room| enter(room).repeat_framed(1));
                talker(site, frames.collect()).storm(JOINS as u64)
            })
        },
    ),
];

/// How long an answer is waited for.
const LIMIT: Duration = Duration::from_secs(10);

trait Framed {
    /// So many masked frames of this text.
    fn repeat_framed(&self, times: usize) -> Vec<u8>;
}

impl Framed for String {
    fn repeat_framed(&self, times: usize) -> Vec<u8> {
        let mut frame = Vec::new();
        lay_frame(&mut frame, FIN | TEXT, self.as_bytes());
        frame.repeat(times)
    }
}

/// So many connections, each with a script of its own.
fn members(count: usize, script: impl Fn(usize) -> Script) -> Vec<(usize, Script)> {
    (0..count).map(|i| (1, script(i))).collect()
}

/// A client of `dunlin.v1` that says this once.
fn talker(site: &Site, once: Vec<u8>) -> Script {
    let fields = "Sec-WebSocket-Protocol: dunlin.v1\r\n";
    Script::with_fields(site, "/ws/chat", fields, Vec::new())
        .cycles(0)
        .once(once)
}

fn get(site: &Site, path: &str) -> Vec<u8> {
    let Site { host, fields, .. } = site;
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n").into_bytes()
}

fn post(site: &Site, path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let Site { host, fields, .. } = site;
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Sends requests and reads the answers to their end.
fn ask(site: &Site, requests: &[u8]) -> io::Result<String> {
    let mut stream = Stream::connect(site, LIMIT)?;
    stream.socket().set_read_timeout(Some(LIMIT))?;
    let Site { host, fields, .. } = site;
    let last =
        format!("GET /chat/none HTTP/1.1\r\nHost: {host}\r\n{fields}Connection: close\r\n\r\n");
    let mut writer = stream.try_clone()?;
    let requests = [requests, last.as_bytes()].concat();
    let writing = std::thread::spawn(move || writer.write_all(&requests));
    let mut answers = String::new();
    stream.read_to_string(&mut answers)?;
    writing
        .join()
        .map_err(|_| Error::other("the writer panicked"))??;
    Ok(answers)
}

/// Makes a room; its id.
fn make(site: &Site) -> io::Result<String> {
    let answer = ask(site, &post(site, "/chat?name=flood", ""))?;
    let id = answer
        .split(r#"{"roomId":""#)
        .nth(1)
        .and_then(|rest| rest.get(..36));
    id.map(str::to_owned)
        .ok_or_else(|| Error::other(format!("no room was made: {answer}")))
}

/// Makes a room whose history is as long as it may be, of this character.
fn filled(site: &Site, of: &str) -> io::Result<String> {
    let room = make(site)?;
    let message = post(site, &format!("/chat/{room}/messages"), &of.repeat(LENGTH));
    for _ in 0..KEPT {
        ask(site, &message)?;
    }
    Ok(room)
}

/// Makes as many rooms as there may be.
fn many(site: &Site) -> io::Result<String> {
    let name = "n".repeat(128);
    ask(
        site,
        &post(site, &format!("/chat?name={name}"), "").repeat(ROOMS),
    )?;
    Ok(String::new())
}

/// Makes twenty rooms; their ids.
fn twenty(site: &Site) -> io::Result<String> {
    let rooms: io::Result<Vec<_>> = (0..JOINS).map(|_| make(site)).collect();
    Ok(rooms?.join(" "))
}
