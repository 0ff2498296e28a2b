//! What is known of a connection when it is accepted.

use super::request::Peer;

/// What is known of a connection when it is accepted: limits per address, origins and forwarded
/// addresses are judged from this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnInfo {
    /// Who connected.
    pub peer: Peer,
    /// The address it was accepted at, as the listener was given it.
    pub local: Peer,
    /// The number of the listener, in the order in which they were added.
    pub listener: u16,
    /// It is encrypted by this server.
    pub secure: bool,
    /// The peer is who it says. If not, a proxy made the connection, and will say before all else whom it
    /// comes from.
    pub is_peer_known: bool,
}

impl ConnInfo {
    /// A plain connection from this peer.
    pub fn new(peer: Peer) -> Self {
        Self {
            peer,
            local: Peer::Unix,
            listener: 0,
            secure: false,
            is_peer_known: true,
        }
    }
}
