//! The guide: how to write a program with this crate, and why it is as it is. Text and no code.
//!
//! | chapter | for |
//! |---|---|
//! | [The turn and its budget](turn) | what bounds the time that anybody waits, and what does not |
//! | [Handlers and contexts](handlers) | where state lives, which events there are, and what they can do |
//! | [Answers that come later](later) | blocking work, databases, other threads |
//! | [Topics](topics) | one message to many sessions |
//! | [Rooms](rooms) | topics with an order, a history, receipts and presence, kept over restarts |
//! | [Several nodes](cluster) | more processes, more hosts, one set of rooms by Redis or Valkey: what is promised and what is not |
//! | [Backpressure](backpressure) | peers that read slowly, and peers that send too fast |
//! | [Limits](limits) | what a peer can cost at most, and how to change it |
//! | [Access](access) | who a peer is behind proxies, limits by address and user, connection tokens |
//! | TLS | certificates, handshakes that cost others nothing, `wss://` to other servers; with the feature `tls` |
//! | [Testing](testing) | tests without sockets, in virtual time |
//! | [Operations](operations) | signals, the drain, health, metrics, logs, systemd, OpenWrt, ACME |
//! | [Load testing](mod@bench) | `dunlin bench`: how much any server does, how long its users wait, and what its figures are worth |
//!
//! For those who know another one: coming from [Ktor](from_ktor), [Spring](from_spring),
//! [`ws` for Node](from_ws), [axum](from_axum).
//!
//! The folder `examples` of the repository has a short program for most of it, each with its tests.
//! The pages of the types themselves ([`App`](crate::App), [`Handler`](crate::Handler),
//! [`Session`](crate::Session), [`Context`](crate::Context)) have the details.

#[doc = include_str!("turn.md")]
pub mod turn {}

#[doc = include_str!("handlers.md")]
pub mod handlers {}

#[doc = include_str!("later.md")]
pub mod later {}

#[doc = include_str!("topics.md")]
pub mod topics {}

#[doc = include_str!("rooms.md")]
pub mod rooms {}

#[doc = include_str!("cluster.md")]
pub mod cluster {}

#[doc = include_str!("backpressure.md")]
pub mod backpressure {}

#[doc = include_str!("limits.md")]
pub mod limits {}

#[doc = include_str!("access.md")]
pub mod access {}

#[cfg(feature = "tls")]
#[doc = include_str!("tls.md")]
pub mod tls {}

#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("operations.md")]
pub mod operations {}

#[doc = include_str!("bench.md")]
pub mod bench {}

#[doc = include_str!("from_ktor.md")]
pub mod from_ktor {}

#[doc = include_str!("from_spring.md")]
pub mod from_spring {}

#[doc = include_str!("from_ws.md")]
pub mod from_ws {}

#[doc = include_str!("from_axum.md")]
pub mod from_axum {}
