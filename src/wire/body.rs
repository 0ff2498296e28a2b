//! Reading request bodies (RFC 9112 §6 and §7) as they arrive, cut anywhere.
//!
//! A reader never takes more than the body: what it does not consume belongs
//! to the next request. It never keeps more than the limit, and never believes
//! a length before it was compared with the limit.

use super::fields::{is_control, is_token_byte};
use super::head::{BodyLength, Refusal};
use super::response::Status;

#[cfg(test)]
mod tests;

/// The longest line in front of a chunk, in bytes: its size and its extensions; past it 400.
pub const MAX_CHUNK_LINE: usize = 256;
/// The digits of a chunk's size; past it 400, zeros in front of it included: other servers
/// read no more than a 64-bit number has.
const MAX_SIZE_DIGITS: u32 = 16;
/// The extensions of all chunks of a body together, in bytes; past it 400.
pub const MAX_EXTENSIONS: usize = 16 * 1024;
/// The trailers of a body together, in bytes; past it 431.
pub const MAX_TRAILERS: usize = 8 * 1024;

/// Where a reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// This many bytes of a body of known length are missing.
    Fixed(u64),
    /// In the hexadecimal size of a chunk, behind so many digits of it.
    Size { size: u64, digits: u32 },
    /// In the extensions of a chunk, or in white space in front of one.
    Extension { size: u64, part: Part },
    /// The LF of the size line is due.
    SizeEnd { size: u64 },
    /// This many bytes of a chunk are missing.
    Chunk(u64),
    /// The CR behind a chunk is due.
    ChunkCr,
    /// The LF behind a chunk is due.
    ChunkLf,
    /// At the start of a trailer, or of the blank line.
    TrailerStart,
    /// In the name of a trailer.
    TrailerName,
    /// In the value of a trailer.
    TrailerValue,
    /// The LF of a trailer is due.
    TrailerEnd,
    /// The last LF is due.
    BodyEnd,
    /// The body is complete.
    Complete,
}

/// Where in the extensions of a chunk a reader stands (RFC 9112 §7.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// In white space, where only `;` may follow: behind the size or a value.
    Space,
    /// Behind `;`, where a name must come.
    Start,
    Name,
    /// In white space behind a name, where `=` or `;` may follow.
    NameSpace,
    /// Behind `=`, where a value must come.
    Equals,
    Value,
    Quoted,
    /// Behind the backslash of a quoted value.
    Escaped,
    /// Behind a quoted value.
    ValueEnd,
}

impl Part {
    /// The part behind one more byte; `None` if it may not stand here.
    fn step(self, byte: u8) -> Option<Self> {
        let is_space = matches!(byte, b' ' | b'\t');
        match (self, byte) {
            (Self::Quoted, b'"') => Some(Self::ValueEnd),
            (Self::Quoted, b'\\') => Some(Self::Escaped),
            (Self::Quoted | Self::Escaped, _) => {
                (byte == b'\t' || !is_control(byte)).then_some(Self::Quoted)
            }
            (Self::Start | Self::Equals, _) if is_space => Some(self),
            (Self::Name | Self::NameSpace, _) if is_space => Some(Self::NameSpace),
            (_, _) if is_space => Some(Self::Space),
            (Self::Name | Self::NameSpace, b'=') => Some(Self::Equals),
            (Self::Start | Self::Name, _) if is_token_byte(byte) => Some(Self::Name),
            (Self::Equals, b'"') => Some(Self::Quoted),
            (Self::Equals | Self::Value, _) if is_token_byte(byte) => Some(Self::Value),
            (Self::Start | Self::Equals, _) => None,
            (_, b';') => Some(Self::Start),
            _ => None,
        }
    }

    /// Whether the line may end here. Space that no extension follows is read in two ways.
    const fn may_end(self) -> bool {
        matches!(self, Self::Name | Self::Value | Self::ValueEnd)
    }
}

/// An incremental reader of one request body. After an error it is of no further use.
#[derive(Clone, Debug)]
pub struct BodyReader {
    state: State,
    /// Bytes of content that may still come.
    room: u64,
    /// Bytes of the present chunk's line.
    line: usize,
    /// Bytes of all extensions so far.
    extensions: usize,
    /// Bytes of all trailers so far.
    trailers: usize,
}

impl BodyReader {
    /// A reader of a body of this length and at most `max` bytes.
    ///
    /// # Errors
    /// 413 when the length alone tells that the body is too big.
    pub fn new(length: BodyLength, max: u64) -> Result<Self, Refusal> {
        let state = match length {
            BodyLength::None | BodyLength::Length(0) => State::Complete,
            BodyLength::Length(length) if length > max => {
                return Err(Status::PAYLOAD_TOO_LARGE.into());
            }
            BodyLength::Length(length) => State::Fixed(length),
            BodyLength::Chunked => State::Size { size: 0, digits: 0 },
        };
        Ok(Self {
            state,
            room: max,
            line: 0,
            extensions: 0,
            trailers: 0,
        })
    }

