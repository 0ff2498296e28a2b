//! What is due: calls to make, messages to send, sessions to close. Called between two turns of the loop.

use super::peer::{Role, Stage};
use super::state::{ANSWERED, Calling, Load, Phase};
use crate::plan::Scenario;
use dunlin::Context;

/// The name of the outgoing route.
pub(crate) const ROUTE: &str = "load";
/// Most messages that are sent between two turns: what arrives meanwhile is not left waiting for long.
const MOST_SENDS: usize = 2048;
/// Most calls that are begun between two turns.
const MOST_CALLS: usize = 256;
/// Most sessions that are closed between two turns.
const MOST_CLOSES: usize = 512;
/// After a storm has come back the server rests so long.
const REST: u64 = 500_000_000;
/// Calls that fail one after the other, with none that succeeded, until the rest is not tried.
const HOPELESS: usize = 500;
/// What was due in so many nanoseconds before the end may be left: its turn had not come.
const GRACE: u64 = 10_000_000;
/// With so many messages behind, the clock is not waited for.
const NEVER: u64 = u64::MAX;

impl Load {
    /// When [`Load::act`] is to be called next: nanoseconds of the clock, `u64::MAX` for never.
    pub(crate) fn next_act(&self, now: u64) -> u64 {
        match self.phase {
            Phase::Ramp => self.next_call_at(now),
            Phase::Load => match self.scenario() {
                Scenario::Idle => NEVER,
                Scenario::Storm => self.next_storm(now),
                Scenario::Churn => self.next_visit(now),
                _ if self.interval.is_some() => {
                    let interval = self.interval.unwrap_or_default();
                    self.load_at + (self.due as f64 * interval) as u64
                }
                _ if self.next_start < self.share.speakers() => now,
                _ => NEVER,
            },
            Phase::Close if self.next_start < self.peers.len() => now,
            _ => NEVER,
        }
    }

    /// Does what is due.
    pub(crate) fn act(&mut self, context: &mut Context<'_>) {
        let now = Self::now();
        match (self.phase, self.scenario()) {
            (Phase::Ramp, _) => self.call_more(now, context),
            (Phase::Load, Scenario::Idle) => {}
            (Phase::Load, Scenario::Storm) => self.storm(now, context),
            (Phase::Load, Scenario::Churn) => self.visit(now, context),
            (Phase::Load, _) if self.interval.is_some() => {
                self.send_due(now, MOST_SENDS, context);
            }
            (Phase::Load, _) => {
                self.send_first(MOST_SENDS / self.share.plan.window as usize + 1, context);
            }
            (Phase::Close, _) => self.close_more(context),
            _ => {}
        }
    }

    /// Connections open from now on.
    pub(crate) fn begin_ramp(&mut self, now: u64) {
        self.phase = Phase::Ramp;
        self.ramp_at = now;
        if self.scenario() == Scenario::Churn {
            // Each visit makes its own.
            self.next_call = self.peers.len();
            for (index, peer) in self.peers.iter_mut().enumerate() {
                peer.stage = Stage::Gone;
                self.free.push(index as u32);
            }
        }
    }

    /// Messages go from now on.
    pub(crate) fn begin_load(&mut self, now: u64) {
        self.phase = Phase::Load;
        self.load_at = now;
        self.next_start = 0;
        for peer in &mut self.peers {
            peer.took_part = peer.stage == Stage::Ready;
        }
        if self.scenario() == Scenario::Storm {
            self.next_cut = Some(now);
        }
    }

    /// What is sent from now on is measured.
    pub(crate) fn begin_measuring(&mut self, now: u64) {
        self.measured_at = now;
    }

    /// Nothing more is sent.
    pub(crate) fn end_load(&mut self, now: u64) {
        self.measured_to = now;
        self.phase = Phase::Drain;
        let Some(interval) = self.interval else {
            return;
        };
        let until = now.saturating_sub(GRACE).max(self.load_at);
        let due = ((until - self.load_at) as f64 / interval) as u64;
        if self.is_visit() {
            // All connections were on a visit, which is the server's affair.
            let waiting = due.saturating_sub(self.visits);
            self.figures.unsent = waiting * u64::from(self.share.plan.visit);
        } else {
            let speakers = self.share.speakers();
            let behind = |peer: &super::peer::Peer| u64::from(peer.due.wrapping_sub(peer.sent));
            let held_back: u64 = self.peers[..speakers].iter().map(behind).sum();
            self.figures.overdue = due.saturating_sub(self.due);
            self.figures.unsent = held_back + self.figures.overdue;
        }
    }

    /// Sessions end.
    pub(crate) fn begin_close(&mut self, now: u64) {
        self.settle(now);
        self.phase = Phase::Close;
        self.next_start = 0;
    }

    /// Accounts for what is still open when all was waited for.
    fn settle(&mut self, now: u64) {
        for index in 0..self.peers.len() {
            let (role, peer) = (self.role(index), self.peers[index]);
            match role {
                Role::Echo => {
                    let unanswered = peer.sent.wrapping_sub(peer.done);
                    self.figures.lost += u64::from(unanswered);
                    if peer.stage != Stage::Gone {
                        self.note_missing(index, &peer, now);
                    }
                }
                Role::Receiver if peer.took_part && peer.stage != Stage::Gone => {
                    self.figures.receivers.stayed += 1;
                    self.figures.receivers.to_stayed += u64::from(peer.done);
                }
                _ => {}
            }
        }
    }

