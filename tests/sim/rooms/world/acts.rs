//! What happens in the world: one thing at a time, to the server and to the model.

use super::*;
use serde_json::json;

/// The most members of a room.
const MOST: usize = 24;
/// Names that newcomers choose from: sometimes one is taken.
const NAMES: usize = 60;
/// Messages of a room for which its folder needs no new epoch.
const VOUCHED: u64 = 60;

impl World {
    /// A room that is there, as a rule.
    fn some_room(&mut self) -> usize {
        // Who reads slowly is to be flooded.
        let slow = self.stalled.first().map(|peer| &self.peers[*peer].rooms);
        if let Some(room) = slow.and_then(|rooms| rooms.first().copied())
            && self.below(2) == 0
        {
            return room;
        }
        let chosen = self.below(self.rooms.len());
        // A few rooms see most of what happens.
        let chosen = if self.below(3) > 0 {
            chosen % 4
        } else {
            chosen
        };
        let live = (chosen..self.rooms.len()).find(|room| !self.rooms[*room].is_deleted);
        live.unwrap_or(self.rooms.len() - 1)
    }

    /// Somebody in it.
    fn some_member(&mut self, room: usize) -> Option<usize> {
        let members = self.rooms[room].members.len();
        let chosen = self.below(members.max(1));
        self.rooms[room].members.values().nth(chosen).copied()
    }

    /// One of so many marks, which no server before a restart has seen.
    pub(super) fn some_mark(&mut self, of: usize) -> String {
        format!("{} {}", self.below(of), self.restarts)
    }

    fn text(&mut self) -> String {
        let length = self.below(80);
        format!("{} {}", self.marks, "님a".repeat(length / 2))
    }

    pub(super) fn connect(&mut self, is_plain: bool, name: &str, client: Option<&str>) -> usize {
        let line = self.sim.connect();
        if self.below(3) == 0 {
            line.set_capacity(500 + self.below(3000));
        }
        if self.below(20) == 0 {
            line.trickle(20 + self.below(200));
        }
        let way = if is_plain {
            Way::Plain(line.upgrade("/ws/chat", &[]))
        } else {
            Way::V1(line.upgrade("/ws/chat", &V1))
        };
        self.peers
            .push(Peer::new(way, name.to_owned(), client.map(str::to_owned)));
        self.peers.len() - 1
    }

    /// Somebody new comes, in one of three ways.
    pub(super) fn newcomer(&mut self, room: usize) {
        let name = format!("m{}", self.below(NAMES));
        let ask = Ask::Last([0, 0, 5, 100][self.below(4)]);
        match self.below(10) {
            0..3 => {
                let peer = self.connect(true, &name, None);
                self.enter(peer, room, Ask::Last(0));
            }
            3..5 => {
                let peer = self.connect(false, &name, None);
                self.enter(peer, room, ask);
            }
            5..9 => {
                self.marks += 1;
                let client = format!("secret-of-{:08}", self.marks);
                let peer = self.connect(false, &name, Some(&client));
                self.enter(peer, room, ask);
            }
            _ => self.follow(room, None),
        }
    }

    /// Somebody asks to be let in.
    pub(super) fn enter(&mut self, peer: usize, room: usize, ask: Ask) {
        let (now, of) = (self.now(), &self.peers[peer]);
        let (name, is_plain) = (of.name.clone(), of.is_plain());
        let id = self.rooms[room].id.clone();
        let mut said = json!({"type": "ENTER", "roomId": id, "sender": name});
        if let Some(client) = of.client.as_deref() {
            said["client"] = client.into();
        }
        match ask {
            Ask::Last(0) => {}
            Ask::Last(most) => said["last"] = most.into(),
            Ask::Since(id) => {
                said["since"] = json!({"epoch": self.rooms[room].epoch, "id": id});
            }
            Ask::Elsewhere => said["since"] = json!({"epoch": "00000000000000aa", "id": 1}),
        }
        of.session().expect("a session").send(said.to_string());
        if self.rooms[room].is_deleted {
            return self.refused(peer, room, "unknown-room", None);
        }
        let before = self.rooms[room].members.get(&name).copied();
        if let Some(before) = before.filter(|before| *before != peer) {
            let client = &self.peers[before].client;
            if client.is_none() || *client != self.peers[peer].client {
                return self.refused(peer, room, "name-taken", None);
            }
            self.peers[before].rooms.remove(&room);
            let closed = json!({"type": "CLOSED", "roomId": id, "reason": "replaced"});
            self.peers[before].expect(closed, false);
        }
        let of = &mut self.rooms[room];
        of.members.insert(name.clone(), peer);
        if before.is_none() {
            of.came.insert(name.clone(), now);
        }
        self.peers[peer].rooms.insert(room);
        if !is_plain {
            let excerpt = of.excerpt(ask, now);
            let names = Some((room, of.names(), of.leaving(now)));
            let told = of.entered(&name, &excerpt);
            self.peers[peer].expected.push_back(Item {
                told,
                is_early: false,
                names,
            });
            if let Some(gap) = excerpt.gap {
                self.peers[peer].expect(of.gap(gap), false);
            }
        }
        if before.is_none_or(|before| before == peer) {
            self.sentence(room, "ENTER", &name);
        }
        self.touch(room);
    }

