//! A response in pieces: each is asked for when the peer has taken the one before.

use super::context::Context;
use super::response::Response;
use std::fmt;

/// What a [stream](super::Answer::stream) has to say when it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The next bytes. 4 to 64 KiB are good: the whole piece is in memory until the peer has taken it.
    /// Empty ones are skipped.
    Bytes(Vec<u8>),
    /// Nothing now: it is asked again after [`Context::resume`] with the
    /// [`caller`](Context::caller) of its request.
    Wait,
    /// That was all.
    End,
}

/// Asked for one piece after another.
pub(crate) type Pieces = Box<dyn FnMut(&mut Context<'_>) -> Piece>;

/// A response whose body comes in pieces; made by [`Answer::stream`](super::Answer::stream).
pub struct Stream {
    pub(crate) response: Response,
    /// Bytes of all pieces together, when that is known.
    pub(crate) length: Option<u64>,
    pub(crate) pieces: Pieces,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stream").field(&self.response).finish()
    }
}
