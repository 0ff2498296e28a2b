//! Who plays: honest peers, whose answers are checked, and those that lie, flood, stall and talk nonsense.
//!
//! Any of them may also read slowly, stop reading, or vanish: that is done to its line and not by it.

mod browser;
mod hostile;
mod members;
mod servers;
mod talkers;

pub(crate) use members::Den;
pub(crate) use servers::Servers;

use super::record::Shared;
use dunlin::testing::{Line, Sim};
use rand::RngExt;
use rand::rngs::StdRng;
use std::net::Ipv4Addr;

/// The kinds of peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Echo,
    Talker,
    Reader,
    Browser,
    Member,
    Driver,
    Liar,
    Flood,
    Staller,
    Garbage,
}

impl Kind {
    pub(crate) const ALL: [Self; 10] = [
        Self::Echo,
        Self::Talker,
        Self::Reader,
        Self::Browser,
        Self::Member,
        Self::Driver,
        Self::Liar,
        Self::Flood,
        Self::Staller,
        Self::Garbage,
    ];
}

/// One who plays.
pub(crate) trait Player {
    fn line(&self) -> &Line;

    /// Says something.
    fn act(&mut self, random: &mut StdRng);

    /// Looks at what has arrived.
    fn look(&mut self) {}

    /// Nothing goes wrong any more, and the server rests: all that it waited for must be here, if it is still
    /// connected.
    fn settled(&mut self) {}

    /// Things that reached it and were checked.
    fn checked(&self) -> u64 {
        0
    }
}

/// What all of them share.
pub(crate) struct Setting {
    pub(crate) record: Shared,
    /// A room with history.
    pub(crate) den: Option<Den>,
}

/// A new one, and its connection.
pub(crate) fn enter(
    kind: Kind,
    number: u64,
    sim: &Sim,
    setting: &Setting,
    random: &mut StdRng,
) -> Box<dyn Player> {
    let host = random.random_range(1..6);
    let line = sim.connect_from(Ipv4Addr::new(10, 1, 0, host).into());
    if random.random_ratio(1, 3) {
        line.set_capacity(random.random_range(50..9000));
    }
    if random.random_ratio(1, 5) {
        line.trickle(random.random_range(1..80));
    }
    match kind {
        Kind::Echo => Box::new(talkers::Echo::new(&line, number, random)),
        Kind::Talker => Box::new(talkers::Talker::new(&line, setting, random)),
        Kind::Reader => Box::new(talkers::Reader::new(&line, setting, random)),
        Kind::Browser => Box::new(browser::Browser::new(line, sim)),
        Kind::Member => Box::new(members::Member::new(&line, number, setting.den.as_ref())),
        Kind::Driver => Box::new(hostile::Driver::new(&line, random)),
        Kind::Liar => Box::new(hostile::Liar::new(&line, random)),
        Kind::Flood => Box::new(hostile::Flood::new(&line, random)),
        Kind::Staller => Box::new(hostile::Staller::new(line)),
        Kind::Garbage => Box::new(hostile::Garbage(line)),
    }
}

/// Whether a peer on this line is still served, and has heard nothing of an end.
fn is_alive(line: &Line) -> bool {
    line.end().is_none() && !line.is_over() && line.id().is_some()
}
