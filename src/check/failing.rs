//! Frames that must end the connection, each with the close codes that say why.

use super::finding::{Checked, Finding};
use super::peer::Answer;
use super::run_state::{Echo, Run};

const PROTOCOL: &[u16] = &[1002];
const DATA: &[u16] = &[1007];
const SIZE: &[u16] = &[1009, 1002];

/// RFC 6455 §5.1.
pub(super) fn unmasked(run: &mut Run<'_>) -> Checked {
    run.refused(b"\x81\x05Hello", PROTOCOL)
}

/// RFC 6455 §5.2: RSV1 belongs to whoever agreed on an extension, and nobody did.
pub(super) fn reserved_1(run: &mut Run<'_>) -> Checked {
    run.refused(b"\xc1\x85\0\0\0\0Hello", PROTOCOL)
}

pub(super) fn reserved_2_3(run: &mut Run<'_>) -> Checked {
    run.refused(b"\xb1\x85\0\0\0\0Hello", PROTOCOL)
}

pub(super) fn reserved_opcode(run: &mut Run<'_>) -> Checked {
    run.refused(b"\x83\x80\0\0\0\0", PROTOCOL)
}

/// RFC 6455 §5.5.
pub(super) fn long_ping(run: &mut Run<'_>) -> Checked {
    const FRAME: [u8; 8 + 126] = {
        let mut frame = [0; 8 + 126];
        (frame[0], frame[1], frame[3]) = (0x89, 0x80 | 126, 126);
        frame
    };
    run.refused(&FRAME, PROTOCOL)
}

pub(super) fn fragmented_ping(run: &mut Run<'_>) -> Checked {
    run.refused(b"\x09\x80\0\0\0\0", PROTOCOL)
}

/// RFC 6455 §5.4.
pub(super) fn stray_continuation(run: &mut Run<'_>) -> Checked {
    run.refused(b"\x80\x85\0\0\0\0Hello", PROTOCOL)
}

pub(super) fn message_in_message(run: &mut Run<'_>) -> Checked {
    run.refused(b"\x01\x83\0\0\0\0Hel\x81\x82\0\0\0\0lo", PROTOCOL)
}

/// RFC 6455 §8.1.
pub(super) fn bad_utf8(run: &mut Run<'_>) -> Checked {
    run.refused_text(b"\x81\x86\0\0\0\0Hello\xff", DATA)
}

/// A surrogate half, cut in two by the border of fragments.
pub(super) fn bad_utf8_in_fragments(run: &mut Run<'_>) -> Checked {
    run.refused_text(b"\x01\x81\0\0\0\0\xed\x80\x82\0\0\0\0\xa0\x80", DATA)
}

/// RFC 6455 §5.2: the top bit of a length must be zero.
pub(super) fn length_2_63(run: &mut Run<'_>) -> Checked {
    run.refused_text(b"\x81\xff\x80\0\0\0\0\0\0\0\0\0\0\0", SIZE)
}

/// A length that is well formed, and that no server can hold.
pub(super) fn length_2_62(run: &mut Run<'_>) -> Checked {
    run.refused_text(b"\x81\xff\x40\0\0\0\0\0\0\0\0\0\0\0", SIZE)
}

/// RFC 6455 §5.5.1.
pub(super) fn close_of_one_byte(run: &mut Run<'_>) -> Checked {
    run.refused(b"\x88\x81\0\0\0\0\x03", PROTOCOL)
}

/// RFC 6455 §7.4.1: 1005 must not stand in a frame.
pub(super) fn close_1005(run: &mut Run<'_>) -> Checked {
    run.refused(b"\x88\x82\0\0\0\0\x03\xed", PROTOCOL)
}

pub(super) fn bad_utf8_in_close(run: &mut Run<'_>) -> Checked {
    run.refused(b"\x88\x83\0\0\0\0\x03\xe8\xff", &[1007, 1002])
}

impl Run<'_> {
    /// Sends a text that breaks a rule. A server that ends the connection for any text, as one
    /// of a protocol of its own may, cannot be asked.
    fn refused_text(&self, bytes: &[u8], codes: &[u16]) -> Checked {
        let finding = self.refused(bytes, codes)?;
        let Echo::No {
            told,
            code: Some(code),
        } = &self.echo
        else {
            return Ok(finding);
        };
        match finding {
            Finding::Failed(seen) if seen == Answer::Close(Some(*code)).words() => {
                Ok(Finding::Skipped(format!("{told}, as for any text")))
            }
            other => Ok(other),
        }
    }

    /// Sends this behind a good handshake: the server must end it.
    fn refused(&self, bytes: &[u8], codes: &[u16]) -> Checked {
        let mut peer = self.open()?;
        peer.write(bytes);
        // An echo that gives some of it back has taken it: no need to wait for more.
        let seen = peer.until(|seen| match seen {
            Answer::Message { payload, .. } => {
                let part = |window: &[u8]| window == payload;
                self.is_echo() && !payload.is_empty() && bytes.windows(payload.len()).any(part)
            }
            _ => false,
        });
        Ok(judge_refusal(&seen, codes))
    }
}

/// A dropped connection is allowed: RFC 6455 §7.1.7 wants it to end, and a Close before that is
/// a SHOULD. A Close with a code that tells something else is not.
pub(super) fn judge_refusal(seen: &Answer, codes: &[u16]) -> Finding {
    let words = seen.words();
    match seen {
        Answer::Close(Some(code)) if codes.contains(code) => Finding::Ok(words),
        Answer::Close(None) | Answer::End => Finding::Allowed(words),
        _ => Finding::Failed(words),
    }
}
