//! Layer 4, the real driver: mio sockets in one poll loop.
//!
//! It moves bytes between sockets and the hub and tells it the time, and it
//! decides nothing about either. One turn of [`Loop`] is: wait, read the clock,
//! take events, accept, read who is ready, take commands of other threads, let
//! the hub work. Every step has a budget; what is left waits for the next turn,
//! between which the loop polls without waiting.

mod accept;
mod address;
mod dial;
mod listener;
mod read;
mod sockets;
mod turn;
mod waker;

pub use address::Address;
pub(crate) use listener::Listener;
pub(crate) use turn::Loop;
pub(crate) use waker::LoopWaker;
