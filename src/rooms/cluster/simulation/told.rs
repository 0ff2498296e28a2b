//! What nodes tell, held against what must be true.

use super::witness::Who;
use super::world::{Wanted, World};
use crate::rooms::RoomError;
use crate::rooms::engine::{Engine, EngineEvent, Outcome, Place, Token};

impl World {
    /// What a node tells.
    pub(super) fn hear(&mut self, at: usize) -> Result<(), String> {
        while let Some(living) = &mut self.nodes[at]
            && let Some(event) = living.node.poll()
        {
            let life = living.life;
            if self.traces {
                println!("{:>6} node {life}: {event:?}", self.now);
            }
            match event {
                EngineEvent::Done(token, outcome) => self.done(at, token, outcome)?,
                EngineEvent::Message {
                    room,
                    epoch,
                    message,
                    own,
                } => {
                    let count = self.witness.delivered(life, room, epoch, &message)?;
                    self.seen.deliveries += count;
                    if let Some(token) = own {
                        self.done(at, token, Ok(Outcome::Published(epoch, message)))?;
                    }
                }
                EngineEvent::Epoch { room, begun } => {
                    self.seen.epochs += 1;
                    self.witness.began(life, room, begun);
                }
                EngineEvent::Gap { room, from, upto } => {
                    self.seen.gaps += 1;
                    self.witness.gap(life, room, from, upto)?;
                }
                EngineEvent::Replaced { room, place } => {
                    living.members.remove(&(room, place));
                    self.witness.left((life, place), room);
                }
                EngineEvent::Closed { room, .. } => {
                    living.members.retain(|(of, _), _| *of != room);
                    // Their sessions are closed, and say so.
                    let all = std::mem::take(&mut living.followers);
                    for (of, place) in all {
                        if of == room {
                            living.node.unfollow(of);
                        } else {
                            living.followers.insert((of, place));
                        }
                    }
                    self.witness.closed(life, room);
                }
                EngineEvent::Arrived(presence) | EngineEvent::Departed(presence) => {
                    living.counts.insert(presence.room, presence.members);
                }
                EngineEvent::Counted { room, members } => {
                    living.counts.insert(room, members);
                }
            }
        }
        Ok(())
    }

    fn done(
        &mut self,
        at: usize,
        token: Token,
        outcome: Result<Outcome, RoomError>,
    ) -> Result<(), String> {
        let Some(living) = &mut self.nodes[at] else {
            return Ok(());
        };
        let life = living.life;
        let Some(wanted) = living.wanted.remove(&token) else {
            return Err(format!("token {token} has a second outcome: {outcome:?}"));
        };
        if matches!(outcome, Err(RoomError::Unavailable)) {
            self.seen.refused += 1;
        }
        match (wanted, outcome) {
            (Wanted::Create, Ok(Outcome::Created(info))) => self.rooms.push(info.id),
            (
                Wanted::Join {
                    room,
                    place,
                    memory,
                },
                Ok(Outcome::Joined(joined)),
            ) => {
                if let Some(before) = joined.before {
                    living.members.remove(&(room, before));
                    self.witness.left((life, before), room);
                }
                if !living.members.keys().any(|(of, _)| *of == room) {
                    // Nobody else here was told before.
                    living.counts.insert(room, joined.members);
                }
                living.members.insert((room, place), joined.member);
                let excerpt = &joined.excerpt;
                let who: Who = (life, place);
                let since = memory.as_ref().map(|memory| memory.at);
                self.witness.entered(who, room, since, excerpt)?;
                if let Some(memory) = memory {
                    let recovered = excerpt.recovered;
                    self.fate
                        .check_resumed(room, &memory, recovered, &mut self.seen)?;
                }
            }
            (Wanted::Follow { room, place }, Ok(Outcome::Excerpt(excerpt))) => {
                if living.followers.contains(&(room, place)) {
                    self.witness.entered((life, place), room, None, &excerpt)?;
                }
            }
            (Wanted::Follow { room, place }, Err(_)) => {
                // Its session is closed for that, and says so.
                if living.followers.remove(&(room, place)) {
                    living.node.unfollow(room);
                }
            }
            (Wanted::Publish { room }, Ok(Outcome::Published(epoch, message))) => {
                self.seen.receipts += 1;
                self.witness.receipted(room, epoch, &message)?;
            }
            (Wanted::Other, Ok(Outcome::Left)) | (_, Err(_)) => {}
            (_, outcome) => return Err(format!("an outcome of something else: {outcome:?}")),
        }
        Ok(())
    }

    /// All is quiet: everything is as it should be.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        for living in self.nodes.iter().flatten() {
            if !living.node.is_ready() {
                return Err(format!("node {} has no engine", living.life));
            }
            if !living.wanted.is_empty() {
                let node = &living.node;
                let rooms: Vec<_> = node.rooms.iter().collect();
                return Err(format!(
                    "node {} was not answered: {rooms:?}, {} to mend, {} being mended",
                    living.life,
                    node.to_mend.len(),
                    node.mends
                ));
            }
        }
        for room in &self.rooms {
            let Some(known) = self.fate.server.data().rooms.room(*room) else {
                // It was lost with nobody in it, or for good.
                if self.witness.listeners.keys().any(|(_, of)| of == room) {
                    return Err(format!("room {room} is gone, and somebody is in it"));
                }
                continue;
            };
            let mut wanted: Vec<(String, u64, Place)> = Vec::new();
            for living in self.nodes.iter().flatten() {
                let is_in = living.members.keys().any(|(of, _)| of == room);
                let (told, there) = (living.counts.get(room), known.members.len());
                if is_in && told != Some(&there) {
                    return Err(format!(
                        "node {} was told of {told:?} in {room}, and there are {there}",
                        living.life
                    ));
                }
                for ((of, place), member) in &living.members {
                    if of == room {
                        let name = living.node.name(*room, *member).unwrap_or("?");
                        wanted.push((name.to_owned(), living.node.id, *place));
                    }
                }
            }
            wanted.sort();
            let there = known.members.iter();
            let there: Vec<_> = there
                .map(|(name, (at, _))| (name.to_string(), at.node, at.place))
                .collect();
            if there != wanted {
                return Err(format!(
                    "members of {room} are {wanted:?}; the engine has {there:?}"
                ));
            }
            self.witness.check(*room, known)?;
        }
        Ok(())
    }
}
