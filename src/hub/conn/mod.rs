//! What a connection is.

pub(crate) mod slot;
