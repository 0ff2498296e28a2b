//! The answer of a plain HTTP route, or the refusal of an upgrade.

use crate::wire::response::Status;
use std::borrow::Cow;

/// A plain HTTP response with a small body. `Date`, `Content-Length` and
/// `Connection` are added when it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub(crate) status: Status,
    pub(crate) content_type: &'static str,
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) body: Cow<'static, [u8]>,
}

impl Response {
    /// A response without body.
    pub fn new(status: Status) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            fields: Vec::new(),
            body: Cow::Borrowed(b""),
        }
    }

    /// The fixed text of a refusal: the status and its name.
    pub fn refusal(status: Status) -> Self {
        Self::new(status).body(format!("{} {}\n", status.code(), status.phrase()).into_bytes())
    }

    /// 200 with this body and `Content-Type`.
    pub fn ok(content_type: &'static str, body: impl Into<Cow<'static, [u8]>>) -> Self {
        Self::new(Status::OK).content_type(content_type).body(body)
    }

    /// Sets the `Content-Type`.
    pub fn content_type(mut self, content_type: &'static str) -> Self {
        self.content_type = content_type;
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Cow<'static, [u8]>>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds a header field. Line breaks and control bytes in the value become spaces,
    /// so that no value can end its line.
    pub fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value: String = value.into();
        self.fields
            .push((name, value.replace(|c: char| c.is_ascii_control(), " ")));
        self
    }

    /// The status.
    pub fn status(&self) -> Status {
        self.status
    }
}
