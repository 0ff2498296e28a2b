//! What only the event streams among a topic's members need: the fields that events have beside
//! their text, and every message as an event, written once for all of them.

use super::frames::{Frames, open_frame};
use crate::wire::event::DataWriter;
use crate::wire::frame::OpCode;
use crate::wire::work::{Work, price};
use bytes::Bytes;
use std::collections::VecDeque;
use std::ops::Range;

/// From so many bytes of text on an event lies by itself: whoever waits for it shares it without a copy.
const LONG: usize = 16 << 10;

/// The part of a log that is for event streams.
#[derive(Debug, Default)]
pub(super) struct EventLog {
    /// Of each message that has some: its number, and its fields as lines.
    fields: VecDeque<(u64, Box<[u8]>)>,
    /// Bytes of those.
    held: usize,
    /// There from the first event on that somebody is sent, until the log is empty.
    encoded: Option<Box<Encoded>>,
}

#[derive(Debug, Default)]
struct Encoded {
    /// Behind the last whole event may lie a part of another.
    frames: Frames,
    /// How far that is written.
    begun: Option<DataWriter>,
    /// Numbers of messages that have no form as an event.
    without: VecDeque<u64>,
    /// Long events by number, which take no room among the others, and their bytes.
    long: VecDeque<(u64, Bytes)>,
    long_held: usize,
    /// The long event that is being written.
    buffer: Vec<u8>,
}

impl Encoded {
    fn held(&self) -> usize {
        self.frames.held() + self.buffer.capacity() + self.long_held
    }

    fn long(&self, number: u64) -> Option<&Bytes> {
        let at = self.long.binary_search_by_key(&number, |(of, _)| *of);
        at.ok().map(|at| &self.long[at].1)
    }
}

impl EventLog {
    /// Keeps the fields of a message.
    pub(super) fn note(&mut self, number: u64, fields: &[u8]) {
        self.held += size_of::<(u64, Box<[u8]>)>() + fields.len();
        self.fields.push_back((number, fields.into()));
    }

    /// Bytes of memory.
    pub(super) fn held(&self) -> usize {
        let encoded = self.encoded.as_ref();
        self.held + encoded.map_or(0, |encoded| encoded.held())
    }

    /// Where one step ends that begins with the `index`th message: as many as fit into `most` bytes, one at
    /// least, none that is not written. A long one is a step of its own.
    pub(super) fn fitting(&self, index: usize, number: u64, most: usize) -> usize {
        let Some(encoded) = &self.encoded else {
            return index;
        };
        let next = encoded.long.partition_point(|(of, _)| *of < number);
        let fitting = encoded.frames.fitting(index, most);
        match encoded.long.get(next) {
            Some((long, _)) if *long == number => index + 1,
            Some((long, _)) => fitting.min(index + (long - number) as usize),
            None => fitting,
        }
    }

    /// The events of one step, in a log that begins with the number `first`.
    pub(super) fn events_of(&self, first: u64, step: &Range<u64>) -> &[u8] {
        let Some(encoded) = &self.encoded else {
            return &[];
        };
        match encoded.long(step.start) {
            Some(event) => event,
            None => &encoded.frames.bytes[encoded.frames.range(first, step)],
        }
    }

    /// The same, to be kept by several outboxes, and whether they were copied.
    pub(super) fn share(&mut self, first: u64, step: &Range<u64>) -> (Bytes, bool) {
        let Some(encoded) = &mut self.encoded else {
            return (Bytes::new(), false);
        };
        if let Some(event) = encoded.long(step.start) {
            return (event.clone(), false);
        }
        let range = encoded.frames.range(first, step);
        encoded.frames.share(range)
    }

    /// The lines that a message has beside its data.
    pub(super) fn fields(&self, number: u64) -> &[u8] {
        let at = self.fields.binary_search_by_key(&number, |(of, _)| *of);
        at.map_or(&[], |at| &*self.fields[at].1)
    }

    /// How many of these messages have no form as an event.
    pub(super) fn without_event(&self, messages: &Range<u64>) -> u64 {
        let without = self.encoded.iter().flat_map(|encoded| &encoded.without);
        without.filter(|number| messages.contains(number)).count() as u64
    }

    /// Writes the messages of a log that begins with the number `first` as events, while the work lasts.
    pub(super) fn encode(&mut self, plain: &Frames, first: u64, work: &mut Work) {
        let mut encoded = self.encoded.take().unwrap_or_default();
        while encoded.frames.ends.len() < plain.ends.len() && !work.is_spent() {
            let index = encoded.frames.ends.len();
            let number = first + index as u64;
            let (opcode, _, payload) = open_frame(plain.frame(index));
            let bytes = &mut encoded.frames.bytes;
            let end = bytes.len();
            if opcode != OpCode::Text {
                work.charge(price::EVENT_LINE);
                encoded.without.push_back(number);
                encoded.frames.ends.push_back(end);
                continue;
            }
            let is_long = payload.len() >= LONG;
            let bytes = if is_long { &mut encoded.buffer } else { bytes };
            let begun = encoded.begun.take();
            let fields = self.fields(number);
            let mut writer = begun.unwrap_or_else(|| DataWriter::begin(bytes, fields));
            if writer.step(bytes, payload, work) {
                encoded.begun = Some(writer);
            } else if is_long {
                let event = Bytes::from(std::mem::take(bytes));
                encoded.long_held += event.len();
                encoded.long.push_back((number, event));
                encoded.frames.ends.push_back(end);
            } else {
                encoded.frames.ends.push_back(bytes.len());
            }
        }
        self.encoded = Some(encoded);
    }

