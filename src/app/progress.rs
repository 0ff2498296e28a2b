//! How far a program has come with what it was given.

/// Whether a [`Link`](super::Link) has worked off what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It waits for more bytes.
    Done,
    /// It can go on with what it has: [`Link::received`](super::Link::received) is called again, with no bytes, when all others
    /// had their turn. Nothing is read from the connection before.
    HasMore,
}
