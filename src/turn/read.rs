//! Reading: a share of work for everybody who has something to be read.
//!
//! Shares are counted in work and not in bytes, and shrink as a list grows: the whole list of the
//! quiet is served within a few turns whatever they send, and who has more than a share, or cost many, goes
//! behind them. Nobody is read twice in a turn.

use super::budget::{STEP, Step, TURN};
use super::io::{Io, Read};
use super::order::{BUFFER, Turn};
use super::ready::List;
use super::round::{LISTS, Round};
use crate::app::SessionId;
use crate::wire::work::{Work, price};

/// What all of the quiet share in one round over their list. Large enough that honest batches (64
/// messages of each of a hundred, 16 of each of five hundred) are read in one go, because what is
/// left of a batch costs a copy and a send of its own.
const ROUND: u32 = TURN + TURN / 2;
/// The smallest share: a read and a few messages; their answer goes on top of it.
const LEAST_SHARE: u32 = 1_500;
/// The smallest share of the busy, for whom throughput counts and not the time they wait.
const LEAST_BUSY_SHARE: u32 = 16_000;
/// What all of the busy share in one round over their list: few of them get a whole step each, so
/// that long messages are read in few calls.
const BUSY_ROUND: u32 = 2 * TURN;
/// Which part of what is read in a turn each of [`LISTS`] is promised, if somebody waits there. The first has what
/// the others are not.
const PROMISED_PART: [i64; LISTS.len()] = [1, 4, 8, 8];
/// Bytes that are read for each unit of a share.
const BYTES_PER_UNIT: usize = 2;
/// The least and the most that one read asks for.
const LEAST_READ: usize = 2 << 10;
const MOST_DIRECT: usize = 256 << 10;

/// What became of a connection that was served.
enum Served {
    /// Nothing more is to be done for it now.
    Drained,
    /// It has more, and used up its share.
    HasMore,
}

impl<I: Io> Turn<I> {
    /// Reads those who have something, each within its share.
    pub(super) fn read(&mut self) {
        if self.hub.is_over_memory() {
            return;
        }
        let granted = self.budget.grant(Step::Read);
        let mut left = granted.left();
        // What is counted now is what is served now: who is put behind the others in this turn is
        // not served again in it.
        let mut counts = LISTS.map(|list| self.ready.len(list));
        // What each list leaves to those behind it.
        let promised: [i64; LISTS.len()] = std::array::from_fn(|index| match counts[index] {
            0 => 0,
            _ => granted.left() / PROMISED_PART[index],
        });
        left -= self.serve_list(List::First, self.ready.len(List::First), left);
        // One step may cost more than what a later list is promised, turn after turn. Whoever got nothing
        // because of that goes first now, unless the quiet have paid for that already.
        let starved = std::mem::take(&mut self.rounds.starved);
        for index in 1..LISTS.len() {
            if starved[index] && !starved[0] && counts[index] > 0 {
                left -= self.serve_list(LISTS[index], 1, left);
                counts[index] -= 1;
            }
        }
        for (index, list) in LISTS.into_iter().enumerate() {
            let later: i64 = promised[index + 1..].iter().sum();
            let most = left - later;
            self.rounds.starved[index] = counts[index] > 0 && most <= 0;
            left -= self.serve_list(list, counts[index], most);
        }
        let mut rest = granted;
        rest.charge((granted.left() - left).max(0) as u32);
        self.budget.take(granted, rest);
    }

    /// Serves the first `count` of a list while anything is left; what that cost.
    fn serve_list(&mut self, list: List, count: usize, most: i64) -> i64 {
        let mut left = most;
        let share = match self.rounds.over(list) {
            Some(round) => share_of_round(round, count),
            None => share_of_busy(self.ready.len(list)),
        };
        for _ in 0..count {
            if left <= 0 {
                break;
            }
            let Some(id) = self.ready.next(list) else {
                break;
            };
            if !self.hub.knows(id) {
                continue;
            }
            self.ready.taken(id.index);
            if let Some(round) = self.rounds.over(list) {
                round.left = round.left.saturating_sub(1);
            }
            // A last one may get less than a share, and is not called busy for it.
            let granted = Work::new(share.min(left as u32));
            let served = self.serve(id, granted);
            let spent = granted.left() - self.hub.work().left();
            left -= spent;
            self.note_spent(id, spent, share);
            match served {
                Served::Drained => {}
                Served::HasMore if granted.left() < i64::from(share) => self.ready.add(id),
                Served::HasMore => self.ready.add_busy(id),
            }
        }
        most - left
    }

    /// Whoever spent much more than its share counts as busy for it, also when nothing of it is left to read.
    fn note_spent(&mut self, id: SessionId, spent: i64, share: u32) {
        let dear = share.max(LEAST_BUSY_SHARE);
        if spent > i64::from(dear) {
            let shares = spent / i64::from(LEAST_BUSY_SHARE);
            let shares = u32::try_from(shares).unwrap_or(u32::MAX);
            self.ready.was_dear(id.index, shares);
        }
    }

