//! Static content: bytes of the program, served with a validator.

use super::request::Request;
use super::response::Response;
use crate::wire::response::Status;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha1::{Digest, Sha1};

/// One body with its type and strong `ETag` (RFC 9110 §8.8.3).
pub(crate) struct Content {
    content_type: &'static str,
    body: &'static [u8],
    etag: String,
}

impl Content {
    pub(crate) fn new(content_type: &'static str, body: &'static [u8]) -> Self {
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha1::digest(body)));
        Self {
            content_type,
            body,
            etag,
        }
    }

    /// 304 when the client has it (RFC 9110 §13.1.2), 200 with the body otherwise.
    pub(crate) fn respond(&self, request: &Request<'_>) -> Response {
        let known = request
            .headers("if-none-match")
            .flat_map(|line| line.split(','))
            .map(|tag| tag.trim().trim_start_matches("W/"))
            .any(|tag| tag == "*" || tag == self.etag);
        let response = if known {
            Response::new(Status::NOT_MODIFIED)
        } else {
            Response::ok(self.content_type, self.body)
        };
        response
            .field("ETag", &*self.etag)
            .field("Cache-Control", "no-cache")
    }
}
