//! What a service manager gives and wants to know: sockets that listen already, and how the service is.
//!
//! Sockets come as descriptors from 3 on (`LISTEN_FDS`, sd_listen_fds(3)); what is told goes as datagrams
//! to a Unix socket (`NOTIFY_SOCKET`, sd_notify(3)). Neither needs systemd: other managers speak the same.
//! Telling never waits: what the manager does not take is lost.

use super::exit::CommandFailure;
use listenfd::ListenFd;
use rustix::time::{ClockId, clock_gettime};
use std::env;
use std::os::fd::OwnedFd;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The name of the socket that is for operators (`FileDescriptorName=` of the unit).
const ADMIN: &str = "admin";

/// A socket that the manager made.
pub(super) struct Inherited {
    pub(super) socket: OwnedFd,
    pub(super) is_admin: bool,
}

/// Takes over the sockets that were given to this process. Call it once, before there is a thread.
///
/// # Errors
/// A descriptor that is no stream socket of TCP or Unix.
pub(super) fn inherited() -> Result<Vec<Inherited>, CommandFailure> {
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut given = ListenFd::from_env();
    (0..given.len())
        .map(|index| {
            let socket = socket(&mut given, index).map_err(|error| {
                CommandFailure::configuration(format!(
                    "the service manager gave a descriptor that cannot be used: {error}\n\
                     wanted: listening sockets, ListenStream= in the socket unit"
                ))
            })?;
            let is_admin = names.split(':').nth(index) == Some(ADMIN);
            Ok(Inherited { socket, is_admin })
        })
        .collect()
}

fn socket(given: &mut ListenFd, index: usize) -> std::io::Result<OwnedFd> {
    if let Ok(Some(socket)) = given.take_unix_listener(index) {
        return Ok(socket.into());
    }
    match given.take_tcp_listener(index)? {
        Some(socket) => Ok(socket.into()),
        None => Err(std::io::Error::other("it is not there")),
    }
}

/// The way to a service manager.
#[derive(Debug)]
pub(super) struct Notifier {
    socket: UnixDatagram,
    manager: SocketAddr,
}

impl Notifier {
    /// The manager of this process; `None`: there is none, or it cannot be spoken to.
    pub(super) fn from_env() -> Option<Self> {
        let name = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty())?;
        let made = Self::to(&name);
        if let Err(error) = &made {
            log::warn!("the service manager at {name:?} cannot be told anything: {error}");
        }
        made.ok()
    }

    fn to(name: &std::ffi::OsStr) -> std::io::Result<Self> {
        let manager = match name.as_encoded_bytes() {
            #[cfg(target_os = "linux")]
            [b'@', name @ ..] => {
                use std::os::linux::net::SocketAddrExt;
                SocketAddr::from_abstract_name(name)?
            }
            _ => SocketAddr::from_pathname(name)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, manager })
    }

    /// Tells it something: lines of `NAME=value`.
    pub(super) fn tell(&self, state: &str) {
        if let Err(error) = self.socket.send_to_addr(state.as_bytes(), &self.manager) {
            log::debug!("the service manager was not told {state:?}: {error}");
        }
    }

    /// The configuration is being read again; `READY=1` ends that (sd_notify(3), `RELOADING=1`).
    pub(super) fn tell_reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let now = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1_000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={now}"));
    }

    /// The end has begun, and takes no longer than this.
    pub(super) fn tell_stopping(&self, most: Duration) {
        let most = most.as_micros();
        self.tell(&format!(
            "STOPPING=1\nEXTEND_TIMEOUT_USEC={most}\nSTATUS=Closing every session"
        ));
    }
}

/// How often the manager wants to hear from the loop before it takes this process for stuck; `None`: never.
pub(super) fn watchdog() -> Option<Duration> {
    let read = |name: &str| env::var(name).ok()?.parse::<u64>().ok();
    let is_other = read("WATCHDOG_PID").is_some_and(|id| id != u64::from(std::process::id()));
    let within = read("WATCHDOG_USEC").filter(|within| *within > 0 && !is_other)?;
    Some(Duration::from_micros(within))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_manager_does_not_take_is_lost_and_nobody_waits() {
        let name = format!("dunlin-notify-{}", std::process::id());
        let path = env::temp_dir().join(name);
        let manager = UnixDatagram::bind(&path).unwrap();
        let notifier = Notifier::to(path.as_os_str()).unwrap();
        for _ in 0..10_000 {
            notifier.tell("STATUS=busy");
        }
        let mut datagram = [0; 64];
        let length = manager.recv(&mut datagram).unwrap();
        assert_eq!(&datagram[..length], b"STATUS=busy");
        drop(manager);
        notifier.tell("READY=1");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_reload_tells_a_time_that_goes_on() {
        let path = env::temp_dir().join(format!("dunlin-reload-{}", std::process::id()));
        let manager = UnixDatagram::bind(&path).unwrap();
        let notifier = Notifier::to(path.as_os_str()).unwrap();
        let heard = || {
            let mut datagram = [0; 64];
            let length = manager.recv(&mut datagram).unwrap();
            let text = String::from_utf8(datagram[..length].to_vec()).unwrap();
            let time = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
            time.expect("a time").parse::<u64>().unwrap()
        };
        notifier.tell_reloading();
        let first = heard();
        notifier.tell_reloading();
        assert!(heard() >= first && first > 0);
        std::fs::remove_file(path).unwrap();
    }
}