    fn refused(&mut self, peer: usize, room: usize, code: &str, mark: Option<&str>) {
        let id = self.rooms[room].id.clone();
        let of = &mut self.peers[peer];
        let mut told = json!({"type": "ERROR", "roomId": id});
        if of.is_plain() {
            told["sender"] = "server".into();
        } else {
            told["code"] = code.into();
            if let Some(mark) = mark {
                told["ref"] = mark.into();
            }
        }
        of.expect(told, false);
        if let Some(room) = of.rooms.first().copied() {
            self.touch(room);
        } else {
            // It is in no room that is looked at.
            self.sim.drive();
            let (now, at) = (self.now(), self.at());
            self.peers[peer].check(&self.rooms, now, &at);
        }
    }

    fn leave(&mut self, peer: usize, room: usize) {
        let (id, name) = (&self.rooms[room].id, &self.peers[peer].name);
        let said = json!({"type": "LEAVE", "roomId": id, "sender": name}).to_string();
        self.peers[peer].session().expect("a session").send(said);
        self.went(peer, room);
    }

    /// A room in a folder begins a new epoch when the disk is behind, which here depends on the machine: it
    /// says no more than what is vouched for from the start.
    fn is_full(&self, room: usize) -> bool {
        let room = &self.rooms[room];
        self.folder.is_some() && room.top() >= room.first_top + VOUCHED
    }

    /// A member speaks; with a mark, which may have been used before.
    pub(super) fn talk(&mut self, peer: usize, room: usize, mark: Option<String>) {
        if self.is_full(room) {
            return;
        }
        let (now, text) = (self.now(), self.text());
        let of = &self.peers[peer];
        let mark = mark.filter(|_| of.is_v1());
        let mut said = json!({
            "type": "TALK", "roomId": self.rooms[room].id, "sender": of.name, "message": text,
        });
        if let Some(mark) = &mark {
            said["ref"] = (&**mark).into();
        }
        of.session().expect("a session").send(said.to_string());
        let name = of.name.clone();
        let identity = of
            .client
            .clone()
            .unwrap_or_else(|| format!("session {peer}"));
        let of = &mut self.rooms[room];
        if of.members.get(&name) != Some(&peer) {
            return self.refused(peer, room, "not-entered", mark.as_deref());
        }
        if let Some(mark) = &mark {
            if let Some(known) = of.marked(&identity, mark, now) {
                let mut told = of.talk(known, Some(mark));
                if known + HISTORY as u64 <= of.top() {
                    // The room knows no longer what it was; the receipt has what was sent again.
                    told["message"] = text.into();
                }
                self.peers[peer].expect(told, false);
                return self.touch(room);
            }
            let id = of.top() + 1;
            of.mark(&identity, mark, id, now);
        }
        let id = of.say(&name, &text, now);
        self.said(room, id, mark.as_deref().map(|mark| (peer, mark)));
    }

    /// Everybody hears a message.
    fn said(&mut self, room: usize, id: u64, own: Option<(usize, &str)>) {
        self.tell(room, |of, peer, number| {
            let own = own.filter(|(peer, _)| *peer == number);
            Some(match &peer.way {
                Way::Plain(_) => of.plain(id),
                Way::V1(_) => of.talk(id, own.map(|(_, mark)| mark)),
                Way::Stream(_) => {
                    json!([[format!("{}:{id}", of.epoch), "talk"], of.talk(id, None)])
                }
            })
        });
    }

