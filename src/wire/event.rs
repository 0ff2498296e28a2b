//! Events of an event stream (HTML standard §9.2, "Server-sent events"): what one says, how it is
//! written, and where it ends.
//!
//! Every event ends with the first blank line in it, and no part of an event can make another: line
//! breaks of the data become lines of data, and those of other fields become spaces.

use super::response::{Status, write_field, write_status_line};
use super::work::{Work, price};
use std::borrow::Cow;
use std::time::Duration;

/// The media type of an event stream.
pub(crate) const EVENT_STREAM: &str = "text/event-stream";
/// A comment, which says nothing: it shows that the connection lives.
pub(crate) const COMMENT: &[u8] = b":\n\n";
/// Bytes of data that are written in one step: all of them may be line breaks.
const DATA_STEP: usize = 2 << 10;
/// Bytes that are searched at once.
const LANE: usize = 32;

/// A message with what an event stream says beside its text: an id, a name, a time to wait before
/// reconnecting (HTML standard §9.2.6).
///
/// It can be given to every send and publish. A session of [`App::sse`](crate::App::sse) gets it as one
/// event, a WebSocket session gets the text alone. A plain text is to an event stream an event
/// without id and name.
///
/// ```
/// use dunlin::{App, Event, Message, Session};
///
/// let app = App::new().on_message("/talk", |session: &mut Session<'_>, message: Message<'_>| {
///     if let Some(text) = message.text() {
///         session.publish("talk", Event::new(text).id("7").name("talk"));
///     }
/// });
/// # drop(app);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    data: Cow<'a, str>,
    id: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    retry: Option<Duration>,
}

impl<'a> Event<'a> {
    /// An event with this text. Its line breaks (`\n`, `\r\n`, `\r`) all arrive as `\n`.
    pub fn new(data: impl Into<Cow<'a, str>>) -> Self {
        Self {
            data: data.into(),
            id: None,
            name: None,
            retry: None,
        }
    }

    /// Its id: what a browser sends as `Last-Event-ID` when it connects again.
    ///
    /// Line breaks and NUL, which no id can have, become spaces.
    /// [`Request::last_event_id`](crate::Request::last_event_id) takes at most 256 bytes of one.
    #[must_use]
    pub fn id(mut self, id: impl Into<Cow<'a, str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Its name, by which a page listens for it; without one it is a `message`. Line breaks and NUL
    /// become spaces.
    #[must_use]
    pub fn name(mut self, name: impl Into<Cow<'a, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How long a browser waits from now on before it connects again, in whole milliseconds.
    #[must_use]
    pub fn retry(mut self, time: Duration) -> Self {
        self.retry = Some(time);
        self
    }

    /// The text.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The same with texts of its own.
    pub(crate) fn to_owned(&self) -> Event<'static> {
        let owned = |text: &Cow<'_, str>| Cow::Owned(text.clone().into_owned());
        Event {
            data: owned(&self.data),
            id: self.id.as_ref().map(owned),
            name: self.name.as_ref().map(owned),
            retry: self.retry,
        }
    }

    /// Bytes of all its texts.
    pub(crate) fn len(&self) -> usize {
        let of = |text: &Option<Cow<'_, str>>| text.as_ref().map_or(0, |text| text.len());
        self.data.len() + of(&self.id) + of(&self.name)
    }

    /// Appends the lines of its fields, all but the data.
    pub(crate) fn write_fields(&self, out: &mut Vec<u8>) {
        if let Some(id) = &self.id {
            write_line(out, b"id: ", id);
        }
        if let Some(name) = &self.name {
            write_line(out, b"event: ", name);
        }
        if let Some(retry) = self.retry {
            write_line(out, b"retry: ", &retry.as_millis().to_string());
        }
    }
}

fn write_line(out: &mut Vec<u8>, field: &[u8], value: &str) {
    out.extend_from_slice(field);
    let start = out.len();
    out.extend_from_slice(value.as_bytes());
    for byte in &mut out[start..] {
        if matches!(byte, b'\n' | b'\r' | 0) {
            *byte = b' ';
        }
    }
    out.push(b'\n');
}

/// Appends a whole event; `fields` are lines as [`Event::write_fields`] writes them.
pub(crate) fn write_event(out: &mut Vec<u8>, fields: &[u8], data: &[u8], work: &mut Work) {
    let mut writer = DataWriter::begin(out, fields);
    while writer.step(out, data, work) {}
}

/// Writes the data of one event, in steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DataWriter {
    /// How much of the data is written.
    at: usize,
}

impl DataWriter {
    /// Appends everything that stands before the data.
    pub(crate) fn begin(out: &mut Vec<u8>, fields: &[u8]) -> Self {
        out.extend_from_slice(fields);
        out.extend_from_slice(b"data: ");
        Self { at: 0 }
    }

    /// Appends the next of the data, or what stands behind it; whether more is to come.
    pub(crate) fn step(&mut self, out: &mut Vec<u8>, data: &[u8], work: &mut Work) -> bool {
        let end = data.len().min(self.at + DATA_STEP);
        let piece = &data[self.at..end];
        // The second half of a line break that was written with the first.
        let follows_return = self.at > 0 && data[self.at - 1] == b'\r';
        let skipped = usize::from(follows_return && piece.first() == Some(&b'\n'));
        let lines = write_data(out, &piece[skipped..]);
        work.charge_bytes(piece.len(), price::BYTES_COPIED);
        work.charge(price::EVENT_LINE * (1 + lines));
        self.at = end;
        if end == data.len() {
            out.extend_from_slice(b"\n\n");
        }
        end < data.len()
    }
}

