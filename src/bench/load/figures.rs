//! What a worker counts and measures, in a form that crosses processes and adds up.

use crate::summary::Latency;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest time that is told apart: an hour, in nanoseconds.
const LONGEST: u64 = 3_600_000_000_000;
/// Digits that are exact.
const DIGITS: u8 = 3;
/// The plot of a distribution has so many points for each halving of the rest.
const POINTS: u32 = 5;

/// Times in nanoseconds, exact to three digits.
#[derive(Clone, Debug)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        // Fails only for other bounds than these.
        let made = Histogram::new_with_bounds(1, LONGEST, DIGITS);
        Self(made.unwrap_or_else(|error| unreachable!("{error}")))
    }
}

impl Times {
    /// Adds one.
    #[inline]
    pub fn record(&mut self, ns: u64) {
        self.0.saturating_record(ns);
    }

    /// Adds all of another.
    pub fn add(&mut self, other: &Self) {
        // Bounds are the same everywhere.
        let _ = self.0.add(&other.0);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Of so many parts of one, 0 to 1; `None` without any.
    pub fn quantile(&self, part: f64) -> Option<u64> {
        let any = !self.0.is_empty();
        any.then(|| self.0.value_at_quantile(part).min(self.0.max()))
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    /// As it is reported.
    pub fn latency(&self) -> Latency {
        let at = |part| self.quantile(part).unwrap_or(0);
        let points = self.0.iter_quantiles(POINTS);
        let curve = points.map(|step| {
            let value = step.value_iterated_to().min(self.0.max());
            (step.quantile_iterated_to(), value)
        });
        Latency {
            count: self.0.len(),
            min: if self.0.is_empty() { 0 } else { self.0.min() },
            mean: self.0.mean(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            p9999: at(0.9999),
            max: if self.0.is_empty() { 0 } else { self.0.max() },
            curve: curve.collect(),
        }
    }
}

/// Value and count of each bucket that has any.
impl Serialize for Times {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let buckets = self.0.iter_recorded();
        let pairs: Vec<(u64, u64)> = buckets
            .map(|step| (step.value_iterated_to(), step.count_at_value()))
            .collect();
        pairs.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut times = Self::default();
        for (value, count) in Vec::<(u64, u64)>::deserialize(deserializer)? {
            times.0.saturating_record_n(value, count);
        }
        Ok(times)
    }
}

/// Counters that grow.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Counts {
    /// Calls that were begun.
    pub tried: u64,
    /// Sessions that opened.
    pub opened: u64,
    /// Of these, with permessage-deflate.
    pub deflated: u64,
    /// Sessions that are open.
    pub open: u64,
    /// The most that were.
    pub peak: u64,
    /// Messages of the load that were sent.
    pub sent: u64,
    /// All messages that arrived.
    pub received: u64,
    /// Bytes of their payloads.
    pub received_bytes: u64,
    /// Answers or deliveries that came, each once.
    pub answered: u64,
    /// Came more than once.
    pub duplicates: u64,
    /// Came behind a later one.
    pub reordered: u64,
    /// Came and were none of the run's.
    pub others: u64,
    /// Of the echo: sent, and the connection ended before the answer.
    pub cut: u64,
    /// Messages sent in the measured span.
    pub sent_measured: u64,
    /// Answers in the measured span.
    pub answered_measured: u64,
    /// Errors of all kinds.
    pub errors: u64,
}

/// Fan-out: who was to get everything, and how much they got.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Receivers {
    /// Receivers that are there at the end.
    pub stayed: u64,
    /// Deliveries to them.
    pub to_stayed: u64,
    /// Receivers that were there when the load began and left.
    pub left: u64,
    /// Deliveries to them.
    pub to_left: u64,
}

/// Everything of one worker.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Figures {
    /// Counters.
    pub counts: Counts,
    /// From the call to the connection.
    pub connect: Times,
    /// From the request to the 101.
    pub upgrade: Times,
    /// From the actual send.
    pub service: Times,
    /// From the intended send.
    pub response: Times,
    /// To the first receiver.
    pub first: Times,
    /// To the last one.
    pub last: Times,
    /// From a storm's cut to the 101.
    pub reconnect: Times,
    /// Later than intended by the generator's own fault.
    pub lag: Times,
    /// By kind.
    pub errors: BTreeMap<String, u64>,
    /// By code and who closed.
    pub closes: BTreeMap<String, u64>,
    /// Of the fan-out.
    pub receivers: Receivers,
    /// Echo: unanswered though the connection stayed.
    pub lost: u64,
    /// Open loop: intended and not sent.
    pub unsent: u64,
    /// Of these, those that the generator itself did not come to.
    pub overdue: u64,
    /// Bytes of one payload.
    pub size: u64,
    /// Rounds of a storm that were complete.
    pub rounds: u64,
}

