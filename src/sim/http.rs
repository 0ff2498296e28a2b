//! Plain HTTP to the simulated server: requests out, answers in, read strictly.

use super::conversation::Line;
use crate::wire::body::BodyReader;
use crate::wire::head::{BodyLength, HeadLimits, Method};
use crate::wire::response::Status;
use crate::wire::upgrade::{ResponseHead, parse_response};
use std::ops::Deref;

/// A connection that requests are sent on, one after another, as a browser does.
///
/// Made by [`Sim::http`](super::Sim::http). It is a [`Line`], and can suffer what one can.
#[derive(Clone, Debug)]
pub struct HttpClient(pub(super) Line);

impl Deref for HttpClient {
    type Target = Line;

    fn deref(&self) -> &Line {
        &self.0
    }
}

impl HttpClient {
    /// Sends a GET and returns the answer; the connection stays for the next request.
    ///
    /// # Panics
    /// As [`HttpRequest::send`].
    #[track_caller]
    pub fn get(&self, target: &str) -> HttpAnswer {
        self.request(Method::Get, target).send()
    }

    /// A request on this connection; nothing is sent before [`HttpRequest::send`] or
    /// [`HttpRequest::start`].
    pub fn request(&self, method: Method, target: &str) -> HttpRequest {
        HttpRequest::new(self.0.clone(), method, target)
    }
}

/// A request that is being made.
#[derive(Debug)]
#[must_use = "nothing is sent before `send` or `start`"]
pub struct HttpRequest {
    line: Line,
    method: Method,
    target: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    /// It is the only one on its connection.
    is_alone: bool,
}

impl HttpRequest {
    fn new(line: Line, method: Method, target: &str) -> Self {
        Self {
            line,
            method,
            target: target.to_owned(),
            fields: Vec::new(),
            body: Vec::new(),
            is_alone: false,
        }
    }

    /// On a connection of its own, which ends with the answer.
    pub(super) fn alone(line: Line, method: Method, target: &str) -> Self {
        Self {
            is_alone: true,
            ..Self::new(line, method, target)
        }
    }

    /// Adds a header field as it is, right or wrong. `Host`, `Content-Length` and `Connection` are set
    /// by themselves unless they are given.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The body as JSON, with its `Content-Type`.
    ///
    /// # Panics
    /// For a value that has no form in JSON.
    #[cfg(feature = "json")]
    #[track_caller]
    pub fn json<T: serde::Serialize + ?Sized>(self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.header("Content-Type", "application/json").body(body),
            Err(error) => panic!("the body has no form in JSON: {error}"),
        }
    }

    /// Sends it, runs the server until it rests, and returns the answer.
    ///
    /// # Panics
    /// As [`Sim::drive`](super::Sim::drive), and when the answer is no valid HTTP or not complete by then. One
    /// that comes later is waited for with [`HttpRequest::start`].
    #[track_caller]
    pub fn send(self) -> HttpAnswer {
        self.start().receive()
    }

    /// Sends it; the answer comes when the simulation runs. Several that were started on one connection
    /// are answered in their order.
    #[track_caller]
    pub fn start(self) -> PendingAnswer {
        let name = self.method.name();
        assert!(!name.is_empty(), "a request needs a method that has a name");
        let mut request = format!("{name} {} HTTP/1.1\r\n", self.target);
        let has = |name: &str| {
            let mut fields = self.fields.iter();
            fields.any(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        let mut push = |name: &str, value: &str| request.push_str(&format!("{name}: {value}\r\n"));
        if !has("host") {
            push("Host", "localhost");
        }
        if self.is_alone && !has("connection") {
            push("Connection", "close");
        }
        let is_framed = has("content-length") || has("transfer-encoding");
        let sends = matches!(self.method, Method::Post | Method::Put | Method::Patch);
        if !is_framed && (sends || !self.body.is_empty()) {
            push("Content-Length", &self.body.len().to_string());
        }
        for (name, value) in &self.fields {
            push(name, value);
        }
        request.push_str("\r\n");
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(&self.body);
        self.line.send_raw(&bytes);
        PendingAnswer {
            line: self.line,
            is_head: self.method == Method::Head,
            is_alone: self.is_alone,
            asked: format!("{name} {}", self.target),
        }
    }
}

/// A request that was sent and whose answer was not received.
#[derive(Debug)]
pub struct PendingAnswer {
    line: Line,
    is_head: bool,
    is_alone: bool,
    /// Method and target.
    asked: String,
}

impl PendingAnswer {
    /// Whether the answer is there, whole; the server does not run. For
    /// [`Sim::drive_until`](super::Sim::drive_until).
    ///
    /// # Panics
    /// When what arrived is no valid HTTP.
    #[track_caller]
    pub fn is_complete(&self) -> bool {
        self.read().is_some()
    }

    /// Runs the server until it rests and returns the answer.
    ///
    /// # Panics
    /// As [`HttpRequest::send`].
    #[track_caller]
    pub fn receive(self) -> HttpAnswer {
        self.line.world.borrow_mut().drive();
        self.take()
    }

    #[track_caller]
    fn take(self) -> HttpAnswer {
        let read = self.read();
        let mut world = self.line.world.borrow_mut();
        let client = &mut world.turn.io.lines[self.line.line].client;
        let mut bytes = client.take_raw();
        let asked = &self.asked;
        let Some((answer, len)) = read else {
            let told = String::from_utf8_lossy(&bytes);
            panic!("no whole answer to {asked} arrived, only {told:?}");
        };
        let rest = bytes.split_off(len);
        assert!(
            rest.is_empty() || !self.is_alone,
            "{} bytes follow the answer to {asked}",
            rest.len()
        );
        client.put_raw(rest);
        answer
    }

    /// The answer that has arrived whole; the server does not run.
    ///
    /// # Panics
    /// When it has not.
    #[cfg(feature = "internals")]
    #[doc(hidden)]
    #[track_caller]
    pub fn taken(self) -> HttpAnswer {
        self.take()
    }

    /// The answer at the start of what arrived, and its length.
    #[track_caller]
    fn read(&self) -> Option<(HttpAnswer, usize)> {
        let world = self.line.world.borrow();
        let state = &world.turn.io.lines[self.line.line];
        match read_answer(state.client.raw(), self.is_head, state.end.is_some()) {
            Ok(read) => read,
            Err(problem) => panic!("the answer to {} is no valid HTTP: {problem}", self.asked),
        }
    }
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    status: Status,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl HttpAnswer {
    /// The status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The first value of a header field, in any case of its name.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields();
        let found = fields.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }

    /// All header fields, in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    #[track_caller]
    pub fn text(&self) -> &str {
        match std::str::from_utf8(&self.body) {
            Ok(text) => text,
            Err(error) => panic!("the body is no text: {error}"),
        }
    }

    /// The body as a value.
    ///
    /// # Panics
    /// When it is not JSON of that shape.
    #[cfg(feature = "json")]
    #[track_caller]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!(
                "the body is not the JSON that was expected: {error}; it is {:?}",
                String::from_utf8_lossy(&self.body)
            ),
        }
    }
}

