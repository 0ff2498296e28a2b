//! The lanes against a plain tungstenite `WebSocketContext`: the same bytes must
//! give the same events, pongs and failure, however they are cut.
//!
//! Where the two may differ, and how:
//! - the lanes fail at the first wrong byte, tungstenite at the end of the frame:
//!   it is given zeros until the frame is complete, and must fail then;
//! - a frame with several faults: 1009 there may be 1002 here, because sizes are
//!   judged last here, and a length with its top bit set is 1002 here;
//! - a Close with a code that may not be sent is an event there (1002, "Protocol
//!   violation") and a failure with 1002 here; 1014 is a good code here;
//! - too many fragments (1008) is a rule of the lanes alone.

use super::{Event, Failure, Input, Lanes, Receiver, Role, Rules};
use crate::wire::close::CloseCode;
use crate::wire::extension::Transform;
use crate::wire::frame::{Header, MAX_HEADER, OpCode};
use crate::wire::mask::apply_mask;
use crate::wire::message::Message;
use std::io::{self, Read, Write};
use tungstenite::protocol::{Role as TungsteniteRole, WebSocketConfig, WebSocketContext};

/// What tungstenite says in place of a Close with a code it does not take.
const VIOLATION: &str = "Protocol violation";

/// An event with its own copy of everything.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
    Frame(OpCode, Vec<u8>),
}

/// What one side made of a stream.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Heard {
    pub(super) seen: Vec<Seen>,
    /// The payloads of the pongs it wrote.
    pub(super) pongs: Vec<Vec<u8>>,
    pub(super) failure: Option<Failure>,
}

/// How a stream is fed.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) rules: Rules,
    /// Read straight into half frames where they offer room.
    pub(super) direct: bool,
    /// Sizes of the pieces, used in turn; empty: all at once.
    pub(super) cuts: Vec<usize>,
}

impl Setup {
    /// Reads a setup from the start of `data`; the rest is the stream.
    fn parse(data: &[u8]) -> Option<(Self, &[u8])> {
        let [flags, cuts, rest @ ..] = data else {
            return None;
        };
        let (sizes, stream) = rest.split_at_checked(usize::from(cuts & 0x0F))?;
        let limits = [(1 << 20, 1 << 20), (4096, 8192), (1000, 1000), (125, 300)];
        let (max_frame, max_message) = limits[usize::from(flags >> 3 & 3)];
        let role = [Role::Server, Role::Client][usize::from(flags & 1)];
        let mut cuts: Vec<usize> = sizes.iter().map(|size| cut_size(*size)).collect();
        if cuts.is_empty() {
            cuts.push(1);
        }
        let rules = Rules {
            role,
            max_frame,
            max_message,
            raw: false,
            closing: flags & 2 != 0,
        };
        let direct = flags & 4 != 0;
        Some((
            Self {
                rules,
                direct,
                cuts,
            },
            stream,
        ))
    }
}

/// Small pieces mostly, some of thousands of bytes.
fn cut_size(byte: u8) -> usize {
    match usize::from(byte) {
        small @ 0..200 => small.max(1),
        large => (large - 199) * 300,
    }
}

/// Compares on one input of a fuzzer: two bytes and up to fifteen more choose the
/// rules and the cuts, the rest is what a peer sends.
///
/// # Panics
/// When the lanes and tungstenite, or cut and whole, disagree.
pub fn compare(data: &[u8]) {
    let Some((setup, stream)) = Setup::parse(data) else {
        return;
    };
    let mut lanes = Lanes::new();
    let cut = hear(&mut lanes, &setup, None, stream);
    let at_once = Setup {
        cuts: Vec::new(),
        ..setup
    };
    let whole = hear(&mut lanes, &at_once, None, stream);
    assert_eq!(cut, whole, "cut and whole disagree");
    let rules = at_once.rules;
    let mut reference = reference(&rules, stream);
    if whole.failure.is_some() && reference.failure.is_none() {
        let mut longer = stream.to_vec();
        longer.resize(stream.len() + missing(&rules, stream), 0);
        reference = self::reference(&rules, &longer);
    }
    reconcile(&whole, &mut reference);
    assert_eq!(
        whole.seen, reference.seen,
        "events; failure here: {whole:?}"
    );
    assert_eq!(whole.pongs, reference.pongs, "pongs");
    let here = whole.failure.map(|failure| failure.code);
    let there = reference.failure.map(|failure| failure.code);
    let stricter = here == Some(CloseCode::PROTOCOL_ERROR) && there == Some(CloseCode::TOO_BIG);
    assert!(
        here == there || stricter,
        "failures: {:?} here, {there:?} there",
        whole.failure
    );
}

