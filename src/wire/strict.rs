//! A strict reader of frames, for what judges the other side of a connection: the virtual
//! clients of the simulation, the check of a server, tests.
//!
//! It knows RFC 6455 by itself and shares no rule with the receive lanes, so that one can
//! find what the other gets wrong. It never forgives: the first breach is described, and
//! nothing is read after it.

use super::frame::{self, Header, OpCode, Reserved};
use super::mask::apply_mask;

/// A frame that broke no rule, its mask taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrictFrame {
    /// The last fragment of its message.
    pub fin: bool,
    /// The reserved bits.
    pub reserved: Reserved,
    /// What the frame carries.
    pub opcode: OpCode,
    /// The payload, as it was sent: perhaps encoded, and not checked to be text.
    pub payload: Vec<u8>,
}

/// The frames of one side of a connection.
#[derive(Clone, Debug)]
pub struct StrictReader {
    /// Frames must be masked, as a client's; else they must not be.
    masked: bool,
    /// The longest payload, in bytes.
    most: u64,
    /// Reserved bits that a first frame may have.
    allowed: Reserved,
    is_open: bool,
    is_closed: bool,
}

impl StrictReader {
    /// A reader of frames of at most `most` bytes of payload; `masked` for those of a client.
    pub fn new(masked: bool, most: u64) -> Self {
        Self {
            masked,
            most,
            allowed: Reserved::NONE,
            is_open: false,
            is_closed: false,
        }
    }

    /// Reserved bits that were agreed on: the first frame of a message may have them.
    pub fn allow(&mut self, reserved: Reserved) {
        self.allowed = reserved;
    }

    /// The frame at the start of `bytes` and its length, header included; `None` while it is
    /// not complete. The next call must begin behind it.
    ///
    /// # Errors
    /// What is wrong with it, as early as a byte shows it: "a masked frame".
    pub fn next(&mut self, bytes: &[u8]) -> Result<Option<(StrictFrame, usize)>, String> {
        self.judge(bytes)?;
        let Some((header, size)) = Header::parse(bytes) else {
            return Ok(None);
        };
        let end = size + header.len as usize;
        let Some(payload) = bytes.get(size..end) else {
            return Ok(None);
        };
        let mut payload = payload.to_vec();
        apply_mask(&mut payload, header.mask.unwrap_or_default(), 0);
        if !header.opcode.is_control() {
            self.is_open = !header.fin;
        }
        if header.opcode == OpCode::Close {
            self.is_closed = true;
            check_close(&payload)?;
        }
        let frame = StrictFrame {
            fin: header.fin,
            reserved: header.reserved,
            opcode: header.opcode,
            payload,
        };
        Ok(Some((frame, end)))
    }

    /// Judges the header that `bytes` starts with, as far as it has come.
    fn judge(&self, bytes: &[u8]) -> Result<(), String> {
        let breach = |is_broken: bool, what: &str| {
            if is_broken {
                Err(what.to_owned())
            } else {
                Ok(())
            }
        };
        let Some(&first) = bytes.first() else {
            return Ok(());
        };
        breach(self.is_closed, "a frame behind its Close")?;
        let Some(opcode) = OpCode::from_bits(first & 0x0F) else {
            return Err(format!("a frame with the opcode {:#x}", first & 0x0F));
        };
        let begins = matches!(opcode, OpCode::Text | OpCode::Binary);
        let allowed = if begins { self.allowed.0 } else { 0 };
        let reserved = first & Reserved::MASK;
        breach(reserved & !allowed != 0, "a frame with reserved bits")?;
        let control = opcode.is_control();
        breach(control && first & 0x80 == 0, "a fragmented control frame")?;
        breach(begins && self.is_open, "a message inside a message")?;
        let continues = opcode == OpCode::Continuation;
        breach(continues && !self.is_open, "a continuation of nothing")?;
        let Some(&second) = bytes.get(1) else {
            return Ok(());
        };
        let masked = frame::is_masked(second);
        breach(masked && !self.masked, "a masked frame")?;
        breach(!masked && self.masked, "a frame without a mask")?;
        let Some(len) = frame::payload_len(bytes) else {
            return Ok(());
        };
        breach(control && len > 125, "a control frame over 125 bytes")?;
        let shortest = match second & 0x7F {
            126 => 126,
            127 => 1 << 16,
            _ => 0,
        };
        breach(len < shortest, "a length that is not the shortest")?;
        breach(len > self.most, &format!("a frame of {len} bytes"))
    }
}

/// The payload of a Close (RFC 6455 §5.5.1). Which codes are good is for the caller to say.
fn check_close(payload: &[u8]) -> Result<(), String> {
    match payload {
        [] => Ok(()),
        [_] => Err("a Close of one byte".to_owned()),
        [_, _, reason @ ..] if std::str::from_utf8(reason).is_err() => {
            Err("a close reason that is not UTF-8".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader of a server's frames says about these bytes, fed one by one.
    fn breach(bytes: &[u8]) -> Option<(usize, String)> {
        let mut reader = StrictReader::new(false, 1000);
        let mut held = Vec::new();
        bytes.iter().enumerate().find_map(|(at, byte)| {
            held.push(*byte);
            match reader.next(&held) {
                Ok(frame) => {
                    held.drain(..frame.map_or(0, |(_, len)| len));
                    None
                }
                Err(what) => Some((at + 1, what)),
            }
        })
    }

    #[test]
    fn every_breach_is_told_at_its_first_byte() {
        for (bytes, at, what) in [
            (&b"\x83"[..], 1, "a frame with the opcode 0x3"),
            (b"\xc1", 1, "a frame with reserved bits"),
            (b"\x09", 1, "a fragmented control frame"),
            (b"\x80", 1, "a continuation of nothing"),
            (b"\x01\x00\x81", 3, "a message inside a message"),
            (b"\x81\x80", 2, "a masked frame"),
            (b"\x89\x7e\x00\x7e", 4, "a control frame over 125 bytes"),
            (b"\x81\x7e\x00\x7d", 4, "a length that is not the shortest"),
            (b"\x81\x7e\x03\xe9", 4, "a frame of 1001 bytes"),
            (b"\x88\x01x", 3, "a Close of one byte"),
            (
                b"\x88\x03\x03\xe8\xff",
                5,
                "a close reason that is not UTF-8",
            ),
            (b"\x88\x00\x81", 3, "a frame behind its Close"),
        ] {
            assert_eq!(breach(bytes), Some((at, what.to_owned())), "{bytes:02x?}");
        }
        assert_eq!(
            breach(b"\x01\x01a\x89\x00\x80\x01b\x81\x00\x88\x02\x03\xe8"),
            None
        );
    }

    #[test]
    fn frames_of_a_client_must_be_masked_and_come_out_plain() {
        let mut reader = StrictReader::new(true, 1000);
        reader.allow(Reserved::RSV1);
        let mut bytes = Vec::new();
        let rsv1 = Reserved::RSV1;
        frame::write_frame(
            &mut bytes,
            true,
            OpCode::Text,
            rsv1,
            b"hello",
            Some([1, 2, 3, 4]),
        );
        let (frame, len) = reader.next(&bytes).unwrap().unwrap();
        assert_eq!((&*frame.payload, frame.reserved), (&b"hello"[..], rsv1));
        assert_eq!(len, bytes.len());
        let what = reader.next(b"\x81\x05").unwrap_err();
        assert_eq!(what, "a frame without a mask");
    }
}
