//! Counts what a flooded server answers, by heads alone.

use super::super::frames::FrameCount;

/// What comes on one connection.
pub(super) enum Answers {
    Frames(FrameCount),
    Http(HttpCount),
}

/// What a read brought.
#[derive(Default)]
pub(super) struct Brought {
    pub(super) answers: u64,
    /// What the connection said about its end.
    pub(super) end: Option<String>,
}

impl Answers {
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Brought {
        match self {
            Self::Frames(frames) => {
                let found = frames.scan(bytes);
                Brought {
                    answers: found.messages + found.pongs,
                    end: found.close.map(|payload| closed(&payload)),
                }
            }
            Self::Http(http) => http.feed(bytes),
        }
    }
}

fn closed(payload: &[u8]) -> String {
    match *payload {
        [high, low, ..] => format!("closed {}", u16::from_be_bytes([high, low])),
        _ => "closed without a code".to_owned(),
    }
}

/// Longest head of a response, bytes.
const LONGEST_HEAD: usize = 64 << 10;

/// Responses in a stream, each with a `Content-Length`. Behind one that has none, such as a chunked one,
/// nothing more is counted on its connection.
#[derive(Default)]
pub(super) struct HttpCount {
    head: Vec<u8>,
    /// Where responses end cannot be seen any more.
    is_unframed: bool,
    /// Bytes of the body still to come.
    body: usize,
}

impl HttpCount {
    fn feed(&mut self, mut bytes: &[u8]) -> Brought {
        let mut brought = Brought::default();
        while !bytes.is_empty() && !self.is_unframed {
            if self.body > 0 {
                let part = self.body.min(bytes.len());
                self.body -= part;
                bytes = &bytes[part..];
                continue;
            }
            // Line by line: the head is over with an empty one.
            let line = bytes.iter().position(|&byte| byte == b'\n');
            let part = line.map_or(bytes.len(), |place| place + 1);
            self.head.extend_from_slice(&bytes[..part]);
            bytes = &bytes[part..];
            if self.head.ends_with(b"\r\n\r\n") {
                brought.answers += 1;
                let head = String::from_utf8_lossy(&self.head).to_ascii_lowercase();
                let status = head.get(9..12).unwrap_or("???");
                if !matches!(status, "200" | "204" | "404" | "405" | "429" | "503") {
                    brought.end = Some(format!("HTTP {status}"));
                }
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
                self.is_unframed = length.is_none() && status != "204";
                self.body = length.unwrap_or(0);
                self.head.clear();
            } else if self.head.len() > LONGEST_HEAD {
                brought.end = Some("a head of more than 64 KiB".to_owned());
                self.is_unframed = true;
            }
        }
        brought
    }
}