impl Figures {
    /// An error of this kind.
    pub fn error(&mut self, kind: &str) {
        self.counts.errors += 1;
        count(&mut self.errors, kind);
    }

    /// A session ended so.
    pub fn closed(&mut self, how: &str) {
        count(&mut self.closes, how);
    }

    /// Adds those of another worker.
    pub fn add(&mut self, other: &Self) {
        let (mine, its) = (&mut self.counts, &other.counts);
        for (mine, its) in [
            (&mut mine.tried, its.tried),
            (&mut mine.opened, its.opened),
            (&mut mine.deflated, its.deflated),
            (&mut mine.open, its.open),
            (&mut mine.peak, its.peak),
            (&mut mine.sent, its.sent),
            (&mut mine.received, its.received),
            (&mut mine.received_bytes, its.received_bytes),
            (&mut mine.answered, its.answered),
            (&mut mine.duplicates, its.duplicates),
            (&mut mine.reordered, its.reordered),
            (&mut mine.others, its.others),
            (&mut mine.cut, its.cut),
            (&mut mine.sent_measured, its.sent_measured),
            (&mut mine.answered_measured, its.answered_measured),
            (&mut mine.errors, its.errors),
            (&mut self.receivers.stayed, other.receivers.stayed),
            (&mut self.receivers.to_stayed, other.receivers.to_stayed),
            (&mut self.receivers.left, other.receivers.left),
            (&mut self.receivers.to_left, other.receivers.to_left),
            (&mut self.lost, other.lost),
            (&mut self.unsent, other.unsent),
            (&mut self.overdue, other.overdue),
            (&mut self.rounds, other.rounds),
        ] {
            *mine += its;
        }
        self.size = self.size.max(other.size);
        for (mine, its) in [
            (&mut self.connect, &other.connect),
            (&mut self.upgrade, &other.upgrade),
            (&mut self.service, &other.service),
            (&mut self.response, &other.response),
            (&mut self.first, &other.first),
            (&mut self.last, &other.last),
            (&mut self.reconnect, &other.reconnect),
            (&mut self.lag, &other.lag),
        ] {
            mine.add(its);
        }
        for (mine, its) in [
            (&mut self.errors, &other.errors),
            (&mut self.closes, &other.closes),
        ] {
            for (kind, number) in its {
                *mine.entry(kind.clone()).or_default() += number;
            }
        }
    }
}

fn count(map: &mut BTreeMap<String, u64>, kind: &str) {
    match map.get_mut(kind) {
        Some(number) => *number += 1,
        None => {
            map.insert(kind.to_owned(), 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_cross_as_they_are_and_add_up() {
        let mut one = Times::default();
        (1..=1000).for_each(|n| one.record(n * 1000));
        let text = serde_json::to_string(&one).unwrap();
        let mut other: Times = serde_json::from_str(&text).unwrap();
        assert_eq!(other.count(), 1000);
        other.add(&one);
        let latency = other.latency();
        assert_eq!(latency.count, 2000);
        assert!(latency.p50.abs_diff(500_000) < 1000, "{}", latency.p50);
        assert!(latency.p99.abs_diff(990_000) < 1000, "{}", latency.p99);
        assert!(latency.max.abs_diff(1_000_000) < 1000);
        assert!(latency.curve.len() > 20);
    }

    #[test]
    fn no_times_are_no_latency() {
        let latency = Times::default().latency();
        assert_eq!((latency.count, latency.p99, latency.max), (0, 0, 0));
        assert_eq!(Times::default().quantile(0.5), None);
    }

    #[test]
    fn a_time_beyond_all_bounds_counts_as_the_longest() {
        let mut times = Times::default();
        times.record(u64::MAX);
        times.record(0);
        assert_eq!(times.count(), 2);
    }

    #[test]
    fn the_figures_of_two_workers_are_one() {
        let mut one = Figures::default();
        one.error("connect: refused");
        one.counts.sent = 3;
        one.response.record(5);
        let mut other = one.clone();
        other.closed("1008 by the server");
        one.add(&other);
        assert_eq!((one.counts.sent, one.counts.errors), (6, 2));
        assert_eq!(one.errors["connect: refused"], 2);
        assert_eq!(one.closes["1008 by the server"], 1);
        assert_eq!(one.response.count(), 2);
    }
}