/// Appends data, each line break as the beginning of another line; how many that were.
fn write_data(out: &mut Vec<u8>, mut data: &[u8]) -> u32 {
    out.reserve(data.len() + 2);
    let mut lines = 0;
    while let Some(at) = line_break(data) {
        out.extend_from_slice(&data[..at]);
        out.extend_from_slice(b"\ndata: ");
        let width = if data[at..].starts_with(b"\r\n") {
            2
        } else {
            1
        };
        data = &data[at + width..];
        lines += 1;
    }
    out.extend_from_slice(data);
    lines
}

/// The first line break. Whole lanes without one are passed by at once.
#[inline]
fn line_break(bytes: &[u8]) -> Option<usize> {
    let is_break = |byte: u8| (byte == b'\n') | (byte == b'\r');
    let lanes = bytes.chunks_exact(LANE);
    let is_clear = |lane: &&[u8]| !lane.iter().fold(false, |any, byte| any | is_break(*byte));
    let clear = lanes.take_while(is_clear).count() * LANE;
    let rest = bytes[clear..].iter();
    let mut rest = rest.copied();
    rest.position(is_break).map(|at| clear + at)
}

/// The first end of an event at `from` or behind it, in bytes that begin at the border of events.
pub(crate) fn event_end(bytes: &[u8], from: usize) -> Option<usize> {
    // The blank line behind the last one may have begun before. Most line breaks make no blank line, so
    // pairs are looked for, a lane of them at once.
    let mut at = from.saturating_sub(2);
    while let Some(lane) = bytes.get(at..at + LANE + 1) {
        let pairs = lane.iter().zip(&lane[1..]);
        if pairs.fold(false, |any, (one, two)| {
            any | ((*one == b'\n') & (*two == b'\n'))
        }) {
            break;
        }
        at += LANE;
    }
    let mut pairs = bytes.get(at..)?.windows(2);
    let found = pairs.position(|pair| pair == b"\n\n");
    found.map(|found| at + found + 2)
}

/// Appends the head of an event stream, whose body ends with the connection (RFC 9112 §6.3). `origin` is
/// that of a page that may read it.
pub(crate) fn write_event_stream_head(
    out: &mut Vec<u8>,
    date: &str,
    origin: Option<&str>,
    fields: &[(String, String)],
) {
    const ALLOW_ORIGIN: &str = "Access-Control-Allow-Origin";
    write_status_line(out, Status::OK);
    write_field(out, "Date", date);
    write_field(out, "Content-Type", EVENT_STREAM);
    write_field(out, "Cache-Control", "no-store");
    write_field(out, "X-Accel-Buffering", "no");
    write_field(out, "Connection", "close");
    let is_given = |(name, _): &(String, String)| name.eq_ignore_ascii_case(ALLOW_ORIGIN);
    if let Some(origin) = origin.filter(|_| !fields.iter().any(is_given)) {
        write_field(out, ALLOW_ORIGIN, origin);
        write_field(out, "Vary", "Origin");
    }
    for (name, value) in fields {
        write_field(out, name, value);
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(event: &Event<'_>) -> String {
        let (mut fields, mut out) = (Vec::new(), Vec::new());
        event.write_fields(&mut fields);
        let mut work = Work::unlimited();
        write_event(&mut out, &fields, event.data().as_bytes(), &mut work);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_field_is_a_line_and_a_blank_one_ends_the_event() {
        let event = Event::new("hello").id("e:7").name("talk");
        let event = event.retry(Duration::from_millis(1500));
        assert_eq!(
            written(&event),
            "id: e:7\nevent: talk\nretry: 1500\ndata: hello\n\n"
        );
        assert_eq!(written(&Event::new("")), "data: \n\n");
    }

    #[test]
    fn every_kind_of_line_break_makes_a_line_of_data() {
        let lines = "data: a\ndata: b\ndata: c\ndata: \ndata: d\ndata: \n\n";
        assert_eq!(written(&Event::new("a\nb\r\nc\r\rd\n")), lines);
    }

    #[test]
    fn a_line_break_that_is_cut_by_a_step_is_one() {
        for before in DATA_STEP - 3..DATA_STEP + 3 {
            let text = format!("{}\r\nb", "a".repeat(before));
            let lines = format!("data: {}\ndata: b\n\n", "a".repeat(before));
            assert_eq!(written(&Event::new(text)), lines, "{before}");
        }
    }

    #[test]
    fn no_field_can_end_its_line_or_make_an_event() {
        let event = Event::new("x").id("a\nb\r\n\nc\0").name("\n\ndata: y\n\n");
        let written = written(&event);
        assert_eq!(written, "id: a b   c \nevent:   data: y  \ndata: x\n\n");
        assert_eq!(event_end(written.as_bytes(), 1), Some(written.len()));
    }

    #[test]
    fn the_end_of_an_event_is_found_from_anywhere_in_it() {
        let (one, two) = ("data: one\n\n", "id: 2\ndata: \ndata: \n\n");
        let long = format!("data: {}\n\n", "x".repeat(100));
        let all = [one, two, ":\n\n", &long].concat();
        let ends = [11, 32, 35, 35 + long.len()];
        for from in 1..=all.len() {
            let end = ends.into_iter().find(|end| *end >= from);
            assert_eq!(event_end(all.as_bytes(), from), end, "{from}");
        }
        assert_eq!(event_end(b"data: open\n", 1), None);
        assert_eq!(event_end(b"", 1), None);
    }
}
