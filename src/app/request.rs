//! The request that asks for a route.

use super::body_error::BodyError;
use super::form::{Form, pairs};
#[cfg(feature = "json")]
use crate::wire::fields::is_token;
use crate::wire::fields::single;
use crate::wire::head::{Method, RequestHead};
#[cfg(feature = "tokens")]
use crate::wire::token::Claims;
use core::net::{IpAddr, SocketAddr};
use std::borrow::Cow;
use std::fmt;

/// Bytes of an id of an event that a reader may send back.
const MAX_EVENT_ID: usize = 256;

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket, which has no address.
    Unix,
}

impl Peer {
    /// The IP address, if there is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Unix => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

/// A request, borrowed from the bytes it came in.
pub struct Request<'r> {
    pub(crate) head: &'r RequestHead<'r>,
    pub(crate) params: &'r [(&'r str, Cow<'r, str>)],
    pub(crate) body: &'r [u8],
    pub(crate) peer: Peer,
    /// Seconds since 1970.
    pub(crate) unix: u64,
    #[cfg(feature = "tokens")]
    pub(crate) claims: Option<&'r Claims>,
}

impl<'r> Request<'r> {
    /// The method.
    pub fn method(&self) -> Method {
        self.head.method
    }

    /// The path as it came, percent-encoded, without query.
    pub fn path(&self) -> &'r str {
        self.head.path
    }

    /// A parameter of the route's path, percent-decoded: `id` of `/room/{id}`, `path` of `/static/{path...}`.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| &**value)
    }

    /// The query as it came, without `?`.
    pub fn query_string(&self) -> &'r str {
        self.head.query.unwrap_or("")
    }

    /// The first value of this name in the query, decoded (`+` is a space).
    pub fn query(&self, name: &str) -> Option<Cow<'r, str>> {
        self.queries(name).next()
    }

    /// All values of this name in the query, in order, decoded as by [`query`](Self::query).
    pub fn queries(&self, name: &str) -> impl Iterator<Item = Cow<'r, str>> {
        pairs(self.query_string())
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// The first field of this name, in any case, if it is UTF-8.
    pub fn header(&self, name: &str) -> Option<&'r str> {
        self.headers(name).next()
    }

    /// All fields of this name, in order, that are UTF-8.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &'r str> {
        self.head
            .fields
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .filter_map(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// The value of a cookie (RFC 6265 §5.4), as it came.
    pub fn cookie(&self, name: &str) -> Option<&'r str> {
        self.headers("cookie")
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// The token of `Authorization: Bearer …` (RFC 6750 §2.1), the scheme in any case. `None` for
    /// another scheme, for a token with a byte that none may have, and when there is more than one
    /// `Authorization`: whoever reads the first and whoever reads the last would disagree.
    ///
    /// It is as the client says. Compare it with what you keep in constant time, or look up its hash.
    ///
    /// ```
    /// use dunlin::{App, Response, Status};
    ///
    /// let app = App::new().get("/me", |request, _| match request.bearer_token() {
    ///     Some(_token) => Response::text("you"), // after a look at who that is
    ///     None => Response::refusal(Status::UNAUTHORIZED).field("WWW-Authenticate", "Bearer"),
    /// });
    /// # drop(app);
    /// ```
    pub fn bearer_token(&self) -> Option<&'r str> {
        let value = single(&self.head.fields, "authorization").ok()??;
        let (scheme, token) = std::str::from_utf8(value).ok()?.split_once(' ')?;
        let token = token.trim_start_matches(' ');
        (scheme.eq_ignore_ascii_case("bearer") && is_bearer_token(token)).then_some(token)
    }

    /// What the reader of an event stream has got last: the field `Last-Event-ID`, which browsers send
    /// when they connect again, or without one the parameter `since` of the query, which a page or a
    /// script can set.
    ///
    /// At most 256 bytes without a control character; anything else is as good as none. It is as the
    /// client says.
    pub fn last_event_id(&self) -> Option<Cow<'r, str>> {
        let field = self.headers("last-event-id").next().map(Cow::Borrowed);
        let id = field.or_else(|| self.query("since"))?;
        let is_good = (1..=MAX_EVENT_ID).contains(&id.len()) && !id.contains(char::is_control);
        is_good.then_some(id)
    }

    /// The Host, without which HTTP/1.1 requests are refused.
    pub fn host(&self) -> Option<&'r str> {
        self.head.host
    }

    /// The body of a plain HTTP request; empty for an upgrade.
    pub fn body(&self) -> &'r [u8] {
        self.body
    }

    /// The body as a value of this type, from JSON. `T` may borrow from the request.
    ///
    /// The body has at most [`Limits::max_body`](crate::Limits::max_body) bytes and 127 arrays and
    /// objects within each other. It must be declared as `application/json` or as a type that ends
    /// with `+json` (RFC 6839 §3.1), which no form of a foreign page can do. A charset is not looked
    /// at: JSON is UTF-8 (RFC 8259 §8.1).
    ///
    /// ```
    /// use dunlin::{App, Request, Response};
    ///
    /// fn sum(request: &Request<'_>) -> Result<Response, dunlin::BodyError> {
    ///     let numbers: Vec<i32> = request.json()?;
    ///     Ok(Response::json(&numbers.iter().sum::<i32>()))
    /// }
    /// let app = App::new().post("/sum", |request, _| sum(request));
    /// # drop(app);
    /// ```
    ///
    /// # Errors
    /// [`BodyError::ContentType`], to be answered with 415: another type, none, or more than one.
    /// [`BodyError::Json`], 400: no JSON, or no `T`.
    #[cfg(feature = "json")]
    pub fn json<T: serde::Deserialize<'r>>(&self) -> Result<T, BodyError> {
        let is_json = |kind: &str| {
            kind == "application/json" || kind.strip_suffix("+json").is_some_and(is_prefix)
        };
        self.check_type("application/json", is_json)?;
        serde_json::from_slice(self.body).map_err(|error| BodyError::Json {
            line: error.line(),
            column: error.column(),
        })
    }

    /// The names and values of a form that a page sent (`application/x-www-form-urlencoded`),
    /// decoded like a query.
    ///
    /// # Errors
    /// [`BodyError::ContentType`], to be answered with 415: another type, none, or more than one.
    /// [`BodyError::FormText`], 400: the body is not UTF-8. [`BodyError::FormPairs`], 400: more than
    /// [`Form::MAX_PAIRS`].
    pub fn form(&self) -> Result<Form<'r>, BodyError> {
        const FORM: &str = "application/x-www-form-urlencoded";
        self.check_type(FORM, |kind| kind == FORM)?;
        Form::parse(self.body)
    }

    /// Checks the one media type of the body, in lower case and without its parameters.
    fn check_type(
        &self,
        wanted: &'static str,
        is_wanted: impl FnOnce(&str) -> bool,
    ) -> Result<(), BodyError> {
        let value = single(&self.head.fields, "content-type").ok().flatten();
        let value = value.and_then(|value| std::str::from_utf8(value).ok());
        let kind = value.unwrap_or_default().split(';').next();
        let kind = kind.unwrap_or_default().trim().to_ascii_lowercase();
        if is_wanted(&kind) {
            Ok(())
        } else {
            Err(BodyError::ContentType { wanted })
        }
    }

    /// The address of the peer: where a [trusted proxy](crate::Limits::trusted_proxies) has passed the
    /// request on, the one that it names, with port 0 if it names none.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// When it came, in seconds since 1970: the wall clock of the loop, which is read twice a second, and
    /// virtual in a simulation.
    pub fn unix_time(&self) -> u64 {
        self.unix
    }

    /// What its token says, where the route asks for one ([`App::require_tokens`](crate::App::require_tokens)).
    #[cfg(feature = "tokens")]
    pub fn claims(&self) -> Option<&'r Claims> {
        self.claims
    }

    /// The same request with what its token says.
    #[cfg(feature = "tokens")]
    pub(super) fn with_claims<'s>(&'s self, claims: &'s Claims) -> Request<'s> {
        Request {
            head: self.head,
            params: self.params,
            body: self.body,
            peer: self.peer,
            unix: self.unix,
            claims: Some(claims),
        }
    }
}

/// What stands before `+json`: a type, and the beginning of a subtype.
#[cfg(feature = "json")]
fn is_prefix(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

/// `b64token` (RFC 6750 §2.1): letters, digits and `-._~+/`, then any number of `=`.
fn is_bearer_token(text: &str) -> bool {
    let text = text.trim_end_matches('=');
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_letters_digits_six_marks_and_padding_at_its_end() {
        for token in ["a", "aZ09-._~+/", "a=", "a=="] {
            assert!(is_bearer_token(token), "{token:?}");
        }
        for token in ["", "=", "==", "a=b", "a b", "a,", "a\"", "ä", "a\t", "a:b"] {
            assert!(!is_bearer_token(token), "{token:?}");
        }
    }
}
