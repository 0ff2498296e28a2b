//! What things cost, and a meter that counts it: the budget of a turn is spent here.
//!
//! One price list for the whole crate, in units of about a nanosecond on the reference machine
//! (`cargo bench --bench prices` compares the list with what this machine needs: most prices are for
//! the worst input that it knows, and usual ones cost less). Every step that loops
//! over what a peer sent charges a [`Work`] and stops when it is spent; what is left keeps its
//! place for a later turn. The prices are counted, never measured, so the same input always stops
//! at the same byte.

/// The work of one turn. Longer turns batch broadcasts better, shorter ones serve bystanders sooner.
pub const TURN: u32 = 600_000;
/// What a step of receiving, inflating or compressing costs at most. With what comes with it (a call,
/// a copy, a send) it stays below a tenth of a turn.
pub const CODEC_STEP: u32 = 50_000;

/// The price of each kind of step.
pub mod price {
    /// One event handed to a handler, or a frame answered without one. 10 to 16 ns within a read,
    /// 40 where each comes from another session.
    pub const EVENT: u32 = 60;
    /// A call of `read` on a socket, whatever it gives.
    pub const READ: u32 = 700;
    /// A call of `write` on a socket, without its bytes.
    pub const SEND: u32 = 1_500;
    /// A socket accepted and registered, which takes 1.8 µs, or a call to another server begun: 6.5 µs.
    pub const ACCEPT: u32 = 8_000;
    /// A socket closed.
    pub const CLOSE: u32 = 7_000;
    /// What arrived of a PROXY header, in as many calls of `read` as its first version takes: up to 40.
    pub const PROXY: u32 = 8_000;
    /// A request head parsed, routed and answered, without its bytes. The shortest takes 450 ns.
    pub const REQUEST: u32 = 1_000;
    /// A byte of a head: it may be full of fields and offers.
    pub const HEAD: u32 = 4;
    /// A byte of a body: chunks may be that small.
    pub const BODY: u32 = 5;
    /// A compressed message opened and closed: a decompressor lent, checked and returned to its pool.
    pub const RESET: u32 = 100;
    /// A TLS record opened or made, without its bytes.
    pub const RECORD: u32 = 600;
    /// Bytes that one unit pays for: encrypted or decrypted.
    pub const BYTES_SEALED: usize = 2;
    /// The step of a TLS handshake that signs, with a key of ECDSA P-256, and agrees on a secret.
    pub const HANDSHAKE: u32 = 150_000;
    /// The same with RSA of 2048 bits.
    pub const HANDSHAKE_RSA: u32 = 900_000;
    /// The step of a client that checks a server's certificates.
    pub const HANDSHAKE_OF_CLIENT: u32 = 300_000;
    /// Any other step of a handshake.
    pub const HANDSHAKE_REST: u32 = 60_000;
    /// A deadline or timer looked at.
    pub const TIMER: u32 = 50;
    /// A connection looked at in search of the one that holds the most.
    pub const LOOK: u32 = 10;
    /// A member of a topic passed by, because nothing is owed to it.
    pub const CAUGHT_UP: u32 = 3;

    /// Bytes that one unit pays for: copied out of the kernel by a read. Measured: 18 to 26.
    pub const BYTES_READ: usize = 8;
    /// Bytes that one unit pays for: received, unmasked and checked.
    pub const BYTES_RECEIVED: usize = 8;
    /// Bytes that one unit pays for: copied to a buffer that is there.
    pub const BYTES_COPIED: usize = 16;
    /// Bytes that one unit pays for: handed to the kernel. Measured: 16 to 24, on a loopback
    /// whose other side does not read meanwhile.
    pub const BYTES_SENT: usize = 4;
    /// A frame that lane 1 leaves: its header judged, its place found.
    pub const FRAME: u32 = 40;
    /// A piece of a fragment, or a ping, that the state machine of lane 3 is fed with.
    pub const FED: u32 = 120;

    /// Bytes of memory touched for the first time, or freed, that one unit pays for, where a
    /// message is longer than any pooled buffer: the kernel gives and takes its pages.
    pub const BYTES_FRESH: usize = 8;
    /// Bytes that one unit pays for: copied to pages of their own, which are given back later.
    pub const BYTES_PAGED: usize = 5;
    /// From so many bytes on an allocation has pages of its own.
    pub const PAGED: usize = 16 << 10;

    /// Compressed bytes cost this much each to inflate, beside what they grow to. Chat needs a
    /// quarter of it; 30 bytes of empty block that describe the largest code tables need 2.5 µs.
    pub const INFLATE_IN: u32 = 32;
    /// Inflated bytes that one unit pays for: those that repeat a word of three bytes. Zeros cost an eighth.
    pub const BYTES_INFLATED: usize = 2;
    /// A final block, after which the stream starts anew (RFC 7692 §7.2.3.4).
    pub const FINAL_BLOCK: u32 = 40;

