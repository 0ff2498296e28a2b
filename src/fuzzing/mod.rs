//! What the fuzz targets run: one function a target, bytes in, a panic when
//! something that must hold does not.
//!
//! They stand here and not in `fuzz/`, so that `cargo test` runs them over the
//! kept inputs (`fuzz/corpus`) and over random changes of these, and so that
//! they reach what the crate does not publish. They judge and never mend:
//! a target calls the crate like its other users and compares.
//!
//! | target | what must hold |
//! |---|---|
//! | `head` | a request head means the same however it is cut, and written anew; httparse takes what we take |
//! | `body` | a body gives the same content however it is cut, never past its limit, and what another reader of chunks gives |
//! | `proxy` | a PROXY header tells the same however it is cut, and takes nothing of what follows it |
//! | `forwarded` | what a proxy says last is found, whatever a client has said before |
//! | `receive` | the lanes hear what tungstenite hears; with deflate and raw: the same however cut |
//! | `negotiation` | what is agreed on was offered, and the other side takes it |
//! | `inflate` | no message passes its cap; what was compressed comes back |
//! | `client` | an answer means the same however it is cut; no call can break out of its line |
//! | `hub` | the ledger is right after every call, what is sent is good, the same calls give the same bytes, nothing stays |
//! | `rooms` | what clients say to rooms is answered in the words of their format, and harms nobody else |
//! | `journal` | what is good of a journal reads again as it did, and no id is given twice |
//! | `server` | the promises of the simulation; nothing stays when everybody has left |

mod body;
mod bytes;
mod client;
mod forwarded;
mod head;
mod hub;
mod inflate;
mod negotiation;
mod proxy;
mod puppet;
mod receive;
mod rooms;
mod server;
mod tape;
#[cfg(test)]
mod tests;

pub use body::body;
pub use client::client;
pub use forwarded::forwarded;
pub use head::head;
pub use hub::hub;
pub use inflate::inflate;
pub use negotiation::negotiation;
pub use proxy::proxy;
pub use receive::receive;
pub use rooms::{journal, rooms};
pub use server::server;

/// A target: a name and what it runs on one input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets, by the names of their folders in `fuzz/corpus`.
pub const TARGETS: &[Target] = &[
    ("head", head),
    ("body", body),
    ("receive", receive),
    ("negotiation", negotiation),
    ("inflate", inflate),
    ("client", client),
    ("hub", hub),
    ("server", server),
    ("rooms", rooms),
    ("journal", journal),
    ("proxy", proxy),
    ("forwarded", forwarded),
];
