//! An engine that answers when it is let, for tests of what happens until then.

use super::engine::{Clock, Engine, EngineEvent, MemberNumber, Operation, Token};
use super::memory::Memory;
use super::{RoomId, Rooms};
use crate::config::RoomLimits;
use std::cell::Cell;
use std::rc::Rc;

/// How often it looks whether it is let, milliseconds.
const EVERY: u64 = 10;

struct Late {
    engine: Memory,
    is_held: Rc<Cell<bool>>,
    kept: Vec<(Token, Operation)>,
}

/// Rooms in memory whose engine answers nothing while this is set, and then answers all in the order in which it was
/// asked.
pub(crate) fn late(is_held: &Rc<Cell<bool>>) -> Rooms {
    let limits = RoomLimits {
        message_rate: None,
        join_rate: None,
        ..RoomLimits::default()
    };
    let engine = Late {
        engine: Memory::new(limits.clone()),
        is_held: Rc::clone(is_held),
        kept: Vec::new(),
    };
    Rooms::over(limits, engine)
}

impl Engine for Late {
    fn submit(&mut self, token: Token, operation: Operation, clock: Clock) {
        if self.is_held.get() {
            self.kept.push((token, operation));
        } else {
            self.engine.submit(token, operation, clock);
        }
    }

    fn name(&self, room: RoomId, member: MemberNumber) -> Option<&str> {
        self.engine.name(room, member)
    }

    fn poll(&mut self) -> Option<EngineEvent> {
        self.engine.poll()
    }

    fn tick(&mut self, clock: Clock) -> Option<u64> {
        if !self.is_held.get() {
            for (token, operation) in std::mem::take(&mut self.kept) {
                self.engine.submit(token, operation, clock);
            }
        }
        self.engine.tick(clock);
        Some(EVERY)
    }

    #[cfg(feature = "cluster")]
    fn as_any(&mut self) -> &mut dyn std::any::Any {
        self
    }

    fn limit_history(&mut self, bytes: usize) {
        self.engine.limit_history(bytes);
    }
}
