//! Who goes and comes back: followers, lines that are cut, names that are taken over, rooms that are deleted.

use super::*;
use serde_json::json;

impl World {
    /// Somebody listens, from behind this id on or from now on.
    pub(super) fn follow(&mut self, room: usize, since: Option<u64>) {
        let now = self.now();
        let of = &self.rooms[room];
        let target = format!("/chat/{}/events", of.id);
        let last = since.map(|id| format!("{}:{id}", of.epoch));
        let last = last.as_deref();
        let stream = match last {
            Some(last) if self.marks.is_multiple_of(2) => self
                .sim
                .connect()
                .follow(&target, &[("Last-Event-ID", last)]),
            Some(last) => self
                .sim
                .connect()
                .follow(&format!("{target}?since={last}"), &[]),
            None => self.sim.connect().follow(&target, &[]),
        };
        let mut peer = Peer::new(Way::Stream(stream), "a follower".to_owned(), None);
        if let Some(since) = since {
            let excerpt = of.excerpt(Ask::Since(since), now);
            if let Some((from, to)) = excerpt.gap {
                let head = json!([format!("{}:{to}", of.epoch), "gap"]);
                peer.expect(json!([head, of.gap((from, to))]), false);
            }
            for id in excerpt.ids {
                let head = json!([format!("{}:{id}", of.epoch), "talk"]);
                peer.expect(json!([head, of.talk(id, None)]), false);
            }
            peer.seen.insert(room, since);
        }
        peer.rooms.insert(room);
        self.peers.push(peer);
        self.rooms[room].followers.insert(self.peers.len() - 1);
        self.touch(room);
    }

    /// A line is cut; who was on it may come back.
    pub(super) fn cut(&mut self, peer: usize) {
        let (now, at) = (self.now(), self.at());
        self.peers[peer].check(&self.rooms, now, &at);
        self.peers[peer].line().cut();
        self.remember(peer);
        self.sim.drive();
        self.gone(peer, None);
    }

    pub(super) fn remember(&mut self, peer: usize) {
        let of = &self.peers[peer];
        for room in of.rooms.iter().copied() {
            let Some(seen) = of.seen.get(&room).copied() else {
                continue;
            };
            match (&of.way, &of.client) {
                (Way::Stream(_), _) => self.strays.push((room, seen)),
                (Way::V1(_), Some(client)) => self.ghosts.push(Ghost {
                    room,
                    name: of.name.clone(),
                    client: client.clone(),
                    seen,
                }),
                _ => {}
            }
        }
    }

    /// Somebody who was cut comes back, by its secret and from where it was.
    pub(super) fn come_back(&mut self) {
        if !self.strays.is_empty() && self.below(3) == 0 {
            let chosen = self.below(self.strays.len());
            let (room, seen) = self.strays.swap_remove(chosen);
            if !self.rooms[room].is_deleted {
                self.follow(room, Some(seen));
            }
            return;
        }
        if self.ghosts.is_empty() {
            return;
        }
        let chosen = self.below(self.ghosts.len());
        let Ghost {
            room,
            name,
            client,
            seen,
        } = self.ghosts.swap_remove(chosen);
        let peer = self.connect(false, &name, Some(&client));
        let ask = if self.below(20) == 0 {
            Ask::Elsewhere
        } else {
            Ask::Since(seen)
        };
        self.enter(peer, room, ask);
        if self.below(2) == 0 {
            let mark = self.some_mark(4);
            self.talk(peer, room, Some(mark));
        }
    }

    /// Somebody is in by another line, while its old one seems to live.
    pub(super) fn take_over(&mut self, before: usize, room: usize) {
        let of = &self.peers[before];
        let Some(client) = of.client.clone().filter(|_| of.is_v1()) else {
            return;
        };
        let (name, seen) = (of.name.clone(), of.seen.get(&room).copied());
        let peer = self.connect(false, &name, Some(&client));
        let ask = seen.map_or(Ask::Last(3), Ask::Since);
        self.enter(peer, room, ask);
        if self.below(2) == 0 {
            // The old line does not know yet.
            self.sim.drive();
            self.talk(before, room, Some(format!("late {}", self.restarts)));
        }
    }

    pub(super) fn delete(&mut self, room: usize) {
        self.read_all();
        let target = format!("/chat/{}", self.rooms[room].id);
        let answer = self
            .sim
            .request(Method::Delete, &target)
            .header("Room-Key", &self.rooms[room].key)
            .send();
        assert_eq!(answer.status().code(), 204, "{}", self.at());
        let of = &mut self.rooms[room];
        of.is_deleted = true;
        let closed = json!({"type": "CLOSED", "roomId": of.id, "reason": "Room closed"});
        let members: Vec<_> = std::mem::take(&mut of.members).into_values().collect();
        let followers = std::mem::take(&mut of.followers);
        for follower in followers {
            self.peers[follower].expect(json!([[null, "closed"], closed]), false);
            self.peers[follower].is_gone = true;
        }
        self.sim.advance(Duration::from_millis(10));
        for member in members {
            self.peers[member].rooms.remove(&room);
            if self.peers[member].is_plain() {
                self.gone(member, Some(1000));
            } else {
                self.peers[member].expect(closed.clone(), false);
                let (now, at) = (self.now(), self.at());
                self.peers[member].check(&self.rooms, now, &at);
            }
        }
        self.found();
    }
}
