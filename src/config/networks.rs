//! Networks in CIDR notation (RFC 4632, RFC 4291 §2.3): whom an operator trusts to say who a peer is.

use super::bounds::out_of_bounds;
use crate::wire::error::{Error, ErrorKind, Result};
use core::net::IpAddr;
use std::fmt;
use std::str::FromStr;

/// What a list of networks is made of, for errors and tables.
pub(super) const SHAPE: &str =
    "networks such as 10.0.0.0/8, ::1 or fd00::/8, or unix for Unix sockets";

/// A network: an address and how many of its first bits count.
///
/// An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`) is the IPv4 address that it stands for.
///
/// ```
/// use dunlin::config::Network;
///
/// let network: Network = "10.0.0.0/8".parse()?;
/// assert!(network.contains("10.1.2.3".parse().unwrap()));
/// assert!(network.contains("::ffff:10.1.2.3".parse().unwrap()));
/// assert!("10.0.0.1/8".parse::<Network>().is_err());
/// # Ok::<(), dunlin::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether an address belongs to it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let differing = first.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.bits)
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let differing = first.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.bits)
            }
            _ => false,
        }
    }

    /// The first address of the network of so many bits that this one is in.
    fn first_of(address: IpAddr, bits: u8) -> IpAddr {
        match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
                IpAddr::V4((address.to_bits() & mask).into())
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
                IpAddr::V6((address.to_bits() & mask).into())
            }
        }
    }
}

impl FromStr for Network {
    type Err = Error;

