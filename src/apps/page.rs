//! The pages of the ready applications, all under one content security policy.

use crate::{App, Response};

/// What a page may load and where it may connect: its own origin and nothing else. No inline
/// script runs, so a message that found its way into the page as markup would still do nothing.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A page of the program, for GET and HEAD, under the content security policy of all of them.
pub(super) fn page(app: App, pattern: &str, html: &'static [u8]) -> App {
    app.get(pattern, move |_request, _| {
        Response::ok("text/html; charset=utf-8", html)
            .field("Content-Security-Policy", CONTENT_SECURITY_POLICY)
            .field("X-Content-Type-Options", "nosniff")
            .field("Referrer-Policy", "no-referrer")
            .field("Cache-Control", "no-cache")
    })
}
