//! By which field proxies say who stands behind them.

/// Which field of a request tells where it comes from, where a trusted proxy sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedBy {
    /// `X-Forwarded-For`, and `X-Forwarded-Proto` for the scheme: the default.
    XForwardedFor,
    /// `Forwarded` (RFC 7239): its `for=` and `proto=`.
    Forwarded,
}

impl ForwardedBy {
    pub(super) const WORDS: &'static [&'static str] = &["x-forwarded-for", "forwarded"];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::XForwardedFor => Self::WORDS[0],
            Self::Forwarded => Self::WORDS[1],
        }
    }
}
