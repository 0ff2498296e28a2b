//! The accounts of the hub, checked: every number that is kept is counted again.
//!
//! For the simulation, after its turns. It looks at everything and changes nothing.

use crate::app::SessionId;
use crate::hub::conn::flags::Flags;
use crate::hub::conn::phase::State;
use crate::hub::conn::slot::Slot;
use crate::hub::core::Hub;
use crate::hub::ledger::Held;

/// What was counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accounts {
    /// Sessions whose handler has data of them.
    pub(crate) sessions: usize,
}

impl Hub {
    /// Checks the ledger between two turns.
    ///
    /// # Errors
    /// The first thing that is wrong, in words.
    pub(crate) fn check_accounts(&self) -> Result<Accounts, String> {
        let core = &self.core;
        let (mut sessions, mut buffered, mut memberships) = (0, Held::default(), 0);
        for (key, slot) in &core.slots {
            let id = slot.id(key as u32);
            sessions += usize::from(slot.flags.has(Flags::OPENED));
            buffered = buffered + slot.held();
            memberships += slot.memberships.as_slice().len();
            check_slot(slot).map_err(|wrong| format!("session {id} {wrong}"))?;
            for membership in slot.memberships.as_slice() {
                if !core
                    .topics
                    .is_member(membership.topic, membership.index, key as u32)
                {
                    return Err(format!("session {id} is not where its topic says"));
                }
            }
        }
        if buffered != core.ledger.held() {
            let kept = core.ledger.held();
            return Err(format!("{buffered:?} is held, the ledger says {kept:?}"));
        }
        if let Some(max) = core.limits.max_buffered
            && buffered.memory > max
            && core.closing.is_empty()
            && !core.is_shedding
        {
            return Err(format!("{buffered:?} is held, {max} may be"));
        }
        if memberships != core.topics.memberships() {
            return Err("topics have members that do not know of it".to_owned());
        }
        core.topics.check_accounts()?;
        if !core.reply_buffer.is_empty() {
            return Err("replies were gathered and not sent".to_owned());
        }
        Ok(Accounts { sessions })
    }

    /// Whether the hub waits for the peer to take bytes again.
    pub(crate) fn is_blocked(&self, id: SessionId) -> bool {
        let key = self.core.key_of(id);
        key.is_some_and(|key| {
            let slot = &self.core.slots[key as usize];
            slot.flags.has(Flags::BLOCKED) && slot.state() != State::Dead
        })
    }
}

fn check_slot(slot: &Slot) -> Result<(), String> {
    let is_waiting = slot.flags.has(Flags::BLOCKED) || slot.flags.has(Flags::DIRTY);
    if slot.state() != State::Dead && slot.backlog() > 0 && !is_waiting {
        return Err(format!("has {} bytes that nobody sends", slot.backlog()));
    }
    if !slot.memberships.as_slice().is_empty() && slot.state() != State::Open {
        return Err(format!("is in a topic while {:?}", slot.state()));
    }
    if slot.flags.has(Flags::OPENING) {
        return Err("is still opening".to_owned());
    }
    Ok(())
}
