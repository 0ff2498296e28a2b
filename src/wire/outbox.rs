//! The bytes that a peer did not take yet: whole frames (or events of an event stream) in order, the
//! first of which may have begun already. It exists only while there is a backlog, never
//! sends anything itself and never reorders.

use super::event::event_end;
use super::frame::{Header, OpCode, frame_len};
use bytes::{Buf, Bytes};
use std::collections::VecDeque;

/// Shared slices below this are copied: a slice costs 32 bytes and keeps its whole buffer alive.
pub(crate) const SHARE_FROM: usize = 512;

/// From how many bytes on freeing a piece is worth a thought.
const LONG: usize = 256 << 10;

/// What waits in an outbox, behind what is neither: it can be dropped in whole ones only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Frames of a WebSocket.
    Frames,
    /// Events of an event stream.
    Events,
}

impl Framing {
    /// The length of the message at the start of `bytes`, if all of it is there, and whether it may be
    /// dropped: control frames, fragments and comments may not.
    fn message(self, bytes: &[u8]) -> Option<(usize, bool)> {
        let first = *bytes.first()?;
        match self {
            Self::Frames => {
                let is_data = matches!(
                    OpCode::from_bits(first & 0x0f),
                    Some(OpCode::Text | OpCode::Binary)
                );
                Some((frame_len(bytes)?, is_data && first & 0x80 != 0))
            }
            Self::Events => Some((event_end(bytes, 1)?, first != b':')),
        }
    }
}

/// Bytes that lie together.
#[derive(Debug)]
struct Piece {
    bytes: Bytes,
    /// What it holds in memory until all of it is sent.
    held: usize,
    /// All of it is one message.
    is_one: bool,
}

/// A queue of frames that wait for a peer.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Sealed pieces in order.
    sealed: VecDeque<Piece>,
    /// The sum of that.
    sealed_held: usize,
    /// What was appended since the last sealed piece.
    tail: Vec<u8>,
    len: usize,
    /// Bytes at the front that belong to a frame whose beginning is sent.
    begun: usize,
}

