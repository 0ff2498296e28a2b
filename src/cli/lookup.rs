//! Finds a room by its name or id, over HTTP on the same host, and makes it when there is none.

#[cfg(feature = "tls")]
use dunlin::client::Trust;
use dunlin::client::{Options, Socket, Url};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// Where the rooms of `dunlin serve` are.
const ROOM_PATH: &str = "/ws/chat";
/// A list of ten thousand rooms has a third of this.
const MAX_ANSWER: usize = 8 << 20;
/// How long an answer may take in total.
const LONGEST: Duration = Duration::from_secs(10);

/// How to mend it that nothing answers.
pub(super) const NOT_THERE: &str =
    "wanted: a WebSocket server there; is it running, and is the port right?";

/// The room that was found or made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) name: String,
    /// The Room-Key of a room that was made.
    pub(super) key: Option<String>,
}

/// What a room is looked up with.
pub(super) struct Lookup<'a> {
    /// The URL of the WebSocket.
    pub(super) url: &'a Url,
    #[cfg(feature = "tls")]
    pub(super) trust: &'a Trust,
    /// The path of the list of rooms.
    pub(super) path: &'a str,
    pub(super) headers: &'a [(String, String)],
}

impl Lookup<'_> {
    /// The room of this id, the only one of this name, or a new one.
    ///
    /// # Errors
    /// A sentence: no answer, a refusal, several rooms of this name.
    pub(super) fn find(&self, wanted: &str) -> Result<Found, String> {
        let answer = self.ask("GET", self.path)?;
        let place = self.place(self.path);
        if answer.status != 200 {
            let status = answer.status;
            return Err(format!(
                "GET {place} answers {status}, wanted: 200 with the list of rooms\nis this `dunlin serve` with its rooms?"
            ));
        }
        let list: Value = serde_json::from_slice(&answer.body)
            .map_err(|error| format!("GET {place} answers no JSON: {error}"))?;
        let Value::Array(rooms) = list else {
            return Err(format!("GET {place} answers JSON that is no list of rooms"));
        };
        if let Some(found) = choose(&rooms, wanted)? {
            return Ok(found);
        }
        let path = format!("{}?name={}", self.path, percent(wanted));
        let answer = self.ask("POST", &path)?;
        let place = self.place(&path);
        let room: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let id = room["roomId"].as_str().filter(|_| answer.status == 200);
        let Some(id) = id else {
            let why = room["message"].as_str().unwrap_or_default();
            return Err(format!(
                "POST {place} makes no room: {} {why}",
                answer.status
            ));
        };
        Ok(Found {
            id: id.to_owned(),
            name: room["name"].as_str().unwrap_or(wanted).to_owned(),
            key: answer.room_key,
        })
    }

    fn place(&self, path: &str) -> String {
        let scheme = if self.url.is_secure() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}{path}", self.url.authority())
    }

    fn ask(&self, method: &str, path: &str) -> Result<Answer, String> {
        let failed = |error: io::Error| format!("{method} {}: {error}", self.place(path));
        let until = Instant::now() + LONGEST;
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAccept: application/json\r\n",
            self.url.authority()
        );
        if method != "GET" {
            request.push_str("Content-Length: 0\r\n");
        }
        for (name, value) in self.headers {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        request.push_str("\r\n");
        let mut stream = self.connect(until).map_err(failed)?;
        stream.write_all(request.as_bytes()).map_err(failed)?;
        let bytes = read_to_end(&mut stream, until).map_err(failed)?;
        Answer::parse(&bytes).map_err(|problem| format!("{method} {}: {problem}", self.place(path)))
    }

    fn connect(&self, until: Instant) -> io::Result<Socket> {
        let left = left(until)?;
        let options = Options::new().connect_timeout(left).handshake_timeout(left);
        #[cfg(feature = "tls")]
        let options = options.trust(self.trust.clone());
        let socket = options.socket(self.url);
        socket.map_err(|error| io::Error::other(format!("{error:#}\n{NOT_THERE}")))
    }
}

/// The socket of the rooms, and the path of their list on the same host. A proxy may serve them under a
/// prefix.
pub(super) fn room_paths(url: &Url) -> Result<(Url, String), String> {
    let target = url.target();
    let target = if target == "/" { ROOM_PATH } else { target };
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (target, String::new()),
    };
    let Some(prefix) = path.strip_suffix(ROOM_PATH) else {
        return Err(format!(
            "rooms are at {ROOM_PATH}, and the URL is {url}\nwanted: the server alone, such as ws://{}",
            url.authority()
        ));
    };
    let scheme = if url.is_secure() { "wss" } else { "ws" };
    let socket = format!("{scheme}://{}{prefix}{ROOM_PATH}{query}", url.authority());
    let socket = Url::parse(&socket).map_err(|error| error.to_string())?;
    Ok((socket, format!("{prefix}/chat")))
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        let message = format!("no answer within {LONGEST:?}");
        return Err(io::Error::new(io::ErrorKind::TimedOut, message));
    }
    Ok(left)
}

fn read_to_end(stream: &mut Socket, until: Instant) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        stream.tcp().set_read_timeout(Some(left(until)?))?;
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The time is up, and the next turn of this loop says so.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if bytes.len() > MAX_ANSWER {
            let message = format!("an answer of more than {MAX_ANSWER} bytes");
            return Err(io::Error::other(message));
        }
        // Some servers say that they close, and do not.
        if is_whole(&bytes) {
            return Ok(bytes);
        }
    }
}

