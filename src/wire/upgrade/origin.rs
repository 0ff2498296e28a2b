//! Origins (RFC 6454): the one thing that keeps a foreign page from opening a
//! session with the cookies of its visitor. Compared exactly and whole, never
//! by prefix or suffix of the text; `null` matches nothing.

use super::super::authority::Authority;

/// A scheme, host and port.
#[derive(Clone, Copy, Debug)]
struct Origin<'a> {
    scheme: &'a str,
    authority: Authority<'a>,
}

impl<'a> Origin<'a> {
    /// Parses `scheme://host[:port]`, with nothing behind it.
    fn parse(text: &'a str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let authority = Authority::parse(authority)?;
        Some(Self { scheme, authority })
    }

    fn default_port(&self) -> Option<u16> {
        if self.scheme.eq_ignore_ascii_case("http") {
            Some(80)
        } else if self.scheme.eq_ignore_ascii_case("https") {
            Some(443)
        } else {
            None
        }
    }
}

/// Whether a page of this origin came from this very server: `host` is the request's Host, and
/// `tls` tells whether the browser reached it by https.
///
/// `None` for a connection of which nobody says: behind a proxy that ends TLS it looks like
/// http. Then host and port decide, where a port that is not written is that of the origin's
/// scheme. A page of the same host by the other scheme passes, no other page does.
pub fn origin_is_same(origin: &str, host: &str, tls: Option<bool>) -> bool {
    let (Some(origin), Some(host)) = (Origin::parse(origin), Authority::parse(host)) else {
        return false;
    };
    let Some(port) = origin.default_port() else {
        return false;
    };
    let https = origin.scheme.eq_ignore_ascii_case("https");
    tls.is_none_or(|tls| tls == https) && origin.authority.matches(&host, Some(port))
}

/// Whether an origin is the one that `pattern` names: the same scheme, host and port, where
/// a leading `*.` of the host stands for one or more labels: `https://*.example.org` is
/// every subdomain of `example.org`, but not `example.org` itself.
pub fn origin_matches(origin: &str, pattern: &str) -> bool {
    let (Some(origin), Some(pattern)) = (Origin::parse(origin), Origin::parse(pattern)) else {
        return false;
    };
    if !origin.scheme.eq_ignore_ascii_case(pattern.scheme) {
        return false;
    }
    let Some(domain) = pattern.authority.host.strip_prefix("*.") else {
        return origin
            .authority
            .matches(&pattern.authority, pattern.default_port());
    };
    if domain.is_empty() {
        return false;
    }
    let host = origin.authority.host;
    let Some((labels, tail)) = host
        .len()
        .checked_sub(domain.len())
        .and_then(|at| host.split_at_checked(at))
    else {
        return false;
    };
    let tail = Authority {
        host: tail,
        port: origin.authority.port,
    };
    let domain = Authority {
        host: domain,
        port: pattern.authority.port,
    };
    let labels = labels.strip_suffix('.');
    labels.is_some_and(|labels| labels.split('.').all(|label| !label.is_empty()))
        && tail.matches(&domain, pattern.default_port())
}

