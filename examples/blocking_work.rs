//! Blocking work: threads compute, and their answers come back to the handler by a typed `Handle`.
//!
//! `cargo run --release --example blocking_work`, then `cargo run -- chat ws://127.0.0.1:8080/primes` and a number
//! such as `20000000`; a second session is served meanwhile. The same number again is answered at once.
//!
//! The closure that a `Handle` calls runs on the loop's thread with `&mut Primes`: the cache needs no
//! lock. What waits for the threads is bounded, and whoever comes past that is told so.

use dunlin::{
    App, Context, ErrorKind, Handle, Handler, Message, Open, Request, Route, Server, Session,
    SessionId,
};
use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const THREADS: usize = 2;
const MOST_JOBS: usize = 64;
const MOST_CACHED: usize = 10_000;
/// A job takes as many bytes, and a tenth of a second.
const LARGEST: usize = 20_000_000;

struct Job {
    from: SessionId,
    below: usize,
}

struct Primes {
    jobs: SyncSender<Job>,
    cache: HashMap<usize, usize>,
}

impl Handler for Primes {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        let number = message.text().and_then(|text| text.trim().parse().ok());
        let Some(below) = number.filter(|number| *number <= LARGEST) else {
            session.send(format!("a number up to {LARGEST}, please"));
            return;
        };
        if let Some(count) = self.cache.get(&below) {
            session.send(answer(below, *count));
        } else if self
            .jobs
            .try_send(Job {
                from: session.id(),
                below,
            })
            .is_err()
        {
            session.send("busy, try again");
        }
    }
}

fn answer(below: usize, count: usize) -> String {
    format!("{count} primes below {below}")
}

/// A thread that may take its time.
fn work(jobs: &Mutex<Receiver<Job>>, primes: &Handle<Primes>) {
    loop {
        // The lock is held while this thread waits for a job, and not while it computes.
        let Ok(Ok(Job { from, below })) = jobs.lock().map(|jobs| jobs.recv()) else {
            return; // the handler is gone, and the server with it
        };
        let count = count_primes(below);
        let mut call = move |primes: &mut Primes, context: &mut Context<'_>| {
            if primes.cache.len() < MOST_CACHED {
                primes.cache.insert(below, count);
            }
            // A session that has left meanwhile needs no answer, and gets none.
            context.send(from, answer(below, count));
        };
        while let Err(rejected) = primes.call(call) {
            if rejected.error.kind() == ErrorKind::Closed {
                return; // the server has stopped
            }
            // Too much waits for the loop. This thread may wait, too.
            thread::sleep(Duration::from_millis(10));
            call = rejected.call;
        }
    }
}

fn count_primes(below: usize) -> usize {
    let mut is_composite = vec![false; below];
    let mut count = 0;
    for number in 2..below {
        if !is_composite[number] {
            count += 1;
            let multiples = (number * number..below).step_by(number);
            multiples.for_each(|multiple| is_composite[multiple] = true);
        }
    }
    count
}

fn app() -> App {
    let (jobs, queue) = sync_channel(MOST_JOBS);
    let cache = HashMap::new();
    let primes = Route::new(Primes { jobs, cache });
    let queue = Arc::new(Mutex::new(queue));
    for _ in 0..THREADS {
        let (queue, handle) = (Arc::clone(&queue), primes.handle());
        thread::spawn(move || work(&queue, &handle));
    }
    App::new().route("/primes", primes)
}

fn main() -> dunlin::Result<()> {
    Server::new(app()).listen("127.0.0.1:8080")?.run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::testing::Sim;

    #[test]
    fn an_answer_comes_from_the_thread_and_the_next_one_from_the_cache() {
        let sim = Sim::new(app()).expect("the program is right");
        let client = sim.open("/primes");
        client.send("100");
        sim.drive_threads_until(|| client.waiting() > 0);
        assert_eq!(client.receive_text(), "25 primes below 100");
        client.send("100");
        assert_eq!(client.receive_text(), "25 primes below 100");
    }

    #[test]
    fn whoever_has_left_is_not_answered_and_nobody_is_disturbed() {
        let sim = Sim::new(app()).expect("the program is right");
        let (gone, stays) = (sim.open("/primes"), sim.open("/primes"));
        gone.send("1000");
        sim.drive();
        gone.cut();
        stays.send("10");
        sim.drive_threads_until(|| stays.waiting() > 0);
        assert_eq!(stays.receive_text(), "4 primes below 10");
    }

    #[test]
    fn what_is_no_number_is_told_so_at_once() {
        let sim = Sim::new(app()).expect("the program is right");
        let client = sim.open("/primes");
        for wrong in ["", "many", "-1", "20000001"] {
            client.send(wrong);
            let told = client.receive_text();
            assert_eq!(told, "a number up to 20000000, please", "{wrong:?}");
        }
    }

    #[test]
    fn past_the_bound_of_the_queue_a_session_is_told_to_come_back() {
        let (jobs, _nobody_takes_them) = sync_channel(1);
        let cache = HashMap::new();
        let sim = Sim::new(App::new().ws("/primes", Primes { jobs, cache }));
        let client = sim.expect("the program is right").open("/primes");
        client.send("100");
        assert_eq!(client.receive(), None);
        client.send("100");
        assert_eq!(client.receive_text(), "busy, try again");
    }
}
