//! What the connections of a loop share: compressors, decompressors at rest, scratch.
//!
//! Everything is made when it is first needed, and freed by [`Engine::shrink`]. Nothing here
//! belongs to a connection: compressors forget each message, decompressors come back reset.

use super::super::work::{Work, price};
use super::compress;
use super::inflate::{Inflater, STEP, Sink};
use super::quick::Quick;
use flate2::Compress;

/// Decompressors kept at rest, 48 KB each; more than one only after fragmented messages.
const KEPT: usize = 4;
/// Decompressors lent at a time to messages that are not complete; past these, only to those
/// whose last fragment is there.
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
        work: &mut Work,
        out: &mut Vec<u8>,
    ) -> bool {
        if level == 0 {
            return false;
        }
        // zlib has no window this small.
        let level = if window < 9 { 1 } else { level };
        if !compress::is_affordable(level, payload.len()) {
            return false;
        }
        work.charge(compress::price(level, payload.len()));
        if level == 1 {
            return self.quick.encode(payload, window, out);
        }
        work.charge(price::DEFLATE_RESET);
        let stream = self.compressor(level, window);
        stream.reset();
        compress::shorter(stream, payload, out)
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

    /// A decompressor for a message that is arriving; `None` when too many are
    /// out. It comes back by [`Engine::give_back`], whatever happens.
    pub(super) fn lend(&mut self) -> Option<Inflater> {
        (self.lent < MAX_LENT).then(|| self.lend_another())
    }

    /// The same however many are out: for a message that is complete, so that it ends.
    pub(super) fn lend_another(&mut self) -> Inflater {
        self.lent += 1;
        self.resting.pop().unwrap_or_else(Inflater::new)
    }

    /// Takes a lent decompressor back.
    pub(super) fn give_back(&mut self, mut inflater: Inflater) {
        self.lent -= 1;
        if self.resting.len() < KEPT {
            inflater.reset();
            self.resting.push(inflater);
        }
    }

    /// Frees everything that is not lent.
    pub(super) fn shrink(&mut self) {
        let lent = self.lent;
        *self = Self::default();
        self.lent = lent;
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
