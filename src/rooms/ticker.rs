//! The passing of time, for rooms.

use super::state::{State, run_answered};
use crate::app::{Context, Handler, Open, Request, Session};
use crate::wire::message::Message;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// The route that timers of rooms belong to. It has no sessions.
pub(super) struct Ticker {
    state: Rc<RefCell<State>>,
}

impl Ticker {
    pub(super) fn new(state: Rc<RefCell<State>>) -> Self {
        Self { state }
    }

    pub(super) fn tick(&mut self, context: &mut Context<'_>) {
        let now = context.now().as_millis() as u64;
        let answered = {
            let mut state = self.state.borrow_mut();
            // While this runs, nobody asks for another one.
            state.ticks_at = Some(now);
            state.tick(context);
            std::mem::take(&mut state.answered)
        };
        run_answered(answered, context);
        let mut state = self.state.borrow_mut();
        let wanted = state.wants_tick();
        state.ticks_at = wanted.map(|after| now + after);
        if let Some(after) = wanted {
            context.set_timer(Duration::from_millis(after), 0);
        }
    }
}

#[cfg(feature = "cluster")]
impl Ticker {
    /// The host of an engine was looked up by another thread.
    pub(super) fn looked_up(
        &mut self,
        context: &mut Context<'_>,
        which: usize,
        found: Result<Vec<core::net::SocketAddr>, String>,
    ) {
        self.state.borrow_mut().looked_up(context, which, found);
    }
}

impl Handler for Ticker {
    type Data = ();

    fn open(&mut self, _request: &Request<'_>, _session: &mut Session<'_>) -> Open<()> {
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), _session: &mut Session<'_>, _message: Message<'_>) {}

    fn program_timer(&mut self, context: &mut Context<'_>, _token: u64) {
        self.tick(context);
    }
}
