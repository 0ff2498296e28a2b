//! Layer 0: what an operator or a program sets, as plain data.
//!
//! Values here are `Send`, are checked before anything starts, and say in their
//! error which field is wrong, what it is and what was wanted. Nothing here acts:
//! whoever holds a limit enforces it. Besides itself it knows [`wire`](crate::wire)
//! only, whose sizes and errors it speaks of.

pub(crate) mod bounds;
mod limits;

pub use limits::Limits;
