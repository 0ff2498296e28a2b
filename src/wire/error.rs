//! The crate's error: what was attempted, what went wrong, and what kind of thing that was.

use std::fmt;

/// A result with the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting, route or address that cannot be used; nothing was started.
    Config,
    /// The operating system refused: listen, accept, connect, read, write.
    Io,
    /// The peer broke HTTP or the WebSocket protocol.
    Protocol,
    /// A limit was passed.
    Limit,
    /// Too much waits already; the same may be taken later.
    Full,
    /// The peer refused the upgrade with an HTTP status.
    Refused,
    /// The connection or the server is closed.
    Closed,
    /// A time limit passed.
    Timeout,
    /// A payload that does not have the wanted shape.
    Data,
    /// Code of the program panicked where the library could not go on.
    Panicked,
}

/// An error of the library: a kind to match on and a sentence to read.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind; `message` says what was given, what was wanted and how to mend it.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// The same with the error that caused it.
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}
