//! The figures of a summary by name, such as `response.p99` or `server.memory`: what conditions speak of.

use super::super::summary::{Latency, Summary};

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unit {
    /// Nanoseconds.
    Time,
    /// Bytes.
    Size,
    /// A number of things.
    Count,
    /// A number of things a second.
    Rate,
    /// Only as a percentage.
    Part,
}

/// A figure that was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    /// In its [`Unit`].
    pub(super) value: f64,
    /// The percentage that it is of its whole, where it has one.
    pub(super) percent: Option<f64>,
}

/// A figure that a summary may hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measure(Source);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    /// Index into [`DISTRIBUTIONS`].
    Of(usize, Statistic),
    /// Index into [`SINGLE`].
    Single(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Statistic {
    Min,
    Mean,
    Max,
    /// In percent, above 0 and below 100.
    Percentile(f64),
}

type Distribution = fn(&Summary) -> Option<&Latency>;

/// The distributions; the first is meant where a condition names only the statistic.
const DISTRIBUTIONS: [(&str, Distribution); 8] = [
    ("response", |s| Some(&s.response)),
    ("service", |s| Some(&s.service)),
    ("connect", |s| Some(&s.connect)),
    ("upgrade", |s| Some(&s.upgrade)),
    ("first_receiver", |s| s.first_receiver.as_ref()),
    ("last_receiver", |s| s.last_receiver.as_ref()),
    ("reconnect", |s| s.reconnect.as_ref()),
    ("lag", |s| Some(&s.generator.lag)),
];

enum Read {
    Whole(fn(&Summary) -> Option<f64>),
    /// What can also be told as a percentage.
    Part(fn(&Summary) -> Option<Reading>),
}

/// The figures that are one number: name, unit, a condition of it, how it is read.
const SINGLE: [(&str, Unit, &str, Read); 17] = [
    (
        "loss",
        Unit::Count,
        "loss<0.1%",
        Read::Part(|s| of_expected(s, s.messages.lost)),
    ),
    (
        "cut",
        Unit::Count,
        "cut=0",
        Read::Part(|s| of_expected(s, s.messages.cut)),
    ),
    (
        "duplicates",
        Unit::Count,
        "duplicates=0",
        Read::Part(|s| of_expected(s, s.messages.duplicates)),
    ),
    (
        "reordered",
        Unit::Count,
        "reordered=0",
        Read::Part(|s| of_expected(s, s.messages.reordered)),
    ),
    ("unsent", Unit::Count, "unsent=0", Read::Part(unsent)),
    ("opened", Unit::Count, "opened=100%", Read::Part(opened)),
    (
        "errors",
        Unit::Count,
        "errors=0",
        Read::Whole(|s| Some(s.errors.values().sum::<u64>() as f64)),
    ),
    (
        "closes",
        Unit::Count,
        "closes=0",
        Read::Whole(|s| Some(s.closes.values().sum::<u64>() as f64)),
    ),
    (
        "rate",
        Unit::Rate,
        "rate>=10000",
        Read::Whole(|s| (s.messages.expected > 0).then_some(s.messages.answer_rate)),
    ),
    (
        "sent_rate",
        Unit::Rate,
        "sent_rate>=10000",
        Read::Whole(|s| (s.messages.sent > 0).then_some(s.messages.sent_rate)),
    ),
    (
        "server.cpu",
        Unit::Part,
        "server.cpu<80%",
        Read::Part(|s| part(s.server.as_ref()?.cpu_ns, s.measured_ns)),
    ),
    (
        "server.cpu_per_message",
        Unit::Time,
        "server.cpu_per_message<2us",
        Read::Whole(|s| {
            let server = s.server.as_ref()?;
            (s.messages.answered_measured > 0).then_some(server.cpu_per_message)
        }),
    ),
    (
        "server.memory",
        Unit::Size,
        "server.memory<64MiB",
        Read::Whole(|s| {
            let peak = s.server.as_ref()?.memory_peak;
            (peak > 0).then_some(peak as f64)
        }),
    ),
    (
        "server.memory_per_connection",
        Unit::Size,
        "server.memory_per_connection<1KiB",
        Read::Whole(|s| s.server.as_ref()?.memory_per_connection),
    ),
    (
        "server.descriptors",
        Unit::Count,
        "server.descriptors<1100",
        Read::Whole(|s| Some(s.server.as_ref()?.descriptors as f64)),
    ),
    (
        "generator.cpu",
        Unit::Part,
        "generator.cpu<80%",
        Read::Part(|s| {
            let busy = s.generator.busy;
            (s.measured_ns > 0).then_some(Reading {
                value: busy,
                percent: Some(busy * 100.0),
            })
        }),
    ),
    (
        "generator.cpu_per_message",
        Unit::Time,
        "generator.cpu_per_message<5us",
        Read::Whole(|s| (s.messages.answered_measured > 0).then_some(s.generator.cpu_per_message)),
    ),
];

impl Measure {
    /// The figure of this name; `p99` alone is that of the response.
    pub(super) fn parse(name: &str) -> Option<Self> {
        if let Some(at) = SINGLE.iter().position(|single| single.0 == name) {
            return Some(Self(Source::Single(at)));
        }
        let of = |at, statistic| Some(Self(Source::Of(at, Statistic::parse(statistic)?)));
        match name.split_once('.') {
            // `p99.9` has a point, too.
            Some((first, statistic)) if Statistic::parse(name).is_none() => of(
                DISTRIBUTIONS.iter().position(|(name, _)| *name == first)?,
                statistic,
            ),
            _ => of(0, name),
        }
    }

    /// What it is counted in.
    pub(super) fn unit(self) -> Unit {
        match self.0 {
            Source::Of(..) => Unit::Time,
            Source::Single(at) => SINGLE[at].1,
        }
    }

    /// Whether it can be told as a percentage.
    pub(super) fn has_percent(self) -> bool {
        match self.0 {
            Source::Of(..) => false,
            Source::Single(at) => matches!(SINGLE[at].3, Read::Part(_)),
        }
    }

    /// A condition of it.
    pub(super) fn example(self) -> &'static str {
        match self.0 {
            Source::Of(..) => "p99<20ms",
            Source::Single(at) => SINGLE[at].2,
        }
    }

    /// The value in a summary; `None`: not measured.
    pub(super) fn read(self, summary: &Summary) -> Option<Reading> {
        let value = match self.0 {
            Source::Of(at, statistic) => {
                let latency = DISTRIBUTIONS[at].1(summary)?;
                statistic.read(latency)
            }
            Source::Single(at) => match SINGLE[at].3 {
                Read::Whole(read) => read(summary),
                Read::Part(read) => return read(summary),
            },
        };
        let percent = None;
        value.map(|value| Reading { value, percent })
    }
}

