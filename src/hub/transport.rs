//! What the hub asks of the driver that moves its bytes.

/// The connection is broken: nothing more can be sent on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// A driver's connections, each known by the key the hub gave it.
pub trait Transport {
    /// Sends what the peer takes at once and says how many bytes that were. Fewer than given means
    /// that it takes no more until the driver calls [`Hub::writable`](super::Hub::writable).
    ///
    /// # Errors
    /// [`Lost`] when the connection is broken.
    fn send(&mut self, key: u32, bytes: &[u8]) -> Result<usize, Lost>;

    /// The same for two pieces that lie apart.
    ///
    /// # Errors
    /// [`Lost`] when the connection is broken.
    fn send_both(&mut self, key: u32, first: &[u8], second: &[u8]) -> Result<usize, Lost> {
        let sent = self.send(key, first)?;
        if sent < first.len() {
            return Ok(sent);
        }
        Ok(sent + self.send(key, second)?)
    }

    /// Bytes of memory that are held below for all connections: what is encrypted and was not taken, and
    /// what arrived and cannot be decrypted yet.
    fn held(&self) -> usize {
        0
    }

    /// The connection for which most is held below, and how much that is.
    fn most_held(&self) -> Option<(u32, usize)> {
        None
    }

    /// Whether everything that was taken of a connection has gone to the system.
    fn is_all_sent(&mut self, _key: u32) -> bool {
        true
    }

    /// Frees what is held below for a connection that is given up.
    fn discard(&mut self, _key: u32) {}

    /// Ends the sending direction; the peer reads an end of file behind what was sent.
    fn shutdown_write(&mut self, key: u32);

    /// Lets the connection go. The key is free afterwards.
    fn close(&mut self, key: u32);
}
