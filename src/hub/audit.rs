//! The books of the hub, checked: every number that is kept is counted again.
//!
//! For the simulation, after its turns. It looks at everything and changes nothing.

use super::Hub;
use super::slot::{Flags, Slot, State};
use crate::app::SessionId;

/// What was counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Audit {
    /// Sessions whose handler has data of them.
    pub(crate) sessions: usize,
}

impl Hub {
    /// Checks the books between two turns.
    ///
    /// # Errors
    /// The first thing that is wrong, in words.
    pub(crate) fn audit(&self) -> Result<Audit, String> {
        let core = &self.core;
        let (mut sessions, mut buffered, mut seats) = (0, 0, 0);
        for (place, slot) in &core.slots {
            let id = slot.id(place as u32);
            sessions += usize::from(slot.flags.has(Flags::OPENED));
            buffered += slot.held();
            seats += slot.seats.as_slice().len();
            audit_slot(slot).map_err(|wrong| format!("session {id} {wrong}"))?;
            for seat in slot.seats.as_slice() {
                if !core.topics.is_seated(seat.topic, seat.index, place as u32) {
                    return Err(format!("session {id} is not where its topic says"));
                }
            }
        }
        if buffered != core.buffered {
            let kept = core.buffered;
            return Err(format!(
                "{buffered} bytes are buffered, the books say {kept}"
            ));
        }
        let max = core.limits.max_buffered;
        if max > 0 && buffered > max && core.graves.is_empty() {
            return Err(format!("{buffered} bytes are buffered, {max} may be"));
        }
        if seats != core.topics.seats() {
            return Err("topics have members that do not know of it".to_owned());
        }
        core.topics.audit()?;
        if !core.gather.is_empty() {
            return Err("replies were gathered and not sent".to_owned());
        }
        Ok(Audit { sessions })
    }

    /// Whether the hub waits for the peer to take bytes again.
    pub(crate) fn is_blocked(&self, id: SessionId) -> bool {
        let place = self.core.place_of(id);
        place.is_some_and(|place| {
            let slot = &self.core.slots[place as usize];
            slot.flags.has(Flags::BLOCKED) && slot.state != State::Dead
        })
    }
}

fn audit_slot(slot: &Slot) -> Result<(), String> {
    let is_waiting = slot.flags.has(Flags::BLOCKED) || slot.flags.has(Flags::DIRTY);
    if slot.state != State::Dead && slot.backlog() > 0 && !is_waiting {
        return Err(format!("has {} bytes that nobody sends", slot.backlog()));
    }
    if !slot.seats.as_slice().is_empty() && slot.state != State::Open {
        return Err(format!("is in a topic while {:?}", slot.state));
    }
    if slot.flags.has(Flags::OPENING) {
        return Err("is still opening".to_owned());
    }
    Ok(())
}
