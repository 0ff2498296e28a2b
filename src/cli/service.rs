//! The service as its manager sees it: ready when the loop turns, and alive as long as it does.
//!
//! The watchdog is fed by a timer of the loop and by no thread of its own: a loop that is stuck in a
//! handler is what it is for.

use super::systemd::{self, Notifier};
use dunlin::{App, Context, Handle, Handler, Message, Open, Request, Route, Session};
use std::sync::Arc;
use std::time::Duration;

/// The name of the route that has the timer. It makes no call and has no session.
const ROUTE: &str = "service manager";

/// What other threads need to speak for the service.
#[derive(Clone)]
pub(super) struct Service {
    notifier: Arc<Notifier>,
    handle: Handle<Beat>,
}

/// The timer of the loop.
struct Beat {
    notifier: Arc<Notifier>,
    /// `None`: the manager waits for nothing.
    every: Option<Duration>,
}

impl Service {
    /// Adds the timer to a program where there is a manager.
    pub(super) fn mount(app: App) -> (App, Option<Self>) {
        match Notifier::from_env() {
            // Twice as often as it must be, as sd_watchdog_enabled(3) asks.
            Some(notifier) => Self::with(app, notifier, systemd::watchdog().map(|most| most / 2)),
            None => (app, None),
        }
    }

    fn with(app: App, notifier: Notifier, every: Option<Duration>) -> (App, Option<Self>) {
        let notifier = Arc::new(notifier);
        let beat = Route::new(Beat {
            notifier: Arc::clone(&notifier),
            every,
        });
        let handle = beat.handle();
        let service = Self { notifier, handle };
        (app.outgoing_route(ROUTE, beat), Some(service))
    }

    /// Tells that the service is ready, from the loop itself, and begins to feed the watchdog. Once the
    /// server has started.
    pub(super) fn start(&self) {
        self.call(|beat, context| {
            beat.notifier.tell(&format!("READY=1\n{}", status(context)));
            beat.arm(context);
        });
    }

    /// The configuration is being read again.
    pub(super) fn reloading(&self) {
        self.notifier.tell_reloading();
    }

    /// The loop has what was read, if anything.
    pub(super) fn reloaded(&self) {
        self.call(|beat, _| beat.notifier.tell("READY=1"));
    }

    /// The end has begun, and takes no longer than this.
    pub(super) fn stopping(&self, most: Duration) {
        self.notifier.tell_stopping(most);
    }

    fn call(&self, call: impl FnOnce(&mut Beat, &mut Context<'_>) + Send + 'static) {
        if let Err(rejected) = self.handle.call(call) {
            log::debug!("the service manager is not told: {rejected}");
        }
    }
}

impl Beat {
    fn arm(&self, context: &mut Context<'_>) {
        if let Some(every) = self.every {
            context.set_timer(every, 0);
        }
    }
}

fn status(context: &Context<'_>) -> String {
    let stats = context.stats();
    let sessions = stats.opened - stats.closed;
    let (all, received, sent) = (stats.connections, stats.received, stats.sent);
    format!("STATUS={all} connections, {sessions} sessions; {received} messages in, {sent} out")
}

impl Handler for Beat {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), _: &mut Session<'_>, _: Message<'_>) {}

    fn program_timer(&mut self, context: &mut Context<'_>, _token: u64) {
        self.notifier
            .tell(&format!("WATCHDOG=1\n{}", status(context)));
        self.arm(context);
    }
}
