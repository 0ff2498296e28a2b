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

    /// Ends the sending direction; the peer reads an end of file behind what was sent.
    fn shutdown_write(&mut self, key: u32);

    /// Lets the connection go. The key is free afterwards.
    fn close(&mut self, key: u32);
}
