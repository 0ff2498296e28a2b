//! Connections to other servers that are no sessions: their bytes go to a program as they come.
//!
//! They are made, secured, read, written and let go as calls of WebSockets are. They are not counted
//! among connections, have no deadline once they are made, and go last when the server stops.

use crate::app::any_route::AnyRoute;
use crate::app::{Context, Progress, SessionId};
use crate::hub::conn::flags::Flags;
use crate::hub::conn::handshake::Linked;
use crate::hub::conn::phase::{Phase, State};
use crate::hub::core::{Core, Hub, HubContext};
use crate::hub::transport::Transport;
use crate::hub::ws::events::guarded;
use crate::wire::error::{Error, ErrorKind};
use crate::wire::work::price;

impl Core {
    /// Connections, without those that are no sessions and never will be.
    pub(crate) fn connections(&self) -> usize {
        self.slots.len() - self.links
    }

    /// Whether the connections of a route are no sessions.
    pub(crate) fn is_link(&self, route: u16) -> bool {
        self.rules
            .get(route as usize)
            .is_some_and(|rules| rules.link)
    }

    /// The connection of a link is made.
    fn begin_link(&mut self, key: u32) {
        self.deadlines.clear(key);
        self.keep(key, |slot| {
            if let Phase::Dialling(Some(handshake)) = &mut slot.phase {
                let call = handshake.call.clone();
                let has_more = false;
                slot.phase = Phase::Link(Box::new(Linked { call, has_more }));
                // Nothing of it is a frame that could be dropped.
                slot.flags.set(Flags::SPEAKS_HTTP);
            }
        });
    }

    /// The program of a link does not want it any more.
    pub(crate) fn close_link(&mut self, key: u32) {
        let message = "the program has closed the connection";
        self.end_link(key, Error::new(ErrorKind::Closed, message));
    }

    /// Ends a link for another reason than that its connection broke.
    fn end_link(&mut self, key: u32, error: Error) {
        self.lost(key);
        if let Phase::Dead(Some(failed)) = &mut self.slot(key).phase {
            failed.error = Some(error);
        }
    }
}

impl Hub {
    /// Whether this connection is no session, and is read before all others.
    pub(crate) fn is_link(&self, id: SessionId) -> bool {
        let key = self.core.key_of(id);
        key.is_some_and(|key| self.core.slots[key as usize].state() == State::Link)
    }

    /// Bytes of a link arrived, or its program goes on with what it has.
    pub(crate) fn linked(&mut self, io: &mut dyn Transport, key: u32, bytes: &[u8]) {
        self.core.work.charge(price::EVENT);
        self.core
            .work
            .charge_bytes(bytes.len(), price::BYTES_COPIED);
        let progress = self.call_link(io, key, |route, context, id| {
            route.received(context, id, bytes)
        });
        if let Some(progress) = progress
            && let Phase::Link(linked) = &mut self.core.slot(key).phase
        {
            linked.has_more = progress == Progress::HasMore;
        }
    }

    /// The connection of a link is made: its program is told.
    pub(super) fn link_connected(&mut self, io: &mut dyn Transport, key: u32) {
        self.core.begin_link(key);
        self.call_link(io, key, |route, context, id| route.connected(context, id));
    }

    /// Calls the program of a link; a panic ends the connection.
    fn call_link<R>(
        &mut self,
        io: &mut dyn Transport,
        key: u32,
        event: impl FnOnce(&mut dyn AnyRoute, &mut Context<'_>, SessionId) -> R,
    ) -> Option<R> {
        let slot = self.core.slot(key);
        let (id, number) = (slot.id(key), slot.route);
        let route = &mut *self.routes[number as usize];
        let called = guarded(&mut self.core, io, |context: &mut HubContext<'_>| {
            event(
                route,
                &mut Context::new(context, number, SessionId::NOBODY),
                id,
            )
        });
        if called.is_none() {
            log::error!(connection:% = id; "the program of link {id} panicked; its connection ends");
            let message = "the program panicked";
            self.core
                .end_link(key, Error::new(ErrorKind::Panicked, message));
        }
        called
    }

    /// Tells links, once, when they are all that is left of a server that stops.
    pub(crate) fn stop_links(&mut self, io: &mut dyn Transport) {
        let shutdown = self.core.shutdown.as_mut();
        if !shutdown.is_some_and(|shutdown| std::mem::take(&mut shutdown.tells_links)) {
            return;
        }
        let links = self.core.slots.iter();
        let links = links.filter(|(_, slot)| self.core.is_link(slot.route));
        let links: Vec<u32> = links.map(|(key, _)| key as u32).collect();
        for key in links {
            match self.core.slot(key).state() {
                State::Link => {
                    self.call_link(io, key, |route, context, id| route.is_last(context, id));
                }
                State::Dialling => self.core.cancel_call(key),
                _ => {}
            }
        }
    }
}