    /// An operation on a room, and what is told of it, without the bytes: names are compared, topics
    /// looked up, clocks read.
    pub const ROOM: u32 = 1_000;
    /// A room made: its id and its key are drawn from the system.
    pub const ROOM_MADE: u32 = 6_000;
    /// A message, a member or a room in a list that is told.
    pub const LISTED: u32 = 150;
    /// The counters of the server written out, and what the system says about its process asked for.
    pub const METRICS: u32 = 50_000;
    /// A byte of JSON read. Thousands of short keys need two thirds of it, a long text a tenth.
    pub const JSON: u32 = 2;

    /// A token read and what it says believed, without the hash.
    pub const TOKEN: u32 = 3_000;
    /// A byte of a token hashed, by each key that is tried.
    pub const HASHED: u32 = 4;

    /// A line of an event stream, beside its bytes.
    pub const EVENT_LINE: u32 = 10;

    /// A compressor of zlib that forgets a message: 128 KiB of hash heads are cleared.
    pub const DEFLATE_RESET: u32 = 5_000;
    /// A compressor of a connection's own, made when it is first needed.
    pub const DEFLATE_CONTEXT: u32 = 30_000;
    /// A byte compressed, by level; 1 is the encoder of our own. The worst that a peer can choose
    /// costs two to three times as much, JSON a third (`benches/deflate.rs`).
    pub const DEFLATE: [u32; 10] = [0, 2, 4, 4, 6, 6, 12, 24, 28, 34];
    /// What compressing one message may cost: what a step may. A longer one goes out plain.
    pub const DEFLATE_MOST: u32 = super::CODEC_STEP;
}

/// How much may still be done.
///
/// It goes below zero by the last step: a step is begun while anything is left, and its price is
/// taken in full. What went below is the overdraft that the step after must make up for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    left: i64,
}

impl Work {
    /// So many units.
    pub const fn new(units: u32) -> Self {
        Self { left: units as i64 }
    }

    /// As much as anybody could want: where nobody waits, as in a blocking client.
    pub const fn unlimited() -> Self {
        Self { left: i64::MAX / 2 }
    }

    /// Takes the price of a step.
    #[inline]
    pub fn charge(&mut self, units: u32) {
        self.left -= i64::from(units);
    }

    /// Takes the price of `bytes` bytes of which one unit pays for `per_unit`.
    #[inline]
    pub fn charge_bytes(&mut self, bytes: usize, per_unit: usize) {
        self.left -= (bytes / per_unit) as i64;
    }

    /// Takes the price of `bytes` bytes copied to where they wait.
    #[inline]
    pub fn charge_kept(&mut self, bytes: usize) {
        let per_unit = if bytes < price::PAGED {
            price::BYTES_COPIED
        } else {
            price::BYTES_PAGED
        };
        self.charge_bytes(bytes, per_unit);
    }

    /// Takes the price of `bytes` bytes that leave encrypted, beside that of sending them.
    #[inline]
    pub fn charge_sealed(&mut self, bytes: usize) {
        self.charge(price::RECORD);
        self.charge_bytes(bytes, price::BYTES_SEALED);
    }

    /// Takes what was spent of a meter of its own.
    #[inline]
    pub fn charge_all(&mut self, granted: Self, left: Self) {
        self.left -= granted.left - left.left;
    }

    /// Whether nothing more is to be begun.
    #[inline]
    pub const fn is_spent(self) -> bool {
        self.left <= 0
    }

    /// What is left; negative after a last step that cost more than was there.
    pub const fn left(self) -> i64 {
        self.left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_is_paid_for_in_full() {
        let mut work = Work::new(100);
        work.charge(99);
        assert!(!work.is_spent());
        work.charge(50);
        assert!(work.is_spent());
        assert_eq!(work.left(), -49);
    }

    #[test]
    fn bytes_are_charged_by_the_unit() {
        let mut work = Work::new(100);
        work.charge_bytes(799, 8);
        assert_eq!(work.left(), 1);
    }

    #[test]
    fn what_is_kept_costs_its_pages_from_the_size_on_that_has_some() {
        let cost = |bytes| {
            let mut work = Work::new(0);
            work.charge_kept(bytes);
            -work.left() as usize
        };
        assert_eq!(
            cost(price::PAGED - 1),
            (price::PAGED - 1) / price::BYTES_COPIED
        );
        assert_eq!(cost(price::PAGED), price::PAGED / price::BYTES_PAGED);
    }
}
