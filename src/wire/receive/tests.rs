//! What receiving must do, rule by rule and by comparison.

mod lanes;
mod meter;
mod property;
mod rules;
mod transform;

use super::differential::{Setup, hear};
use super::reference::{Heard, SeenEvent};
use super::{Event, Failure, Input, Lanes, ReceiveRules, Receiver, Role};
use crate::wire::frame::{OpCode, Reserved, write_header};
use crate::wire::mask::apply_mask;
use crate::wire::work::Work;

const KEY: [u8; 4] = [0x11, 0x22, 0xC3, 0x04];

const RULES: ReceiveRules = ReceiveRules {
    role: Role::Server,
    max_frame: 1 << 20,
    max_message: 1 << 20,
    raw: false,
    closing: false,
};

/// A client's frame; `first` is its whole first byte.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(first, payload.len());
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    apply_mask(&mut bytes[start..], KEY, 0);
    bytes
}

/// The header alone of a client's frame.
fn head(first: u8, len: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_header(
        &mut bytes,
        true,
        Reserved::NONE,
        OpCode::Text,
        len,
        Some(KEY),
    );
    bytes[0] = first;
    bytes
}

/// One call for the next event of frames without an extension, with all the work it wants.
fn next<'a>(
    lanes: &'a mut Lanes,
    receiver: &mut Receiver,
    rules: &ReceiveRules,
    input: &'a mut Input<'_>,
) -> Result<Option<Event<'a>>, Failure> {
    lanes.next(receiver, None, rules, input, &mut Work::unlimited())
}

/// Feeds bytes that must give no event.
#[track_caller]
fn feed(lanes: &mut Lanes, receiver: &mut Receiver, bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    let mut input = Input::new(&mut bytes);
    assert_eq!(next(lanes, receiver, &RULES, &mut input), Ok(None));
}

/// Feeds `stream` at once and byte by byte, and expects the same of both.
fn listen(rules: ReceiveRules, stream: &[u8]) -> Heard {
    let mut lanes = Lanes::new();
    let mut setup = Setup {
        rules,
        direct: false,
        cuts: vec![1],
        meters: Vec::new(),
    };
    let slow = hear(&mut lanes, &setup, None, stream);
    setup.cuts.clear();
    let heard = hear(&mut lanes, &setup, None, stream);
    assert_eq!(slow, heard, "byte by byte and at once");
    setup.meters.push(1);
    let metered = hear(&mut lanes, &setup, None, stream);
    assert_eq!(metered, heard, "step by step and at once");
    heard
}

/// The code of the failure that ends `stream`, if one does.
fn code(rules: ReceiveRules, stream: &[u8]) -> Option<u16> {
    listen(rules, stream)
        .failure
        .map(|failure| failure.code.get())
}

/// Expects `stream` to fail with `code` at its last byte and no sooner.
fn fails_at_the_last_byte(rules: ReceiveRules, stream: &[u8], expected: u16) {
    assert_eq!(code(rules, stream), Some(expected), "{stream:02x?}");
    let sooner = &stream[..stream.len() - 1];
    assert_eq!(code(rules, sooner), None, "{sooner:02x?}");
}

fn text(text: &str) -> SeenEvent {
    SeenEvent::Text(text.to_owned())
}