/// Why a pattern of [`origin_matches`] would match nothing; what to write in its place.
pub fn pattern_problem(pattern: &str) -> Option<&'static str> {
    if pattern == "same" {
        return Some("`same` alone, or origins: the server's own can stand among them");
    }
    if pattern == "null" {
        return Some("an origin: `null` is that of any sandboxed page, and matches nothing");
    }
    let Some((scheme, authority)) = pattern.split_once("://") else {
        return Some("a scheme before it: https://example.org");
    };
    let mut letters = scheme.bytes();
    let is_scheme = letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !is_scheme {
        return Some("a scheme of letters: https://example.org");
    }
    if authority.contains(['/', '?', '#']) {
        return Some(
            "nothing behind the port: a browser sends https://example.org without a slash",
        );
    }
    let Some(authority) = Authority::parse(authority) else {
        return Some("a host, and perhaps a port: https://example.org:8443, http://[::1]:3000");
    };
    let stars = authority.host.matches('*').count();
    let is_leading = authority
        .host
        .strip_prefix("*.")
        .is_some_and(|rest| !rest.is_empty());
    if stars > 1 || stars == 1 && !is_leading {
        return Some("a star for the first labels alone: https://*.example.org");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_origin_has_scheme_host_and_port_of_the_server() {
        for (origin, host, tls) in [
            ("http://example.org", "example.org", false),
            ("http://example.org", "EXAMPLE.org:80", false),
            ("http://example.org:80", "example.org", false),
            ("https://example.org", "example.org:443", true),
            ("http://127.0.0.1:8080", "127.0.0.1:8080", false),
            ("http://[::1]:8080", "[::1]:8080", false),
        ] {
            assert!(origin_is_same(origin, host, Some(tls)), "{origin} {host}");
            assert!(origin_is_same(origin, host, None), "{origin} {host}");
        }
    }

    #[test]
    fn any_difference_makes_an_origin_foreign() {
        for (origin, host, tls) in [
            ("null", "example.org", false),
            ("", "example.org", false),
            ("example.org", "example.org", false),
            ("https://example.org", "example.org", false),
            ("http://example.org", "example.org", true),
            ("http://example.org:8080", "example.org", false),
            ("http://example.org", "example.org:8080", false),
            ("http://example.org:443", "example.org", false),
            ("http://example.org.evil.com", "example.org", false),
            ("http://evilexample.org", "example.org", false),
            ("http://sub.example.org", "example.org", false),
            ("http://example.org/", "example.org", false),
            ("http://example.org@evil.com", "example.org", false),
            ("http://user@example.org", "example.org", false),
            ("http://example.org http://evil.com", "example.org", false),
            ("ws://example.org", "example.org", false),
        ] {
            assert!(!origin_is_same(origin, host, Some(tls)), "{origin} {host}");
        }
    }

    #[test]
    fn a_page_behind_a_proxy_that_ends_tls_has_the_same_origin_by_host_and_port() {
        for (origin, host) in [
            ("https://chat.example", "chat.example"),
            ("https://chat.example", "Chat.Example:443"),
            ("https://chat.example:443", "chat.example"),
            ("https://chat.example:8443", "chat.example:8443"),
            ("http://chat.example", "chat.example"),
            ("http://chat.example", "chat.example:80"),
            ("http://chat.example:8080", "chat.example:8080"),
        ] {
            assert!(origin_is_same(origin, host, None), "{origin} {host}");
        }
        for (origin, host) in [
            ("null", "chat.example"),
            ("https://sub.chat.example", "chat.example"),
            ("https://chat.example", "sub.chat.example"),
            ("https://chat.example:8443", "chat.example"),
            ("https://chat.example", "chat.example:8443"),
            ("https://chat.example", "chat.example:80"),
            ("http://chat.example", "chat.example:443"),
            ("https://chat.example:80", "chat.example"),
            ("https://chat.example.evil.com", "chat.example"),
            ("wss://chat.example", "chat.example"),
            ("chat.example", "chat.example"),
        ] {
            assert!(!origin_is_same(origin, host, None), "{origin} {host}");
        }
    }

    #[test]
    fn a_listed_origin_matches_exactly() {
        for (origin, pattern) in [
            ("https://example.org", "https://example.org"),
            ("https://example.org", "https://Example.org:443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            assert!(origin_matches(origin, pattern), "{origin} {pattern}");
        }
        for (origin, pattern) in [
            ("https://sub.example.org", "https://example.org"),
            ("http://example.org", "https://example.org"),
            ("https://example.org:8443", "https://example.org"),
            ("http://localhost", "http://localhost:3000"),
            ("null", "null"),
            ("https://example.org", "*"),
            ("https://example.org", "example.org"),
        ] {
            assert!(!origin_matches(origin, pattern), "{origin} {pattern}");
        }
    }

    #[test]
    fn a_star_stands_for_labels_but_not_for_none() {
        for origin in [
            "https://a.example.org",
            "https://a.b.example.org",
            "https://A.EXAMPLE.ORG:443",
        ] {
            assert!(origin_matches(origin, "https://*.example.org"), "{origin}");
        }
        for origin in [
            "https://example.org",
            "https://.example.org",
            "https://a..example.org",
            "https://aexample.org",
            "http://a.example.org",
            "https://a.example.org:8443",
            "https://a.example.org.evil.com",
            "https://evil.com/.example.org",
            "https://evil.com#.example.org",
            "null",
        ] {
            assert!(!origin_matches(origin, "https://*.example.org"), "{origin}");
        }
        assert!(origin_matches(
            "http://a.localhost:3000",
            "http://*.localhost:3000"
        ));
    }

    #[test]
    fn what_is_written_otherwise_than_a_browser_does_matches_nothing_and_says_so() {
        for pattern in [
            "https://example.org",
            "https://example.org:8443",
            "http://[::1]:3000",
            "https://*.example.org",
            "capacitor://localhost",
            "http://LOCALHOST",
            "moz-extension://6f9619ff",
        ] {
            assert_eq!(pattern_problem(pattern), None, "{pattern}");
            let origin = pattern.replace('*', "a.b");
            assert!(origin_matches(&origin, pattern), "{pattern}");
        }
        for (pattern, part) in [
            ("example.org", "a scheme before it"),
            ("", "a scheme before it"),
            ("null", "sandboxed"),
            ("same", "alone"),
            ("https://example.org/", "without a slash"),
            ("https://example.org/chat", "without a slash"),
            ("https://example.org?a", "without a slash"),
            ("https://", "a host"),
            ("https://a@b", "a host"),
            ("https://example.org:port", "a host"),
            ("https://::1", "a host"),
            ("https:// example.org", "a host"),
            ("1https://example.org", "of letters"),
            ("*://example.org", "of letters"),
            ("https://example.*", "first labels"),
            ("https://a*.example.org", "first labels"),
            ("https://*", "first labels"),
            ("https://*.", "first labels"),
            ("https://*.*.example.org", "first labels"),
        ] {
            let problem = pattern_problem(pattern).expect(pattern);
            assert!(problem.contains(part), "{pattern}: {problem}");
        }
    }

    #[test]
    fn a_star_without_a_domain_matches_nothing() {
        for origin in ["https://a.example.org.", "https://a.", "https://a"] {
            assert!(!origin_matches(origin, "https://*."), "{origin}");
            assert!(!origin_matches(origin, "https://*.:443"), "{origin}");
        }
    }
}