/// Compares cut and whole alone, where tungstenite cannot follow: with a transformation,
/// or `raw`. Returns the data messages that were heard, and whether each was text.
///
/// # Panics
/// When cut and whole disagree, or when a message or frame is past its limit.
pub fn compare_cuts(
    data: &[u8],
    raw: bool,
    transform: impl Fn() -> Option<Box<dyn Transform>>,
) -> Vec<(bool, Vec<u8>)> {
    let Some((mut setup, stream)) = Setup::parse(data) else {
        return Vec::new();
    };
    setup.rules.raw = raw;
    let mut lanes = Lanes::new();
    let cut = hear(&mut lanes, &setup, transform().as_deref_mut(), stream);
    setup.cuts.clear();
    let whole = hear(&mut lanes, &setup, transform().as_deref_mut(), stream);
    assert_eq!(cut, whole, "cut and whole disagree");
    let mut messages = Vec::new();
    for seen in whole.seen {
        match seen {
            Seen::Text(text) => messages.push((true, text.into_bytes())),
            Seen::Binary(bytes) => messages.push((false, bytes)),
            Seen::Frame(_, payload) => assert!(payload.len() <= setup.rules.max_frame),
            _ => {}
        }
    }
    let limit = setup.rules.max_message;
    assert!(messages.iter().all(|(_, bytes)| bytes.len() <= limit));
    messages
}

