//! HTTP status codes (RFC 9110 §15).

use super::error::{Error, ErrorKind, Result};
use std::fmt;

/// An HTTP status code (RFC 9110 §15).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Status(u16);

macro_rules! statuses {
    ($($name:ident = $code:literal $phrase:literal;)*) => {
        #[allow(missing_docs)]
        impl Status {
            $(pub const $name: Self = Self($code);)*

            /// The registered name of the code, or `Unknown`.
            pub const fn phrase(self) -> &'static str {
                match self.0 {
                    $($code => $phrase,)*
                    _ => "Unknown",
                }
            }
        }
    };
}

statuses! {
    CONTINUE = 100 "Continue";
    SWITCHING_PROTOCOLS = 101 "Switching Protocols";
    OK = 200 "OK";
    CREATED = 201 "Created";
    ACCEPTED = 202 "Accepted";
    NON_AUTHORITATIVE_INFORMATION = 203 "Non-Authoritative Information";
    NO_CONTENT = 204 "No Content";
    RESET_CONTENT = 205 "Reset Content";
    PARTIAL_CONTENT = 206 "Partial Content";
    MULTIPLE_CHOICES = 300 "Multiple Choices";
    MOVED_PERMANENTLY = 301 "Moved Permanently";
    FOUND = 302 "Found";
    SEE_OTHER = 303 "See Other";
    NOT_MODIFIED = 304 "Not Modified";
    TEMPORARY_REDIRECT = 307 "Temporary Redirect";
    PERMANENT_REDIRECT = 308 "Permanent Redirect";
    BAD_REQUEST = 400 "Bad Request";
    UNAUTHORIZED = 401 "Unauthorized";
    PAYMENT_REQUIRED = 402 "Payment Required";
    FORBIDDEN = 403 "Forbidden";
    NOT_FOUND = 404 "Not Found";
    METHOD_NOT_ALLOWED = 405 "Method Not Allowed";
    NOT_ACCEPTABLE = 406 "Not Acceptable";
    PROXY_AUTHENTICATION_REQUIRED = 407 "Proxy Authentication Required";
    REQUEST_TIMEOUT = 408 "Request Timeout";
    CONFLICT = 409 "Conflict";
    GONE = 410 "Gone";
    LENGTH_REQUIRED = 411 "Length Required";
    PRECONDITION_FAILED = 412 "Precondition Failed";
    PAYLOAD_TOO_LARGE = 413 "Content Too Large";
    URI_TOO_LONG = 414 "URI Too Long";
    UNSUPPORTED_MEDIA_TYPE = 415 "Unsupported Media Type";
    RANGE_NOT_SATISFIABLE = 416 "Range Not Satisfiable";
    EXPECTATION_FAILED = 417 "Expectation Failed";
    MISDIRECTED_REQUEST = 421 "Misdirected Request";
    UNPROCESSABLE_CONTENT = 422 "Unprocessable Content";
    LOCKED = 423 "Locked";
    FAILED_DEPENDENCY = 424 "Failed Dependency";
    TOO_EARLY = 425 "Too Early";
    UPGRADE_REQUIRED = 426 "Upgrade Required";
    PRECONDITION_REQUIRED = 428 "Precondition Required";
    TOO_MANY_REQUESTS = 429 "Too Many Requests";
    HEADER_FIELDS_TOO_LARGE = 431 "Request Header Fields Too Large";
    UNAVAILABLE_FOR_LEGAL_REASONS = 451 "Unavailable For Legal Reasons";
    INTERNAL_SERVER_ERROR = 500 "Internal Server Error";
    NOT_IMPLEMENTED = 501 "Not Implemented";
    BAD_GATEWAY = 502 "Bad Gateway";
    SERVICE_UNAVAILABLE = 503 "Service Unavailable";
    GATEWAY_TIMEOUT = 504 "Gateway Timeout";
    VERSION_NOT_SUPPORTED = 505 "HTTP Version Not Supported";
    INSUFFICIENT_STORAGE = 507 "Insufficient Storage";
}

impl Status {
    /// The status of this number, 100 to 599; `None` for any other. A number without a registered
    /// name has the phrase `Unknown`.
    ///
    /// ```
    /// use dunlin::Status;
    ///
    /// assert_eq!(Status::new(404), Some(Status::NOT_FOUND));
    /// assert_eq!(Status::new(299).map(Status::code), Some(299));
    /// assert_eq!(Status::new(600), None);
    /// ```
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            100..=599 => Some(Self(code)),
            _ => None,
        }
    }

    /// Whether a response of this status may have a body (RFC 9110 §15.3.5, §15.3.6, §15.4.5).
    pub(crate) fn has_body(self) -> bool {
        !matches!(
            self,
            Self::NO_CONTENT | Self::NOT_MODIFIED | Self::RESET_CONTENT
        )
    }

    /// The number.
    pub const fn code(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Status {
    type Error = Error;

    /// As [`Status::new`].
    ///
    /// # Errors
    /// Kind `Data`: not 100 to 599.
    fn try_from(code: u16) -> Result<Self> {
        Self::new(code).ok_or_else(|| {
            let message = format!("{code} is no HTTP status, wanted: 100 to 599");
            Error::new(ErrorKind::Data, message)
        })
    }
}

impl Error {
    /// The HTTP status with which the peer refused, for [`ErrorKind::Refused`].
    pub fn status(&self) -> Option<Status> {
        self.status.and_then(Status::new)
    }
}

impl fmt::Display for Status {
    /// The number and its phrase: `404 Not Found`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code(), self.phrase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_three_digits_from_1_to_5_is_a_status_and_no_other() {
        for code in 0..=u16::MAX {
            let status = Status::new(code);
            assert_eq!(status.is_some(), (100..600).contains(&code), "{code}");
            assert_eq!(Status::try_from(code).ok(), status);
            assert!(status.is_none_or(|status| status.code() == code));
        }
    }

    #[test]
    fn registered_numbers_have_their_phrase() {
        for (code, text) in [
            (303, "303 See Other"),
            (404, "404 Not Found"),
            (422, "422 Unprocessable Content"),
            (299, "299 Unknown"),
        ] {
            assert_eq!(Status::new(code).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_number_that_is_none_is_refused_with_what_was_wanted() {
        let error = Status::try_from(99).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert_eq!(
            error.to_string(),
            "99 is no HTTP status, wanted: 100 to 599"
        );
    }
}
