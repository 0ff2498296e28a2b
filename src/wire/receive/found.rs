//! What was found in the bytes, before the event borrows it: a payload is known by its place.

use crate::wire::frame::Header;

/// Where an unmasked payload lies.
#[derive(Clone, Copy)]
pub(super) enum PayloadLocation {
    /// In the input, from the first index to the second.
    Input(usize, usize),
    /// At the start of [`Lanes::spilled`], this many bytes.
    Spilled(usize),
}

/// An event before it borrows its payload.
pub(super) enum FoundEvent {
    Message {
        text: bool,
        location: PayloadLocation,
    },
    /// What is in [`Lanes::collected`].
    Collected,
    Ping(PayloadLocation),
    Pong(PayloadLocation),
    Close(PayloadLocation),
    Frame(Header, PayloadLocation),
}
