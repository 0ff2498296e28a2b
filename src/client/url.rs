//! The URL of a WebSocket (RFC 6455 §3): `ws://host:port/path?query`.
//!
//! Read strictly and never mended: what is not understood is an error that says
//! what was wanted.

use crate::wire::authority::Authority;
use crate::wire::error::{Error, ErrorKind, Result};
use std::fmt;
use std::str::FromStr;

/// The port of `ws://` where none is written.
const PLAIN_PORT: u16 = 80;
/// The port of `wss://` where none is written.
const SECURE_PORT: u16 = 443;

/// A checked `ws://` or `wss://` URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    secure: bool,
    /// As written: an IPv6 address has its brackets.
    host: String,
    port: u16,
    target: String,
}

impl Url {
    /// Reads `ws://host[:port][/path][?query]`; an IPv6 address stands in brackets.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], with what was wrong and what was wanted.
    pub fn parse(text: &str) -> Result<Self> {
        let Some((scheme, rest)) = text.split_once("://") else {
            let mended = format!("ws://{}", text.trim_start_matches('/'));
            return Err(wrong(text, "has no scheme", &mended));
        };
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "ws" => false,
            "wss" => true,
            "http" => {
                return Err(wrong(text, "is one of HTTP", &format!("ws://{rest}")));
            }
            "https" => {
                return Err(wrong(text, "is one of HTTPS", &format!("wss://{rest}")));
            }
            _ => return Err(wrong(text, "has an unknown scheme", EXAMPLE)),
        };
        if rest.contains('#') {
            return Err(wrong(text, "has a fragment (`#`)", EXAMPLE));
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            let problem = "names a user; send an Authorization header instead";
            return Err(wrong(text, problem, EXAMPLE));
        }
        let Some(Authority { host, port }) = Authority::parse(authority) else {
            return Err(wrong(text, "has no valid host and port", EXAMPLE));
        };
        let port = port.unwrap_or(if secure { SECURE_PORT } else { PLAIN_PORT });
        if port == 0 {
            return Err(wrong(text, "has the port 0", EXAMPLE));
        }
        if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            let problem = "has a space or a character that is not ASCII in its path";
            return Err(wrong(text, problem, "percent-encoded, such as /a%20b"));
        }
        let slash = if target.starts_with('/') { "" } else { "/" };
        Ok(Self {
            secure,
            host: host.to_owned(),
            port,
            target: format!("{slash}{target}"),
        })
    }

    /// Whether it is `wss://`: WebSocket over TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The name or address to connect to; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        let inside = self.host.strip_prefix('[');
        let inside = inside.and_then(|host| host.strip_suffix(']'));
        inside.unwrap_or(&self.host)
    }

    /// The port, 80 for `ws://` and 443 for `wss://` where none is written.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Path and query, for the request line; begins with `/`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Host and port for the `Host` field, without the port that the scheme implies.
    pub fn authority(&self) -> String {
        match (self.secure, self.port) {
            (false, PLAIN_PORT) | (true, SECURE_PORT) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// Refuses `wss://` where the library was built without TLS.
    pub(crate) fn check_supported(&self) -> Result<()> {
        if !self.secure || cfg!(feature = "tls") {
            return Ok(());
        }
        let message = format!(
            "this program was built without TLS, and the URL is {self}\n\
             wanted: ws://…, or a build with the feature `tls`"
        );
        Err(Error::new(ErrorKind::Config, message))
    }
}

const EXAMPLE: &str = "ws://HOST:PORT/PATH, for example ws://127.0.0.1:8080/chat";

fn wrong(url: &str, problem: &str, wanted: &str) -> Error {
    let message = format!("the URL {url:?} {problem}\nwanted: {wanted}");
    Error::new(ErrorKind::Config, message)
}

impl FromStr for Url {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority(), self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        for (text, host, port, authority, target) in [
            ("ws://a", "a", 80, "a", "/"),
            ("ws://a:80/", "a", 80, "a", "/"),
            ("WS://a:8080/b/c?d=e", "a", 8080, "a:8080", "/b/c?d=e"),
            ("ws://a?b", "a", 80, "a", "/?b"),
            ("ws://127.0.0.1:9/x", "127.0.0.1", 9, "127.0.0.1:9", "/x"),
            ("ws://[::1]:8080/x", "::1", 8080, "[::1]:8080", "/x"),
            ("ws://[::1]", "::1", 80, "[::1]", "/"),
            ("wss://a/x", "a", 443, "a", "/x"),
            ("wss://a:80/x", "a", 80, "a:80", "/x"),
            ("ws://a/b@c:1", "a", 80, "a", "/b@c:1"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.host(), url.port()), (host, port), "{text}");
            assert_eq!(url.authority(), authority, "{text}");
            assert_eq!(url.target(), target, "{text}");
            assert_eq!(url.is_secure(), text.starts_with("wss"), "{text}");
        }
    }

    #[test]
    fn a_url_is_written_as_it_can_be_read() {
        for text in ["ws://a/", "ws://[::1]:8080/b?c", "wss://a:80/"] {
            assert_eq!(Url::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_error_says_what_is_wrong_and_what_was_wanted() {
        for (text, problem, wanted) in [
            (
                "127.0.0.1:8080/chat",
                "no scheme",
                "ws://127.0.0.1:8080/chat",
            ),
            ("/chat", "no scheme", "ws://chat"),
            ("http://a/b", "HTTP", "ws://a/b"),
            ("https://a/b", "HTTPS", "wss://a/b"),
            ("ftp://a", "unknown scheme", "ws://HOST"),
            ("", "no scheme", "ws://"),
            ("ws://", "no valid host", "ws://HOST"),
            ("ws://:80/", "no valid host", "ws://HOST"),
            ("ws://a:x/", "no valid host", "ws://HOST"),
            ("ws://a:70000/", "no valid host", "ws://HOST"),
            ("ws://::1/", "no valid host", "ws://HOST"),
            ("ws://a:0/", "port 0", "ws://HOST"),
            ("ws://a/#b", "fragment", "ws://HOST"),
            ("ws://u:p@a/", "Authorization", "ws://HOST"),
            ("ws://a/b c", "space", "%20"),
            ("ws://a/방", "not ASCII", "%20"),
            ("ws://a/\r\nEvil: 1", "not ASCII", "%20"),
        ] {
            let error = Url::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{text}");
            let said = error.to_string();
            for part in [problem, wanted, &format!("{text:?}")] {
                assert!(said.contains(part), "{text:?}: {said}");
            }
        }
    }

    #[test]
    fn tls_needs_a_build_with_it() {
        assert!(Url::parse("ws://a/").unwrap().check_supported().is_ok());
        let secure = Url::parse("wss://a/").unwrap().check_supported();
        assert_eq!(secure.is_ok(), cfg!(feature = "tls"));
        if let Err(error) = secure {
            assert!(error.to_string().contains("the feature `tls`"), "{error}");
        }
    }
}