/// Whether an answer with a Content-Length is there to its last byte.
fn is_whole(bytes: &[u8]) -> bool {
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut head = httparse::Response::new(&mut fields);
    let Ok(httparse::Status::Complete(end)) = head.parse(bytes) else {
        return false;
    };
    let mut fields = head.headers.iter();
    let length = fields.find(|field| field.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|field| str::from_utf8(field.value).ok()?.trim().parse().ok());
    length.is_some_and(|length: usize| bytes.len() - end >= length)
}

struct Answer {
    status: u16,
    room_key: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut fields = [httparse::EMPTY_HEADER; 100];
        let mut head = httparse::Response::new(&mut fields);
        let parsed = head
            .parse(bytes)
            .map_err(|error| format!("no HTTP: {error}"))?;
        let (httparse::Status::Complete(end), Some(status)) = (parsed, head.code) else {
            return Err("the answer ends within its head".to_owned());
        };
        let field = |name: &str| {
            let found = head
                .headers
                .iter()
                .find(|field| field.name.eq_ignore_ascii_case(name));
            found.map(|field| String::from_utf8_lossy(field.value).into_owned())
        };
        let mut body = &bytes[end..];
        let decoded;
        if let Some(coding) = field("transfer-encoding") {
            if !coding.eq_ignore_ascii_case("chunked") {
                return Err(format!("an answer in the transfer coding {coding:?}"));
            }
            decoded = unchunked(body).ok_or("the answer ends within its chunks")?;
            body = &decoded;
        } else if let Some(length) = field("content-length") {
            let length = length.trim().parse::<usize>().ok();
            body = length
                .and_then(|length| body.get(..length))
                .ok_or("the answer ends before its Content-Length")?;
        }
        Ok(Self {
            status,
            room_key: field("room-key"),
            body: body.to_owned(),
        })
    }
}

/// The body out of its chunks (RFC 9112 §7.1).
fn unchunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((start, length))) = httparse::parse_chunk_size(bytes)
        else {
            return None;
        };
        let length = usize::try_from(length).ok()?;
        if length == 0 {
            return Some(body);
        }
        let end = start.checked_add(length)?;
        body.extend_from_slice(bytes.get(start..end)?);
        bytes = bytes.get(end..)?.strip_prefix(b"\r\n")?;
    }
}

/// The room of this id, or the only one of this name.
fn choose(rooms: &[Value], wanted: &str) -> Result<Option<Found>, String> {
    let found = |room: &Value| Found {
        id: room["roomId"].as_str().unwrap_or_default().to_owned(),
        name: room["name"].as_str().unwrap_or_default().to_owned(),
        key: None,
    };
    if let Some(room) = rooms.iter().find(|room| room["roomId"] == *wanted) {
        return Ok(Some(found(room)));
    }
    let named: Vec<_> = rooms
        .iter()
        .filter(|room| room["name"] == *wanted && room["roomId"].is_string())
        .map(found)
        .collect();
    match &*named {
        [] if is_uuid(wanted) => Err(format!("there is no room of the id {wanted}")),
        [] => Ok(None),
        [_] => Ok(named.into_iter().next()),
        several => {
            let mut text = format!(
                "{} rooms have the name {wanted:?}; say which with --room ID:",
                several.len()
            );
            for room in several {
                let _ = write!(text, "\n  {}", room.id.escape_debug());
            }
            Err(text)
        }
    }
}

/// Whether it looks like an id: nobody wants a new room of such a name.
fn is_uuid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    let mut bytes = text.bytes().enumerate();
    text.len() == 36
        && bytes.all(|(at, byte)| {
            if dashes.contains(&at) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        })
}

/// A name as part of a query.
fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "6fa459ea-ee8a-4ca4-894e-db77e160355e";

    #[test]
    fn an_id_goes_before_a_name_and_an_unknown_id_makes_no_room() {
        let rooms = [
            json!({"roomId": "1", "name": ID}),
            json!({"roomId": ID, "name": "b", "sessions": 0}),
        ];
        let id = |wanted| choose(&rooms, wanted).map(|found| found.map(|room| room.id));
        assert_eq!(id(ID), Ok(Some(ID.to_owned())));
        assert_eq!(id("b"), Ok(Some(ID.to_owned())));
        assert_eq!(id("c"), Ok(None));
        let other = ID.replace('6', "7");
        assert!(id(&other).expect_err("no room").contains(&other));
    }

    #[test]
    fn several_rooms_of_a_name_are_listed() {
        let rooms = [
            json!({"roomId": "1", "name": "a"}),
            json!({"roomId": "2", "name": "a"}),
        ];
        let problem = choose(&rooms, "a").expect_err("two");
        for part in ["2 rooms", "\"a\"", "\n  1", "\n  2", "--room ID"] {
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn a_name_is_escaped_in_a_query() {
        assert_eq!(percent("a b&c=한"), "a%20b%26c%3D%ED%95%9C");
    }

    #[test]
    fn an_answer_is_read_however_it_is_framed() {
        for text in [
            "HTTP/1.1 200 OK\r\nRoom-Key: k\r\nContent-Length: 2\r\n\r\n[]",
            "HTTP/1.1 200 OK\r\nroom-key: k\r\n\r\n[]",
            "HTTP/1.1 200 OK\r\nRoom-Key: k\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n1\r\n]\r\n0\r\n\r\n",
        ] {
            let answer = Answer::parse(text.as_bytes()).expect("an answer");
            let key = answer.room_key.as_deref();
            assert_eq!(
                (answer.status, key, &*answer.body),
                (200, Some("k"), &b"[]"[..])
            );
        }
        for text in [
            "",
            "SSH-2.0-OpenSSH\r\n",
            "HTTP/1.1 200 OK\r\nA",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[]",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n[]",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n[]",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n[]",
        ] {
            assert!(Answer::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
