//! Which servers may be flooded: those on this machine and in private networks, and others only when the user
//! says that they are theirs.

use dunlin::client::Url;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

/// Why there is nothing to flood.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// What was asked for is not done: a mistake in the command line.
    Usage(String),
    /// It could not be done.
    Failure(String),
}

/// Every address of the URL's host, looked up this once; only these are ever connected to. `mine` is the
/// user's word that the server is theirs.
///
/// # Errors
/// The name has no address; it is `wss://` in a build without TLS; or one of its addresses is public, and it is
/// not `mine`.
pub fn resolve(url: &Url, mine: bool) -> Result<Vec<SocketAddr>, Refusal> {
    if url.is_secure() && !cfg!(feature = "tls") {
        return Err(Refusal::Usage(format!(
            "this build speaks no TLS, and the URL is {url}\nwanted: ws://…, or a build with the feature tls"
        )));
    }
    let found = (url.host(), url.port()).to_socket_addrs();
    let addresses: Vec<SocketAddr> = found
        .map_err(|error| {
            Refusal::Failure(format!("{:?} cannot be looked up: {error}", url.host()))
        })?
        .collect();
    if addresses.is_empty() {
        let host = url.host();
        return Err(Refusal::Failure(format!("{host:?} has no address")));
    }
    allow(url, &addresses, mine)?;
    Ok(addresses)
}

/// All of them must be near: which one is taken is decided later.
fn allow(url: &Url, addresses: &[SocketAddr], mine: bool) -> Result<(), Refusal> {
    match addresses.iter().find(|address| !is_near(address.ip())) {
        Some(address) if !mine => Err(Refusal::Usage(format!(
            "{url} is at {}, which is neither this machine nor a private network: floods can take a server down\n\
             wanted: an address such as 127.0.0.1 or 192.168.1.2, or --this-server-is-mine if it is",
            address.ip()
        ))),
        _ => Ok(()),
    }
}

/// Loopback, private and link-local addresses; an IPv4 address inside an IPv6 one counts as what it is.
pub fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_near_v4(address),
        IpAddr::V6(address) => is_near_v6(address),
    }
}

fn is_near_v4(address: Ipv4Addr) -> bool {
    address.is_loopback() || address.is_private() || address.is_link_local()
}

fn is_near_v6(address: Ipv6Addr) -> bool {
    address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_addresses_are_told_from_public_ones() {
        for near in [
            "127.0.0.1",
            "127.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.1.1",
            "::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
        ] {
            assert!(is_near(near.parse().unwrap()), "{near}");
        }
        for far in [
            "0.0.0.0",
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.64.0.1",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::2",
            "::127.0.0.1",
            "::10.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "2001:db8::1",
            "2606:4700::1111",
            "fbff::1",
            "fe00::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_near(far.parse().unwrap()), "{far}");
        }
    }

    #[test]
    fn a_public_address_is_refused_with_its_name_and_the_flag() {
        for (text, address) in [
            ("ws://8.8.8.8/echo", "8.8.8.8"),
            ("ws://[::ffff:8.8.8.8]:81/", "::ffff:8.8.8.8"),
            ("ws://[2606:4700::1111]/", "2606:4700::1111"),
        ] {
            let url = Url::parse(text).unwrap();
            let Err(Refusal::Usage(said)) = resolve(&url, false) else {
                panic!("{text} was not refused");
            };
            for part in [address, "--this-server-is-mine"] {
                assert!(said.contains(part), "{text}: {said}");
            }
            let port = url.port();
            let all = resolve(&url, true).unwrap();
            assert_eq!(all, [SocketAddr::new(address.parse().unwrap(), port)]);
        }
    }

    #[test]
    fn one_public_address_among_private_ones_is_enough() {
        let url = Url::parse("ws://a/").unwrap();
        let addresses = ["127.0.0.1:80", "10.0.0.1:80"].map(|text| text.parse().unwrap());
        assert_eq!(allow(&url, &addresses, false), Ok(()));
        let addresses = ["127.0.0.1:80", "9.9.9.9:80"].map(|text| text.parse().unwrap());
        let Err(Refusal::Usage(said)) = allow(&url, &addresses, false) else {
            panic!("it was not refused");
        };
        assert!(said.contains("9.9.9.9"), "{said}");
    }

    #[test]
    fn tls_is_refused_by_a_build_without_it() {
        let url = Url::parse("wss://127.0.0.1/").unwrap();
        match resolve(&url, true) {
            Err(Refusal::Usage(said)) if !cfg!(feature = "tls") => {
                assert!(said.contains("TLS"), "{said}");
            }
            resolved => assert!(resolved.is_ok() && cfg!(feature = "tls"), "{resolved:?}"),
        }
    }
}
