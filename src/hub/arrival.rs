//! Who a connection comes from, as far as that is known, and whether its address may have one more.
//!
//! An address is known when the connection is accepted, when the header of its proxy is complete, or with
//! each request of a trusted proxy. It is counted at the address that is known last, and at none while a
//! proxy stands for it: exactly one count for each that is marked as counted.

use crate::app::{Peer, SessionId};
use crate::config::ForwardedBy;
use crate::hub::addresses::{Address, Allowed};
use crate::hub::conn::flags::Flags;
use crate::hub::conn::origin::Origin;
use crate::hub::core::{Core, Hub, MAX_REFUSED};
use crate::wire::forwarded::{Asker, forwarded, x_forwarded};
use crate::wire::head::RequestHead;
use crate::wire::refusal::Refusal;
use crate::wire::response::Status;
use core::net::IpAddr;
use std::time::Duration;

impl Core {
    /// Whether the limits by address do not hold for this one: others stand behind it.
    fn is_exempt(&self, ip: IpAddr) -> bool {
        self.limits.trusted_proxies.contains(Some(ip))
    }

    /// The address that a peer is judged by, if it is by any.
    pub(crate) fn judged_by(&self, peer: Peer) -> Option<Address> {
        let ip = peer.ip().filter(|ip| !self.is_exempt(*ip))?;
        Some(Address::of(ip))
    }

    fn is_full(&self, address: Address) -> bool {
        let most = self.limits.max_per_address;
        most.is_some_and(|most| self.addresses.count(address) >= most)
    }

    /// Why a new connection of this peer is refused, by its address.
    pub(crate) fn why_not_from(&mut self, peer: Peer) -> Option<Status> {
        let address = self.judged_by(peer)?;
        let allowed = Allowed {
            rate: self.limits.connection_rate,
            burst: self.limits.rate_burst,
        };
        let now = Duration::from_millis(self.now.ms);
        let is_refused =
            self.is_full(address) || !self.addresses.admits_connection(address, allowed, now);
        is_refused.then(|| self.too_many())
    }

    fn too_many(&mut self) -> Status {
        self.metrics.on_limited();
        Status::TOO_MANY_REQUESTS
    }

    /// Counts a connection at its address.
    pub(crate) fn count(&mut self, key: u32) {
        let slot = &self.slots[key as usize];
        let is_counted = slot.origin.has(Origin::COUNTED);
        let is_admin = self.is_admin(slot.listener);
        if self.limits.max_per_address.is_none() || is_counted || is_admin {
            return;
        }
        if let Some(address) = self.judged_by(slot.peer()) {
            self.addresses.add(address);
            self.slot(key).origin.set(Origin::COUNTED);
        }
    }

    /// It is counted no longer.
    pub(crate) fn uncount(&mut self, key: u32) {
        let slot = self.slot(key);
        if slot.origin.has(Origin::COUNTED) {
            slot.origin.clear(Origin::COUNTED);
            if let Some(ip) = slot.peer().ip() {
                self.addresses.remove(Address::of(ip));
            }
        }
    }

    /// A request begins: who asks is known now, and judged. `Some`: it is refused.
    pub(crate) fn arrives(&mut self, key: u32, head: &RequestHead<'_>) -> Option<Refusal> {
        if self.is_admin(self.slots[key as usize].listener) {
            return None;
        }
        let via = self.slots[key as usize].via();
        if self.limits.trusted_proxies.contains(via.ip()) {
            let asker = self.asker(head);
            let peer = asker.address.map_or(via, Peer::Tcp);
            let slot = &mut self.slots[key as usize];
            slot.origin.set_scheme(asker.is_https);
            if peer != slot.peer() {
                self.uncount(key);
                self.slot(key).set_peer(peer);
                if self
                    .judged_by(peer)
                    .is_some_and(|address| self.is_full(address))
                {
                    return Some(Refusal::new(self.too_many()));
                }
                self.count(key);
            }
        }
        let address = self.judged_by(self.slots[key as usize].peer())?;
        let allowed = Allowed {
            rate: self.limits.request_rate,
            burst: self.limits.rate_burst,
        };
        let now = Duration::from_millis(self.now.ms);
        let admits = self.addresses.admits_request(address, allowed, now);
        (!admits).then(|| Refusal::new(self.too_many()))
    }

    /// Who asks, by the word of trusted proxies.
    fn asker(&self, head: &RequestHead<'_>) -> Asker {
        let is_trusted = |ip: IpAddr| self.is_exempt(ip);
        match self.limits.forwarded_by {
            ForwardedBy::XForwardedFor => x_forwarded(&head.fields, is_trusted),
            ForwardedBy::Forwarded => forwarded(&head.fields, is_trusted),
        }
    }

    /// Whether a browser has asked by https, if that is known: a proxy says so, or this server encrypts.
    pub(crate) fn is_https(&self, key: u32) -> Option<bool> {
        let slot = &self.slots[key as usize];
        let is_secure = slot.flags.has(Flags::SECURE);
        slot.origin.scheme().or(is_secure.then_some(true))
    }
}

impl Hub {
    /// Whether who a connection comes from is still to be told by its proxy.
    pub fn awaits_peer(&self, id: SessionId) -> bool {
        let slot = self.core.slots.get(id.index as usize);
        slot.is_some_and(|slot| slot.origin.has(Origin::AWAITED))
    }

    /// The proxy of a connection has told who it comes from: from now on it is judged by that.
    pub fn peer_known(&mut self, id: SessionId, peer: Peer) {
        let Some(key) = self.core.key_of(id) else {
            return;
        };
        let slot = self.core.slot(key);
        if !slot.origin.has(Origin::AWAITED) {
            return;
        }
        slot.origin.clear(Origin::AWAITED);
        slot.came_from(peer);
        let is_refused = slot.flags.has(Flags::REFUSED);
        if is_refused {
            return;
        }
        match self.core.why_not_from(peer) {
            None => self.core.count(key),
            Some(_) if self.core.refused >= MAX_REFUSED => self.core.lost(key),
            Some(status) => {
                self.core.refused += 1;
                self.core.slot(key).flags.set(Flags::REFUSED);
                self.core.refuse(key, &Refusal::new(status));
            }
        }
    }
}