/// The names of all figures, for people.
pub(super) fn known() -> String {
    let distributions: Vec<&str> = DISTRIBUTIONS.iter().map(|(name, _)| *name).collect();
    let single: Vec<&str> = SINGLE.iter().map(|single| single.0).collect();
    format!(
        "min, mean, p50, p90, p99, p99.9, any other percentile and max, of the response or behind \
         one of {}, each with a point (connect.max); {}; and valid alone",
        distributions.join(", "),
        single.join(", ")
    )
}

impl Statistic {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "min" => Self::Min,
            "mean" => Self::Mean,
            "max" => Self::Max,
            _ => {
                let digits = text.strip_prefix('p')?;
                let is_number = digits
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'.');
                let percent: f64 = is_number.then(|| digits.parse().ok())??;
                (percent > 0.0 && percent < 100.0).then_some(Self::Percentile(percent))?
            }
        })
    }

    fn read(self, latency: &Latency) -> Option<f64> {
        if latency.count == 0 {
            return None;
        }
        Some(match self {
            Self::Min => latency.min as f64,
            Self::Mean => latency.mean,
            Self::Max => latency.max as f64,
            Self::Percentile(percent) => percentile(latency, percent)? as f64,
        })
    }
}

/// One that the summary names, or the next one above it on the curve: never less than the true one.
fn percentile(latency: &Latency, percent: f64) -> Option<u64> {
    let named = [
        (50.0, latency.p50),
        (90.0, latency.p90),
        (99.0, latency.p99),
        (99.9, latency.p999),
        (99.99, latency.p9999),
    ];
    if let Some((_, value)) = named
        .iter()
        .find(|(named, _)| (named - percent).abs() < 1e-9)
    {
        return Some(*value);
    }
    let above = |point: &&(f64, u64)| point.0 * 100.0 >= percent - 1e-9;
    latency.curve.iter().find(above).map(|(_, value)| *value)
}

fn part(of: u64, whole: u64) -> Option<Reading> {
    // Multiplied first: 7 of 1000 are 0.7 % then, and not 0.7000000000000001 %.
    (whole > 0).then(|| Reading {
        value: of as f64,
        percent: Some(100.0 * of as f64 / whole as f64),
    })
}

fn of_expected(summary: &Summary, number: u64) -> Option<Reading> {
    part(number, summary.messages.expected)
}

/// Only open loop intends messages that it may not come to send.
fn unsent(summary: &Summary) -> Option<Reading> {
    summary.asked.rate?;
    let unsent = summary.messages.unsent;
    part(unsent, summary.messages.sent.saturating_add(unsent))
}

/// Calls that were never begun, since the run ended before, did not open either.
fn opened(summary: &Summary) -> Option<Reading> {
    let asked = &summary.asked;
    let all = asked.connections + asked.senders.unwrap_or(0) + asked.slow.unwrap_or(0);
    part(
        summary.connections.opened,
        summary.connections.tried.max(all as u64),
    )
}