impl Outbox {
    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Bytes of memory that its frames take. A piece that is shared counts in each outbox that
    /// shares it.
    pub fn held(&self) -> usize {
        self.sealed_held + self.tail.capacity()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends whole frames (or one HTTP response), copied.
    pub fn push(&mut self, frames: &[u8]) {
        self.tail.extend_from_slice(frames);
        self.len += frames.len();
    }

    /// Appends whole frames, shared with other outboxes.
    pub fn push_shared(&mut self, frames: Bytes) {
        if frames.len() < SHARE_FROM {
            return self.push(&frames);
        }
        self.push_piece(frames, false);
    }

    /// Appends one whole message, shared with other outboxes: where it ends is never searched for.
    pub(crate) fn push_shared_message(&mut self, message: Bytes) {
        self.push_piece(message, true);
    }

    fn push_piece(&mut self, bytes: Bytes, is_one: bool) {
        self.seal();
        let held = bytes.len();
        self.len += held;
        self.sealed_held += held;
        self.sealed.push_back(Piece {
            bytes,
            held,
            is_one,
        });
    }

    /// Appends what was left of `frames` when the peer took the first `sent` bytes of it.
    /// Only an empty outbox can take such a rest.
    pub fn push_rest(&mut self, frames: &[u8], sent: usize, framing: Framing) {
        debug_assert!(self.is_empty(), "a rest goes before everything else");
        self.begun = begun_rest(frames, sent, framing);
        self.push(&frames[sent..]);
    }

    /// The same with a shared buffer.
    pub fn push_shared_rest(&mut self, frames: &Bytes, sent: usize, framing: Framing) {
        debug_assert!(self.is_empty(), "a rest goes before everything else");
        self.begun = begun_rest(frames, sent, framing);
        self.push_shared(frames.slice(sent..));
    }

    /// Bytes at the front that belong to a frame whose beginning is sent.
    pub(crate) fn begun(&self) -> usize {
        self.begun
    }

    /// Whether [`Outbox::sent`] of so many bytes looks through a message for its end.
    pub(crate) fn searches(&self, sent: usize, framing: Framing) -> bool {
        let is_one = self.sealed.front().is_some_and(|piece| piece.is_one);
        framing == Framing::Events && sent > self.begun && !is_one
    }

    /// Whether nothing that waits can be dropped.
    pub fn is_opaque(&self) -> bool {
        self.begun == self.len
    }

    /// Appends bytes that are no frames, such as an HTTP response and what follows it: none
    /// of it can be dropped any more, nor what waits before it.
    pub fn push_opaque(&mut self, bytes: &[u8]) {
        debug_assert!(self.is_opaque(), "frames wait before what is none");
        self.begun += bytes.len();
        self.push(bytes);
    }

    /// The same without a copy.
    pub fn push_opaque_shared(&mut self, bytes: Bytes) {
        debug_assert!(self.is_opaque(), "frames wait before what is none");
        self.begun += bytes.len();
        self.push_shared(bytes);
    }

    /// The next bytes to send, as many as lie together; empty when nothing waits.
    pub fn front(&mut self) -> &[u8] {
        if self.sealed.is_empty() {
            self.seal();
        }
        self.sealed.front().map_or(&[], |piece| &piece.bytes)
    }

    /// The peer took `sent` bytes of [`Outbox::front`]. A long piece that is all sent is given back,
    /// because freeing it takes its time.
    pub fn sent(&mut self, sent: usize, framing: Framing) -> Option<Bytes> {
        let piece = self.sealed.front_mut()?;
        let front = &mut piece.bytes;
        if sent <= self.begun {
            self.begun -= sent;
        } else if piece.is_one {
            self.begun = front.len() - sent;
        } else {
            self.begun = begun_rest(&front[self.begun..], sent - self.begun, framing);
        }
        front.advance(sent);
        self.len -= sent;
        let mut done = None;
        if front.is_empty() {
            self.sealed_held -= piece.held;
            let piece = self.sealed.pop_front();
            done = piece
                .filter(|piece| piece.held > LONG)
                .map(|piece| piece.bytes);
        }
        if self.len == 0 {
            // Its own memory goes with what it kept.
            *self = Self::default();
        }
        done
    }

    /// Empties it; its long pieces, whose freeing takes its time.
    pub fn take_long(&mut self) -> impl Iterator<Item = Bytes> + use<> {
        let taken = std::mem::take(self);
        let tail = Bytes::from(taken.tail);
        let tail = Some(tail).filter(|tail| tail.len() > LONG);
        let sealed = taken.sealed.into_iter();
        let sealed = sealed.filter(|piece| piece.held > LONG);
        sealed.map(|piece| piece.bytes).chain(tail)
    }

    /// Drops every frame that has not begun.
    pub fn clear_unbegun(&mut self) {
        let begun = self.begun;
        let mut kept = self.contiguous();
        kept.truncate(begun);
        self.replace(kept);
    }

    /// Removes what was appended behind the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len {
            let mut kept = self.contiguous();
            kept.truncate(len);
            self.replace(kept);
        }
    }

    /// Drops the oldest whole messages until at most `limit` bytes wait or none
    /// is left. Control frames and the frame that has begun stay. Returns how many went.
    pub fn drop_oldest(&mut self, limit: usize, framing: Framing) -> u64 {
        let mut excess = self.len.saturating_sub(limit);
        self.drop_messages(framing, |len, _| {
            let drops = excess > 0;
            excess = excess.saturating_sub(len);
            // What follows the last one is not looked at.
            drops.then_some(true)
        })
    }

    /// The same with the newest: what lies behind the first `limit` bytes.
    pub fn drop_newest(&mut self, limit: usize, framing: Framing) -> u64 {
        self.drop_messages(framing, |_, end| Some(end > limit))
    }

    /// Drops the whole messages that `drops` names by their length and where they end, until it answers
    /// `None`.
    fn drop_messages(
        &mut self,
        framing: Framing,
        mut drops: impl FnMut(usize, usize) -> Option<bool>,
    ) -> u64 {
        let all = self.contiguous();
        let mut kept = Vec::with_capacity(all.len());
        kept.extend_from_slice(&all[..self.begun]);
        let (mut at, mut dropped) = (self.begun, 0);
        while let Some((len, may_go)) = framing.message(&all[at..]) {
            let goes = if may_go {
                drops(len, at + len)
            } else {
                Some(false)
            };
            match goes {
                None => break,
                Some(true) => dropped += 1,
                Some(false) => kept.extend_from_slice(&all[at..at + len]),
            }
            at += len;
        }
        kept.extend_from_slice(&all[at..]);
        self.replace(kept);
        dropped
    }

    fn contiguous(&mut self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.len);
        for piece in std::mem::take(&mut self.sealed) {
            all.extend_from_slice(&piece.bytes);
        }
        all.append(&mut self.tail);
        self.sealed_held = 0;
        all
    }

    fn replace(&mut self, mut bytes: Vec<u8>) {
        // What was dropped goes with its memory.
        bytes.shrink_to_fit();
        self.len = bytes.len();
        self.begun = self.begun.min(self.len);
        self.tail = bytes;
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            let held = self.tail.capacity();
            self.sealed_held += held;
            self.sealed.push_back(Piece {
                bytes: std::mem::take(&mut self.tail).into(),
                held,
                is_one: false,
            });
        }
    }
}

/// `frames` starts at a border of frames and its first `sent` bytes are gone: how many bytes of
/// the frame that was cut are left, in the pieces behind this one too. Bytes that are no frames (an
/// HTTP response) count as one.
fn begun_rest(frames: &[u8], sent: usize, framing: Framing) -> usize {
    let mut border = 0;
    while border < sent {
        border = match framing {
            Framing::Frames => match Header::parse(&frames[border..]) {
                Some((header, size)) => border + size + header.len as usize,
                None => frames.len(),
            },
            // An event lies in one piece.
            Framing::Events => event_end(frames, sent).unwrap_or(frames.len()),
        };
    }
    border - sent
}

#[cfg(test)]
mod tests;
