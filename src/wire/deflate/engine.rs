//! What the connections of a loop share: compressors, decompressors at rest, scratch.
//!
//! Everything is made when it is first needed. Nothing here belongs to a
//! connection: compressors forget each message, decompressors come back reset.

use super::super::extension::DecodeError;
use super::compress;
use super::inflate::{Inflater, STEP, Sink};
use super::quick::Quick;
use flate2::Compress;

/// Decompressors kept at rest, 48 KB each; more than one only after fragmented messages.
const KEPT: usize = 4;
/// Decompressors lent at a time to messages that are not complete.
pub(super) const MAX_LENT: usize = 256;

#[derive(Debug)]
pub(super) struct Engine {
    quick: Quick,
    /// By level and window.
    compressors: Vec<(u8, u8, Compress)>,
    resting: Vec<Inflater>,
    lent: usize,
    step: Vec<u8>,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            quick: Quick::new(),
            compressors: Vec::new(),
            resting: Vec::new(),
            lent: 0,
            step: Vec::new(),
        }
    }
}

impl Engine {
    /// Appends the message compressed, if that is shorter; tells whether it did.
    /// The same arguments always give the same bytes.
    pub(super) fn compress(
        &mut self,
        level: u8,
        window: u8,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> bool {
        match level {
            0 => false,
            _ if level == 1 || window < 9 => self.quick.encode(payload, window, out),
            _ => {
                let stream = self.compressor(level, window);
                stream.reset();
                compress::shorter(stream, payload, out)
            }
        }
    }

    fn compressor(&mut self, level: u8, window: u8) -> &mut Compress {
        let found = self
            .compressors
            .iter()
            .position(|&(l, w, _)| (l, w) == (level, window));
        let at = found.unwrap_or_else(|| {
            let stream = compress::compressor(level, window);
            self.compressors.push((level, window, stream));
            self.compressors.len() - 1
        });
        &mut self.compressors[at].2
    }

    /// A decompressor for a message of several fragments; `None` when too many
    /// are out. It comes back by [`Engine::give_back`], whatever happens.
    pub(super) fn lend(&mut self) -> Option<Inflater> {
        if self.lent == MAX_LENT {
            return None;
        }
        self.lent += 1;
        Some(self.resting.pop().unwrap_or_else(Inflater::new))
    }

    /// Takes a lent decompressor back.
    pub(super) fn give_back(&mut self, inflater: Inflater) {
        self.lent -= 1;
        self.rest(inflater);
    }

    fn rest(&mut self, mut inflater: Inflater) {
        if self.resting.len() < KEPT {
            inflater.reset();
            self.resting.push(inflater);
        }
    }

    /// Inflates a message that is all there.
    pub(super) fn inflate_whole(
        &mut self,
        payload: &[u8],
        room: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let mut inflater = self.resting.pop().unwrap_or_else(Inflater::new);
        let mut sink = self.sink(room, out);
        let done = inflater
            .feed(payload, &mut sink)
            .and_then(|()| inflater.finish(false, &mut sink));
        self.rest(inflater);
        done
    }

    /// Where a decompressor puts its output.
    pub(super) fn sink<'s>(&'s mut self, room: usize, out: &'s mut Vec<u8>) -> Sink<'s> {
        self.step.resize(STEP, 0);
        Sink {
            out,
            room,
            step: &mut self.step,
        }
    }

    #[cfg(test)]
    pub(super) fn lent(&self) -> usize {
        self.lent
    }

    #[cfg(test)]
    pub(super) fn resting(&self) -> usize {
        self.resting.len()
    }
}