/// Feeds a stream to the lanes.
pub(super) fn hear(
    lanes: &mut Lanes,
    setup: &Setup,
    mut transform: Option<&mut (dyn Transform + 'static)>,
    stream: &[u8],
) -> Heard {
    let mut heard = Heard::default();
    let mut receiver = Receiver::default();
    let mut rest = stream.to_vec();
    let mut rest = &mut rest[..];
    let mut cuts = setup.cuts.iter().cycle();
    while !rest.is_empty() && !heard.is_over() {
        let size = cuts.next().map_or(rest.len(), |cut| (*cut).min(rest.len()));
        let (piece, tail) = rest.split_at_mut(size);
        rest = tail;
        let mut read = 0;
        if setup.direct
            && let Some(target) = receiver.target_from(1)
        {
            read = target.len().min(piece.len());
            target[..read].copy_from_slice(&piece[..read]);
            receiver.filled(read);
            let transform = transform.as_deref_mut();
            heard.drain(
                lanes,
                &mut receiver,
                transform,
                &setup.rules,
                Input::empty(),
            );
        }
        let input = Input::new(&mut piece[read..]);
        let transform = transform.as_deref_mut();
        heard.drain(lanes, &mut receiver, transform, &setup.rules, input);
    }
    assert!(!receiver.is_at_rest() || receiver.buffered() == 0);
    lanes.release(receiver);
    heard
}

impl Heard {
    fn is_over(&self) -> bool {
        self.failure.is_some() || matches!(self.seen.last(), Some(Seen::Close(_)))
    }

    fn drain(
        &mut self,
        lanes: &mut Lanes,
        receiver: &mut Receiver,
        mut transform: Option<&mut (dyn Transform + 'static)>,
        rules: &Rules,
        mut input: Input<'_>,
    ) {
        while !self.is_over() {
            match lanes.next(receiver, transform.as_deref_mut(), rules, &mut input) {
                Ok(Some(event)) => self.note(event),
                Ok(None) => {
                    assert_eq!(input.remaining(), 0, "input was left");
                    return;
                }
                Err(failure) => self.failure = Some(failure),
            }
        }
    }

    fn note(&mut self, event: Event<'_>) {
        self.seen.push(match event {
            Event::Message(Message::Text(text)) => Seen::Text(text.to_owned()),
            Event::Message(Message::Binary(bytes)) => Seen::Binary(bytes.to_owned()),
            Event::Ping { payload, pong } => {
                self.pongs.extend(frames(pong));
                Seen::Ping(payload.to_owned())
            }
            Event::Pong(payload) => Seen::Pong(payload.to_owned()),
            Event::Close(close) => {
                Seen::Close(close.map(|(code, reason)| (code.get(), reason.to_owned())))
            }
            Event::Frame(frame) => Seen::Frame(frame.opcode, frame.payload.to_owned()),
        });
    }
}

/// The payloads of whole frames laid end to end.
fn frames(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    while let Some((header, size)) = Header::parse(bytes) {
        let (frame, rest) = bytes.split_at(size + header.len as usize);
        let mut payload = frame[size..].to_vec();
        apply_mask(&mut payload, header.mask.unwrap_or_default(), 0);
        payloads.push(payload);
        bytes = rest;
    }
    payloads
}

/// Feeds a stream to a plain tungstenite context.
fn reference(rules: &Rules, stream: &[u8]) -> Heard {
    let role = match rules.role {
        Role::Server => TungsteniteRole::Server,
        Role::Client => TungsteniteRole::Client,
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .max_frame_size(Some(rules.max_frame))
        .max_message_size(Some(rules.max_message));
    let mut context = WebSocketContext::new(role, Some(config));
    let mut pipe = Pipe {
        input: stream,
        written: Vec::new(),
    };
    if rules.closing {
        context
            .close(&mut pipe, None)
            .expect("nothing is wrong yet");
        pipe.written.clear();
    }
    let mut heard = Heard::default();
    while !heard.is_over() {
        match context.read(&mut pipe) {
            Ok(message) => heard.seen.push(seen(message)),
            Err(tungstenite::Error::Io(_)) => break,
            Err(error) => {
                let code = match error {
                    tungstenite::Error::Capacity(_) => CloseCode::TOO_BIG,
                    tungstenite::Error::Utf8(_) => CloseCode::INVALID_DATA,
                    _ => CloseCode::PROTOCOL_ERROR,
                };
                let reason = "tungstenite";
                heard.failure = Some(Failure { code, reason });
            }
        }
    }
    heard.pongs = frames(&pipe.written);
    heard
}

fn seen(message: tungstenite::Message) -> Seen {
    use tungstenite::Message as Theirs;
    match message {
        Theirs::Text(text) => Seen::Text(text.as_str().to_owned()),
        Theirs::Binary(bytes) => Seen::Binary(bytes.to_vec()),
        Theirs::Ping(payload) => Seen::Ping(payload.to_vec()),
        Theirs::Pong(payload) => Seen::Pong(payload.to_vec()),
        Theirs::Close(close) => {
            Seen::Close(close.map(|close| (close.code.into(), close.reason.as_str().to_owned())))
        }
        Theirs::Frame(_) => unreachable!("never read"),
    }
}

/// Takes the listed exceptions away from what tungstenite heard.
fn reconcile(ours: &Heard, theirs: &mut Heard) {
    if let Some(Seen::Close(Some((code, reason)))) = theirs.seen.last_mut() {
        let bad = !CloseCode::new(*code).is_sendable();
        let replaced = *code == 1002 && reason == VIOLATION;
        match ours.seen.last() {
            Some(Seen::Close(Some((1014, text)))) if replaced => {
                *code = 1014;
                reason.clone_from(text);
            }
            Some(Seen::Close(_)) => {}
            _ if bad || replaced => {
                theirs.seen.pop();
                theirs.failure = Some(Failure::BAD_CLOSE_CODE);
            }
            _ => {}
        }
    }
    if ours.failure == Some(Failure::FRAGMENTS) {
        theirs.seen.truncate(ours.seen.len());
        theirs.pongs.truncate(ours.pongs.len());
        theirs.failure = ours.failure;
    }
}

/// How many zeros complete the frame at the end of the stream.
fn missing(rules: &Rules, stream: &[u8]) -> usize {
    let mut rest = stream;
    loop {
        let mut head = rest[..rest.len().min(MAX_HEADER)].to_vec();
        head.resize(MAX_HEADER, 0);
        let Some((header, size)) = Header::parse(&head) else {
            return MAX_HEADER;
        };
        if header.len > rules.max_frame as u64 {
            return MAX_HEADER;
        }
        let end = size + header.len as usize;
        match rest.get(end..) {
            Some([]) => return 0,
            Some(tail) => rest = tail,
            None => return end - rest.len(),
        }
    }
}

/// Bytes to read, then WouldBlock; and what was written.
struct Pipe<'a> {
    input: &'a [u8],
    written: Vec<u8>,
}

impl Read for Pipe<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.input.read(buf)
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.written.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
