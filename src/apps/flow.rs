//! The broadcast flow: what one subscriber of `/flow` says, all of them get as it was said. Whoever only
//! listens can follow `/flow/events` instead, with `EventSource` or `curl -N`.
//!
//! Nobody waits for the slowest subscriber: one that does not read fills its own backlog
//! and is closed when that is full. A follower that comes back with the last id it has got is told
//! what it missed, or, where that is not there any more, from where to where.

use super::sessions::{logged, logged_events};
use crate::{App, CloseCode, Event, Handler, Message, Open, Request, Session, Settings};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::time::Duration;

const TOPIC: &str = "flow";

/// Messages that are kept for followers that come back, ...
const MOST_KEPT: usize = 100;
/// ... their bytes, ...
const MOST_BYTES: usize = 256 << 10;
/// ... and for how long.
const KEPT_FOR: Duration = Duration::from_secs(300);

/// Mounts `/flow` and `/flow/events`.
pub fn mount(app: App) -> App {
    let history = Rc::new(RefCell::new(History::new()));
    let follow = Follow(Rc::clone(&history));
    let app = logged(app, "/flow", super::settings::settings(), Flow(history));
    logged_events(app, "/flow/events", Settings::default(), follow)
}

/// The newest messages, by number.
struct History {
    /// Numbers of another process mean nothing here.
    epoch: String,
    /// The number of the newest message; the first is 1.
    newest: u64,
    /// Somebody follows, or did: only from then on has anybody a number to come back with.
    is_followed: bool,
    kept: VecDeque<Kept>,
    bytes: usize,
}

struct Kept {
    number: u64,
    said: Duration,
    text: String,
}

impl History {
    fn new() -> Self {
        Self {
            epoch: format!("{:016x}", RandomState::new().hash_one(TOPIC)),
            newest: 0,
            is_followed: false,
            kept: VecDeque::new(),
            bytes: 0,
        }
    }

    fn id(&self, number: u64) -> String {
        format!("{}:{number}", self.epoch)
    }

    /// The number of an id of this epoch, if it was given.
    fn number(&self, id: &str) -> Option<u64> {
        let (epoch, number) = id.split_once(':')?;
        let number = number.parse().ok()?;
        (epoch == self.epoch && number <= self.newest).then_some(number)
    }

    /// Keeps the newest message.
    fn keep(&mut self, now: Duration, text: &str) {
        self.bytes += text.len();
        self.kept.push_back(Kept {
            number: self.newest,
            said: now,
            text: text.to_owned(),
        });
        self.forget(now);
    }

    /// Forgets what is too old or too much.
    fn forget(&mut self, now: Duration) {
        while let Some(oldest) = self.kept.front()
            && (self.kept.len() > MOST_KEPT
                || self.bytes > MOST_BYTES
                || now >= oldest.said + KEPT_FOR)
        {
            self.bytes -= oldest.text.len();
            self.kept.pop_front();
        }
    }

    /// Sends what came behind this number, as far as it is here.
    fn replay(&self, last: u64, session: &mut Session<'_>) {
        let oldest = self
            .kept
            .front()
            .map_or(self.newest + 1, |kept| kept.number);
        if last + 1 < oldest {
            let gap = format!("{{\"from\":{},\"to\":{}}}", last + 1, oldest - 1);
            session.send(Event::new(gap).id(self.id(oldest - 1)).name("gap"));
        }
        for kept in self.kept.iter().filter(|kept| kept.number > last) {
            let event = Event::new(&*kept.text).id(self.id(kept.number));
            if !session.send(event).is_queued() {
                // It comes back with what it has got by then, and gets the rest.
                return session.close(CloseCode::TRY_AGAIN, "More is to come");
            }
        }
    }
}

type Shared = Rc<RefCell<History>>;

struct Flow(Shared);

impl Handler for Flow {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join(TOPIC);
        session.send("You are connected to WebSocket!");
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        let Message::Text(text) = message else { return };
        let history = &mut *self.0.borrow_mut();
        history.newest += 1;
        if history.is_followed {
            history.keep(session.now(), text);
            let id = history.id(history.newest);
            session.publish(TOPIC, Event::new(text).id(id));
        } else {
            session.publish(TOPIC, message);
        }
    }
}

/// The followers, who say nothing.
struct Follow(Shared);

impl Handler for Follow {
    type Data = ();

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        let history = &mut *self.0.borrow_mut();
        history.is_followed = true;
        history.forget(session.now());
        session.join(TOPIC);
        let last = request.last_event_id().and_then(|id| history.number(&id));
        if let Some(last) = last {
            history.replay(last, session);
        }
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), _: &mut Session<'_>, _: Message<'_>) {}
}