    /// Reads a connection, and works on what it has sent, until it is drained or its share is spent.
    fn serve(&mut self, id: SessionId, granted: Work) -> Served {
        self.hub.set_work(granted);
        self.io.served(id.index);
        let ends = self.ready.ends(id.index);
        loop {
            if !self.hub.wants_read(id) {
                if self.ready.ends(id.index) {
                    self.hub.ended_while_waiting(id);
                }
                return Served::Drained;
            }
            if self.hub.has_pending(id) {
                self.hub.resume(&mut self.io, id);
            } else {
                let Some(read) = self.read_once(id, granted) else {
                    return Served::Drained;
                };
                // Where the peer has ended, its end is read as well, unless it is not there after all.
                let is_drained = read.drained && (!ends || read.n == 0);
                if is_drained && !self.hub.has_pending(id) {
                    return Served::Drained;
                }
            }
            if self.hub.work().is_spent() {
                return Served::HasMore;
            }
        }
    }

    /// One read and what it brings about; `None` when the end of the connection showed.
    fn read_once(&mut self, id: SessionId, granted: Work) -> Option<Read> {
        self.hub.charge(price::READ);
        let most = (granted.left() as usize * BYTES_PER_UNIT).max(LEAST_READ);
        let (read, is_direct) = match self.hub.target(id) {
            Some(target) => {
                let most = target.len().min(4 * most).min(MOST_DIRECT);
                (self.io.read(id.index, &mut target[..most]), true)
            }
            None => {
                let most = most.min(BUFFER);
                (self.io.read(id.index, &mut self.buffer[..most]), false)
            }
        };
        let Ok(read) = read else {
            self.broke(id);
            return None;
        };
        self.hub.charge((read.n / price::BYTES_READ) as u32);
        if self.hub.awaits_peer(id) {
            self.hub.charge(price::PROXY);
            if let Some(peer) = self.io.take_peer(id.index) {
                self.hub.peer_known(id, peer);
            }
        }
        self.hub.charge(read.work);
        if read.handshake {
            self.ready.add_handshake(id);
            return None;
        }
        match (read.n, is_direct) {
            (0, _) => {}
            (n, true) => self.hub.received_directly(&mut self.io, id, n),
            (n, false) => self.hub.received(&mut self.io, id, &mut self.buffer[..n]),
        }
        if read.ended {
            if self.hub.has_pending(id) || !self.hub.wants_read(id) {
                // The end comes behind what waits: it is read again.
                self.ready.set_ends(id.index);
                return Some(read);
            }
            self.hub.end_of_file(id);
            return None;
        }
        Some(read)
    }

    /// A connection that was just accepted: its request is there already, as a rule.
    /// What that cost.
    pub(super) fn read_first(&mut self, id: SessionId, left: i64) -> u32 {
        let granted = Work::new(STEP.min(u32::try_from(left).unwrap_or(0)));
        let served = self.serve(id, granted);
        let spent = granted.left() - self.hub.work().left();
        self.note_spent(id, spent, STEP);
        if let Served::HasMore = served {
            self.ready.add(id);
        }
        u32::try_from(spent).unwrap_or(0)
    }
}

/// What each on such a list may spend. It stays for a whole round: if it were counted anew in every turn, the
/// shares of the last ones would grow, and the round with them.
fn share_of_round(round: &mut Round, count: usize) -> u32 {
    if round.left == 0 || round.left > count {
        *round = Round {
            left: count,
            share: share_of_quiet(count),
        };
    }
    round.share
}

/// What each of so many who are quiet may spend.
fn share_of_quiet(count: usize) -> u32 {
    let count = u32::try_from(count.max(1)).unwrap_or(u32::MAX);
    (ROUND / count).clamp(LEAST_SHARE, STEP)
}

/// What each of so many who are busy may spend.
fn share_of_busy(count: usize) -> u32 {
    let count = u32::try_from(count.max(1)).unwrap_or(u32::MAX);
    (BUSY_ROUND / count).clamp(LEAST_BUSY_SHARE, STEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_step_at_most_and_always_worth_the_price_of_a_read() {
        for share in [share_of_quiet, share_of_busy] {
            assert_eq!((share(0), share(1)), (STEP, STEP));
            for count in [10, 100, 1_000, 100_000, usize::MAX] {
                assert!((2 * price::READ..=STEP).contains(&share(count)), "{count}");
            }
        }
    }

    #[test]
    fn shares_shrink_as_a_list_grows() {
        for share in [share_of_quiet, share_of_busy] {
            assert!(share(5) >= share(50) && share(50) >= share(500));
            assert!(share(1) > share(500));
        }
    }
}
