//! Server-Sent Events: a reader that comes back goes on where it left.
//!
//! `cargo run --example event_stream`, then `curl -N http://127.0.0.1:8080/ticks`. End it, and go on behind the last
//! id that it printed: `curl -N -H 'Last-Event-ID: 7' http://127.0.0.1:8080/ticks`. A page reads the same by
//! `new EventSource('/ticks')`, which comes back by itself.
//!
//! A handler of a stream is a handler like any other; its sessions cannot receive. What is published is written
//! once for all of them.

use dunlin::{App, Context, Event, Handler, Message, Open, Request, Server, Session, Settings};
use std::time::Duration;

const TICKS: &str = "ticks";
const SECOND: Duration = Duration::from_secs(1);

/// How many events somebody who comes back may have missed.
const KEPT: u64 = 60;

/// Counts the seconds in which anybody reads.
#[derive(Default)]
struct Ticks {
    newest: u64,
    is_ticking: bool,
}

fn tick(number: u64) -> Event<'static> {
    Event::new(format!("tick {number}"))
        .name("tick")
        .id(number.to_string())
}

impl Handler for Ticks {
    type Data = ();

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        let last = request.last_event_id();
        if let Some(last) = last.and_then(|last| last.parse::<u64>().ok()) {
            // An id of ours that is not too old; who read others begins with what is new.
            let oldest = self.newest.saturating_sub(KEPT);
            for number in last.max(oldest)..self.newest {
                session.send(tick(number + 1));
            }
        }
        session.join(TICKS);
        if !std::mem::replace(&mut self.is_ticking, true) {
            session.context().set_timer(SECOND, 0);
        }
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), _: &mut Session<'_>, _: Message<'_>) {}

    fn program_timer(&mut self, context: &mut Context<'_>, _: u64) {
        self.is_ticking = context.subscribers(TICKS) > 0;
        if self.is_ticking {
            self.newest += 1;
            context.publish(TICKS, tick(self.newest));
            context.set_timer(SECOND, 0);
        }
    }
}

fn app() -> App {
    App::new().sse("/ticks", Settings::default(), Ticks::default())
}

fn main() -> dunlin::Result<()> {
    Server::new(app()).listen("127.0.0.1:8080")?.run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::testing::{Follower, Sim};

    fn ids(follower: &Follower) -> Vec<String> {
        let events = std::iter::from_fn(|| follower.next_event());
        events.filter_map(|event| event.id).collect()
    }

    #[test]
    fn every_second_has_an_event_with_its_number() {
        let sim = Sim::new(app()).expect("the program is right");
        let reader = sim.follow("/ticks");
        sim.advance(SECOND);
        let event = reader.next_event().expect("an event");
        assert_eq!(
            (event.name.as_deref(), event.id.as_deref(), &*event.data),
            (Some("tick"), Some("1"), "tick 1")
        );
        sim.advance(2 * SECOND);
        assert_eq!(ids(&reader), ["2", "3"]);
    }

    #[test]
    fn who_comes_back_gets_what_it_missed_and_no_more_than_is_kept() {
        let sim = Sim::new(app()).expect("the program is right");
        let reader = sim.follow("/ticks");
        sim.advance(4 * SECOND);
        let again = sim.follow_with("/ticks", &[("Last-Event-ID", "2")]);
        assert_eq!(ids(&again.expect("a stream")), ["3", "4"]);
        sim.advance(96 * SECOND);
        let late = sim.follow_with("/ticks", &[("Last-Event-ID", "2")]);
        assert_eq!(ids(&late.expect("a stream")).len(), 60);
        let never = u64::MAX.to_string();
        let never = sim.follow_with("/ticks", &[("Last-Event-ID", &never)]);
        assert!(ids(&never.expect("a stream")).is_empty());
        assert_eq!(ids(&reader).len(), 100);
    }

    #[test]
    fn nothing_ticks_while_nobody_reads() {
        let sim = Sim::new(app()).expect("the program is right");
        let reader = sim.follow("/ticks");
        sim.advance(2 * SECOND);
        reader.cut();
        sim.advance(10 * SECOND);
        let next = sim.follow("/ticks");
        sim.advance(SECOND);
        assert_eq!(ids(&next), ["3"]);
    }
}
