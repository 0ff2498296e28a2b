//! What the program did, for the peers to compare with what reached them.

use dunlin::{OpenTicket, SessionId, Ticket};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

/// Sessions that a command can name.
const KNOWN: usize = 32;

/// What the program did.
#[derive(Default)]
pub(crate) struct Record {
    /// Sessions whose open event accepted and whose close event is still to come.
    live: HashSet<SessionId>,
    pub(crate) opened: u64,
    pub(crate) closed: u64,
    /// What was said in each room, in order.
    pub(crate) rooms: BTreeMap<String, Vec<String>>,
    /// The latest sessions.
    pub(crate) known: Vec<SessionId>,
    pub(crate) opens: Vec<OpenTicket<()>>,
    pub(crate) answers: Vec<Ticket>,
    /// Calls that began, opened a session, and failed.
    pub(crate) calls: [u64; 3],
}

pub(crate) type Shared = Rc<RefCell<Record>>;

impl Record {
    /// A session is open.
    pub(crate) fn opened(&mut self, id: SessionId) {
        assert!(self.live.insert(id), "{id} was opened twice");
        self.opened += 1;
        self.known.truncate(KNOWN - 1);
        self.known.insert(0, id);
    }

    /// Something happened in a session.
    pub(crate) fn event(&self, id: SessionId, what: &str) {
        assert!(self.live.contains(&id), "{what} of {id}, which is not open");
    }

    /// A session is closed.
    pub(crate) fn closed(&mut self, id: SessionId) {
        assert!(self.live.remove(&id), "{id} was closed and was not open");
        self.closed += 1;
    }

    /// How many sessions are open.
    pub(crate) fn live(&self) -> u64 {
        self.live.len() as u64
    }

    /// What was said in a room so far.
    pub(crate) fn said(&self, room: &str) -> &[String] {
        self.rooms.get(room).map_or(&[], Vec::as_slice)
    }
}
