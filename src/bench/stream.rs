//! A connection that floods and bystanders read and write as they like: TCP, and TLS on it where the site has that.
//!
//! It never decides when to wait: with a socket that does not wait it says `WouldBlock`, as the socket does.

use super::site::Site;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A connection over a socket of this kind.
pub struct Stream<S> {
    socket: S,
    #[cfg(feature = "tls")]
    tls: Option<secured::Shared>,
}

impl<S: Read + Write> Stream<S> {
    /// On a socket that is connected, or about to be.
    ///
    /// # Errors
    /// Nobody is to be believed.
    pub fn on(socket: S, site: &Site) -> io::Result<Self> {
        #[cfg(not(feature = "tls"))]
        let _ = site;
        Ok(Self {
            socket,
            #[cfg(feature = "tls")]
            tls: secured::of(site)?,
        })
    }

    /// For what is asked of the system: not for reading or writing.
    pub fn socket(&mut self) -> &mut S {
        &mut self.socket
    }
}

impl Stream<TcpStream> {
    /// Connects and waits for that, at most so long.
    ///
    /// # Errors
    /// What the kernel says; nobody is to be believed.
    pub fn connect(site: &Site, limit: Duration) -> io::Result<Self> {
        Self::on(TcpStream::connect_timeout(&site.address, limit)?, site)
    }

    /// The same connection for another thread: one reads, one writes.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            socket: self.socket.try_clone()?,
            #[cfg(feature = "tls")]
            tls: self.tls.clone(),
        })
    }
}

impl<S: Read + Write> Read for Stream<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return secured::read(tls, &mut self.socket, buffer);
        }
        self.socket.read(buffer)
    }
}

impl<S: Read + Write> Write for Stream<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return secured::write(tls, &mut self.socket, bytes);
        }
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return secured::flush(tls, &mut self.socket);
        }
        self.socket.flush()
    }
}

#[cfg(feature = "tls")]
mod secured {
    use super::super::site::Site;
    use dunlin::client::{ClientConnection, secured};
    use std::io::{self, ErrorKind, Read, Write};
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    /// Bytes that are read at a time, and written: a record.
    const RECORD: usize = 16 << 10;

    /// One that reads and one that writes share it. It is not locked while bytes are waited for that are to come.
    pub(super) type Shared = Arc<Mutex<State>>;

    pub(super) struct State {
        tls: ClientConnection,
        /// Records that arrived and were not looked at.
        arrived: Vec<u8>,
    }

    pub(super) fn of(site: &Site) -> io::Result<Option<Shared>> {
        let Some((name, trust)) = &site.secure else {
            return Ok(None);
        };
        let tls = secured(name, trust).map_err(|error| io::Error::other(format!("{error:#}")))?;
        let arrived = Vec::new();
        Ok(Some(Arc::new(Mutex::new(State { tls, arrived }))))
    }

    fn lock(shared: &Shared) -> MutexGuard<'_, State> {
        shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read(
        shared: &Shared,
        socket: &mut (impl Read + Write),
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        let mut raw = [0; RECORD];
        loop {
            let mut state = lock(shared);
            match state.tls.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // An end without a word is one, too.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            if state.arrived.is_empty() {
                drop(state);
                let read = socket.read(&mut raw)?;
                state = lock(shared);
                state.arrived.extend_from_slice(&raw[..read]);
                if read == 0 {
                    state.tls.read_tls(&mut io::empty())?;
                    let _ = state.tls.process_new_packets();
                    continue;
                }
            }
            let State { tls, arrived } = &mut *state;
            let mut rest = &arrived[..];
            tls.read_tls(&mut rest)?;
            let taken = arrived.len() - rest.len();
            arrived.drain(..taken);
            let looked_at = tls.process_new_packets();
            // An alert that says why, or the rest of a handshake and what waited for it.
            match send(tls, socket) {
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
            looked_at.map_err(io::Error::other)?;
        }
    }

    pub(super) fn write(
        shared: &Shared,
        socket: &mut impl Write,
        bytes: &[u8],
    ) -> io::Result<usize> {
        let mut state = lock(shared);
        if !state.tls.is_handshaking() {
            // What was said before goes first, so that no more than a record waits here.
            send(&mut state.tls, socket)?;
        }
        let written = state
            .tls
            .writer()
            .write(&bytes[..bytes.len().min(RECORD)])?;
        match send(&mut state.tls, socket) {
            Err(error) if error.kind() == ErrorKind::WouldBlock && written > 0 => {}
            Err(error) => return Err(error),
            Ok(()) if written == 0 => return Err(ErrorKind::WouldBlock.into()),
            Ok(()) => {}
        }
        Ok(written)
    }

    pub(super) fn flush(shared: &Shared, socket: &mut impl Write) -> io::Result<()> {
        send(&mut lock(shared).tls, socket)
    }

    /// Writes the records that are ready.
    fn send(tls: &mut ClientConnection, socket: &mut impl Write) -> io::Result<()> {
        while tls.wants_write() {
            if tls.write_tls(socket)? == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }
}
