//! The bytes that a peer did not take yet: whole frames in order, the first of
//! which may have begun already. It exists only while there is a backlog, never
//! sends anything itself and never reorders.

use super::frame::{Header, OpCode, frame_len};
use bytes::{Buf, Bytes};
use std::collections::VecDeque;

/// Shared slices below this are copied: a slice costs 32 bytes and keeps its whole buffer alive.
pub(crate) const SHARE_FROM: usize = 512;

/// From how many bytes on freeing a piece is worth a thought.
const LONG: usize = 256 << 10;

/// A queue of frames that wait for a peer.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Sealed pieces in order, each with what it holds in memory until all of it is sent.
    sealed: VecDeque<(Bytes, usize)>,
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
        self.seal();
        self.len += frames.len();
        self.sealed_held += frames.len();
        let held = frames.len();
        self.sealed.push_back((frames, held));
    }

    /// Appends what was left of `frames` when the peer took the first `sent` bytes of it.
    /// Only an empty outbox can take such a rest.
    pub fn push_rest(&mut self, frames: &[u8], sent: usize) {
        debug_assert!(self.is_empty(), "a rest goes before everything else");
        self.begun = begun_rest(frames, sent);
        self.push(&frames[sent..]);
    }

    /// The same with a shared buffer.
    pub fn push_shared_rest(&mut self, frames: &Bytes, sent: usize) {
        debug_assert!(self.is_empty(), "a rest goes before everything else");
        self.begun = begun_rest(frames, sent);
        self.push_shared(frames.slice(sent..));
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
        self.sealed.front().map_or(&[], |(bytes, _)| bytes)
    }

    /// The peer took `sent` bytes of [`Outbox::front`]. A long piece that is all sent is given back,
    /// because freeing it takes its time.
    pub fn sent(&mut self, sent: usize) -> Option<Bytes> {
        let (front, held) = self.sealed.front_mut()?;
        if sent > self.begun {
            self.begun = begun_rest(&front[self.begun..], sent - self.begun);
        } else {
            self.begun -= sent;
        }
        front.advance(sent);
        self.len -= sent;
        let mut done = None;
        if front.is_empty() {
            self.sealed_held -= *held;
            let piece = self.sealed.pop_front();
            done = piece
                .filter(|(_, held)| *held > LONG)
                .map(|(bytes, _)| bytes);
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
        let is_long = |piece: &(Bytes, usize)| piece.1 > LONG;
        let tail = Bytes::from(taken.tail);
        let tail = Some(tail).filter(|tail| tail.len() > LONG);
        let sealed = taken.sealed.into_iter().filter(is_long);
        sealed.map(|(bytes, _)| bytes).chain(tail)
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

    /// Drops the oldest whole data frames until at most `limit` bytes wait or none
    /// is left. Control frames and the frame that has begun stay. Returns how many went.
    pub fn drop_oldest(&mut self, limit: usize) -> u64 {
        let mut excess = self.len.saturating_sub(limit);
        self.drop_frames(|len, _| {
            let drops = excess > 0;
            excess = excess.saturating_sub(len);
            drops
        })
    }

    /// The same with the newest: what lies behind the first `limit` bytes.
    pub fn drop_newest(&mut self, limit: usize) -> u64 {
        self.drop_frames(|_, end| end > limit)
    }

    /// Drops the whole data frames that `drops` names by their length and where they end.
    fn drop_frames(&mut self, mut drops: impl FnMut(usize, usize) -> bool) -> u64 {
        let all = self.contiguous();
        let mut kept = Vec::with_capacity(all.len());
        kept.extend_from_slice(&all[..self.begun]);
        let (mut at, mut dropped) = (self.begun, 0);
        while let Some(len) = frame_len(&all[at..]) {
            let is_message = all[at] & 0x80 != 0
                && matches!(
                    OpCode::from_bits(all[at] & 0x0f),
                    Some(OpCode::Text | OpCode::Binary)
                );
            if is_message && drops(len, at + len) {
                dropped += 1;
            } else {
                kept.extend_from_slice(&all[at..at + len]);
            }
            at += len;
        }
        kept.extend_from_slice(&all[at..]);
        self.replace(kept);
        dropped
    }

    fn contiguous(&mut self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.len);
        for (piece, _) in std::mem::take(&mut self.sealed) {
            all.extend_from_slice(&piece);
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
            let piece = std::mem::take(&mut self.tail).into();
            self.sealed.push_back((piece, held));
        }
    }
}

