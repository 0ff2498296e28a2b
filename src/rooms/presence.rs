//! Who is said to have come and gone: not more than once a second for a name, and only the number in a
//! crowd. Who is back within a second was never away.

use super::RoomId;
use super::engine::Presence;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// How long it takes until somebody is said to be gone, and between two sayings of a kind; milliseconds.
pub(super) const PAUSE: u64 = 1000;

/// Members beyond which names are not told.
pub(super) const CROWD: usize = 500;

/// Entries that are kept for the next ones when there are none.
const KEPT: usize = 1024;

/// Something to tell.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct News {
    pub(super) room: RoomId,
    /// `None`: the number alone.
    pub(super) name: Option<Rc<str>>,
    pub(super) is_in: bool,
    pub(super) members: usize,
}

/// What the others of a room know of a name, and what is.
#[derive(Debug)]
struct State {
    told_in: bool,
    is_in: bool,
    /// When that changed last.
    since: u64,
    /// When each was told last.
    joined: Option<u64>,
    left: Option<u64>,
}

/// Changes of one room that are not settled.
#[derive(Debug)]
struct Unsettled {
    names: HashMap<Rc<str>, State>,
    members: usize,
    /// The least and the greatest number that somebody here was told last.
    told: (usize, usize),
    /// The number is looked at later, and told where somebody knows another one.
    is_counted: bool,
}

/// All that is not settled.
#[derive(Debug, Default)]
pub(super) struct Damper {
    rooms: HashMap<RoomId, Unsettled>,
    /// When to look at what; the name is `None` for the number of a crowd.
    due: VecDeque<(u64, RoomId, Option<Rc<str>>)>,
}

impl Damper {
    pub(super) fn is_settled(&self) -> bool {
        self.due.is_empty()
    }

    /// The room is gone, and nobody is left to be told.
    pub(super) fn forget(&mut self, room: RoomId) {
        self.rooms.remove(&room);
    }

    /// Somebody who was in already was told how many there are.
    pub(super) fn counted(&mut self, room: RoomId, members: usize) {
        if let Some(unsettled) = self.rooms.get_mut(&room) {
            unsettled.told_one(members);
        }
    }

    /// So many are in, and who came and went was missed: the number is told at once.
    pub(super) fn counted_anew(&mut self, room: RoomId, members: usize, now: u64) -> News {
        let unsettled = self
            .rooms
            .entry(room)
            .or_insert_with(|| Unsettled::new(members));
        unsettled.members = members;
        let (least, _) = std::mem::replace(&mut unsettled.told, (members, members));
        self.count(room, now);
        News {
            room,
            name: None,
            is_in: members >= least,
            members,
        }
    }

    /// Somebody who comes is told how many are in before it is told who came and went before it. The others were
    /// told `told`.
    pub(super) fn is_ahead(&mut self, room: RoomId, told: usize, members: usize, now: u64) {
        let unsettled = self
            .rooms
            .entry(room)
            .or_insert_with(|| Unsettled::new(told));
        // Where nobody was in here meanwhile, an older number may still wait to be told.
        unsettled.members = members;
        unsettled.told_one(members);
        self.count(room, now);
    }

    /// Somebody came; what is to be told at once.
    pub(super) fn arrived(&mut self, presence: &Presence, now: u64) -> Option<News> {
        self.changed(presence, true, now)
    }

    /// Somebody left: it is told later, if at all.
    pub(super) fn departed(&mut self, presence: &Presence, now: u64) {
        self.changed(presence, false, now);
    }

