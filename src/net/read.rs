//! Reading: into the loop's one buffer, or straight behind half a message.

use super::turn::Loop;
use crate::app::SessionId;
use std::io;

/// The loop's receive buffer: big enough for thousands of small messages, small enough for the cache.
pub(super) const BUFFER: usize = 64 << 10;
/// Bytes of one connection in one turn; who has more waits its turn.
const BYTES_A_TURN: usize = 256 << 10;

impl Loop {
    /// Reads a connection until it is drained or has had its share.
    pub(super) fn read(&mut self, id: SessionId) {
        let mut budget = BYTES_A_TURN;
        while self.hub.wants_read(id) {
            let Some(socket) = self.sockets.at(id.index) else {
                return;
            };
            let ends = socket.ends;
            let (result, room, direct) = match self.hub.target(id) {
                Some(target) => (socket.stream.read(target), target.len(), true),
                None => (socket.stream.read(&mut self.buffer), BUFFER, false),
            };
            let read = match result {
                Ok(0) => return self.hub.end_of_file(id),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return self.hub.lost(id),
            };
            self.bytes_read += read;
            match direct {
                true => self.hub.received_directly(&mut self.sockets, id, read),
                false => self
                    .hub
                    .received(&mut self.sockets, id, &mut self.buffer[..read]),
            }
            // A short read means drained, unless the end of file is still to be read.
            if read < room && !ends {
                return;
            }
            budget = budget.saturating_sub(read);
            if budget == 0 {
                return self.list(id);
            }
        }
    }
}
