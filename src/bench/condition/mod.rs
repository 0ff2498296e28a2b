//! What a run must keep, such as `p99<20ms,loss=0`: read from the command line and judged by a summary.
//!
//! A figure that was not measured never keeps a condition: no server's CPU without its process id, no
//! latency without messages.

use super::quantity;
use super::summary::{Judged, Summary};
use measure::{Measure, Reading, Unit};
use std::error::Error;
use std::fmt;
use std::str::FromStr;

mod measure;

/// One condition: a figure, a comparison and a limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// As it was written.
    text: String,
    rule: Rule,
}

#[derive(Clone, Debug, PartialEq)]
enum Rule {
    /// The figures are those of the server.
    Valid,
    Compare(Measure, Comparison, Limit),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Comparison {
    Less,
    AtMost,
    Greater,
    AtLeast,
    Equal,
    Different,
}

/// What a figure is compared with: nanoseconds, bytes, a number, or percent.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Limit {
    value: f64,
    is_percent: bool,
}

/// Several conditions, joined with commas: the value of an argument.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conditions(pub Vec<Condition>);

impl Conditions {
    /// Judges all of them.
    #[must_use]
    pub fn judge(&self, summary: &Summary) -> Vec<Judged> {
        let judged = self.0.iter().map(|condition| condition.judge(summary));
        judged.collect()
    }
}

impl FromStr for Conditions {
    type Err = ConditionError;

    /// # Errors
    ///
    /// The first part that cannot be read.
    fn from_str(text: &str) -> Result<Self, ConditionError> {
        text.split(',')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Condition {
    /// Judges it.
    #[must_use]
    pub fn judge(&self, summary: &Summary) -> Judged {
        let (held, found) = match &self.rule {
            Rule::Valid if summary.invalid.is_empty() => (true, "valid".to_owned()),
            Rule::Valid => (false, format!("INVALID: {}", summary.invalid.join("; "))),
            Rule::Compare(measure, comparison, limit) => {
                match measure
                    .read(summary)
                    .and_then(|reading| limit.same_kind(reading))
                {
                    None => (false, "not measured".to_owned()),
                    Some(found) => (
                        comparison.holds(found, limit.value),
                        limit.tell(found, measure.unit()),
                    ),
                }
            }
        };
        Judged {
            text: self.text.clone(),
            found,
            held,
        }
    }
}

impl Limit {
    /// The figure in the kind of the limit: itself, or the percentage that it is of its whole.
    fn same_kind(self, reading: Reading) -> Option<f64> {
        if self.is_percent {
            reading.percent
        } else {
            Some(reading.value)
        }
    }

    /// The figure with its unit, with as many digits as tell it from the limit.
    fn tell(self, found: f64, unit: Unit) -> String {
        let show = |value: f64, digits: usize| match unit {
            _ if self.is_percent => quantity::percent_with(value, digits),
            Unit::Time => quantity::time_with(value, digits),
            Unit::Size => quantity::size_with(value, digits),
            Unit::Rate => format!("{} a second", quantity::rate(value)),
            Unit::Count | Unit::Part => quantity::rate(value),
        };
        let differs = |digits: &usize| show(found, *digits) != show(self.value, *digits);
        let digits = if found == self.value {
            3
        } else {
            (3..=12).find(differs).unwrap_or(12)
        };
        show(found, digits)
    }
}

impl Comparison {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "<" => Self::Less,
            "<=" => Self::AtMost,
            ">" => Self::Greater,
            ">=" => Self::AtLeast,
            "=" | "==" => Self::Equal,
            "!=" => Self::Different,
            _ => return None,
        })
    }

    #[expect(
        clippy::float_cmp,
        reason = "counts are whole, and a limit is read as it is counted"
    )]
    fn holds(self, found: f64, limit: f64) -> bool {
        match self {
            Self::Less => found < limit,
            Self::AtMost => found <= limit,
            Self::Greater => found > limit,
            Self::AtLeast => found >= limit,
            Self::Equal => found == limit,
            Self::Different => found != limit,
        }
    }
}

/// A condition that cannot be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConditionError {
    /// The condition that the wrong part stands in.
    condition: String,
    /// What is wrong with which part, and what is known.
    problem: String,
    /// One that can be read.
    example: &'static str,
}

impl fmt::Display for ConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            condition,
            problem,
            example,
        } = self;
        write!(
            f,
            "the condition {condition:?}: {problem}; an example: {example}"
        )
    }
}

