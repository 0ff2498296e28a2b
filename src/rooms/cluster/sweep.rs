//! Leases of nodes, and what is left behind by a node that is gone.
//!
//! A node holds a lease, which ends when it is not renewed. Members hang on their node: whoever finds a lease
//! ended takes out all that are left of that node, once, under a lock. It costs with the number of nodes,
//! not of members.

use super::answer::room_id;
use super::asked::{Sent, Then};
use super::lease::Asked;
use super::line::Frame;
use super::node::{COMMANDS, Node};
use super::request::{Act, Answer, NodeId};
use crate::rooms::{RoomError, RoomId};

/// A lease is renewed this often, holds this long, and those of others are looked at this often;
/// milliseconds. Members of a node that was killed are out within the second and the third together.
const RENEWED: u64 = 5_000;
const HELD: u64 = 15_000;
const LOOKED_AT: u64 = 2_000;
/// A lease that was renewed within so many milliseconds holds for sure.
const FRESH: u64 = 1_000;
/// How long somebody may take to sweep behind a node before another one does.
const LOCKED: u64 = 10_000;
/// Rooms that are swept at a time, and members of a room in one request.
pub(super) const ROOMS_AT_ONCE: usize = 64;
const MEMBERS_AT_ONCE: usize = 128;

impl Node {
    /// The line of commands is up, at a process that may know less than was told.
    pub(super) fn begin_lease(&mut self, is_another: bool) {
        self.renew();
        self.lease.is_to_look |= is_another;
        if self.lease.is_to_look {
            // Also when a line broke before that was done.
            self.scan_own(b"0");
        }
    }

    /// Looks at a part of the rooms that this node is said to be in.
    fn scan_own(&mut self, cursor: &[u8]) {
        let rooms = self.keys.rooms_of(self.id);
        let most = ROOMS_AT_ONCE.to_string();
        let parts = [b"SSCAN", &*rooms, cursor, b"COUNT", most.as_bytes()];
        self.command(&parts, Sent::Lease(Asked::OwnRooms));
    }

    /// What is due.
    pub(super) fn see_to_lease(&mut self) {
        let now = self.clock.now;
        if self.is_stopping {
            return;
        }
        if now >= self.lease.renew_at {
            self.renew();
        }
        if now >= self.lease.look_at {
            self.lease.look_at = now + LOOKED_AT;
            let nodes = self.keys.nodes();
            self.command(&[b"SMEMBERS", &*nodes], Sent::Lease(Asked::Nodes));
        }
    }

    fn renew(&mut self) {
        self.lease.renew_at = self.clock.now + RENEWED;
        let (nodes, lease) = (self.keys.nodes(), self.keys.node(self.id));
        let held = HELD.to_string();
        let parts = [b"SET", &*lease, b"1", b"PX", held.as_bytes(), b"GET"];
        let is_first = !self.lease.was_there;
        // Before all that hangs on it: nobody sweeps behind a node whose lease holds.
        self.command(&parts, Sent::Lease(Asked::Renewed { is_first }));
        let id = format!("{:016x}", self.id);
        self.command(&[b"SADD", &*nodes, id.as_bytes()], Sent::Ignored);
    }

    /// A clean end, as soon as the engine has let everybody go: nobody has to find out.
    pub(super) fn end_lease(&mut self) {
        let is_up = self.lines[COMMANDS].is_up();
        if !is_up || !self.leaving.is_empty() || self.lease.is_over {
            return;
        }
        self.lease.is_over = true;
        let lease = self.keys.node(self.id);
        self.command(&[b"DEL", &*lease], Sent::Ignored);
        self.forget(self.id);
    }

    /// Somebody of this node is about to be in a room.
    pub(super) fn hold_lease(&mut self) {
        if self.clock.now + RENEWED >= self.lease.renew_at + FRESH {
            // Somebody may have swept behind this node, because it stood still.
            self.renew();
        }
    }

    /// Takes a room off the list of those that this node is in, once the engine has let everybody go: who
    /// sweeps would not look there for one that it still has.
    pub(super) fn forget_if_left(&mut self, room: RoomId) {
        if !self.is_left(room) {
            return;
        }
        if self.lease.is_to_look {
            // It may have forgotten who left before, too.
            self.sweep_own(room);
        } else {
            let (rooms, id) = (self.keys.rooms_of(self.id), room.to_string());
            self.command(&[b"SREM", &*rooms, id.as_bytes()], Sent::Ignored);
        }
    }

    /// Whether nobody of this node is in a room, comes, goes or is to be told to the engine.
    fn is_left(&self, room: RoomId) -> bool {
        let known = self.rooms.get(&room);
        let is_empty = known.is_none_or(|known| {
            known.members.len() == 0 && known.joining.is_empty() && !known.declares
        });
        is_empty && !self.leaving.contains_key(&room) && self.lines[COMMANDS].is_up()
    }

