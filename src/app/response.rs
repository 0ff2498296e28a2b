//! The answer of a plain HTTP route, or the refusal of an upgrade.

use crate::wire::fields::{is_token, is_value};
use crate::wire::response::{PLAIN_TEXT, Status, is_servers_field};
use std::borrow::Cow;

/// A plain HTTP response whose body is in memory. `Date`, `Content-Length` and
/// `Connection` are added when it is written.
///
/// ```
/// use dunlin::{Response, Status};
///
/// let response = Response::html("<p>Made.</p>")
///     .with_status(Status::CREATED)
///     .field("Location", format!("/items/{}", 7))
///     .field("Set-Cookie", "seen=1; HttpOnly")
///     .field("Set-Cookie", "theme=dark");
/// assert_eq!(response.status(), Status::CREATED);
/// ```
///
/// What would break HTTP never reaches the wire, and no handler can end the server with it: a
/// response with a field name that is no token, or with a line break or another control byte in a
/// value, is a fault. The response turns into `500 Internal Server Error` with the fixed text of a
/// refusal and stays that, whatever is set later; an error in the log says what was wrong, and so
/// does [`fault`](Self::fault).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub(crate) status: Status,
    pub(crate) content_type: Cow<'static, str>,
    pub(crate) fields: Vec<(Cow<'static, str>, String)>,
    pub(crate) body: Cow<'static, [u8]>,
    fault: Option<String>,
}

impl Response {
    /// A response without body. A status below 200 is a fault: it is no answer.
    pub fn new(status: Status) -> Self {
        let response = Self {
            status,
            content_type: Cow::Borrowed(PLAIN_TEXT),
            fields: Vec::new(),
            body: Cow::Borrowed(b""),
            fault: None,
        };
        response.with_status(status)
    }

    /// The fixed text of a refusal: the status and its name.
    pub fn refusal(status: Status) -> Self {
        Self::new(status).body(format!("{status}\n").into_bytes())
    }

    /// 200 with this body and `Content-Type`.
    pub fn ok(
        content_type: impl Into<Cow<'static, str>>,
        body: impl Into<Cow<'static, [u8]>>,
    ) -> Self {
        Self::new(Status::OK).content_type(content_type).body(body)
    }

    /// 200 with this text as `text/plain; charset=utf-8`.
    pub fn text(text: impl Into<Cow<'static, str>>) -> Self {
        Self::ok(PLAIN_TEXT, bytes_of(text.into()))
    }

    /// 200 with this page as `text/html; charset=utf-8`. Nothing in it is escaped.
    pub fn html(page: impl Into<Cow<'static, str>>) -> Self {
        Self::ok("text/html; charset=utf-8", bytes_of(page.into()))
    }

    /// 200 with this value as `application/json`. A value that has no JSON form, such as a map
    /// whose keys are no strings, is a fault.
    #[cfg(feature = "json")]
    pub fn json<T: serde::Serialize + ?Sized>(value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::ok("application/json", body),
            Err(error) => {
                Self::new(Status::OK).fail(format!("the value has no JSON form: {error}"))
            }
        }
    }

    /// 204: done, and nothing to tell.
    pub fn no_content() -> Self {
        Self::new(Status::NO_CONTENT)
    }

    /// Sends the client to another place: `location` is an absolute or relative URL, written as it
    /// is. [`Status::SEE_OTHER`] after a form, [`Status::FOUND`] or [`Status::TEMPORARY_REDIRECT`]
    /// for now, [`Status::MOVED_PERMANENTLY`] or [`Status::PERMANENT_REDIRECT`] for good. Any other
    /// status is a fault.
    ///
    /// ```
    /// use dunlin::{Response, Status};
    ///
    /// let response = Response::redirect(Status::SEE_OTHER, "/items/7");
    /// assert_eq!(response.fault(), None);
    /// ```
    pub fn redirect(status: Status, location: impl Into<String>) -> Self {
        let response = Self::refusal(status).field("Location", location);
        match status.code() {
            301..=303 | 307 | 308 => response,
            _ => response.fail(format!("{status} is no redirection")),
        }
    }

    /// Sets the status. One below 200 is a fault: it is no answer.
    pub fn with_status(mut self, status: Status) -> Self {
        if status.code() < 200 {
            return self.fail(format!("{status} is no answer"));
        }
        if self.fault.is_none() {
            self.status = status;
        }
        self
    }

    /// Sets the `Content-Type`. An empty one is a fault, as is one with control bytes.
    pub fn content_type(mut self, content_type: impl Into<Cow<'static, str>>) -> Self {
        let content_type = content_type.into();
        if content_type.is_empty() || !is_value(content_type.as_bytes()) {
            return self.fail(format!("{content_type:?} is no content type"));
        }
        if self.fault.is_none() {
            self.content_type = content_type;
        }
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Cow<'static, [u8]>>) -> Self {
        if self.fault.is_none() {
            self.body = body.into();
        }
        self
    }

    /// Adds a header field behind those of the same name: `Set-Cookie` may stand as often as it must.
    /// `Content-Type` is set, not added. `Connection`, `Content-Length`, `Date` and
    /// `Transfer-Encoding` are the server's: such a field is left out, with a warning in the log.
    ///
    /// A name that is no token (RFC 9110 §5.6.2) is a fault, as is a value with a control byte
    /// other than the tab: see the type's documentation.
    pub fn field(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        if !is_token(&name) {
            return self.fail(format!("{name:?} is no name of a field"));
        }
        if !is_value(value.as_bytes()) {
            return self.fail(format!("the value of {name} has a control byte: {value:?}"));
        }
        if is_servers_field(&name) {
            log::warn!("a response sets {name}, which the server writes itself; it is left out");
        } else if name.eq_ignore_ascii_case("content-type") {
            return self.content_type(value);
        } else if self.fault.is_none() {
            self.fields.push((name, value));
        }
        self
    }

    /// The status.
    pub fn status(&self) -> Status {
        self.status
    }

    /// What is wrong with it, if it became a 500 for that.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// The 500 that a wrong response becomes; the first fault counts.
    fn fail(self, fault: String) -> Self {
        if self.fault.is_some() {
            return self;
        }
        log::error!("a response is wrong: {fault}; the answer is 500");
        Self {
            fault: Some(fault),
            ..Self::refusal(Status::INTERNAL_SERVER_ERROR)
        }
    }
}

