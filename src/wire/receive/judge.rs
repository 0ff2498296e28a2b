//! The rules that a header alone decides (RFC 6455 §5.2, §5.4, §5.5), and what
//! is remembered of a message between its fragments.
//!
//! Every rule is applied as soon as its byte is there: opcode, reserved bits and
//! the order of fragments after one, the mask after two, the length when its
//! field is complete. Nothing may be kept for a frame that was not judged.

use super::collect::Collector;
use super::context::Context;
use super::event::Failure;
use super::rules::{ReceiveRules, Role};
use crate::wire::extension::Transform;
use crate::wire::frame::{self, Header, OpCode, Reserved};

/// A message may have this many fragments, and one more per [`BYTES_PER_FRAGMENT`]
/// of payload: floods of empty fragments end, and Autobahn's 9.3 and 9.4 (64
/// bytes a fragment) pass.
const FREE_FRAGMENTS: u64 = 1024;
const BYTES_PER_FRAGMENT: u64 = 32;

/// RFC 6455 §5.5.
const MAX_CONTROL: u64 = 125;

/// A message whose last fragment did not come yet.
#[derive(Debug)]
pub(super) struct OpenMessage {
    /// Text, not binary.
    pub(super) text: bool,
    /// The reserved bits of the first fragment.
    pub(super) reserved: Reserved,
    /// Bytes of the message so far, decoded; those of a frame that is arriving included.
    pub(super) bytes: usize,
    /// Payload bytes so far as they came, and in how many fragments.
    wire: u64,
    fragments: u64,
    /// Where its payload is put together.
    pub(super) parts: Parts,
}

/// Where the payload of an open message is.
#[derive(Debug)]
pub(super) enum Parts {
    /// Delivered frame by frame: the connection is raw.
    Nothing,
    /// In the state machine of lane 3.
    Fed(Box<Context>),
    /// Decoded, or a long text.
    Collected(Collector),
}

impl OpenMessage {
    pub(super) fn new(first: &Header) -> Self {
        Self {
            text: first.opcode == OpCode::Text,
            reserved: first.reserved,
            bytes: 0,
            wire: 0,
            fragments: 0,
            parts: Parts::Nothing,
        }
    }

    /// Counts one fragment as it came.
    pub(super) fn add(&mut self, header: &Header) {
        self.wire += header.len;
        self.fragments += 1;
    }

    /// Bytes that are kept in memory for it.
    pub(super) fn held(&self) -> usize {
        match &self.parts {
            Parts::Nothing => 0,
            Parts::Fed(context) => context.held(),
            Parts::Collected(collector) => collector.capacity(),
        }
    }
}

/// Judges the header that `bytes` starts with, as far as it is there. The
/// header and its size when it is complete and breaks no rule.
pub(super) fn judge(
    bytes: &[u8],
    rules: &ReceiveRules,
    open: Option<&OpenMessage>,
    transform: Option<&(dyn Transform + 'static)>,
) -> Result<Option<(Header, usize)>, Failure> {
    let Some(&first) = bytes.first() else {
        return Ok(None);
    };
    let opcode = judge_first_byte(first, open, transform)?;
    let Some(&second) = bytes.get(1) else {
        return Ok(None);
    };
    match (rules.role, frame::is_masked(second)) {
        (Role::Server, false) => return Err(Failure::protocol("frame is not masked")),
        (Role::Client, true) => return Err(Failure::protocol("frame is masked")),
        _ => {}
    }
    let Some(len) = frame::payload_len(bytes) else {
        return Ok(None);
    };
    let reserved = match open {
        Some(open) => open.reserved,
        None => Reserved(first & Reserved::MASK),
    };
    let encoded = !rules.raw && transform.is_some_and(|transform| transform.wants(reserved));
    judge_length(len, opcode, rules, open, encoded)?;
    Ok(Header::parse(bytes))
}

fn judge_first_byte(
    first: u8,
    open: Option<&OpenMessage>,
    transform: Option<&(dyn Transform + 'static)>,
) -> Result<OpCode, Failure> {
    let Some(opcode) = OpCode::from_bits(first & 0x0F) else {
        return Err(Failure::protocol("unknown opcode"));
    };
    let allowed = match (opcode, transform) {
        (OpCode::Text | OpCode::Binary, Some(transform)) => transform.reserved(),
        (OpCode::Continuation, Some(transform)) => transform.reserved_on_continuation(),
        _ => Reserved::NONE,
    };
    if first & Reserved::MASK & !allowed.0 != 0 {
        return Err(Failure::protocol("reserved bits are set"));
    }
    let fin = first & 0x80 != 0;
    match (opcode, open) {
        (OpCode::Close | OpCode::Ping | OpCode::Pong, _) if !fin => {
            Err(Failure::protocol("control frame is fragmented"))
        }
        (OpCode::Continuation, None) => Err(Failure::protocol("nothing to continue")),
        (OpCode::Text | OpCode::Binary, Some(_)) => Err(Failure::protocol("continuation expected")),
        _ => Ok(opcode),
    }
}

fn judge_length(
    len: u64,
    opcode: OpCode,
    rules: &ReceiveRules,
    open: Option<&OpenMessage>,
    encoded: bool,
) -> Result<(), Failure> {
    if len > i64::MAX as u64 {
        return Err(Failure::protocol("length has its top bit set"));
    }
    if opcode.is_control() && len > MAX_CONTROL {
        return Err(Failure::protocol("control frame is over 125 bytes"));
    }
    if len > rules.max_frame as u64 {
        return Err(Failure::TOO_BIG);
    }
    if opcode.is_control() {
        return Ok(());
    }
    let (bytes, wire, fragments) = match open {
        Some(open) => (open.bytes as u64, open.wire, open.fragments),
        None => (0, 0, 0),
    };
    // What an encoded frame grows to is known to its decoder only.
    if !encoded && bytes + len > rules.max_message as u64 {
        return Err(Failure::TOO_BIG);
    }
    if fragments + 1 > FREE_FRAGMENTS + (wire + len) / BYTES_PER_FRAGMENT {
        return Err(Failure::FRAGMENTS);
    }
    Ok(())
}
