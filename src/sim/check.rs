//! What must hold after every turn, whatever happened in it.

use super::network::Upstream;
use super::world::World;

/// A line on the ready list is served within this many turns.
const PATIENCE: u64 = 2;
/// Connections that one check may cost a turn; larger worlds are checked less often.
const CHECKED_A_TURN: u64 = 2048;

impl World {
    /// Panics when a promise of the server is broken.
    pub(super) fn check(&mut self, is_busy: bool) {
        let live = self.net.live as u64;
        let stats = self.hub.stats();
        assert_eq!(stats.connections, live, "slots and connections differ");
        self.checked += CHECKED_A_TURN;
        if self.checked < live {
            return;
        }
        self.checked = 0;
        let check_accounts = self
            .hub
            .check_accounts()
            .unwrap_or_else(|wrong| panic!("{wrong}"));
        let sessions = check_accounts.sessions as u64;
        assert_eq!(
            stats.opened - stats.closed,
            sessions,
            "opened less closed is not what lives"
        );
        for line in self.net.keys.iter().flatten() {
            self.check_line(*line, is_busy);
        }
    }

    /// Nobody waits for a wake-up that will not come.
    fn check_line(&self, line: usize, is_busy: bool) {
        let state = &self.net.lines[line];
        let Some(id) = state.id else { return };
        if let Some(since) = state.ready_since {
            let waited = self.net.turn - since;
            assert!(waited <= PATIENCE, "{id} is ready since {waited} turns");
        }
        if is_busy || state.upstream == Upstream::Reset {
            return;
        }
        let has_something = !state.up.is_empty() || state.upstream == Upstream::Finished;
        assert!(
            !has_something || state.ready_since.is_some() || !self.hub.wants_read(id),
            "{id} has bytes that nobody will read"
        );
        assert!(
            !self.hub.is_blocked(id) || state.is_blocked,
            "{id} waits for room that is there"
        );
    }
}
