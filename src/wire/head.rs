//! HTTP/1.1 request heads (RFC 9112), stricter than the parser underneath.

use super::response::Status;

/// The limits of a request head.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// Bytes of the request target; past it 414.
    pub max_target: usize,
    /// Bytes of the whole head; past it 431.
    pub max_head: usize,
    /// Header fields; past it 431.
    pub max_fields: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self {
            max_target: 8000,
            max_head: 16 * 1024,
            max_fields: 100,
        }
    }
}

/// A request method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    /// A method that HTTP defines and dunlin does not serve: CONNECT, TRACE, or any unknown token (501).
    Other,
}

/// How the body of a request is delimited (RFC 9112 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// No body: neither Content-Length nor Transfer-Encoding, or Content-Length 0.
    None,
    /// This many bytes.
    Length(u64),
    /// The chunked transfer coding.
    Chunked,
}

/// A parsed request head; everything borrows the bytes it was parsed from.
#[derive(Clone, Debug)]
pub struct RequestHead<'b> {
    /// The method.
    pub method: Method,
    /// The path, still percent-encoded, without query: starts with `/`, or is `*`.
    pub path: &'b str,
    /// What stands behind the first `?`.
    pub query: Option<&'b str>,
    /// HTTP/1.1 (true) or HTTP/1.0 (false).
    pub http11: bool,
    /// The one Host (of an absolute-form target its authority); `None` only in HTTP/1.0.
    pub host: Option<&'b str>,
    /// All fields in order; names as they came.
    pub fields: Vec<(&'b str, &'b [u8])>,
    /// How long the body is.
    pub body: BodyLength,
    /// The connection may be used again after the answer.
    pub keep_alive: bool,
    /// `Expect: 100-continue` stands in the head.
    pub expects_continue: bool,
}

/// A request that is answered without a route: the status; the connection closes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub Status);