impl Error for ConditionError {}

impl FromStr for Condition {
    type Err = ConditionError;

    /// # Errors
    ///
    /// The part that cannot be read, what is known in its place, and an example.
    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let text = text.trim();
        let wrong = |problem: String, example| ConditionError {
            condition: text.to_owned(),
            problem,
            example,
        };
        if text == "valid" {
            return Ok(Self {
                text: text.to_owned(),
                rule: Rule::Valid,
            });
        }
        if text.is_empty() {
            let problem = "nothing stands there, wanted: a figure, a comparison and a limit";
            return Err(wrong(problem.to_owned(), "p99<20ms"));
        }
        let is_sign = |c: char| "<>=!".contains(c);
        let Some(start) = text.find(is_sign) else {
            let problem = "no comparison, wanted one of < <= > >= = != behind the figure";
            return Err(wrong(problem.to_owned(), "p99<20ms"));
        };
        let (name, rest) = text.split_at(start);
        let end = rest.find(|c| !is_sign(c)).unwrap_or(rest.len());
        let (sign, limit) = rest.split_at(end);
        let (name, limit) = (name.trim(), limit.trim());
        let measure = Measure::parse(name).ok_or_else(|| {
            let problem = format!(
                "no figure is called {name:?}, known are {}",
                measure::known()
            );
            wrong(problem, "response.p99<20ms")
        })?;
        let comparison = Comparison::parse(sign).ok_or_else(|| {
            let problem = format!("{sign:?} is no comparison, known are < <= > >= = !=");
            wrong(problem, "p99<=20ms")
        })?;
        let limit =
            Limit::parse(limit, measure).map_err(|problem| wrong(problem, measure.example()))?;
        Ok(Self {
            text: text.to_owned(),
            rule: Rule::Compare(measure, comparison, limit),
        })
    }
}

impl Limit {
    fn parse(text: &str, measure: Measure) -> Result<Self, String> {
        let is_digit = |c: char| c.is_ascii_digit() || c == '.';
        let end = text.find(|c| !is_digit(c)).unwrap_or(text.len());
        let (number, unit) = (&text[..end], text[end..].trim_start());
        let Some(number) = number
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
        else {
            return Err(format!("{text:?} is no number with {}", wanted(measure)));
        };
        if unit == "%" && measure.has_percent() {
            return Ok(Self {
                value: number,
                is_percent: true,
            });
        }
        let factor = match measure.unit() {
            Unit::Time => match unit {
                "ns" => Some(1.0),
                "us" | "µs" | "μs" => Some(1e3),
                "ms" => Some(1e6),
                "s" => Some(1e9),
                "m" | "min" => Some(60e9),
                _ => None,
            },
            Unit::Size => match unit {
                "B" => Some(1.0),
                "KiB" => Some(1024.0),
                "MiB" => Some(1_048_576.0),
                "GiB" => Some(1_073_741_824.0),
                "kB" => Some(1e3),
                "MB" => Some(1e6),
                "GB" => Some(1e9),
                _ => None,
            },
            Unit::Count | Unit::Rate => match unit {
                "" => Some(1.0),
                "k" => Some(1e3),
                "M" => Some(1e6),
                _ => None,
            },
            Unit::Part => None,
        };
        // Nothing is nothing in every unit.
        let factor = factor.or((number == 0.0 && unit.is_empty()).then_some(1.0));
        let Some(factor) = factor else {
            let has = if unit.is_empty() {
                format!("{number} has no unit")
            } else {
                format!("{unit:?} is no unit of it")
            };
            return Err(format!("{has}, wanted a number with {}", wanted(measure)));
        };
        // 4.35 ms are 4350000 ns, and not a trillionth less.
        let value = (number * factor * 1e3).round() / 1e3;
        Ok(Self {
            value,
            is_percent: measure.unit() == Unit::Part,
        })
    }
}

/// What may stand behind a comparison with this figure.
fn wanted(measure: Measure) -> String {
    let unit = match measure.unit() {
        Unit::Time => "ns, us, ms, s or min",
        Unit::Size => "B, KiB, MiB, GiB, kB, MB or GB",
        Unit::Count | Unit::Rate => "nothing, k or M",
        Unit::Part => return "%".to_owned(),
    };
    let percent = if measure.has_percent() { ", or %" } else { "" };
    format!("{unit}{percent} behind it")
}

#[cfg(test)]
mod tests;