    fn changed(&mut self, presence: &Presence, is_in: bool, now: u64) -> Option<News> {
        let Presence { room, members, .. } = *presence;
        let unsettled = self.rooms.entry(room).or_insert_with(|| {
            let before = match (presence.is_counted, is_in) {
                (true, _) => members,
                (false, true) => members.saturating_sub(1),
                (false, false) => members + 1,
            };
            Unsettled::new(before)
        });
        unsettled.members = members;
        if is_in {
            // Whoever comes is told how many there are.
            unsettled.told_one(members);
        }
        let name = &presence.name;
        if members > CROWD && !unsettled.names.contains_key(name) {
            self.count(room, now);
            return None;
        }
        let state = unsettled.names.entry(Rc::clone(name)).or_insert(State {
            told_in: !is_in,
            is_in,
            since: now,
            joined: None,
            left: None,
        });
        (state.is_in, state.since) = (is_in, now);
        self.due
            .push_back((now + PAUSE, room, Some(Rc::clone(name))));
        if is_in && !state.told_in && rests(state.joined, now) {
            return Some(unsettled.tell_name(room, name, now));
        }
        if is_in || !state.told_in {
            // Who came meanwhile was told a number without it, or with it.
            self.count(room, now);
        }
        None
    }

    /// Looks at the number of members after a pause.
    fn count(&mut self, room: RoomId, now: u64) {
        if let Some(unsettled) = self.rooms.get_mut(&room)
            && !std::mem::replace(&mut unsettled.is_counted, true)
        {
            self.due.push_back((now + PAUSE, room, None));
        }
    }

    /// What is to be told at this time; called until there is nothing.
    pub(super) fn next(&mut self, now: u64) -> Option<News> {
        while let Some((at, _, _)) = self.due.front()
            && *at <= now
        {
            let (_, room, name) = self.due.pop_front()?;
            let Some(unsettled) = self.rooms.get_mut(&room) else {
                continue;
            };
            let news = match &name {
                None => unsettled.number_news(room),
                Some(name) => unsettled.name_news(room, name, now),
            };
            if news.is_some() {
                // What was told may be wrong again after a pause.
                self.due.push_back((now + PAUSE, room, name));
                return news;
            }
            if unsettled.names.is_empty() && !unsettled.is_counted {
                self.rooms.remove(&room);
            }
        }
        if self.due.is_empty() && self.rooms.is_empty() && self.due.capacity() > KEPT {
            // A crowd that has gone leaves nothing behind.
            *self = Self::default();
        }
        None
    }
}

impl Unsettled {
    fn new(told: usize) -> Self {
        Self {
            names: HashMap::new(),
            members: told,
            told: (told, told),
            is_counted: false,
        }
    }

    fn told_one(&mut self, members: usize) {
        let (least, most) = self.told;
        self.told = (least.min(members), most.max(members));
    }

    fn number_news(&mut self, room: RoomId) -> Option<News> {
        let members = self.members;
        let (least, most) = std::mem::replace(&mut self.told, (members, members));
        // What is told is looked at again after a pause.
        self.is_counted = (least, most) != (members, members);
        self.is_counted.then_some(News {
            room,
            name: None,
            is_in: members > least,
            members,
        })
    }

    fn name_news(&mut self, room: RoomId, name: &Rc<str>, now: u64) -> Option<News> {
        let state = self.names.get_mut(name)?;
        let told = if state.is_in {
            state.joined
        } else {
            state.left
        };
        let is_settled = state.is_in || rests(Some(state.since), now);
        if state.is_in != state.told_in && is_settled && rests(told, now) {
            return Some(self.tell_name(room, name, now));
        }
        if state.is_in == state.told_in && rests(state.joined, now) && rests(state.left, now) {
            self.names.remove(name);
        }
        None
    }

    fn tell_name(&mut self, room: RoomId, name: &Rc<str>, now: u64) -> News {
        let members = self.members;
        self.told = (members, members);
        News {
            room,
            name: Some(Rc::clone(name)),
            is_in: self
                .names
                .get_mut(name)
                .is_some_and(|state| state.tell(now)),
            members,
        }
    }
}

impl State {
    /// Notes that everybody is told now; of what.
    fn tell(&mut self, now: u64) -> bool {
        self.told_in = self.is_in;
        let told = if self.is_in {
            &mut self.joined
        } else {
            &mut self.left
        };
        *told = Some(now);
        self.is_in
    }
}

/// Whether a second has passed since this was told.
fn rests(told: Option<u64>, now: u64) -> bool {
    told.is_none_or(|told| told + PAUSE <= now)
}

#[cfg(test)]
mod tests;
