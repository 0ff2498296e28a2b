//! Who comes from which address: how many, and how fast.
//!
//! A leaf: it counts and judges, and knows no connection. An IPv6 address counts as its /64, which is what
//! one customer has: with single addresses a limit would be none.

use crate::wire::rate::{Owing, Rate, RateTable};
use core::net::IpAddr;
use std::collections::HashMap;
use std::time::Duration;

/// An IPv4 address, or the first half of an IPv6 one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address(u64);

/// The halves of IPv6 addresses that begin so are those of multicast: no peer has one.
const V4: u64 = 0xffff_0000_0000_0000;

impl Address {
    pub(crate) fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self(V4 | u64::from(ip.to_bits())),
            IpAddr::V6(ip) => {
                let [a, b, c, d, e, f, g, h, ..] = ip.octets();
                Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
            }
        }
    }
}

/// What is remembered of an address.
#[derive(Clone, Copy, Debug, Default)]
struct AddressRates {
    connections: Rate,
    requests: Rate,
}

impl Owing for AddressRates {
    fn owed(&self, now: Duration) -> u32 {
        self.connections.owed(now).max(self.requests.owed(now))
    }
}

/// A rate and how much may come at once; see [`Limits`](crate::Limits).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    pub(crate) rate: Option<usize>,
    pub(crate) burst: usize,
}

/// All addresses that somebody comes from.
#[derive(Debug)]
pub(crate) struct Addresses {
    counts: HashMap<Address, usize>,
    rates: RateTable<AddressRates>,
}

impl Addresses {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            counts: HashMap::new(),
            rates: RateTable::new(seed),
        }
    }

    /// How many come from an address now.
    pub(crate) fn count(&self, address: Address) -> usize {
        self.counts.get(&address).copied().unwrap_or(0)
    }

    /// How many addresses anybody comes from.
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }

    /// One more comes from there.
    pub(crate) fn add(&mut self, address: Address) {
        *self.counts.entry(address).or_default() += 1;
    }

    /// One less.
    pub(crate) fn remove(&mut self, address: Address) {
        if let Some(count) = self.counts.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&address);
            }
        }
    }

    /// Whether a new connection from there is within its rate.
    pub(crate) fn admits_connection(
        &mut self,
        address: Address,
        allowed: Allowed,
        now: Duration,
    ) -> bool {
        let Some(_) = allowed.rate else { return true };
        let rate = &mut self.rates.at(address.0, now).connections;
        rate.admits_burst(allowed.rate, allowed.burst, now)
    }

    /// Whether a request from there is.
    pub(crate) fn admits_request(
        &mut self,
        address: Address,
        allowed: Allowed,
        now: Duration,
    ) -> bool {
        let Some(_) = allowed.rate else { return true };
        let rate = &mut self.rates.at(address.0, now).requests;
        rate.admits_burst(allowed.rate, allowed.burst, now)
    }

    /// Gives back what only a crowd needed.
    pub(crate) fn shrink(&mut self) {
        self.counts.shrink_to(64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Address {
        Address::of(text.parse().expect(text))
    }

    #[test]
    fn an_ipv6_address_counts_as_its_64_and_an_ipv4_one_as_itself() {
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("0.0.0.0"), of("::"));
        assert_ne!(of("0.0.0.1"), of("0:0:0:1::"));
    }

    #[test]
    fn an_address_that_nobody_comes_from_takes_no_place() {
        let mut addresses = Addresses::new(1);
        addresses.add(of("::1"));
        addresses.add(of("::1"));
        assert_eq!((addresses.count(of("::1")), addresses.len()), (2, 1));
        addresses.remove(of("::1"));
        addresses.remove(of("::1"));
        addresses.remove(of("::1"));
        assert_eq!((addresses.count(of("::1")), addresses.len()), (0, 0));
    }

    #[test]
    fn connections_and_requests_have_a_rate_each() {
        let mut addresses = Addresses::new(1);
        let (now, allowed) = (
            Duration::ZERO,
            Allowed {
                rate: Some(1),
                burst: 2,
            },
        );
        for wanted in [true, true, false] {
            assert_eq!(addresses.admits_connection(of("::1"), allowed, now), wanted);
        }
        assert!(addresses.admits_request(of("::1"), allowed, now));
        assert!(addresses.admits_connection(of("10.0.0.1"), allowed, now));
        let off = Allowed {
            rate: None,
            ..allowed
        };
        assert!(addresses.admits_connection(of("::1"), off, now));
    }
}
