//! Facts of a connection, one bit each.

/// Facts of a connection, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u16);

impl Flags {
    /// The transport took less than it was given: wait for `writable`.
    pub(crate) const BLOCKED: u16 = 1;
    /// It waits in the list of those with something to send.
    pub(crate) const DIRTY: u16 = 1 << 1;
    /// Its backlog passed the mark under `BacklogPolicy::StopReading`: it is not read.
    pub(crate) const PAUSED: u16 = 1 << 2;
    /// It published more than the topic has delivered: it is not read.
    pub(crate) const HELD: u16 = 1 << 3;
    /// The handler has data of it: a close event is owed.
    pub(crate) const OPENED: u16 = 1 << 4;
    /// The open event runs: nothing may be sent before its answer is known.
    pub(crate) const OPENING: u16 = 1 << 5;
    /// The peer has ended its sending direction.
    pub(crate) const EOF: u16 = 1 << 6;
    /// The backlog passed its mark and a drain event is owed.
    pub(crate) const OVER_MARK: u16 = 1 << 7;
    /// A ping of the loop's own waits for its pong.
    pub(crate) const AWAITS_PONG: u16 = 1 << 8;
    /// What waits at the front of the outbox is HTTP, not frames.
    pub(crate) const SPEAKS_HTTP: u16 = 1 << 9;
    /// Refused at the door: it does not count against the limit of connections.
    pub(crate) const REFUSED: u16 = 1 << 10;
    /// The peer's Close has arrived; the handler of a raw session is to answer it.
    pub(crate) const PEER_CLOSED: u16 = 1 << 11;
    /// What it sends is masked.
    pub(crate) const MASKS: u16 = 1 << 12;
    /// The connection is encrypted: browsers call its origin `https`.
    pub(crate) const SECURE: u16 = 1 << 13;
    /// The program has paused it: it is not read.
    pub(crate) const PAUSED_BY_PROGRAM: u16 = 1 << 14;
    /// It is an event stream: it has sessions that cannot receive, and sends events in place of frames.
    pub(crate) const EVENTS: u16 = 1 << 15;
    /// Whatever keeps it from being read.
    pub(crate) const UNREAD: u16 = Self::PAUSED | Self::HELD | Self::PAUSED_BY_PROGRAM;

    pub(crate) fn has(self, flag: u16) -> bool {
        self.0 & flag != 0
    }

    pub(crate) fn set(&mut self, flag: u16) {
        self.0 |= flag;
    }

    pub(crate) fn clear(&mut self, flag: u16) {
        self.0 &= !flag;
    }
}