/// The answer at the start of `bytes` and its length, interim ones included; `None` while it is not
/// complete. `has_ended`: nothing follows.
///
/// # Errors
/// What is wrong with it.
fn read_answer(
    bytes: &[u8],
    is_head: bool,
    has_ended: bool,
) -> Result<Option<(HttpAnswer, usize)>, String> {
    let mut at = 0;
    loop {
        let parsed = parse_response(&bytes[at..], &mut 0, &HeadLimits::default());
        let Some((head, len)) = parsed.map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        at += len;
        if head.is_interim() {
            continue;
        }
        let status = Status::new(head.status).ok_or(format!("the status {}", head.status))?;
        let is_empty = is_head || matches!(head.status, 101 | 204 | 304);
        let length = body_length(&head)?;
        let mut body = Vec::new();
        match length {
            _ if is_empty => {}
            Some(length) => {
                let reader = BodyReader::new(length, u64::MAX);
                let mut reader = reader.map_err(|refusal| refusal.status.to_string())?;
                let fed = reader.feed(&bytes[at..], &mut body);
                let (taken, _) = fed.map_err(|_| "its chunks are broken".to_owned())?;
                at += taken;
                if !reader.is_complete() {
                    return match has_ended {
                        true => Err("its body is cut short".to_owned()),
                        false => Ok(None),
                    };
                }
            }
            // Up to the end of the connection.
            None if !has_ended => return Ok(None),
            None => {
                body.extend_from_slice(&bytes[at..]);
                at = bytes.len();
            }
        }
        let fields = head.fields.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value).into_owned();
            ((*name).to_owned(), value)
        });
        let fields = fields.collect();
        return Ok(Some((
            HttpAnswer {
                status,
                fields,
                body,
            },
            at,
        )));
    }
}

/// How the body is delimited (RFC 9112 §6.3); `None`: by the end of the connection.
fn body_length(head: &ResponseHead<'_>) -> Result<Option<BodyLength>, String> {
    let values = |name: &str| {
        let fields = head.fields.iter();
        let of_name = fields.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        of_name.map(|(_, value)| *value).collect::<Vec<_>>()
    };
    match (&*values("transfer-encoding"), &*values("content-length")) {
        ([], []) => Ok(None),
        ([coding], []) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Some(BodyLength::Chunked)),
        ([], [length]) if length.iter().all(u8::is_ascii_digit) => {
            let length = std::str::from_utf8(length)
                .ok()
                .and_then(|text| text.parse().ok());
            let length = length.ok_or("its Content-Length is no number")?;
            Ok(Some(BodyLength::Length(length)))
        }
        _ => Err("the length of its body is ambiguous".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &str, has_ended: bool) -> Result<Option<(u16, String, usize)>, String> {
        let read = read_answer(bytes.as_bytes(), false, has_ended)?;
        Ok(read.map(|(answer, len)| (answer.status.code(), answer.text().to_owned(), len)))
    }

    #[test]
    fn a_body_ends_by_its_length_by_chunks_or_with_the_connection() {
        for (fields, body, has_ended) in [
            ("Content-Length: 3", "abc", false),
            ("Transfer-Encoding: Chunked", "3\r\nabc\r\n0\r\n\r\n", false),
            ("Server: x", "abc", true),
        ] {
            let bytes = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n{body}");
            for cut in 0..bytes.len() {
                assert_eq!(read(&bytes[..cut], false), Ok(None), "{fields} {cut}");
            }
            let whole = Ok(Some((200, "abc".to_owned(), bytes.len())));
            assert_eq!(read(&bytes, has_ended), whole);
        }
    }

    #[test]
    fn interim_answers_belong_to_the_one_behind_them() {
        let bytes = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nHTTP";
        assert_eq!(
            read(bytes, false),
            Ok(Some((204, String::new(), bytes.len() - 4)))
        );
    }

    #[test]
    fn an_answer_with_two_meanings_or_none_is_told() {
        for (bytes, problem) in [
            ("nonsense", "does not answer in HTTP"),
            ("HTTP/1.1 700 x\r\n\r\n", "700"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
                "ambiguous",
            ),
            ("HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\n", "ambiguous"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
                "ambiguous",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
                "ambiguous",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx",
                "chunks",
            ),
            ("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", "no number"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
                "cut short",
            ),
        ] {
            let told = read(bytes, true).expect_err(bytes);
            assert!(told.contains(problem), "{told}");
        }
    }
}