    /// Reads `ADDRESS` or `ADDRESS/BITS`.
    ///
    /// # Errors
    /// Kind `Config`: no address, too many bits, or an address that is not the first of its network.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = |problem: String| {
            let message = format!("the network {text:?} {problem}");
            Error::new(ErrorKind::Config, message)
        };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let given: IpAddr = address
            .parse()
            .map_err(|_| wrong(format!("begins with no address; wanted: {SHAPE}")))?;
        let address = given.to_canonical();
        let all: u8 = if given.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => all,
            // `parse` alone would take a plus sign.
            Some(digits) => Some(digits)
                .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|digits| digits.parse().ok())
                .filter(|bits| *bits <= all)
                .ok_or_else(|| wrong(format!("has no number of bits; wanted: 0 to {all}")))?,
        };
        let is_mapped = given.is_ipv6() && address.is_ipv4();
        let bits = match is_mapped {
            false => bits,
            true => bits.checked_sub(96).ok_or_else(|| {
                wrong("is of IPv4 addresses within IPv6; write it as IPv4: 10.0.0.0/8".to_owned())
            })?,
        };
        let first = Self::first_of(address, bits);
        if first != address {
            return Err(wrong(format!(
                "has bits behind its first {bits}; wanted: {first}/{bits}"
            )));
        }
        Ok(Self { first, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

/// A list of networks, and perhaps the peers of Unix sockets. Default: nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks {
    networks: Vec<Network>,
    has_unix: bool,
    /// As they were written, for whoever looks at a configuration.
    texts: Vec<String>,
}

impl Networks {
    /// Reads a list; `unix` stands for the peers of Unix sockets.
    ///
    /// ```
    /// let networks = dunlin::config::Networks::parse(["127.0.0.0/8", "::1", "unix"])?;
    /// assert!(networks.contains(Some("127.0.0.1".parse().unwrap())));
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    ///
    /// # Errors
    /// Kind `Config`: one of them is no [`Network`]; the error says which and what was wanted.
    pub fn parse<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Result<Self> {
        let texts = texts.into_iter().map(|text| text.as_ref().to_owned());
        let networks = Self::written(texts.collect());
        networks.check().map(|()| networks)
    }

    /// The same unchecked: [`Networks::check`] finds what is wrong. One text may hold several, with commas
    /// between them; `none` alone is an empty list.
    pub(super) fn written(texts: Vec<String>) -> Self {
        let pieces = texts.iter().flat_map(|text| text.split(','));
        let mut texts: Vec<String> = pieces.map(|text| text.trim().to_owned()).collect();
        if texts == ["none"] {
            texts.clear();
        }
        Self {
            has_unix: texts.iter().any(|text| text == "unix"),
            networks: texts.iter().filter_map(|text| text.parse().ok()).collect(),
            texts,
        }
    }

    /// As they were written.
    pub(super) fn texts(&self) -> &[String] {
        &self.texts
    }

    fn check(&self) -> Result<()> {
        let mut texts = self.texts.iter().filter(|text| *text != "unix");
        texts.try_for_each(|text| text.parse::<Network>().map(|_| ()))
    }

    /// The same as an error of this limit.
    pub(super) fn check_as(&self, limit: &str) -> Result<()> {
        self.check().map_err(|error| {
            let given = format_args!("{:?}", self.texts.join(",")).to_string();
            out_of_bounds("limit", limit, given, error)
        })
    }

    /// Whether a peer is one of these; `None` is the peer of a Unix socket.
    pub fn contains(&self, address: Option<IpAddr>) -> bool {
        match address {
            None => self.has_unix,
            Some(address) => self.networks.iter().any(|known| known.contains(address)),
        }
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Bytes that it holds.
    pub(crate) fn held(&self) -> usize {
        let texts = self.texts.iter();
        let texts = texts.map(|text| size_of::<String>() + text.capacity());
        self.networks.capacity() * size_of::<Network>() + texts.sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().expect(text)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn a_network_has_the_addresses_that_share_its_first_bits_and_no_others() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.168.1.0/24", "192.168.1.255", "192.168.2.0"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("0.0.0.0/0", "8.8.8.8", "::1"),
            ("::1", "::1", "::2"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("2001:db8::/63", "2001:db8:0:1::1", "2001:db8:0:2::1"),
            ("::/0", "2001:db8::1", "1.1.1.1"),
            ("::ffff:10.0.0.0/104", "10.2.3.4", "11.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"),
        ] {
            assert!(network(text).contains(address(inside)), "{text} {inside}");
            assert!(
                !network(text).contains(address(outside)),
                "{text} {outside}"
            );
        }
    }

    #[test]
    fn an_ipv4_address_within_ipv6_is_compared_as_what_it_stands_for() {
        assert!(network("10.0.0.0/8").contains(address("::ffff:10.1.1.1")));
        assert!(!network("::/0").contains(address("::ffff:10.1.1.1")));
    }

    #[test]
    fn what_is_no_network_is_an_error_that_says_what_to_write() {
        for (text, part) in [
            ("", "no address"),
            ("example.org", "10.0.0.0/8"),
            ("10.0.0", "no address"),
            ("10.0.0.0/33", "0 to 32"),
            ("10.0.0.0/+8", "0 to 32"),
            ("10.0.0.0/", "0 to 32"),
            ("10.0.0.0/8/8", "0 to 32"),
            ("::/129", "0 to 128"),
            ("10.0.0.1/8", "wanted: 10.0.0.0/8"),
            ("fd00::1/8", "wanted: fd00::/8"),
            ("::ffff:10.0.0.0/8", "write it as IPv4"),
            ("[::1]", "no address"),
            ("10.0.0.0:80", "no address"),
        ] {
            let error = text.parse::<Network>().expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn a_list_is_written_in_pieces_or_with_commas_and_none_is_empty() {
        let list = Networks::parse(["10.0.0.0/8, ::1", "unix"]).expect("good");
        assert!(list.contains(Some(address("10.0.0.1"))));
        assert!(list.contains(Some(address("::1"))));
        assert!(list.contains(None));
        assert!(!list.contains(Some(address("::2"))));
        assert_eq!(list.texts(), ["10.0.0.0/8", "::1", "unix"]);
        let none = Networks::parse(["none"]).expect("good");
        assert!(none.is_empty() && !none.contains(None));
        assert!(Networks::parse(["none", "::1"]).is_err());
        assert!(Networks::parse(["10.0.0.0/8", "nonsense"]).is_err());
    }

    #[test]
    fn what_is_shown_reads_as_the_same() {
        for text in ["10.0.0.0/8", "::1/128", "0.0.0.0/0"] {
            assert_eq!(network(text).to_string(), text);
        }
    }
}
