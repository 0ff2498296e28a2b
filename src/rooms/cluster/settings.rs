//! How the rooms of a server find their engine.

use super::address::EngineAddress;
use super::keys::Keys;
use super::node::Node;
use crate::config::RoomLimits;
use crate::wire::error::{Error, ErrorKind, Result};

/// How rooms of several servers find their engine: for [`Rooms::in_cluster`](super::super::Rooms::in_cluster).
#[derive(Clone, Debug)]
pub struct Cluster {
    address: EngineAddress,
    prefix: String,
    #[cfg(feature = "tls")]
    trust: crate::app::Trust,
}

impl Cluster {
    /// By this engine, with keys that begin with `dunlin`.
    pub fn new(address: EngineAddress) -> Self {
        Self {
            address,
            prefix: Keys::DEFAULT.to_owned(),
            #[cfg(feature = "tls")]
            trust: crate::app::Trust::system(),
        }
    }

    /// Another prefix of all keys and channels: servers with different ones know nothing of each other.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Whom to believe where the engine speaks TLS.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn trust(mut self, trust: crate::app::Trust) -> Self {
        self.trust = trust;
        self
    }

    pub(in crate::rooms) fn node(self, limits: &RoomLimits, seed: [u8; 32]) -> Result<Node> {
        let keys = Keys::new(&self.prefix).map_err(|problem| {
            let message = format!("{:?} is no prefix of keys: {problem}", self.prefix);
            Error::new(ErrorKind::Config, message)
        })?;
        let keys = keys.in_database(self.address.database);
        #[cfg(feature = "tls")]
        let trust = self.trust;
        let node = Node::new(self.address, keys, limits.clone(), seed);
        #[cfg(feature = "tls")]
        let node = node.trusting(trust);
        Ok(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::RoomId;

    #[test]
    fn a_node_listens_in_the_database_of_its_address() {
        let address: EngineAddress = "redis://127.0.0.1/3".parse().unwrap();
        let node = Cluster::new(address).node(&RoomLimits::default(), [1; 32]);
        let channel = node.unwrap().keys.channel(RoomId::of_bits(1));
        assert!(channel.ends_with(b"}/3"));
    }
}
