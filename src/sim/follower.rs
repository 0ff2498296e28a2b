//! The reader of an event stream, as a test holds it: strict about the head and about every line.

use super::conversation::Line;
use crate::wire::error::{Error, ErrorKind, Result};
use crate::wire::head::HeadLimits;
use crate::wire::upgrade::parse_response;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;
use std::time::Duration;

/// An event as a [`Follower`] received it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedEvent {
    /// Its own id, if it has one.
    pub id: Option<String>,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its text: lines of data, joined by `\n`.
    pub data: String,
    /// The time to wait before connecting again, if it says one.
    pub retry: Option<Duration>,
}

/// A reader of an event stream ([`App::sse`](crate::App::sse)) of the simulated server.
///
/// Made by [`Sim::follow`](super::Sim::follow). Everything a [`Line`] can suffer, it can suffer too:
/// [`cut`](Line::cut), [`stall`](Line::stall), [`trickle`](Line::trickle).
#[derive(Clone)]
pub struct Follower {
    line: Line,
    state: Rc<RefCell<State>>,
}

#[derive(Default)]
struct State {
    /// Bytes that are not understood yet.
    bytes: Vec<u8>,
    /// The fields of the head, once it is there.
    head: Option<Vec<(String, String)>>,
    refusal: Option<String>,
    events: VecDeque<ReceivedEvent>,
    comments: usize,
    last_id: Option<String>,
}

impl Deref for Follower {
    type Target = Line;

    fn deref(&self) -> &Line {
        &self.line
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Follower").field(&self.line).finish()
    }
}

impl Line {
    /// Asks for an event stream on this connection; the answer comes when the simulation runs.
    pub fn follow(&self, target: &str, fields: &[(&str, &str)]) -> Follower {
        let mut request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n");
        request.push_str("Accept: text/event-stream\r\n");
        for (name, value) in fields {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        self.send_raw(request.as_bytes());
        let state = Rc::default();
        let line = self.clone();
        Follower { line, state }
    }
}

impl Follower {
    /// The event that arrived next; the server runs until it rests when nothing waits. `None`: it has
    /// nothing to say at this time.
    ///
    /// # Panics
    /// When what arrives is no event stream.
    #[track_caller]
    pub fn next_event(&self) -> Option<ReceivedEvent> {
        self.read();
        if self.state.borrow().events.is_empty() {
            self.line.world.borrow_mut().drive();
            self.read();
        }
        self.state.borrow_mut().events.pop_front()
    }

    /// The text of the event that arrived next.
    ///
    /// # Panics
    /// As [`Follower::next_event`], and when nothing arrived.
    #[track_caller]
    pub fn next_data(&self) -> String {
        match self.next_event() {
            Some(event) => event.data,
            None => panic!("an event was expected, nothing arrived"),
        }
    }

    /// Every event that arrived up to now; the server does not run.
    #[track_caller]
    pub fn arrived(&self) -> Vec<ReceivedEvent> {
        self.read();
        self.state.borrow_mut().events.drain(..).collect()
    }

    /// Every event that arrives until the server rests.
    #[track_caller]
    pub fn receive_all(&self) -> Vec<ReceivedEvent> {
        self.line.world.borrow_mut().drive();
        self.arrived()
    }

    /// How many events arrived and were not received; the server does not run.
    #[track_caller]
    pub fn waiting(&self) -> usize {
        self.read();
        self.state.borrow().events.len()
    }

    /// How many comments arrived so far; the server does not run.
    #[track_caller]
    pub fn comments(&self) -> usize {
        self.read();
        self.state.borrow().comments
    }

    /// The last id that arrived: what a browser sends as `Last-Event-ID` when it connects again.
    #[track_caller]
    pub fn last_event_id(&self) -> Option<String> {
        self.read();
        self.state.borrow().last_id.clone()
    }

    /// Whether the head of an event stream has arrived; the server does not run.
    #[track_caller]
    pub fn is_open(&self) -> bool {
        self.read();
        self.state.borrow().head.is_some()
    }

    /// The value of a header field of the answer (the first, when there are several).
    #[track_caller]
    pub fn field(&self, name: &str) -> Option<String> {
        self.read();
        let state = self.state.borrow();
        let mut fields = state.head.iter().flatten();
        let found = fields.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    }