/// Either answer of a handler that may fail: with it, a function that uses `?` is a handler by
/// `function(request).into()`. [`BodyError`](super::BodyError) has an example.
impl<E: Into<Response>> From<Result<Response, E>> for Response {
    fn from(result: Result<Self, E>) -> Self {
        result.unwrap_or_else(Into::into)
    }
}

fn bytes_of(text: Cow<'static, str>) -> Cow<'static, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_fault(response: &Response, part: &str) {
        let fault = response.fault().expect("a fault");
        assert!(fault.contains(part), "{fault}");
        assert_eq!(response.status(), Status::INTERNAL_SERVER_ERROR);
        assert_eq!(*response.body, *b"500 Internal Server Error\n");
        assert!(response.fields.is_empty());
    }

    #[test]
    fn a_name_that_is_no_token_is_a_fault() {
        for name in ["", "a b", "a:", "a\r\nb", "ä", "a\0"] {
            assert_fault(&Response::text("a").field(name, "b"), "no name of a field");
        }
    }

    #[test]
    fn a_control_byte_in_a_value_or_type_is_a_fault() {
        for value in ["a\r\nSet-Cookie: b", "a\n", "\r", "\0", "a\x1b[0m", "\x7f"] {
            let response = Response::text("a").field("X".to_owned(), value);
            assert_fault(&response, "control byte");
            let response = Response::ok(value.to_owned(), b"a");
            assert_fault(&response, "no content type");
            assert_fault(&Response::redirect(Status::FOUND, value), "control byte");
        }
        assert_fault(&Response::ok("", b""), "no content type");
        assert_eq!(Response::text("a").field("X", "a\tb ü").fault(), None);
    }

    #[test]
    fn a_fault_stays_whatever_is_set_later() {
        let response = Response::text("secret").field("X", "\n").body(b"secret");
        let response = response
            .field("A", "b")
            .with_status(Status::OK)
            .content_type("a/b")
            .field("", "later");
        assert_fault(&response, "control byte");
        assert_eq!(response.content_type, PLAIN_TEXT);
    }

    #[test]
    fn fields_of_the_server_are_left_out() {
        let response = Response::text("a")
            .field("content-length", "5")
            .field("Transfer-Encoding", "chunked")
            .field("CONNECTION", "upgrade")
            .field("Date", "now");
        assert_eq!(response, Response::text("a"));
    }

    #[test]
    fn fields_repeat_but_the_type_is_one() {
        let response = Response::text("a")
            .field("Set-Cookie", "a=1")
            .field("Set-Cookie", "b=2")
            .field("content-type", "text/css");
        let values: Vec<_> = response.fields.iter().map(|(_, value)| &**value).collect();
        assert_eq!(values, ["a=1", "b=2"]);
        assert_eq!(response.content_type, "text/css");
    }

    #[test]
    fn a_status_that_does_not_fit_is_a_fault() {
        assert_fault(&Response::new(Status::SWITCHING_PROTOCOLS), "no answer");
        assert_fault(&Response::redirect(Status::OK, "/"), "no redirection");
        assert_fault(
            &Response::redirect(Status::NOT_MODIFIED, "/"),
            "no redirection",
        );
        for code in [301, 302, 303, 307, 308] {
            let response = Response::redirect(Status::new(code).unwrap(), "/");
            assert_eq!(response.fault(), None);
        }
    }

    #[cfg(feature = "json")]
    #[test]
    fn a_value_is_json_or_a_fault() {
        let response = Response::json(&[1, 2]);
        assert_eq!(response.content_type, "application/json");
        assert_eq!(*response.body, *b"[1,2]");
        let no_string = std::collections::HashMap::from([((1, 2), 3)]);
        assert_fault(&Response::json(&no_string), "no JSON form");
    }
}
