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
///
/// `{}` prints the sentence alone, for chains of errors that print each source themselves; `{:#}` and
/// `{:?}` print the sources behind it, so that a `main` that returns one ends with a line to read.
pub struct Error {
    kind: ErrorKind,
    message: String,
    pub(super) status: Option<u16>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind; `message` says what was given, what was wanted and how to mend it.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            status: None,
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

    /// The same with the HTTP status that the peer answered.
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
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
        if !f.alternate() {
            return Ok(());
        }
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#} ({:?})", self.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_its_sources_once_wherever_it_is_printed() {
        let source = std::io::Error::other("no route to host");
        let error = Error::new(ErrorKind::Io, "cannot listen").with_source(source);
        assert_eq!(error.to_string(), "cannot listen");
        assert_eq!(format!("{error:#}"), "cannot listen: no route to host");
        assert_eq!(format!("{error:?}"), "cannot listen: no route to host (Io)");
        let outer = Error::new(ErrorKind::Config, "cannot start").with_source(error);
        assert_eq!(
            format!("{outer:#}"),
            "cannot start: cannot listen: no route to host"
        );
    }
}
