//! Receiving: bytes of one connection to messages, in three lanes.
//!
//! 1. **At rest** (`rest.rs`): a whole, final, plain data frame is unmasked
//!    where it lies and borrowed. No allocation, no copy.
//! 2. **Half a frame** (`spill.rs`): what came waits in a pooled buffer, and the
//!    next read may go straight behind it.
//! 3. **Anything else** (`context.rs`): fragments are put together, and pings
//!    answered, by a borrowed tungstenite `WebSocketContext`.
//!
//! Fragments, payloads that an extension decodes, and texts over 256 KiB go on in
//! pieces as they arrive (`pieces.rs`), decoded ones and long texts to a buffer
//! that is checked as it grows (`collect.rs`).
//!
//! A frame is judged from its header (`judge.rs`) before a byte of its payload
//! is kept or allocated for. Everything that costs more than a glance is charged
//! to a meter, no step costs more than some 50 000 units, and none is begun when the
//! meter is spent: it goes on with the next call. Nothing here may send: what a
//! failure or a Close brings about is its caller's affair.
//!
//! The order of calls: [`Lanes::next`] with what one read gave until it answers
//! `None`. Then everything was taken, and the next read may go to
//! [`Receiver::target`] (then [`Receiver::filled`], and `next` with
//! [`Input::empty`]); or the meter is spent: [`Input::remaining`] bytes are left,
//! or [`Receiver::is_paused`], and `next` must be called again with just these
//! bytes before others. After a Close or a [`Failure`] nothing more is read; at the
//! end of a connection its receiver goes to [`Lanes::release`].

mod buffers;
mod collect;
mod context;
mod deliver;
#[cfg(any(test, feature = "fuzzing"))]
pub mod differential;
mod event;
mod feed;
mod found;
mod input;
mod judge;
mod lanes;
mod pieces;
#[cfg(any(test, feature = "fuzzing"))]
mod reference;
mod rest;
mod rules;
mod spill;
mod step;
mod whole;

#[cfg(test)]
mod tests;

pub use buffers::LentMessage;
pub use event::{Event, Failure, RawFrame};
pub use input::Input;
pub use lanes::{Lanes, Receiver};
pub use rules::{ReceiveRules, Role};
