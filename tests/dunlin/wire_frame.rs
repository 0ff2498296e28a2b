//! One WebSocket frame as a test writes and reads it: every bit is free to choose.

#![allow(dead_code)] // a toolbox: each piece waits for the test that needs it

/// One frame, with every bit of RFC 6455 §5.2 free to choose.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) fin: bool,
    /// The reserved bits in their places: 0x40, 0x20, 0x10.
    pub(crate) reserved: u8,
    pub(crate) opcode: u8,
    pub(crate) mask: Option<[u8; 4]>,
    /// Unmasked.
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// A final frame without mask; [`WireClient::send`] adds one.
    pub(crate) fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            fin: true,
            reserved: 0,
            opcode,
            mask: None,
            payload: payload.into(),
        }
    }

    pub(crate) fn continuation(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0x0, payload)
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::new(0x1, text)
    }

    pub(crate) fn binary(payload: impl Into<Vec<u8>>) -> Self {
        Self::new(0x2, payload)
    }

    pub(crate) fn ping(payload: &[u8]) -> Self {
        Self::new(0x9, payload)
    }

    pub(crate) fn pong(payload: &[u8]) -> Self {
        Self::new(0xA, payload)
    }

    pub(crate) fn close(code: u16, reason: &str) -> Self {
        Self::new(0x8, [&code.to_be_bytes(), reason.as_bytes()].concat())
    }

    pub(crate) fn empty_close() -> Self {
        Self::new(0x8, [])
    }

    /// Not the last fragment of its message.
    pub(crate) fn more(mut self) -> Self {
        self.fin = false;
        self
    }

    pub(crate) fn reserved(mut self, bits: u8) -> Self {
        self.reserved = bits;
        self
    }

    pub(crate) fn mask(mut self, key: [u8; 4]) -> Self {
        self.mask = Some(key);
        self
    }

    /// The frame as it goes over the wire, with the shortest length field.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let width = match self.payload.len() {
            0..=125 => 0,
            126..=65535 => 2,
            _ => 8,
        };
        let mut bytes = self.header(self.payload.len() as u64, width);
        let key = self.mask.unwrap_or_default();
        bytes.extend(
            self.payload
                .iter()
                .zip(key.iter().cycle())
                .map(|(byte, key)| byte ^ key),
        );
        bytes
    }

    /// A header that claims this length in a field of 0, 2 or 8 more bytes, whatever the payload is.
    pub(crate) fn header(&self, len: u64, width: usize) -> Vec<u8> {
        let masked = if self.mask.is_some() { 0x80 } else { 0 };
        let short = match width {
            0 => len as u8,
            2 => 126,
            _ => 127,
        };
        let mut bytes = vec![
            if self.fin { 0x80 } else { 0 } | self.reserved | self.opcode,
            masked | short,
        ];
        bytes.extend_from_slice(&len.to_be_bytes()[8 - width..]);
        bytes.extend(self.mask.into_iter().flatten());
        bytes
    }

    /// What it says, as it must be a whole, plain text.
    #[track_caller]
    pub(crate) fn into_text(self) -> String {
        let plain = self.fin && self.reserved == 0 && self.opcode == 0x1;
        assert!(plain, "wanted a text, got {self:?}");
        String::from_utf8(self.payload).expect("text is UTF-8 (RFC 6455 §5.6)")
    }

    /// Code and reason of a Close; 1005 and nothing for an empty one.
    #[track_caller]
    pub(crate) fn close_parts(&self) -> (u16, &str) {
        assert_eq!(self.opcode, 0x8, "wanted a Close, got {self:?}");
        match self.payload.split_first_chunk() {
            Some((code, reason)) => (
                u16::from_be_bytes(*code),
                std::str::from_utf8(reason).expect("a reason is UTF-8"),
            ),
            None => (1005, ""),
        }
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = self.payload.escape_ascii().to_string();
        let shown = shown.get(..200).unwrap_or(&shown);
        let (fin, bits, len) = (self.fin, self.reserved, self.payload.len());
        write!(
            f,
            "Frame {:#x} fin {fin} reserved {bits:#x} {len} bytes \"{shown}\"",
            self.opcode
        )
    }
}
