//! What only the event streams among a topic's members need: the fields that events have beside
//! their text, and every message as an event, written once for all of them.

use super::frames::{Frames, open_frame};
use crate::wire::event::DataWriter;
use crate::wire::frame::OpCode;
use crate::wire::work::{Work, price};
use std::collections::VecDeque;
use std::ops::Range;

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
        self.held + encoded.map_or(0, |encoded| encoded.frames.held())
    }

    pub(super) fn frames(&self) -> Option<&Frames> {
        self.encoded.as_ref().map(|encoded| &encoded.frames)
    }

    pub(super) fn frames_mut(&mut self) -> Option<&mut Frames> {
        self.encoded.as_mut().map(|encoded| &mut encoded.frames)
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
            if opcode != OpCode::Text {
                work.charge(price::EVENT_LINE);
                encoded.without.push_back(number);
                encoded.frames.ends.push_back(bytes.len());
                continue;
            }
            let begun = encoded.begun.take();
            let fields = self.fields(number);
            let mut writer = begun.unwrap_or_else(|| DataWriter::begin(bytes, fields));
            if writer.step(bytes, payload, work) {
                encoded.begun = Some(writer);
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
        if encoded.frames.bytes.is_empty() && encoded.without.is_empty() {
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

    fn events(log: &Log, from: u64) -> String {
        let step = log.step(Some(EVENTS), from, usize::MAX);
        let bytes = log.frames_of(Some(EVENTS), &step);
        String::from_utf8_lossy(bytes).into_owned()
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
        let mut steps = 0;
        while log.step(Some(EVENTS), 2, 1).is_empty() {
            log.encode_events(&mut Work::new(30_000));
            steps += 1;
            if log.step(Some(EVENTS), 1, 1).is_empty() {
                assert_eq!(events(&log, 0), "data: a\n\n");
            }
            if steps == 2 {
                // What everybody has goes, also from before a half.
                log.cut(1);
                break;
            }
        }
        log.encode_events(&mut Work::unlimited());
        let long = format!("id: 1\ndata: {}\n\ndata: c\n\n", "\ndata: ".repeat(100_000));
        assert!(events(&log, 1) == long);
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
