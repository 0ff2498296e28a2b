//! The kinds of floods, by what they make dear. Each file is one corner of the protocol.

mod close;
mod connect;
mod control;
mod deflate;
mod http;
mod room;
mod text;

use std::io;

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
    /// Groups of connections for a number of them.
    pub(super) groups: fn(usize) -> Vec<(usize, Script)>,
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
            groups,
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
