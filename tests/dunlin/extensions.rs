//! A second extension, written against the public traits alone: it claims RSV2 and hides payloads
//! behind one byte. What holds for it holds for every extension of an embedder.

mod agreeing;
mod broadcasting;
mod toy;
mod transforming;
