//! TLS (RFC 8446, RFC 5246) by rustls, without sockets: certificates, whom to believe, and one connection's
//! records.
//!
//! | file | subject |
//! |---|---|
//! | `certificate` | [`Tls`]: what a listener shows, and how that is replaced while it runs |
//! | `validity` | from when to when a certificate holds |
//! | `roots` | the settings of outgoing connections |
//! | `explain` | what went wrong, in plain words |
//! | `record` | the borders of records, and whether a handshake can go a step |
//! | `states` | what rustls wants next, and the buffer of records that are to be sent |
//! | `session` | bytes of the network to bytes of the program and back |
//!
//! The loop owns the buffers that everybody shares; a connection keeps what is incomplete and nothing
//! else. Nothing here waits, reads or writes.

mod certificate;
mod explain;
mod record;
mod roots;
mod session;
mod states;
mod validity;

pub use certificate::Tls;
pub(crate) use explain::explain;
pub(crate) use record::speaks_http;
pub(crate) use roots::{client_config, server_name};
pub(crate) use session::{Failure, Session};
pub(crate) use states::Sealed;

use rustls::crypto::{CryptoProvider, ring};
use std::sync::{Arc, OnceLock};

/// The one protocol that is spoken inside (RFC 7301).
const ALPN: &[u8] = b"http/1.1";

/// That of servers. A client chooses the curve of the exchange, so there is none among them that costs a
/// server much more than the others: P-384 takes ten times as long as X25519.
fn server_provider() -> Arc<CryptoProvider> {
    let groups = [ring::kx_group::X25519, ring::kx_group::SECP256R1];
    Arc::new(CryptoProvider {
        kx_groups: groups.to_vec(),
        ..ring::default_provider()
    })
}

/// The one provider of cryptography.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let provider = PROVIDER.get_or_init(|| Arc::new(ring::default_provider()));
    Arc::clone(provider)
}
