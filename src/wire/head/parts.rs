//! The limits of a head, and the parts that it is made of.

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

impl Method {
    /// The token on the wire; empty for [`Method::Other`].
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Other => "",
        }
    }
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
