//! Rooms with memory: what is dear to answer, to keep and to forget.

use std::io::{self, Error, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use super::Kind;
use crate::flood::script::{HOST, Script};
use crate::frames::{FIN, TEXT, lay_frame};
use crate::upgrade::Upgrade;

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
        |address| filled(address, "x"),
        |n, room| {
            let enter =
                |i| format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"u{i}","last":100}}"#);
            members(n, |i| {
                talker(enter(i).repeat_framed(JOINS)).storm(JOINS as u64)
            })
        },
    ),
    Kind::in_room(
        "rooms-enter-escaped",
        "the same where each character of the history is escaped",
        &[100],
        |address| filled(address, "\u{1}"),
        |n, room| {
            let enter =
                |i| format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"u{i}","last":100}}"#);
            members(n, |i| talker(enter(i).repeat_framed(JOINS)).storm(1))
        },
    ),
    Kind::in_room(
        "rooms-history",
        "the history of a room, 256 KiB, pipelined",
        &[4, 100],
        |address| filled(address, "x"),
        |n, room| {
            vec![(
                n,
                Script::http(get(&format!("/chat/{room}/messages")).repeat(100)),
            )]
        },
    ),
    Kind::in_room(
        "rooms-events",
        "follow a room from an old id on, leave, again",
        &[100],
        |address| filled(address, "x"),
        |n, room| {
            let path = format!("/chat/{room}/events?since=0000000000000000:0");
            vec![(n, Script::http(Vec::new()).once(get(&path)).storm(1))]
        },
    ),
    Kind::in_room(
        "rooms-list",
        "the list of 10 000 rooms, pipelined",
        &[4, 100],
        many,
        |n, _| vec![(n, Script::http(get("/chat").repeat(100)))],
    ),
    Kind::in_room(
        "rooms-members",
        "the names of a room of 500, pipelined",
        &[4, 100],
        make,
        |n, room| {
            let enter = |i| format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"{i:064}"}}"#);
            let mut groups = members(500, |i| talker(enter(i).repeat_framed(1)));
            let path = format!("/chat/{room}/members");
            groups.push((n, Script::http(get(&path).repeat(100))));
            groups
        },
    ),
    Kind::in_room(
        "rooms-create",
        "rooms made and refused, pipelined",
        &[4, 100],
        make,
        |n, _| vec![(n, Script::http(post("/chat?name=x", "").repeat(1000)))],
    ),
    Kind::in_room(
        "rooms-say",
        "messages over HTTP to a room of 500, pipelined",
        &[1, 100],
        make,
        |n, room| {
            let enter = |i| format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"u{i}"}}"#);
            let mut groups = members(500, |i| talker(enter(i).repeat_framed(1)));
            let path = format!("/chat/{room}/messages");
            groups.push((n, Script::http(post(&path, "hello").repeat(1000))));
            groups
        },
    ),
    Kind::in_room(
        "rooms-json",
        "texts of 390 KiB of keys, as many as a connection may send at once, again",
        &[10, 100],
        make,
        |n, room| {
            let text = format!(
                r#"{{"type":"ENTER","roomId":"{room}"{}}}"#,
                r#","":0"#.repeat(66_000)
            );
            vec![(n, talker(text.repeat_framed(10)).storm(10))]
        },
    ),
    Kind::in_room(
        "rooms-come-and-go",
        "connections that enter 20 rooms and leave, again",
        &[100, 900],
        twenty,
        |n, rooms| {
            let rooms: Vec<_> = rooms.split(' ').collect();
            members(n, |i| {
                let enter =
                    |room| format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"u{i}"}}"#);
                let frames = rooms.iter().flat_map(|room| enter(room).repeat_framed(1));
                talker(frames.collect()).storm(JOINS as u64)
            })
        },
    ),
];

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
fn talker(once: Vec<u8>) -> Script {
    let mut script = Script::to("/ws/chat", Vec::new()).cycles(0).once(once);
    let mut request = Upgrade::to("/ws/chat").request(HOST);
    request.truncate(request.len() - 2);
    request.extend_from_slice(b"Sec-WebSocket-Protocol: dunlin.v1\r\n\r\n");
    script.request = Some(Rc::new(request));
    script
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n").into_bytes()
}

fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Sends requests and reads the answers to their end.
fn ask(address: SocketAddr, requests: &[u8]) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let last = format!("GET /chat/none HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
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
fn make(address: SocketAddr) -> io::Result<String> {
    let answer = ask(address, &post("/chat?name=flood", ""))?;
    let id = answer
        .split(r#"{"roomId":""#)
        .nth(1)
        .and_then(|rest| rest.get(..36));
    id.map(str::to_owned)
        .ok_or_else(|| Error::other(format!("no room was made: {answer}")))
}

/// Makes a room whose history is as long as it may be, of this character.
fn filled(address: SocketAddr, of: &str) -> io::Result<String> {
    let room = make(address)?;
    let message = post(&format!("/chat/{room}/messages"), &of.repeat(LENGTH));
    for _ in 0..KEPT {
        ask(address, &message)?;
    }
    Ok(room)
}

/// Makes as many rooms as there may be.
fn many(address: SocketAddr) -> io::Result<String> {
    let name = "n".repeat(128);
    ask(
        address,
        &post(&format!("/chat?name={name}"), "").repeat(ROOMS),
    )?;
    Ok(String::new())
}

/// Makes twenty rooms; their ids.
fn twenty(address: SocketAddr) -> io::Result<String> {
    let rooms: io::Result<Vec<_>> = (0..JOINS).map(|_| make(address)).collect();
    Ok(rooms?.join(" "))
}
