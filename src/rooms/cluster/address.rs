//! Where the engine is, as people write it.

use crate::wire::error::{Error, ErrorKind, Result};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The port of Redis and Valkey.
const PORT: u16 = 6379;
/// What an address looks like.
const WANTED: &str = "such as redis://127.0.0.1:6379, redis://user:password@host:6379/0, rediss://host for \
    TLS, redis://one:6379,two:6379 for several of which one is the master, or unix:/run/redis.sock";

/// How the engine is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Site {
    /// Hosts and ports; the first of them that is a master.
    Hosts(Vec<(String, u16)>),
    /// A Unix socket.
    File(PathBuf),
}

/// Where an engine is: `redis://[user:password@]host[:port][,host[:port]…][/database]`, the same with
/// `rediss://` by TLS, or `unix:PATH`.
///
/// What it shows has no password.
#[derive(Clone, PartialEq, Eq)]
pub struct EngineAddress {
    pub(super) site: Site,
    pub(super) is_secure: bool,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: u32,
}

fn wrong(given: &str, problem: &str) -> Error {
    // What stands before an @ may be a password.
    let shown = match given.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => given.to_owned(),
    };
    let message = format!("{shown:?} is no address of an engine: {problem}; wanted: {WANTED}");
    Error::new(ErrorKind::Config, message)
}

/// A part of an address in which `%40` stands for `@`.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = tail else {
            return None;
        };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push((digit(*high)? * 16 + digit(*low)?) as u8);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

fn host(text: &str) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (
                host,
                rest.strip_prefix(':').or(rest.is_empty().then_some(""))?,
            )
        }
        None => text.split_once(':').unwrap_or((text, "")),
    };
    let port = if port.is_empty() {
        PORT
    } else {
        port.parse().ok()?
    };
    let is_name =
        !host.is_empty() && !host.contains(|sign: char| sign.is_whitespace() || sign.is_control());
    (is_name && port > 0).then(|| (host.to_owned(), port))
}

impl FromStr for EngineAddress {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self> {
        let (mut user, mut password) = (None, None);
        if let Some(path) = given.strip_prefix("unix:") {
            if path.is_empty() {
                return Err(wrong(given, "the path of the socket is missing"));
            }
            return Ok(Self {
                site: Site::File(path.into()),
                is_secure: false,
                user,
                password,
                database: 0,
            });
        }
        let plain = given
            .strip_prefix("redis://")
            .or(given.strip_prefix("valkey://"));
        let secure = given
            .strip_prefix("rediss://")
            .or(given.strip_prefix("valkeys://"));
        let Some(rest) = plain.or(secure) else {
            return Err(wrong(
                given,
                "it does not begin with redis://, rediss:// or unix:",
            ));
        };
        let is_secure = secure.is_some();
        if is_secure && cfg!(not(feature = "tls")) {
            return Err(wrong(given, "this build speaks no TLS"));
        }
        let rest = match rest.rsplit_once('@') {
            None => rest,
            Some((who, rest)) => {
                let (name, secret) = who.split_once(':').unwrap_or((who, ""));
                let problem = "a % in the user or password is followed by two hexadecimal digits";
                let part = |text: &str| decoded(text).ok_or_else(|| wrong(given, problem));
                user = Some(part(name)?).filter(|name| !name.is_empty());
                password = Some(part(secret)?).filter(|secret| !secret.is_empty());
                if user.is_some() && password.is_none() {
                    return Err(wrong(given, "a user needs a password"));
                }
                rest
            }
        };
        let (hosts, database) = rest.split_once('/').unwrap_or((rest, ""));
        let database = match database {
            "" => 0,
            number => number
                .parse()
                .map_err(|_| wrong(given, "behind the / stands the number of a database"))?,
        };
        let hosts: Option<Vec<_>> = hosts.split(',').map(host).collect();
        let problem = "a host and its port are wanted, an address of IPv6 in brackets as in redis://[::1]:6379";
        let hosts = hosts.ok_or_else(|| wrong(given, problem))?;
        Ok(Self {
            site: Site::Hosts(hosts),
            is_secure,
            user,
            password,
            database,
        })
    }
}

impl fmt::Display for EngineAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = match &self.site {
            Site::File(path) => return write!(f, "unix:{}", path.display()),
            Site::Hosts(hosts) => hosts,
        };
        f.write_str(if self.is_secure {
            "rediss://"
        } else {
            "redis://"
        })?;
        for (at, (host, port)) in hosts.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            if host.contains(':') {
                write!(f, "{comma}[{host}]:{port}")?;
            } else {
                write!(f, "{comma}{host}:{port}")?;
            }
        }
        if self.database > 0 {
            write!(f, "/{}", self.database)?;
        }
        Ok(())
    }
}

impl fmt::Debug for EngineAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EngineAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn read(text: &str) -> EngineAddress {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_reads_as_it_is_shown() {
        for text in [
            "redis://127.0.0.1:6379",
            "redis://engine:7000/3",
            "redis://one:6379,two:6380",
            "redis://[::1]:6379",
            "unix:/run/redis.sock",
        ] {
            assert_eq!(read(text).to_string(), text);
        }
        assert_eq!(read("redis://host").to_string(), "redis://host:6379");
    }

    #[test]
    fn a_password_is_taken_and_never_shown() {
        let address = read("redis://kim:s%40cret:x@host/1");
        assert_eq!(address.user.as_deref(), Some("kim"));
        assert_eq!(address.password.as_deref(), Some("s@cret:x"));
        assert_eq!(format!("{address} {address:?}").matches("cret").count(), 0);
        assert_eq!(read("redis://:only@host").password.as_deref(), Some("only"));
        let error = "redis://kim:secret@host:port".parse::<EngineAddress>();
        assert!(!error.unwrap_err().to_string().contains("secret"));
    }

    #[test]
    fn what_is_no_address_says_what_one_looks_like() {
        for text in [
            "",
            "host:6379",
            "http://host",
            "redis://",
            "redis://host:0",
            "redis://host:port",
            "redis://host/x",
            "redis://kim@host",
            "redis://a%4@host",
            "redis://one,,two",
            "redis://::1:6379",
            "redis://[::1",
            "redis://one two",
            "unix:",
        ] {
            let error = text.parse::<EngineAddress>().unwrap_err().to_string();
            assert!(error.contains("redis://127.0.0.1:6379"), "{text}: {error}");
        }
    }
}
