//! What holds for one connection while it receives.

/// Which side of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The peer is a client: its frames must be masked (RFC 6455 §5.1).
    Server,
    /// The peer is a server: its frames must not be masked.
    Client,
}

/// What holds for one connection at this moment.
#[derive(Clone, Copy, Debug)]
pub struct ReceiveRules {
    /// Which side this is.
    pub role: Role,
    /// The largest payload of one frame, in bytes on the wire; past it 1009.
    pub max_frame: usize,
    /// The largest message, in bytes after decoding; past it 1009.
    pub max_message: usize,
    /// Deliver whole frames instead of messages ([`Event::Frame`](super::Event::Frame)).
    pub raw: bool,
    /// Our Close is sent: data is still delivered, pings get no pong (RFC 6455 §5.5.1).
    pub closing: bool,
}
