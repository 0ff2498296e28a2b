//! The borders of records (RFC 8446 §5.1), and whether a handshake can go a step.

/// Bytes in front of every record.
const HEADER: usize = 5;
/// What a record may carry: 16 KiB, and what encryption adds (RFC 5246 §6.2.3).
const MOST_PAYLOAD: usize = (16 << 10) + 2048;
/// A whole record, and a little.
pub(super) const MOST_RECORD: usize = HEADER + MOST_PAYLOAD;
/// The type of a record that carries a handshake.
const HANDSHAKE: u8 = 22;
/// The types that exist: change_cipher_spec, alert, handshake, application_data.
const TYPES: std::ops::RangeInclusive<u8> = 20..=23;
/// In front of every handshake message: its type and its length.
const MESSAGE_HEADER: usize = 4;

/// How long the first record is. `None`: the rest of it has not arrived. What can be no record ends with
/// what is there: whoever reads it finds out.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let &[kind, major, _, high, low, ..] = bytes else {
        let is_wrong = bytes.first().is_some_and(|kind| !TYPES.contains(kind));
        return (is_wrong && bytes.len() >= HEADER).then_some(bytes.len());
    };
    let payload = usize::from(u16::from_be_bytes([high, low]));
    if !TYPES.contains(&kind) || major != 3 || payload > MOST_PAYLOAD {
        return Some(bytes.len());
    }
    let length = HEADER + payload;
    (bytes.len() >= length).then_some(length)
}

/// Whether these are the first bytes of a request of plain HTTP: its method. No record begins so.
pub(crate) fn speaks_http(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(u8::is_ascii_uppercase)
}

/// Looks for the end of a ClientHello, which may lie in many records. What was looked at is not looked
/// at again.
#[derive(Debug, Default)]
pub(super) struct HelloScan {
    /// Bytes of records that were looked at.
    at: usize,
    /// Bytes of the message in them.
    have: usize,
    header: [u8; MESSAGE_HEADER],
}

impl HelloScan {
    /// Whether it is whole, or something else came that is for rustls to judge. `bytes` begins where it
    /// did the last time.
    pub(super) fn is_complete(&mut self, bytes: &[u8]) -> bool {
        while let Some(rest) = bytes.get(self.at..)
            && let Some(length) = length(rest)
        {
            if rest[0] != HANDSHAKE || length <= HEADER {
                return true;
            }
            let payload = &rest[HEADER..length];
            for (place, byte) in self.header.iter_mut().skip(self.have).zip(payload) {
                *place = *byte;
            }
            self.have += payload.len();
            self.at += length;
            if self.have >= MESSAGE_HEADER {
                let [_, a, b, c] = self.header;
                let wanted = u32::from_be_bytes([0, a, b, c]) as usize;
                if self.have >= MESSAGE_HEADER + wanted {
                    return true;
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of 20 bytes in records of so many.
    fn hello(each: usize) -> Vec<u8> {
        let mut message = vec![1, 0, 0, 16];
        message.extend([7; 16]);
        let records = message.chunks(each);
        let records = records.map(|part| [&[22, 3, 1, 0, part.len() as u8], part].concat());
        records.collect::<Vec<_>>().concat()
    }

    #[test]
    fn a_hello_is_complete_with_its_last_byte_however_it_is_cut() {
        for each in [1, 3, 7, 20] {
            let (all, mut scan) = (hello(each), HelloScan::default());
            for len in 0..all.len() {
                assert!(!scan.is_complete(&all[..len]), "{each}, {len}");
            }
            assert!(scan.is_complete(&all), "{each}");
        }
    }

    #[test]
    fn whatever_is_no_hello_is_left_to_be_judged() {
        for wrong in [
            &b"\x15\x03\x01\x00\x02\x01\x00"[..],
            b"\x16\x03\x01\x00\x00",
            b"\x80\x2e\x01\x00\x02",
        ] {
            assert!(HelloScan::default().is_complete(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_record_is_as_long_as_its_header_says() {
        let record = b"\x17\x03\x03\x00\x02ab";
        for len in 0..record.len() {
            assert_eq!(length(&record[..len]), None, "{len}");
        }
        assert_eq!(length(record), Some(7));
        assert_eq!(length(b"\x17\x03\x03\x00\x02abmore"), Some(7));
        assert_eq!(
            length(b"\x17\x03\x03\xff\xffab"),
            Some(7),
            "too long to be one"
        );
    }

    #[test]
    fn plain_http_is_known_by_its_first_byte() {
        assert!(speaks_http(b"GET / HTTP/1.1\r\n"));
        assert!(!speaks_http(b"\x16\x03\x01"));
        assert!(!speaks_http(b""));
    }
}
