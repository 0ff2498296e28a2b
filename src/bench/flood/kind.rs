//! One kind of flood: its name, what it needs of a server, and what its connections do.

use super::super::site::Site;
use super::script::Script;
use std::io;

/// What a server must have for a flood to mean anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Need {
    /// The WebSocket that echoes: every server has it.
    Echo,
    /// permessage-deflate there.
    Deflate,
    /// Upgrades to paths that are not there are refused.
    Refusal,
    /// Plain HTTP requests are answered.
    Http,
    /// `/you-said` of `dunlin serve`, which takes at most 1 MiB.
    Said,
    /// The room `/flow` of `dunlin serve`: what one says all get.
    Flow,
    /// The rooms of `dunlin serve` under `/chat`.
    Rooms,
}

impl Need {
    /// In a few words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Echo => "a WebSocket",
            Self::Deflate => "permessage-deflate",
            Self::Refusal => "a path that is refused",
            Self::Http => "plain HTTP",
            Self::Said => "/you-said of dunlin",
            Self::Flow => "/flow of dunlin",
            Self::Rooms => "rooms of dunlin",
        }
    }
}

/// A kind of flood by its name on the command line.
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one line; the paths are those of `dunlin serve`.
    pub about: &'static str,
    /// Numbers of connections, one row each.
    pub counts: &'static [usize],
    /// What it needs.
    pub need: Need,
    groups: Groups,
}

/// Groups of connections for a number of them, each with its script.
#[derive(Clone, Copy)]
enum Groups {
    Fixed(fn(&Site, usize) -> Vec<(usize, Script)>),
    /// In a room, whose id the second function is given; the first one makes it.
    InRoom(
        fn(&Site) -> io::Result<String>,
        fn(&Site, usize, &str) -> Vec<(usize, Script)>,
    ),
}

impl Kind {
    /// A flood of the echo.
    pub const fn new(
        name: &'static str,
        about: &'static str,
        counts: &'static [usize],
        groups: fn(&Site, usize) -> Vec<(usize, Script)>,
    ) -> Self {
        Self {
            name,
            about,
            counts,
            need: Need::Echo,
            groups: Groups::Fixed(groups),
        }
    }

    /// A flood of a room of `dunlin serve` that is made before it begins.
    pub const fn in_room(
        name: &'static str,
        about: &'static str,
        counts: &'static [usize],
        make: fn(&Site) -> io::Result<String>,
        groups: fn(&Site, usize, &str) -> Vec<(usize, Script)>,
    ) -> Self {
        Self {
            name,
            about,
            counts,
            need: Need::Rooms,
            groups: Groups::InRoom(make, groups),
        }
    }

    /// The same with another need.
    pub const fn needs(mut self, need: Need) -> Self {
        self.need = need;
        self
    }

    /// What it does at this site: with the paths there.
    pub fn about_at(&self, site: &Site) -> String {
        let about = self.about.replace("/echo-raw", &site.echo);
        about.replace("/you-said", &site.said)
    }

    /// Makes the room of the flood, if it has one; its id.
    ///
    /// # Errors
    /// The server makes none.
    pub fn prepare(&self, site: &Site) -> io::Result<String> {
        match self.groups {
            Groups::Fixed(_) => Ok(String::new()),
            Groups::InRoom(make, _) => make(site),
        }
    }

    /// Groups of connections for a number of them; `room` is what [`Kind::prepare`] gave.
    pub fn groups(&self, site: &Site, count: usize, room: &str) -> Vec<(usize, Script)> {
        match self.groups {
            Groups::Fixed(groups) => groups(site, count),
            Groups::InRoom(_, groups) => groups(site, count, room),
        }
    }
}