    /// A message that was never answered took as long as it was waited for, and in open loop one that could
    /// not even be sent, too.
    fn note_missing(&mut self, index: usize, peer: &super::peer::Peer, now: u64) {
        let known = peer.sent.min(self.kept);
        for number in peer.sent - known..peer.sent {
            let sent = self.times[self.place(index, number)];
            if sent == ANSWERED {
                continue;
            }
            let intended = match self.interval {
                Some(interval) if !self.is_visit() => self.intended(index, number, interval),
                _ => sent,
            };
            if self.is_measured(intended) {
                self.figures.response.record(now.saturating_sub(intended));
            }
        }
        let Some(interval) = self.interval.filter(|_| !self.is_visit()) else {
            return;
        };
        for number in peer.sent..peer.due {
            let intended = self.intended(index, number, interval);
            if self.is_measured(intended) {
                self.figures.response.record(now.saturating_sub(intended));
            }
        }
    }

    fn next_call_at(&self, now: u64) -> u64 {
        let all = self.peers.len();
        if self.next_call >= all || self.calling.len() >= self.share.plan.opening {
            return NEVER;
        }
        let ramp = self.share.plan.ramp.as_nanos() as f64;
        let at = ramp * self.next_call as f64 / all.max(1) as f64;
        (self.ramp_at + at as u64).max(now.min(self.ramp_at + at as u64))
    }

    fn call_more(&mut self, now: u64, context: &mut Context<'_>) {
        for _ in 0..MOST_CALLS {
            let at = self.next_call_at(now);
            if at > now {
                return;
            }
            let index = self.next_call;
            self.next_call += 1;
            let paced = !self.share.plan.ramp.is_zero();
            self.begin_call(index, if paced { at } else { now }, context);
            if self.failed_first >= HOPELESS {
                // Nobody is there: the rest would only take time.
                for peer in &mut self.peers[self.next_call..] {
                    peer.stage = Stage::Gone;
                }
                self.next_call = self.peers.len();
            }
        }
    }

    /// Makes a connection, which was to begin at `begun`.
    pub(super) fn begin_call(&mut self, index: usize, begun: u64, context: &mut Context<'_>) {
        let call = self.call(index);
        self.figures.counts.tried += 1;
        match context.connect(ROUTE, call) {
            Ok(id) => {
                self.peers[index].stage = Stage::Calling;
                let calling = Calling {
                    index: index as u32,
                    begun,
                    connected: None,
                };
                self.calling.insert(id, calling);
            }
            Err(error) => {
                self.error("connect: not begun", || format!("{error:#}"));
                self.gone(index);
            }
        }
    }

    fn next_visit(&self, now: u64) -> u64 {
        if self.free.is_empty() {
            return NEVER;
        }
        match self.interval {
            None => now,
            Some(interval) => self.load_at + (self.visits as f64 * interval) as u64,
        }
    }

    /// Begins visits with the connections that are free.
    fn visit(&mut self, now: u64, context: &mut Context<'_>) {
        for _ in 0..MOST_CALLS {
            let at = self.next_visit(now);
            if at > now {
                return;
            }
            let Some(index) = self.free.pop() else { return };
            self.visits += 1;
            self.peers[index as usize].visit = self.share.plan.visit;
            self.begin_call(index as usize, at, context);
        }
    }

    fn next_storm(&self, now: u64) -> u64 {
        match self.next_cut {
            Some(at) => at,
            None if !self.free.is_empty() => now,
            None => NEVER,
        }
    }

    /// Everybody leaves, and everybody who has left comes back.
    fn storm(&mut self, now: u64, context: &mut Context<'_>) {
        if self.next_cut.is_some_and(|at| at <= now) {
            self.next_cut = None;
            self.cut_at = now;
            for peer in &mut self.peers {
                if let (Stage::Ready, Some(id)) = (peer.stage, peer.id) {
                    peer.stage = Stage::Leaving;
                    self.missing += 1;
                    context.close(id, 1000, "");
                }
            }
        }
        for _ in 0..MOST_CALLS {
            let Some(index) = self.free.pop() else { return };
            self.begin_call(index as usize, now, context);
        }
    }

    /// One is back; when all are, the next storm is set.
    pub(super) fn came_back(&mut self, now: u64) {
        self.missing = self.missing.saturating_sub(1);
        if self.missing == 0 && self.phase == Phase::Load {
            self.figures.rounds += 1;
            self.next_cut = Some(now + REST);
        }
    }

    fn close_more(&mut self, context: &mut Context<'_>) {
        let to = self.peers.len().min(self.next_start + MOST_CLOSES);
        for peer in &mut self.peers[self.next_start..to] {
            if let Some(id) = peer.id {
                peer.stage = Stage::Leaving;
                // Who was not read is read to its end now.
                context.resume(id);
                context.close(id, 1000, "");
            }
        }
        self.next_start = to;
    }
}
