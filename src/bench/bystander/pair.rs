//! The two bystanders and how they measure.
//!
//! One makes **round trips**: it sends, waits for the answer, pauses for a millisecond and sends again, one
//! message in flight. The other is a **stream**: it sends every 2 ms whatever is outstanding. Both measure from
//! the moment of the actual send. Neither adds delays up: a client that waits for each answer and counts from the
//! intended time reports seconds where a round trip takes milliseconds.

use super::super::rights::step_ahead;
use super::super::site::Site;
use super::connection::{Connection, Sending};
use super::seen::{Seen, Trip};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// Between two messages of the stream.
const INTERVAL: Duration = Duration::from_millis(2);
/// Between an answer and the next round trip.
const PAUSE: Duration = Duration::from_millis(1);
/// How long the last answers are waited for once the watch is over; what is missing then counts as this late.
const GRACE: Duration = Duration::from_secs(5);

/// Two connections, one for the round trips and one for the stream.
pub struct Bystanders {
    round_trips: Side,
    stream: Side,
}

struct Side {
    connection: Connection,
    sending: Sending,
    /// The number of the next message.
    next: u64,
}

/// How long is watched.
#[derive(Clone, Copy)]
struct Watch<'a> {
    end: Instant,
    /// Nothing more is sent, and what is outstanding is waited for.
    over: &'a AtomicBool,
    /// Nothing is waited for either.
    interrupted: &'a AtomicBool,
}

/// What one side saw.
#[derive(Default)]
struct Part {
    trips: Vec<Trip>,
    unanswered: usize,
    trouble: Option<String>,
}

impl Bystanders {
    /// Two connections to the echo of `site`, each with its first message answered.
    ///
    /// # Errors
    /// Of the kind `InvalidData` when it does not upgrade or is no echo; what the kernel says otherwise.
    pub fn connect(site: &Site, interrupted: &AtomicBool) -> io::Result<Self> {
        Ok(Self {
            round_trips: Side::open(site, "round trip ", interrupted)?,
            stream: Side::open(site, "the stream ", interrupted)?,
        })
    }

    /// Watches for `span`, or until `over` says so, and returns when all is answered or given up: 5 s after the
    /// end at the latest, and 50 ms after it is `interrupted`.
    pub fn watch(&mut self, span: Duration, over: &AtomicBool, interrupted: &AtomicBool) -> Seen {
        let watch = Watch {
            end: Instant::now() + span,
            over,
            interrupted,
        };
        let (round_trips, stream) = (&mut self.round_trips, &mut self.stream);
        let (connection, sending) = (&mut stream.connection, &mut stream.sending);
        let next = &mut stream.next;
        let (sent, outstanding) = mpsc::channel();
        thread::scope(|scope| {
            let trips = scope.spawn(move || watch.make_round_trips(round_trips));
            let sender = scope.spawn(move || watch.send(sending, next, &sent));
            let receiver = scope.spawn(move || watch.receive(connection, &outstanding));
            let (trips, receiver) = (trips.join(), receiver.join());
            let panicked = "a bystander does not panic";
            let (trips, stream) = (trips.expect(panicked), receiver.expect(panicked));
            let (lag, trouble) = sender.join().expect(panicked);
            Seen {
                round_trips: trips.trips,
                stream: stream.trips,
                lag,
                unanswered: trips.unanswered + stream.unanswered,
                trouble: trips.trouble.or(stream.trouble).or(trouble),
            }
        })
    }
}

impl Side {
    fn open(site: &Site, name: &'static str, interrupted: &AtomicBool) -> io::Result<Self> {
        let connection = Connection::open(site, name, interrupted)?;
        Ok(Self {
            sending: connection.sending()?,
            connection,
            next: 1,
        })
    }
}

impl Watch<'_> {
    fn is_over(self) -> bool {
        Instant::now() >= self.end || self.over.load(Ordering::Relaxed) || self.is_interrupted()
    }

    fn is_interrupted(self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Whether what is outstanding is waited for no more.
    fn gives_up(self) -> bool {
        Instant::now() > self.end + GRACE || self.is_interrupted()
    }

    fn make_round_trips(self, side: &mut Side) -> Part {
        step_ahead();
        let mut part = Part::default();
        while !self.is_over() && part.unanswered == 0 {
            if let Err(error) = self.make_round_trip(side, &mut part) {
                part.trouble = Some(error.to_string());
                break;
            }
            thread::sleep(PAUSE);
        }
        part
    }

    fn make_round_trip(self, side: &mut Side, part: &mut Part) -> io::Result<()> {
        let (number, sent) = (side.next, Instant::now());
        side.next += 1;
        side.sending.send(number)?;
        let answered = loop {
            match side.connection.answers() {
                Ok(numbers) if numbers.contains(&number) => break Ok(true),
                Ok(_) if self.gives_up() => break Ok(false),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        part.trips.push(trip(sent));
        part.unanswered += usize::from(!matches!(answered, Ok(true)));
        answered.map(|_| ())
    }

    /// Sends until the end and returns by how much each message left later than planned. A delay moves all that
    /// follows: nothing is sent in a burst to catch up.
    fn send(
        self,
        sending: &mut Sending,
        next: &mut u64,
        sent: &Sender<(u64, Instant)>,
    ) -> (Vec<u64>, Option<String>) {
        step_ahead();
        let mut lag = Vec::new();
        let mut due = Instant::now();
        while due < self.end && !self.is_over() {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let now = Instant::now();
            lag.push(now.saturating_duration_since(due).as_nanos() as u64);
            // The receiver is gone only after an error of its own, which is told there.
            let _ = sent.send((*next, now));
            if let Err(error) = sending.send(*next) {
                return (lag, Some(error.to_string()));
            }
            *next += 1;
            due = (due + INTERVAL).max(now);
        }
        (lag, None)
    }

    /// It is over when the sender is gone and nothing is outstanding.
    fn receive(self, connection: &mut Connection, outstanding: &Receiver<(u64, Instant)>) -> Part {
        step_ahead();
        let mut part = Part::default();
        let mut waiting = VecDeque::new();
        while part.trouble.is_none() {
            if waiting.is_empty() {
                match outstanding.recv() {
                    Ok(sent) => waiting.push_back(sent),
                    Err(_) => break,
                }
            }
            if self.gives_up() {
                break;
            }
            match connection.answers() {
                Ok(numbers) => {
                    waiting.extend(outstanding.try_iter());
                    for number in numbers {
                        let place = waiting.iter().position(|(sent, _)| *sent == number);
                        let sent = place.and_then(|place| waiting.remove(place));
                        part.trips.extend(sent.map(|(_, sent)| trip(sent)));
                    }
                }
                Err(error) => part.trouble = Some(error.to_string()),
            }
        }
        // Those that were sent meanwhile are missing, too.
        let missing = waiting.into_iter().chain(outstanding.try_iter());
        for (_, sent) in missing {
            part.trips.push(trip(sent));
            part.unanswered += 1;
        }
        part
    }
}

fn trip(sent: Instant) -> Trip {
    let took = sent.elapsed().as_nanos() as u64;
    Trip { sent, took }
}