    /// A script speaks.
    fn post(&mut self, room: usize) {
        if self.is_full(room) {
            return;
        }
        let (now, text) = (self.now(), self.text());
        let sender = match self.below(4) {
            0 => self
                .some_member(room)
                .map(|peer| self.peers[peer].name.clone()),
            _ => None,
        };
        let sender = sender.unwrap_or_else(|| format!("bot{}", self.below(3)));
        let mark = (self.below(2) == 0).then(|| self.some_mark(10));
        let said = json!({"sender": sender, "message": text, "ref": mark});
        let target = format!("/chat/{}/messages", self.rooms[room].id);
        let answer = self.sim.request(Method::Post, &target).json(&said).send();
        let at = self.at();
        let of = &mut self.rooms[room];
        if of.members.contains_key(&sender) {
            // Who is slow may have been ended meanwhile: that is settled before this.
            assert_eq!(answer.status().code(), 409, "{at}: {}", answer.text());
            return;
        }
        let identity = format!("script {sender}");
        let known = mark
            .as_deref()
            .and_then(|mark| of.marked(&identity, mark, now));
        let id = known.unwrap_or_else(|| of.say(&sender, &text, now));
        assert_eq!(
            answer.json::<Value>(),
            json!({"epoch": of.epoch, "id": id}),
            "{at}"
        );
        if known.is_none() {
            if let Some(mark) = &mark {
                of.mark(&identity, mark, id, now);
            }
            self.said(room, id, None);
        }
    }

    /// Something happens to somebody.
    pub(super) fn act(&mut self) {
        let room = self.some_room();
        self.marks += 1;
        if self.rooms[room].members.len() < MOST && self.below(8) == 0 {
            return self.newcomer(room);
        }
        let what = self.below(100);
        match what {
            0..9 => return self.come_back(),
            14..20 => return self.post(room),
            20 if self.below(3) == 0 => return self.delete(room),
            21..33 => {
                let millis = [5, 50, 300, 900, 1500][self.below(5)];
                return self.pass(millis);
            }
            // What a folder keeps is as old as the clock on the wall says.
            33 if self.folder.is_none() => {
                self.read_all();
                self.sim.advance(Duration::from_secs(150));
                return self.read_all();
            }
            34..36 => {
                let followers = &self.rooms[room].followers;
                if let Some(follower) = followers.first().copied() {
                    self.cut(follower);
                }
                return self.follow(room, None);
            }
            36 => return self.read_all(),
            _ => {}
        }
        let Some(peer) = self.some_member(room) else {
            return self.newcomer(room);
        };
        if self.peers[peer].is_stalled {
            // What it says behind the moment at which it is ended is not taken.
            return;
        }
        let seen = self.peers[peer].seen.get(&room).copied();
        let mark = self.some_mark(5);
        match what {
            37..62 => self.talk(peer, room, Some(mark)),
            62..68 => {
                for _ in 0..25 {
                    self.talk(peer, room, None);
                }
            }
            68..72 => self.enter(peer, room, seen.map_or(Ask::Last(2), Ask::Since)),
            72..75 => self.leave(peer, room),
            75..78 => {
                self.leave(peer, room);
                self.enter(peer, room, seen.map_or(Ask::Last(0), Ask::Since));
            }
            78..80 => {
                self.talk(peer, room, Some(mark));
                self.leave(peer, room);
                self.talk(peer, room, None);
            }
            80..84 | 9..14 => self.cut(peer),
            84..86 => {
                self.peers[peer]
                    .session()
                    .expect("a session")
                    .close(1000, "");
                self.gone(peer, Some(1000));
            }
            86..92 => {
                let line = self.peers[peer].line();
                line.set_capacity(800);
                line.stall();
                self.peers[peer].is_stalled = true;
                self.stalled.insert(peer);
            }
            92..95 => self.take_over(peer, room),
            95..98 => {
                let other = self.some_room();
                self.enter(peer, other, Ask::Last(1));
            }
            _ => {
                let followers = &self.rooms[room].followers;
                if let Some(follower) = followers.last().copied() {
                    self.peers[follower].line().set_capacity(800);
                    self.peers[follower].line().stall();
                    self.peers[follower].is_stalled = true;
                    self.stalled.insert(follower);
                }
            }
        }
    }
}
