//! The kinds of floods, by what they make dear. Each file is one corner of the protocol.

mod close;
mod connect;
mod control;
mod deflate;
mod http;
mod room;
mod rooms;
mod text;

use std::io;
use std::net::SocketAddr;

use super::script::Script;
use crate::proc::Server;
use crate::scenario::Plan;

/// A kind of flood by its name on the command line.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Numbers of connections, one row each.
    pub(crate) counts: &'static [usize],
    /// Which server is flooded.
    pub(super) server: Target,
    groups: Groups,
}

/// Groups of connections for a number of them, each with its script.
#[derive(Clone, Copy)]
enum Groups {
    Fixed(fn(usize) -> Vec<(usize, Script)>),
    /// In a room, whose id the second function is given; the first one makes it.
    InRoom(
        fn(SocketAddr) -> io::Result<String>,
        fn(usize, &str) -> Vec<(usize, Script)>,
    ),
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Target {
    /// `dunlin serve`.
    Ready,
    /// The program of `own_app`, in a process of this benchmark.
    Own,
}

impl Kind {
    /// A flood of `dunlin serve` whose connections are all alike.
    const fn new(
        name: &'static str,
        about: &'static str,
        counts: &'static [usize],
        groups: fn(usize) -> Vec<(usize, Script)>,
    ) -> Self {
        Self {
            name,
            about,
            counts,
            server: Target::Ready,
            groups: Groups::Fixed(groups),
        }
    }

    /// A flood of a room of `dunlin serve` that is made before it begins.
    const fn in_room(
        name: &'static str,
        about: &'static str,
        counts: &'static [usize],
        make: fn(SocketAddr) -> io::Result<String>,
        groups: fn(usize, &str) -> Vec<(usize, Script)>,
    ) -> Self {
        Self {
            name,
            about,
            counts,
            server: Target::Ready,
            groups: Groups::InRoom(make, groups),
        }
    }

    /// Makes the room of the flood, if it has one; its id.
    pub(super) fn prepare(&self, server: SocketAddr) -> io::Result<String> {
        match self.groups {
            Groups::Fixed(_) => Ok(String::new()),
            Groups::InRoom(make, _) => make(server),
        }
    }

    /// Groups of connections for a number of them.
    pub(super) fn groups(&self, count: usize, room: &str) -> Vec<(usize, Script)> {
        match self.groups {
            Groups::Fixed(groups) => groups(count),
            Groups::InRoom(_, groups) => groups(count, room),
        }
    }

    pub(super) fn start(&self, plan: &Plan) -> io::Result<Server> {
        match self.server {
            Target::Ready => plan.dunlin(),
            Target::Own => plan.itself("own-app"),
        }
    }

    /// The same against the program of this benchmark.
    const fn own(mut self) -> Self {
        self.server = Target::Own;
        self
    }
}

/// Every kind, in the order of the table.
pub(crate) fn all() -> impl Iterator<Item = &'static Kind> {
    [
        deflate::KINDS,
        text::KINDS,
        control::KINDS,
        room::KINDS,
        rooms::KINDS,
        http::KINDS,
        connect::KINDS,
        close::KINDS,
    ]
    .into_iter()
    .flatten()
}

/// Connections of which a third flood, a third do not read, and a third stop in the middle of a message.
pub(super) fn storm(connections: usize) -> Vec<(usize, Script)> {
    text::storm(connections)
}