/// `frames` starts at a border of frames and its first `sent` bytes are gone: how many bytes of
/// the frame that was cut are left, in the pieces behind this one too. Bytes that are no frames (an
/// HTTP response) count as one.
fn begun_rest(frames: &[u8], sent: usize) -> usize {
    let mut border = 0;
    while border < sent {
        match Header::parse(&frames[border..]) {
            Some((header, size)) => border += size + header.len as usize,
            None => border = frames.len(),
        }
    }
    border - sent
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frame::{Reserved, write_header, write_message};
    use crate::wire::message::Message;

    fn text(payload: &str) -> Vec<u8> {
        let mut frame = Vec::new();
        write_message(&mut frame, Message::Text(payload));
        frame
    }

    fn drain(outbox: &mut Outbox, step: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while !outbox.is_empty() {
            let front = outbox.front();
            let sent = front.len().min(step);
            all.extend_from_slice(&front[..sent]);
            outbox.sent(sent);
        }
        all
    }

    #[test]
    fn bytes_leave_in_the_order_they_came() {
        let shared = Bytes::from(text(&"x".repeat(600)));
        for step in [1, 7, 1000] {
            let mut outbox = Outbox::default();
            outbox.push(&text("one"));
            outbox.push_shared(shared.clone());
            outbox.push(&text("two"));
            let expected = [text("one"), shared.to_vec(), text("two")].concat();
            assert_eq!(outbox.len(), expected.len());
            assert_eq!(drain(&mut outbox, step), expected);
        }
    }

    #[test]
    fn dropping_the_oldest_keeps_the_begun_frame_and_control_frames() {
        let mut ping = Vec::new();
        write_header(&mut ping, true, Reserved::NONE, OpCode::Ping, 0, None);
        let mut outbox = Outbox::default();
        let frames = [text("begun"), text("old")].concat();
        outbox.push_rest(&frames, 3);
        outbox.push(&ping);
        outbox.push(&text("new"));
        assert_eq!(outbox.drop_oldest(4 + 2 + 5), 1);
        let expected = [text("begun")[3..].to_vec(), ping, text("new")].concat();
        assert_eq!(drain(&mut outbox, 1000), expected);
    }

    #[test]
    fn dropping_the_newest_keeps_what_fits() {
        let mut outbox = Outbox::default();
        outbox.push(&[text("one"), text("two"), text("three")].concat());
        assert_eq!(outbox.drop_newest(12), 1);
        assert_eq!(
            drain(&mut outbox, 1000),
            [text("one"), text("two")].concat()
        );
    }

    #[test]
    fn what_was_appended_can_be_removed() {
        let mut outbox = Outbox::default();
        outbox.push_opaque(b"HTTP/1.1 200 OK\r\n\r\n");
        outbox.push(&text("kept"));
        let len = outbox.len();
        outbox.push_shared(Bytes::from(text(&"x".repeat(600))));
        outbox.push(&text("gone"));
        outbox.truncate(len);
        assert!(drain(&mut outbox, 1000).ends_with(&text("kept")));
    }

    #[test]
    fn the_border_of_the_begun_frame_moves_with_what_is_sent() {
        for sent in 0..12 {
            let mut outbox = Outbox::default();
            outbox.push(&[text("first"), text("next!"), text("third")].concat());
            outbox.front();
            outbox.sent(sent);
            outbox.clear_unbegun();
            let expected = [0, 6, 5, 4, 3, 2, 1, 0, 6, 5, 4, 3][sent];
            assert_eq!(outbox.len(), expected, "{sent} bytes sent");
        }
    }

    #[test]
    fn a_message_in_two_pieces_stays_whole_when_it_has_begun() {
        let message = text(&"x".repeat(70_000));
        let (header, payload) = message.split_at(10);
        for sent in [0, 3, 8, 9, 17, 18, 1000] {
            let mut outbox = Outbox::default();
            outbox.push(&text("before"));
            outbox.push(header);
            outbox.push_shared(Bytes::copy_from_slice(payload));
            outbox.push(&text("behind"));
            let mut gone = 0;
            while gone < sent {
                let step = outbox.front().len().min(sent - gone);
                outbox.sent(step);
                gone += step;
            }
            outbox.clear_unbegun();
            let expected = match sent {
                0 | 8 => 0,
                3 => 5,
                sent => 8 + message.len() - sent,
            };
            assert_eq!(outbox.len(), expected, "{sent} bytes sent");
        }
    }

    #[test]
    fn what_is_dropped_takes_no_memory() {
        let mut outbox = Outbox::default();
        outbox.push(&text("gone").repeat(1000));
        assert!(outbox.held() >= 6000);
        outbox.clear_unbegun();
        assert_eq!((outbox.len(), outbox.held()), (0, 0));
        outbox.push(&text("gone").repeat(1000));
        outbox.drop_oldest(600);
        assert!(outbox.held() <= 600, "{}", outbox.held());
    }

    #[test]
    fn bytes_that_are_no_frames_are_never_dropped() {
        let mut outbox = Outbox::default();
        outbox.push_opaque(b"HTTP/1.1 200 OK\r\n\r\n");
        outbox.push(&text("gone"));
        outbox.clear_unbegun();
        assert_eq!(drain(&mut outbox, 3), b"HTTP/1.1 200 OK\r\n\r\n");
    }
}
