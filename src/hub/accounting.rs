//! The accounts of the hub, checked: every number that is kept is counted again.
//!
//! For the simulation, after its turns. It looks at everything and changes nothing.

use crate::app::SessionId;
use crate::hub::addresses::Address;
use crate::hub::conn::flags::Flags;
use crate::hub::conn::origin::Origin;
use crate::hub::conn::phase::State;
use crate::hub::conn::slot::Slot;
use crate::hub::core::{Core, Hub};
use crate::hub::ledger::Held;
use crate::wire::receive::Role;
use std::collections::HashMap;
use std::sync::Arc;

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
        core.check_addresses()?;
        if !core.reply_buffer.is_empty() {
            return Err("replies were gathered and not sent".to_owned());
        }
        Ok(Accounts { sessions })
    }

    /// How many connections there are, whatever they are for.
    pub(crate) fn slots(&self) -> u64 {
        self.core.slots.len() as u64
    }

    /// How many connections of the hub's own making the driver does not have; `has` tells which it does.
    pub(crate) fn calls_without(&self, has: &dyn Fn(u32) -> bool) -> u64 {
        let slots = self.core.slots.iter();
        let without = slots.filter(|(key, _)| {
            let key = *key as u32;
            !has(key) && self.core.rules(key).role == Role::Client
        });
        without.count() as u64
    }

    /// Checks that connections which are all gone have left nothing behind: no bytes, no timers, no topics,
    /// and no name on any list.
    ///
    /// # Errors
    /// What they left, in words.
    pub(crate) fn check_nothing_left(&self) -> Result<(), String> {
        let core = &self.core;
        let lists = [
            ("connections", core.slots.len()),
            ("timers", core.timers.len()),
            ("topics", core.topics.len()),
            ("bytes", core.held()),
            ("refused", core.refused),
            ("addresses", core.addresses.len()),
            ("dirty", core.dirty.len()),
            ("close events", core.close_events.len()),
            ("closing", core.closing.len()),
            ("drained", core.drained.len()),
            ("streams", core.streams.len()),
            ("resumed", core.resumed.len()),
            ("due", core.due.len()),
            ("calls", core.to_dial.len()),
            ("to stop", core.to_stop.len()),
            ("retired", core.retired.len() + core.retired_receivers.len()),
            ("tickets", Arc::strong_count(&core.tickets) - 1),
        ];
        match lists.iter().find(|(_, left)| *left > 0) {
            Some((what, left)) => Err(format!("nobody is left, but {left} {what}")),
            None => Ok(()),
        }
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

impl Core {
    /// Counts by address again who is marked as counted.
    fn check_addresses(&self) -> Result<(), String> {
        let mut counted = HashMap::<Address, usize>::new();
        for (key, slot) in &self.slots {
            if slot.origin.has(Origin::COUNTED) {
                let ip = slot
                    .peer()
                    .ip()
                    .ok_or("a peer without address is counted at one")?;
                *counted.entry(Address::of(ip)).or_default() += 1;
            } else if self.limits.max_per_address.is_some()
                && slot.state() == State::Open
                && self.judged_by(slot.peer()).is_some()
                && self.rules(key as u32).role == Role::Server
            {
                return Err(format!("session {} is not counted", slot.id(key as u32)));
            }
        }
        for (address, count) in &counted {
            let kept = self.addresses.count(*address);
            if kept != *count {
                return Err(format!(
                    "{kept} are counted at {address:?}, {count} are there"
                ));
            }
        }
        if counted.len() != self.addresses.len() {
            return Err("connections are counted at an address that has none".to_owned());
        }
        Ok(())
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
