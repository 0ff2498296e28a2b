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

use super::reference::{Heard, SeenEvent, frames, missing, reconcile, reference};
use super::{Event, Failure, Input, Lanes, ReceiveRules, Receiver, Role};
use crate::wire::close::CloseCode;
use crate::wire::extension::Transform;
use crate::wire::message::Message;
use crate::wire::work::{CODEC_STEP, Work};

/// How a stream is fed.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) rules: ReceiveRules,
    /// Read straight into half frames where they offer room.
    pub(super) direct: bool,
    /// Sizes of the pieces, used in turn; empty: all at once.
    pub(super) cuts: Vec<usize>,
    /// Units of the meters of the calls, used in turn; empty: no meter is ever spent.
    pub(super) meters: Vec<u32>,
}

/// The largest step that the lanes may make, in units of work.
const STEP: i64 = CODEC_STEP as i64;

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
        let rules = ReceiveRules {
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
                meters: Vec::new(),
            },
            stream,
        ))
    }
}

impl Setup {
    /// The same, and the meter is spent all the time.
    fn metered(&self) -> Self {
        let meters = self.cuts.iter().map(|cut| (cut * 7 % 2000) as u32 + 1);
        Self {
            meters: meters.collect(),
            ..self.clone()
        }
    }

    /// The same, all at once.
    fn at_once(self) -> Self {
        Self {
            cuts: Vec::new(),
            ..self
        }
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
    let metered = hear(&mut lanes, &setup.metered(), None, stream);
    let at_once = setup.at_once();
    let whole = hear(&mut lanes, &at_once, None, stream);
    assert_eq!(cut, whole, "cut and whole disagree");
    assert_eq!(metered, whole, "with a meter and without disagree");
    let rules = at_once.rules;
    let mut reference = reference(&rules, stream);
    if whole.failure.is_some() && reference.failure.is_none() {
        let mut longer = stream.to_vec();
        longer.resize(stream.len() + missing(&rules, stream), 0);
        reference = super::reference::reference(&rules, &longer);
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
    let mut hear = |setup: &Setup| hear(&mut lanes, setup, transform().as_deref_mut(), stream);
    let (cut, metered) = (hear(&setup), hear(&setup.metered()));
    let setup = setup.at_once();
    let whole = hear(&setup);
    let whole = whole.by_blame();
    assert_eq!(cut.by_blame(), whole, "cut and whole disagree");
    let metered = metered.by_blame();
    assert_eq!(metered, whole, "with a meter and without disagree");
    let mut messages = Vec::new();
    for seen in whole.seen {
        match seen {
            SeenEvent::Text(text) => messages.push((true, text.into_bytes())),
            SeenEvent::Binary(bytes) => messages.push((false, bytes)),
            SeenEvent::Frame(_, payload) => assert!(payload.len() <= setup.rules.max_frame),
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
    let mut meters = setup.meters.iter().cycle();
    let meters = &mut meters;
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
        }
        // What went to the target is worked on before anything behind it is read.
        let (direct, behind) = piece.split_at_mut(read);
        let reads = [(read > 0).then_some(&mut direct[..0]), Some(behind)];
        for bytes in reads.into_iter().flatten() {
            let transform = transform.as_deref_mut();
            heard.drain(lanes, &mut receiver, transform, &setup.rules, meters, bytes);
        }
    }
    assert!(!receiver.is_at_rest() || receiver.held() == 0);
    lanes.release(receiver);
    heard
}

impl Heard {
    /// The same for what was decoded: data that does not inflate, inflates to no text and to too
    /// much is found in the order of the steps, which cuts change; each is the fault of the data.
    fn by_blame(mut self) -> Self {
        if let Some(failure) = &mut self.failure
            && [CloseCode::INVALID_DATA, CloseCode::TOO_BIG].contains(&failure.code)
        {
            *failure = Failure::NOT_UTF8;
        }
        self
    }

    /// Calls for events until there are no more; each call has a meter of its own, and begins
    /// with what the one before left.
    fn drain<'m>(
        &mut self,
        lanes: &mut Lanes,
        receiver: &mut Receiver,
        mut transform: Option<&mut (dyn Transform + 'static)>,
        rules: &ReceiveRules,
        meters: &mut impl Iterator<Item = &'m u32>,
        bytes: &mut [u8],
    ) {
        let bounded = transform
            .as_deref()
            .is_none_or(|transform| transform.streams());
        let mut left = bytes.len();
        while !self.is_over() {
            let rest = bytes.len() - left;
            let mut input = Input::new(&mut bytes[rest..]);
            let mut work = meters
                .next()
                .map_or(Work::unlimited(), |units| Work::new(*units));
            let transform = transform.as_deref_mut();
            let next = lanes.next(receiver, transform, rules, &mut input, &mut work);
            let is_event = matches!(next, Ok(Some(_)));
            match next {
                Ok(Some(event)) => self.note(event),
                Ok(None) => {}
                Err(failure) => self.failure = Some(failure),
            }
            assert!(!bounded || work.left() >= -STEP, "a step of {work:?}");
            left = input.remaining();
            if !is_event && self.failure.is_none() {
                if left == 0 && !receiver.is_paused() {
                    return;
                }
                assert!(work.is_spent(), "input was left");
            }
        }
    }

    fn note(&mut self, event: Event<'_>) {
        self.seen.push(match event {
            Event::Message(Message::Text(text)) => SeenEvent::Text(text.to_owned()),
            Event::Message(Message::Binary(bytes)) => SeenEvent::Binary(bytes.to_owned()),
            Event::Ping { payload, pong } => {
                self.pongs.extend(frames(pong));
                SeenEvent::Ping(payload.to_owned())
            }
            Event::Pong(payload) => SeenEvent::Pong(payload.to_owned()),
            Event::Close(close) => {
                SeenEvent::Close(close.map(|(code, reason)| (code.get(), reason.to_owned())))
            }
            Event::Frame(frame) => SeenEvent::Frame(frame.opcode, frame.payload.to_owned()),
        });
    }
}
