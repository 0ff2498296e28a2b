//! Secured connections: TLS between a socket and the hub.
//!
//! The loop has one buffer for what arrives and one for what is sent. Of a connection is kept what cannot
//! be opened yet and what the kernel does not take, in buffers that go when they are empty.

use super::connection::{Connection, MOST_READ};
use super::socket::Stream;
use crate::app::Identity;
use crate::hub::Lost;
use crate::net::tls::{Sealed, Session, Tls, client_config, server_name};
use crate::turn::{HandshakeStep, Read};
use crate::wire::error::Result as Outcome;

/// The buffer for what arrives: as much as one read asks for, behind the largest handshake that is kept.
const SPACE: usize = MOST_READ + (96 << 10);
/// All of them, and the buffers that they share.
#[derive(Default)]
pub(super) struct Secured {
    connections: Vec<Option<Box<Connection>>>,
    space: Vec<u8>,
    sealed: Sealed,
    held: usize,
}

impl std::fmt::Debug for Secured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secured")
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}

impl Secured {
    pub(super) fn accept(&mut self, key: u32, tls: Tls) {
        self.put(key, Session::of_server(tls));
    }

    pub(super) fn dial(&mut self, key: u32, identity: &Identity) -> Outcome<()> {
        let name = server_name(&identity.name)?;
        self.put(
            key,
            Session::of_client(client_config(&identity.trust)?, name),
        );
        Ok(())
    }

    fn put(&mut self, key: u32, session: Session) {
        let index = key as usize;
        if index >= self.connections.len() {
            self.connections.resize_with(index + 1, || None);
        }
        self.connections[index] = Some(Box::new(Connection::new(session)));
    }

    fn at(&mut self, key: u32) -> Option<&mut Connection> {
        self.connections.get_mut(key as usize)?.as_deref_mut()
    }

    /// Works on one connection, and keeps the account of what is held.
    fn on<R>(
        &mut self,
        key: u32,
        work: impl FnOnce(&mut Connection, &mut Vec<u8>, &mut Sealed) -> R,
    ) -> Option<R> {
        let connection = self.connections.get_mut(key as usize)?.as_deref_mut()?;
        let before = connection.held();
        self.sealed.clear();
        let outcome = work(connection, &mut self.space, &mut self.sealed);
        self.held = self.held + connection.held() - before;
        Some(outcome)
    }

    pub(super) fn read(
        &mut self,
        key: u32,
        stream: &mut Stream,
        buffer: &mut [u8],
    ) -> Result<Read, Lost> {
        self.on(key, |connection, space, sealed| {
            space.resize(SPACE, 0);
            connection.read(stream, buffer, space, sealed)
        })
        .unwrap_or(Err(Lost))
    }

    pub(super) fn handshake(&mut self, key: u32, stream: &mut Stream) -> HandshakeStep {
        let step = self.on(key, |connection, _, sealed| {
            connection.handshake(stream, sealed)
        });
        step.unwrap_or(HandshakeStep {
            work: 0,
            is_done: false,
            is_lost: true,
        })
    }

    pub(super) fn send(
        &mut self,
        key: u32,
        stream: &mut Stream,
        parts: [&[u8]; 2],
    ) -> Result<usize, Lost> {
        self.on(key, |connection, _, sealed| {
            connection.send(stream, parts, sealed)
        })
        .unwrap_or(Err(Lost))
    }

    pub(super) fn flush(&mut self, key: u32, stream: &mut Stream) -> Result<usize, Lost> {
        self.on(key, |connection, _, _| connection.flush_noted(stream))
            .unwrap_or(Ok(0))
    }

    pub(super) fn shutdown_write(&mut self, key: u32, stream: &mut Stream) {
        let _ = self.on(key, |connection, _, sealed| connection.end(stream, sealed));
    }

    pub(super) fn wants_flush(&mut self, key: u32) -> bool {
        self.at(key)
            .is_some_and(|connection| connection.wants_flush())
    }

    pub(super) fn is_all_sent(&mut self, key: u32) -> bool {
        self.at(key)
            .is_none_or(|connection| connection.unsent() == 0)
    }

    pub(super) fn is_agreed(&mut self, key: u32) -> bool {
        self.at(key)
            .is_some_and(|connection| connection.is_agreed())
    }

    pub(super) fn why_lost(&mut self, key: u32) -> Option<String> {
        self.at(key)?.why_lost()
    }

    pub(super) fn close(&mut self, key: u32) {
        if let Some(connection) = self
            .connections
            .get_mut(key as usize)
            .and_then(Option::take)
        {
            self.held -= connection.held();
        }
    }

    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn most_held(&self) -> Option<(u32, usize)> {
        let held = |(key, connection): (usize, &Option<Box<Connection>>)| {
            let held = connection.as_ref()?.held();
            (held > 0).then_some((key as u32, held))
        };
        let all = self.connections.iter().enumerate().filter_map(held);
        all.max_by_key(|(_, held)| *held)
    }
}
