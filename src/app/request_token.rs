//! Where a request has its token: as a bearer, in the query, or as a subprotocol.

use super::request::Request;
use std::borrow::Cow;

/// How a subprotocol begins that is a token. A page cannot set fields of a WebSocket; it can offer protocols.
const PROTOCOL: &str = "dunlin.token.";

/// Names of the parameter of the query, the first one first (the second is that of RFC 6750 §2.3).
const PARAMETERS: [&str; 2] = ["token", "access_token"];

impl<'r> Request<'r> {
    /// The token that came with the request, as it is, from the first of these places that has one:
    /// `Authorization: Bearer …`, the parameter `token` or `access_token` of the query, a subprotocol
    /// `dunlin.token.…` among those that are offered. That one is never agreed on: a page offers another one
    /// beside it, `new WebSocket(url, ["dunlin.v1", "dunlin.token." + token])`.
    ///
    /// Proxies write queries to their logs: where there is a choice, the other places are better.
    pub fn token(&self) -> Option<Cow<'r, str>> {
        let bearer = self.bearer_token().map(Cow::Borrowed);
        let in_query = || PARAMETERS.iter().find_map(|name| self.query(name));
        let protocols = || {
            self.headers("sec-websocket-protocol")
                .flat_map(|line| line.split(','))
        };
        let offered = || protocols().find_map(|name| name.trim().strip_prefix(PROTOCOL));
        bearer
            .or_else(in_query)
            .or_else(|| offered().map(Cow::Borrowed))
    }
}
