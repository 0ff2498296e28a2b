//! What the bystanders saw.

use std::io;
use std::time::Instant;

/// What became of one message.
#[derive(Clone, Copy)]
pub struct Trip {
    /// When it left.
    pub sent: Instant,
    /// From the send to the answer, nanoseconds.
    pub took: u64,
}

/// What the two saw.
#[derive(Default)]
pub struct Seen {
    /// Of the one with one message in flight.
    pub round_trips: Vec<Trip>,
    /// Of the one that sends whatever is outstanding.
    pub stream: Vec<Trip>,
    /// How much later than planned the stream sent: what the client was late by itself, nanoseconds.
    pub lag: Vec<u64>,
    /// Messages of both that were never answered; they are among the trips, as late as the watch was long.
    pub unanswered: usize,
    /// Why a bystander gave up before its time, such as a connection that the server ended.
    pub trouble: Option<String>,
}

impl Seen {
    /// Milliseconds below which `part` (0 to 1) of the round trips lie.
    pub fn round_trip(&self, part: f64) -> f64 {
        percentile_ms(&times(&self.round_trips), part)
    }

    /// The same for the stream.
    pub fn stream(&self, part: f64) -> f64 {
        percentile_ms(&times(&self.stream), part)
    }

    /// The same for the client's own lag.
    pub fn lag(&self, part: f64) -> f64 {
        percentile_ms(&self.lag, part)
    }

    /// For those who want all or nothing.
    ///
    /// # Errors
    /// The trouble, if there was any.
    pub fn whole(self) -> io::Result<Self> {
        match self.trouble {
            Some(trouble) => Err(io::Error::other(trouble)),
            None => Ok(self),
        }
    }

    /// Parts what was sent before `moment` from the rest; the lag stays with the rest.
    pub fn split(mut self, moment: Instant) -> (Self, Self) {
        let early = |trips: &mut Vec<Trip>| {
            let place = trips.partition_point(|trip| trip.sent < moment);
            let late = trips.split_off(place);
            std::mem::replace(trips, late)
        };
        let before = Self {
            round_trips: early(&mut self.round_trips),
            stream: early(&mut self.stream),
            ..Self::default()
        };
        (before, self)
    }
}

fn times(trips: &[Trip]) -> Vec<u64> {
    trips.iter().map(|trip| trip.took).collect()
}

/// The value below which `part` (0 to 1) of `values` lie, in milliseconds. `values` are nanoseconds.
pub fn percentile_ms(values: &[u64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    percentile(&sorted, part).map_or(f64::NAN, |value| value as f64 / 1e6)
}

/// The same of sorted values, in their own unit; nothing without any.
pub(super) fn percentile(sorted: &[u64], part: f64) -> Option<u64> {
    let place = (part * sorted.len() as f64).ceil() as usize;
    let place = place.clamp(1, sorted.len().max(1)) - 1;
    sorted.get(place).copied()
}