    /// Whether the whole body was read.
    pub fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    /// Appends the content of `input` to `out`; returns how many bytes of `input`
    /// belonged to the body, and whether the body is complete. All of `input` is
    /// consumed as long as it is not.
    ///
    /// # Errors
    /// 400 for broken chunks, 413 when the limit is passed, 431 for too many trailers.
    pub fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(usize, bool), Refusal> {
        let mut at = 0;
        while at < input.len() {
            match self.state {
                State::Complete => break,
                State::Fixed(missing) => {
                    let taken = take(&input[at..], missing, out);
                    at += taken;
                    self.state = match missing - taken as u64 {
                        0 => State::Complete,
                        missing => State::Fixed(missing),
                    };
                }
                State::Chunk(missing) => {
                    let taken = take(&input[at..], missing, out);
                    at += taken;
                    self.state = match missing - taken as u64 {
                        0 => State::ChunkCr,
                        missing => State::Chunk(missing),
                    };
                }
                _ => {
                    self.state = self.step(input[at])?;
                    at += 1;
                }
            }
        }
        Ok((at, self.is_complete()))
    }

    /// The state behind one byte of framing.
    fn step(&mut self, byte: u8) -> Result<State, Refusal> {
        match self.state {
            State::Size { .. } | State::Extension { .. } | State::SizeEnd { .. } => {
                self.step_size_line(byte)
            }
            State::ChunkCr => expect(byte, b'\r', State::ChunkLf),
            State::ChunkLf => {
                self.line = 0;
                let size = State::Size { size: 0, digits: 0 };
                expect(byte, b'\n', size)
            }
            State::BodyEnd => expect(byte, b'\n', State::Complete),
            _ => self.step_trailer(byte),
        }
    }

    fn step_size_line(&mut self, byte: u8) -> Result<State, Refusal> {
        self.line += 1;
        if self.line > MAX_CHUNK_LINE {
            return Err(Status::BAD_REQUEST.into());
        }
        let size = match self.state {
            State::Size { size, digits } => match char::from(byte).to_digit(16) {
                Some(digit) if digits < MAX_SIZE_DIGITS => {
                    return Ok(State::Size {
                        size: size << 4 | u64::from(digit),
                        digits: digits + 1,
                    });
                }
                Some(_) => return Err(Status::BAD_REQUEST.into()),
                None if digits == 0 => return Err(Status::BAD_REQUEST.into()),
                None => self.fits(size)?,
            },
            State::SizeEnd { size: 0 } => return expect(byte, b'\n', State::TrailerStart),
            State::SizeEnd { size } => {
                self.room -= size;
                return expect(byte, b'\n', State::Chunk(size));
            }
            State::Extension { size, .. } => size,
            _ => return Err(Status::BAD_REQUEST.into()),
        };
        self.extensions += usize::from(byte != b'\r');
        if self.extensions > MAX_EXTENSIONS {
            return Err(Status::BAD_REQUEST.into());
        }
        let part = match (self.state, byte) {
            (State::Size { .. }, b'\r') => return Ok(State::SizeEnd { size }),
            (State::Size { .. }, b';') => Some(Part::Start),
            (State::Size { .. }, b' ' | b'\t') => Some(Part::Space),
            (State::Extension { part, .. }, b'\r') if part.may_end() => {
                return Ok(State::SizeEnd { size });
            }
            (State::Extension { part, .. }, _) => part.step(byte),
            _ => None,
        };
        match part {
            Some(part) => Ok(State::Extension { size, part }),
            None => Err(Status::BAD_REQUEST.into()),
        }
    }

    /// The size of a chunk, if the content so far leaves room for it.
    fn fits(&self, size: u64) -> Result<u64, Refusal> {
        if size > self.room {
            return Err(Status::PAYLOAD_TOO_LARGE.into());
        }
        Ok(size)
    }

    fn step_trailer(&mut self, byte: u8) -> Result<State, Refusal> {
        self.trailers += 1;
        if self.trailers > MAX_TRAILERS {
            return Err(Status::HEADER_FIELDS_TOO_LARGE.into());
        }
        match (self.state, byte) {
            (State::TrailerStart, b'\r') => Ok(State::BodyEnd),
            (State::TrailerName, b':') => Ok(State::TrailerValue),
            (State::TrailerStart | State::TrailerName, _) if is_token_byte(byte) => {
                Ok(State::TrailerName)
            }
            (State::TrailerValue, b'\r') => Ok(State::TrailerEnd),
            (State::TrailerValue, _) if byte == b'\t' || !is_control(byte) => {
                Ok(State::TrailerValue)
            }
            (State::TrailerEnd, b'\n') => Ok(State::TrailerStart),
            _ => Err(Status::BAD_REQUEST.into()),
        }
    }
}

/// Appends at most `missing` bytes of `input` to `out` and returns how many.
fn take(input: &[u8], missing: u64, out: &mut Vec<u8>) -> usize {
    let taken = usize::try_from(missing).map_or(input.len(), |missing| missing.min(input.len()));
    out.extend_from_slice(&input[..taken]);
    taken
}

/// The next state if the byte is the one that is due.
fn expect(byte: u8, due: u8, next: State) -> Result<State, Refusal> {
    if byte == due {
        Ok(next)
    } else {
        Err(Status::BAD_REQUEST.into())
    }
}
