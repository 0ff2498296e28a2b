//! Connection tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA256 (RFC 7515, RFC 7518 §3.2).
//!
//! A token says who somebody is, until when, and which rooms that one may enter. It is signed with a key
//! that the server and whoever makes tokens share. There is one algorithm: a token that names another, or
//! none, is refused before anything of it is believed. No clock is here: the time comes in.

mod claims;
mod keys;
#[cfg(test)]
mod tests;

pub use claims::Claims;
pub use keys::Keys;

use std::fmt;

/// The longest token that is looked at, bytes.
pub const MOST_BYTES: usize = 4096;

/// Clocks may differ by so many seconds: a token is good so much longer, and earlier, than it says.
pub const LEEWAY: u64 = 10;

/// Why a token is refused. Nothing of the token is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// There is none.
    Missing,
    /// It is no token, or has a claim that cannot be understood; what is wrong with it.
    Malformed(&'static str),
    /// It is signed in another way than HMAC-SHA256, or not at all.
    Algorithm,
    /// It names a key (`kid`) that is not here.
    UnknownKey,
    /// No key that is here has signed it.
    Signature,
    /// It has expired.
    Expired,
    /// It is not good yet.
    NotYet,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "a token is wanted: as Authorization: Bearer, as token in the query, or as a subprotocol",
            Self::Malformed(problem) => problem,
            Self::Algorithm => "the token is not signed with HS256",
            Self::UnknownKey => "the token names a key that this server does not have",
            Self::Signature => "the signature of the token is wrong",
            Self::Expired => "the token has expired",
            Self::NotYet => "the token is not good yet",
        })
    }
}

impl std::error::Error for TokenError {}