    pub(super) fn lease_answered(&mut self, asked: Asked, frame: &Frame) {
        if let Frame::Error(_) = frame {
            self.tell_error(frame);
        }
        match (asked, frame) {
            // It is begun again, by whoever has the lock then.
            (Asked::IsBack(node) | Asked::Rooms(node), Frame::Error(_)) => {
                self.lease.sweeping.remove(&node);
            }
            (_, Frame::Error(_)) => {}
            (Asked::Renewed { is_first }, frame) => {
                self.lease.was_there = true;
                // It takes writes: that line is good.
                self.lines[COMMANDS].attempts = 0;
                if matches!(frame, Frame::Null) && !is_first {
                    log::warn!(
                        "the engine at {} had no lease of this node any more, which stood still or was forgotten: \
                         it tells who is in its rooms",
                        self.address
                    );
                    // Members may have been taken out.
                    self.declare_all();
                }
            }
            (Asked::Nodes, Frame::Array(nodes)) => {
                let nodes: Vec<NodeId> = nodes.iter().filter_map(node_id).collect();
                for node in nodes {
                    if node != self.id && !self.lease.sweeping.contains_key(&node) {
                        let lease = self.keys.node(node);
                        let asked = Sent::Lease(Asked::Alive(node));
                        self.command(&[b"EXISTS", &*lease], asked);
                    }
                }
            }
            (Asked::Alive(node), Frame::Integer(0)) => {
                let lock = self.keys.sweep(node);
                let own = format!("{:016x}", self.id);
                let locked = LOCKED.to_string();
                let parts = [
                    b"SET",
                    &*lock,
                    own.as_bytes(),
                    b"NX",
                    b"PX",
                    locked.as_bytes(),
                ];
                self.command(&parts, Sent::Lease(Asked::Lock(node)));
            }
            (Asked::Lock(node), Frame::SimpleString(_) | Frame::BulkString(_)) => {
                log::warn!("node {node:016x} is gone: its members leave");
                self.sweep_on(node);
            }
            (Asked::IsBack(node), Frame::Integer(0)) => self.sweep_on(node),
            (Asked::IsBack(node), _) => drop(self.lease.sweeping.remove(&node)),
            (Asked::Rooms(node), Frame::Array(rooms)) => {
                let rooms: Vec<RoomId> = rooms.iter().filter_map(room_id).collect();
                self.sweep_rooms(node, &rooms);
            }
            (Asked::OwnRooms, Frame::Array(page)) => {
                if let [Frame::BulkString(cursor), Frame::Array(rooms)] = &**page {
                    self.look_into_own(rooms.iter().filter_map(room_id));
                    self.lease.is_to_look = **cursor != *b"0";
                    if self.lease.is_to_look {
                        self.scan_own(cursor);
                    }
                }
            }
            _ => {}
        }
    }

    fn sweep_on(&mut self, node: NodeId) {
        self.lease.sweeping.insert(node, 0);
        let rooms = self.keys.rooms_of(node);
        let most = ROOMS_AT_ONCE.to_string();
        let parts = [b"SRANDMEMBER", &*rooms, most.as_bytes()];
        self.command(&parts, Sent::Lease(Asked::Rooms(node)));
    }

    /// The engine takes this node for one of these rooms, perhaps because it has forgotten who left.
    fn look_into_own(&mut self, rooms: impl Iterator<Item = RoomId>) {
        for room in rooms {
            match self.rooms.get_mut(&room) {
                // Whom it takes for members is asked when it is mended.
                Some(known) => {
                    known.declares = true;
                    self.want_mending(room);
                }
                None => self.sweep_own(room),
            }
        }
    }

    /// Nobody of this node is in a room, whomever the engine takes for a member.
    pub(super) fn sweep_own(&mut self, room: RoomId) {
        *self.leaving.entry(room).or_default() += 1;
        self.sweep(self.id, room);
    }

    fn sweep_rooms(&mut self, node: NodeId, rooms: &[RoomId]) {
        if rooms.is_empty() {
            // Nothing follows the last answer.
            self.lease.sweeping.remove(&node);
            let lock = self.keys.sweep(node);
            self.forget(node);
            self.command(&[b"DEL", &*lock], Sent::Ignored);
            return;
        }
        self.lease.sweeping.insert(node, rooms.len());
        for room in rooms {
            self.sweep(node, *room);
        }
    }

    fn sweep(&mut self, node: NodeId, room: RoomId) {
        let most = MEMBERS_AT_ONCE;
        self.ask(room, Act::Sweep { node, most }, Then::Sweep(node));
    }

    /// Nobody has to look for a node any more, if there is nothing of it.
    fn forget(&mut self, node: NodeId) {
        let parts = super::script::forget(node, &self.keys);
        self.command(&parts, Sent::Ignored);
    }

    /// A room was swept behind a node that is gone.
    fn is_swept(&mut self, node: NodeId) {
        let Some(left) = self.lease.sweeping.get_mut(&node) else {
            return;
        };
        *left = left.saturating_sub(1);
        if *left == 0 {
            let lease = self.keys.node(node);
            let asked = Sent::Lease(Asked::IsBack(node));
            self.command(&[b"EXISTS", &*lease], asked);
        }
    }

    /// Some members of a node that is gone have left a room.
    pub(super) fn swept(&mut self, node: NodeId, room: RoomId, answer: &Answer) {
        match answer {
            Answer::Swept { has_more: true } => self.sweep(node, room),
            _ if node == self.id => self.leave_is_over(room),
            Answer::Swept { .. } | Answer::Refused(RoomError::UnknownRoom) => self.is_swept(node),
            _ => drop(self.lease.sweeping.remove(&node)),
        }
    }
}

/// The id of a node in an answer.
fn node_id(frame: &Frame) -> Option<NodeId> {
    match frame {
        Frame::BulkString(bytes) => {
            let text = std::str::from_utf8(bytes).ok()?;
            NodeId::from_str_radix(text, 16).ok()
        }
        _ => None,
    }
}
