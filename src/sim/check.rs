//! What must hold after every turn, whatever happened in it.

use super::network::Upstream;
use super::world::World;
use crate::turn::{STEP, TURN};
use crate::wire::work::CODEC_STEP;

/// Connections that one check may cost a turn; larger worlds are checked less often.
const CHECKED_A_TURN: u64 = 2048;
/// A connection that waits to be read is served within this many turns, and ...
const TURNS_ALONE: u64 = 4;
/// ... one more for each so many others that wait.
const CROWD_A_TURN: u64 = 2;
/// Turns in a row that ask for another one and do nothing.
const IDLE_TURNS: u64 = 64;

impl World {
    /// Panics when a promise of the server is broken.
    #[track_caller]
    pub(super) fn check(&mut self) {
        let spent = self.turn.spent();
        // One call of a handler is one step, however much it does.
        let [turn, step, codec] = [TURN, STEP, CODEC_STEP].map(i64::from);
        let most = turn + step.max(self.turn.hub.dearest_call() + step - codec);
        assert!(
            spent <= most,
            "a turn spent {spent} of {most} units of work"
        );
        let is_idle = self.turn.is_busy() && spent == 0;
        self.idle = if is_idle { self.idle + 1 } else { 0 };
        assert!(
            self.idle < IDLE_TURNS,
            "{IDLE_TURNS} turns asked for another one and did nothing"
        );
        let live = self.turn.io.live as u64;
        let stats = self.turn.hub.stats();
        // A call that is to begin later has no connection yet.
        let slots = self.turn.hub.slots();
        if slots != live {
            let waiting = self.turn.hub.calls_without(&|key| {
                let line = self.turn.io.keys.get(key as usize);
                line.copied().flatten().is_some()
            });
            assert_eq!(slots, live + waiting, "slots and connections differ");
        }
        // Past the cap of all bytes that are held nobody is read in the next turn.
        if std::mem::replace(&mut self.is_over, self.turn.hub.is_over_memory()) {
            self.unread_in = self.turn.io.turn;
        }
        self.checked += CHECKED_A_TURN;
        if self.checked < live {
            return;
        }
        self.checked = 0;
        let accounts = match self.turn.hub.check_accounts() {
            Ok(accounts) => accounts,
            Err(wrong) => panic!("{wrong}"),
        };
        let sessions = accounts.sessions as u64;
        assert_eq!(
            stats.opened - stats.closed,
            sessions,
            "opened less closed is not what lives"
        );
        let lines: Vec<usize> = self.turn.io.keys.iter().flatten().copied().collect();
        let crowd = lines.iter().filter(|line| self.is_waiting(**line)).count() as u64;
        for line in lines {
            self.check_line(line, crowd);
        }
    }

    fn is_waiting(&self, line: usize) -> bool {
        let id = self.turn.io.lines[line].id;
        id.is_some_and(|id| self.turn.is_ready(id.index))
    }

    /// Nobody waits for a wake-up that will not come, nor for ever for its turn.
    #[track_caller]
    fn check_line(&mut self, line: usize, crowd: u64) {
        let is_waiting = self.is_waiting(line);
        let turn = self.turn.io.turn;
        let state = &mut self.turn.io.lines[line];
        let Some(id) = state.id else { return };
        if !is_waiting {
            state.served_in = turn;
        }
        if state.served_in == turn {
            state.crowd = 0;
        }
        // A crowd that is gone by now was waited for all the same.
        state.crowd = state.crowd.max(crowd);
        let waited = turn - state.served_in.max(self.unread_in);
        let most = TURNS_ALONE + state.crowd / CROWD_A_TURN;
        let dearest = self.turn.hub.dearest_call();
        assert!(
            waited <= most,
            "{id} is ready since {waited} turns; the dearest call of the last one cost {dearest} units"
        );
        let state = &self.turn.io.lines[line];
        if is_waiting || state.upstream == Upstream::Reset || !state.edge.is_none() {
            return;
        }
        let is_late = self.turn.io.trickling.contains(&line) || self.turn.io.is_late(line);
        let has_something = !state.up.is_empty() || state.upstream == Upstream::Finished;
        assert!(
            !has_something || is_late || !self.turn.hub.wants_read(id),
            "{id} has bytes that nobody will read"
        );
        assert!(
            !self.turn.hub.has_pending(id),
            "{id} has messages that nobody will look at"
        );
        assert!(
            !self.turn.hub.is_blocked(id) || state.is_blocked || is_late,
            "{id} waits for room that is there"
        );
    }
}
