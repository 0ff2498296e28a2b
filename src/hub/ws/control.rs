//! Control frames of our own: pings, pongs and Closes go behind what waits, whatever the policy.

use crate::hub::core::Core;
use crate::wire::frame::{MAX_HEADER, OpCode, Reserved, write_frame};
use rand::RngExt;

impl Core {
    /// A new mask key, for connections whose frames are masked.
    pub(crate) fn mask(&mut self, key: u32) -> Option<[u8; 4]> {
        let masking = self.rules(key).masking;
        masking.then(|| self.random.random::<u32>().to_ne_bytes())
    }

    /// A control frame, masked where the connection masks.
    pub(crate) fn control_frame(&mut self, key: u32, opcode: OpCode, payload: &[u8]) -> Vec<u8> {
        let mask = self.mask(key);
        let mut frame = Vec::with_capacity(MAX_HEADER + payload.len());
        write_frame(&mut frame, true, opcode, Reserved::NONE, payload, mask);
        frame
    }

    /// Puts a control frame behind everything else; no policy applies to it.
    pub(crate) fn push_control(&mut self, key: u32, opcode: OpCode, payload: &[u8]) {
        let frame = self.control_frame(key, opcode, payload);
        self.push_ready(key, &frame);
    }

    /// Queues a pong; while a backlog waits only the newest is kept.
    pub(crate) fn push_pong(&mut self, key: u32, pong: &[u8]) {
        if self.slot(key).backlog() == 0 {
            self.push_ready(key, pong);
        } else {
            self.slot(key).cold().pong = Some(pong.to_vec());
        }
    }
}
