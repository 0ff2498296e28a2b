//! What an error of the system means for a connection or for a listener.
//!
//! One table for every [`Io`](super::Io): that of real sockets judges what the kernel says by it, and the
//! simulation judges the errors that it makes up by it, so that its tests are tests of this table, too.

use super::io::AcceptError;
use std::io;

/// What an error of a read, or of a send, means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// Nothing can be moved now; an event will tell when that changes.
    Blocked,
    /// A signal came between: the same call is made again at once.
    Interrupted,
    /// The system is short of memory or buffers. The connection is sound, but no event will tell when
    /// that changes: the call is to be made again a little later.
    Short,
    /// The connection is broken.
    Lost,
}

/// What an error of a read, or of a send, means.
pub fn of_transfer(error: &io::Error) -> Hindrance {
    match error.kind() {
        io::ErrorKind::WouldBlock => Hindrance::Blocked,
        io::ErrorKind::Interrupted => Hindrance::Interrupted,
        _ => match error.raw_os_error() {
            Some(libc::ENOBUFS | libc::ENOMEM) => Hindrance::Short,
            _ => Hindrance::Lost,
        },
    }
}

/// What an error of accept(2) means.
pub fn of_accept(error: io::Error) -> AcceptError {
    match error.kind() {
        io::ErrorKind::WouldBlock => AcceptError::Empty,
        _ if is_of_one_connection(&error) => AcceptError::Gone,
        _ => AcceptError::Exhausted(error),
    }
}

/// Errors that belong to the connection that was to be accepted, and not to the listener. Linux passes
/// the network's errors of that connection on: accept(2), "Error handling".
fn is_of_one_connection(error: &io::Error) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if error.raw_os_error() == Some(libc::ENONET) {
        return true;
    }
    matches!(
        error.raw_os_error(),
        Some(
            libc::ECONNABORTED
                | libc::ECONNRESET
                | libc::EHOSTDOWN
                | libc::EHOSTUNREACH
                | libc::EINTR
                | libc::ENETDOWN
                | libc::ENETUNREACH
                | libc::ENOPROTOOPT
                | libc::EPERM
                | libc::EPROTO
                | libc::ETIMEDOUT
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(errno: i32) -> Hindrance {
        of_transfer(&io::Error::from_raw_os_error(errno))
    }

    #[test]
    fn a_system_that_is_short_of_buffers_has_broken_no_connection() {
        for errno in [libc::ENOBUFS, libc::ENOMEM] {
            assert_eq!(transfer(errno), Hindrance::Short);
        }
        assert_eq!(transfer(libc::EAGAIN), Hindrance::Blocked);
        assert_eq!(transfer(libc::EINTR), Hindrance::Interrupted);
        for errno in [libc::EPIPE, libc::ECONNRESET, libc::ETIMEDOUT, libc::EIO] {
            assert_eq!(transfer(errno), Hindrance::Lost);
        }
    }

    #[test]
    fn what_one_connection_met_does_not_pause_its_listener() {
        for errno in [
            libc::ECONNABORTED,
            libc::EHOSTUNREACH,
            libc::EINTR,
            libc::ENETDOWN,
            libc::EPERM,
            libc::EPROTO,
        ] {
            let error = of_accept(io::Error::from_raw_os_error(errno));
            assert!(matches!(error, AcceptError::Gone), "{error:?}");
        }
        for errno in [
            libc::EMFILE,
            libc::ENFILE,
            libc::ENOBUFS,
            libc::ENOMEM,
            libc::EBADF,
        ] {
            let error = of_accept(io::Error::from_raw_os_error(errno));
            assert!(matches!(error, AcceptError::Exhausted(_)), "{error:?}");
        }
        let error = of_accept(io::Error::from_raw_os_error(libc::EAGAIN));
        assert!(matches!(error, AcceptError::Empty), "{error:?}");
    }
}