    /// The follower, once the stream is there; the server does not run.
    ///
    /// # Errors
    /// As [`Sim::follow_with`](super::Sim::follow_with): why it is not.
    #[track_caller]
    pub fn opened(self) -> Result<Self> {
        self.read();
        let refusal = self.state.borrow_mut().refusal.take();
        if let Some(refusal) = refusal {
            return Err(Error::new(ErrorKind::Refused, refusal));
        }
        if self.state.borrow().head.is_none() {
            let message = "the server did not answer the request for an event stream";
            return Err(Error::new(ErrorKind::Closed, message));
        }
        Ok(self)
    }

    /// Takes over what arrived.
    #[track_caller]
    fn read(&self) {
        let mut world = self.line.world.borrow_mut();
        let arrived = world.turn.io.lines[self.line.line].client.take_raw();
        drop(world);
        let mut state = self.state.borrow_mut();
        state.bytes.extend_from_slice(&arrived);
        if let Err(problem) = state.understand() {
            panic!("the program sent no event stream: {problem}");
        }
    }
}

impl State {
    fn understand(&mut self) -> std::result::Result<(), String> {
        if self.head.is_none() && !self.read_head()? {
            return Ok(());
        }
        loop {
            let end = self.bytes.windows(2).position(|pair| pair == b"\n\n");
            let Some(end) = end else { return Ok(()) };
            let block: Vec<u8> = self.bytes.drain(..end + 2).collect();
            let block = str::from_utf8(&block[..end]).map_err(|error| error.to_string())?;
            self.read_block(block)?;
        }
    }

    /// Whether the head of a stream is there.
    fn read_head(&mut self) -> std::result::Result<bool, String> {
        let parsed = parse_response(&self.bytes, &mut 0, &HeadLimits::default());
        let Some((head, len)) = parsed.map_err(|error| error.to_string())? else {
            return Ok(false);
        };
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let fields = head.fields.iter();
        let fields = fields.map(|(name, value)| ((*name).to_owned(), text(value)));
        let fields: Vec<_> = fields.collect();
        let of = |name: &str| {
            let mut fields = fields.iter();
            let found = fields.find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| &**value)
        };
        if head.status != 200 || of("Content-Type") != Some("text/event-stream") {
            let told = format!("{} in place of an event stream", head.status);
            self.refusal.get_or_insert(told);
            return Ok(false);
        }
        if of("Content-Length").or(of("Transfer-Encoding")).is_some() {
            return Err("its body is framed, and would end".to_owned());
        }
        self.head = Some(fields);
        self.bytes.drain(..len);
        Ok(true)
    }

    /// The lines of an event or comment, without the blank one.
    fn read_block(&mut self, block: &str) -> std::result::Result<(), String> {
        let mut event = ReceivedEvent::default();
        let mut data: Option<String> = None;
        for line in block.split('\n') {
            let wrong = || Err(format!("the line {line:?}"));
            if line == ":" {
                self.comments += 1;
                continue;
            }
            let Some((field, value)) = line.split_once(": ") else {
                return wrong();
            };
            if value.contains(['\r', '\0']) && field != "data" || value.contains('\r') {
                return wrong();
            }
            match (field, &mut data) {
                ("data", None) => data = Some(value.to_owned()),
                ("data", Some(data)) => {
                    data.push('\n');
                    data.push_str(value);
                }
                ("id", None) if event.id.is_none() => event.id = Some(value.to_owned()),
                ("event", None) if event.name.is_none() => event.name = Some(value.to_owned()),
                ("retry", None) => match value.parse() {
                    Ok(millis) => event.retry = Some(Duration::from_millis(millis)),
                    Err(_) => return wrong(),
                },
                _ => return wrong(),
            }
        }
        let Some(data) = data else {
            return match event == ReceivedEvent::default() {
                true => Ok(()),
                false => Err("an event without data".to_owned()),
            };
        };
        if event.id.is_some() {
            self.last_id.clone_from(&event.id);
        }
        event.data = data;
        self.events.push_back(event);
        Ok(())
    }
}