    /// Forgets the first `count` messages, all before the number `until`.
    pub(super) fn cut(&mut self, count: usize, until: u64) {
        while let Some((_, fields)) = self.fields.pop_front_if(|(number, _)| *number < until) {
            self.held -= size_of::<(u64, Box<[u8]>)>() + fields.len();
        }
        let Some(encoded) = &mut self.encoded else {
            return;
        };
        if count > encoded.frames.ends.len() {
            // Nobody needs what is not even written.
            self.encoded = None;
            return;
        }
        encoded.frames.cut(count);
        encoded.without.retain(|number| *number >= until);
        while let Some((_, event)) = encoded.long.pop_front_if(|(number, _)| *number < until) {
            encoded.long_held -= event.len();
        }
        if encoded.frames.ends.is_empty() && encoded.begun.is_none() {
            self.encoded = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::topics::log::{EVENTS, Log};
    use crate::wire::message::Message;
    use crate::wire::work::Work;

    fn log(messages: &[Message<'_>]) -> Log {
        let mut log = Log::default();
        for (seq, message) in messages.iter().enumerate() {
            let fields = format!("id: {seq}\n");
            let fields = [&b""[..], fields.as_bytes()][seq % 2];
            log.append(seq as u64, *message, fields);
        }
        log
    }

    /// All events that are written, step by step.
    fn events(log: &Log, mut from: u64) -> String {
        let mut events = Vec::new();
        while from < log.end() {
            let step = log.step(Some(EVENTS), from, usize::MAX);
            if step.is_empty() {
                break;
            }
            events.extend_from_slice(log.frames_of(Some(EVENTS), &step));
            from = step.end;
        }
        String::from_utf8(events).unwrap()
    }

    #[test]
    fn what_has_fields_has_them_and_bytes_have_no_form() {
        let mut log = log(&["a".into(), "b".into(), b"c"[..].into(), "d".into()]);
        log.encode_events(&mut Work::unlimited());
        assert_eq!(
            events(&log, 0),
            "data: a\n\nid: 1\ndata: b\n\nid: 3\ndata: d\n\n"
        );
        assert_eq!(log.without_event(&(0..4)), 1);
        log.cut(1);
        assert_eq!(events(&log, 1), "id: 1\ndata: b\n\nid: 3\ndata: d\n\n");
        log.cut(3);
        assert_eq!(
            (log.without_event(&(3..4)), &*events(&log, 3)),
            (0, "id: 3\ndata: d\n\n")
        );
    }

    #[test]
    fn a_long_event_is_nobodys_before_all_of_it_is_written() {
        let long = "\n".repeat(100_000);
        let mut log = log(&["a".into(), (&*long).into(), "c".into()]);
        for _ in 0..3 {
            log.encode_events(&mut Work::new(30_000));
            assert_eq!(events(&log, 0), "data: a\n\n");
        }
        // What everybody has goes, also from before a half.
        log.cut(1);
        log.encode_events(&mut Work::unlimited());
        let long = format!("id: 1\ndata: {}\n\ndata: c\n\n", "\ndata: ".repeat(100_000));
        assert!(events(&log, 1) == long);
    }

    #[test]
    fn a_long_event_is_a_step_of_its_own_and_is_shared_without_a_copy() {
        let long = "x".repeat(40_000);
        let mut log = log(&["a".into(), "b".into(), (&*long).into(), "c".into()]);
        log.encode_events(&mut Work::unlimited());
        let mut steps = Vec::new();
        while steps
            .last()
            .is_none_or(|step: &std::ops::Range<u64>| step.end < 4)
        {
            let from = steps.last().map_or(0, |step| step.end);
            steps.push(log.step(Some(EVENTS), from, 1 << 20));
        }
        assert_eq!(steps, [0..2, 2..3, 3..4]);
        let (event, is_copy) = log.shared_of(Some(EVENTS), &(2..3));
        assert_eq!(
            event.as_ptr(),
            log.frames_of(Some(EVENTS), &(2..3)).as_ptr()
        );
        assert!(!is_copy && log.shared_of(Some(EVENTS), &(0..2)).1);
        log.cut(2);
        assert_eq!(log.frames_of(Some(EVENTS), &(2..3)), &event);
        log.cut(4);
        assert!(log.held().memory < 5_000);
    }

    #[test]
    fn what_goes_before_it_is_written_leaves_nothing() {
        let long = "\n".repeat(100_000);
        for cut in 1..=3 {
            let mut log = log(&["a".into(), (&*long).into(), "c".into()]);
            log.encode_events(&mut Work::new(1));
            log.encode_events(&mut Work::new(1));
            log.cut(cut);
            log.append(9, "d".into(), b"");
            log.encode_events(&mut Work::unlimited());
            assert!(events(&log, cut).ends_with("data: d\n\n"), "{cut}");
            assert!(cut == 1 || !events(&log, cut).contains("data: \n"), "{cut}");
            log.cut(4);
            assert!(log.held().memory < 5_000, "{:?}", log.held());
        }
    }
}
