//! The search for the most that a server does while conditions hold: so many connections, or so many
//! messages a second.
//!
//! It doubles from a start until a trial fails, halves the distance between what held and what did not,
//! and runs once more at the result. Where one trial failed by accident on the way up, a second one at the
//! same number decides. A trial in which the generator was the bottleneck says nothing about the server:
//! no trial is made above it, and the result is only a lower bound.

use super::quantity;
use super::summary::Summary;
use serde::Serialize;
use std::fmt;

/// What to search, and how long.
#[derive(Clone, Debug)]
pub struct Search {
    /// The first number that is tried; 1 to `most`.
    pub start: u64,
    /// The greatest number that is tried.
    pub most: u64,
    /// How near the result has to be to the first number that fails: a part of the result, 0.001 to 0.5.
    pub precision: f64,
    /// All trials together, 2 to 1000, those that confirm included.
    pub trials: usize,
    /// Steps down where a result is not confirmed, 0 to 100.
    pub steps_down: usize,
}

impl Default for Search {
    /// From 100 to a million within 5 %, at most 40 trials and 3 steps down.
    fn default() -> Self {
        Self {
            start: 100,
            most: 1_000_000,
            precision: 0.05,
            trials: 40,
            steps_down: 3,
        }
    }
}

/// What one run found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Trial {
    /// Whether every condition held.
    pub held: bool,
    /// Why the run says nothing about the server; empty: it does.
    pub invalid: Vec<String>,
    /// The conditions that did not hold and what was found, or other words for the table.
    pub why: Vec<String>,
}

impl Trial {
    /// The trial that a run with judged conditions was.
    #[must_use]
    pub fn of(summary: &Summary) -> Self {
        let failed = summary.conditions.iter().filter(|judged| !judged.held);
        Self {
            held: summary.conditions.iter().all(|judged| judged.held),
            invalid: summary.invalid.clone(),
            why: failed
                .map(|judged| format!("{}: {}", judged.text, judged.found))
                .collect(),
        }
    }

    fn outcome(&self) -> Outcome {
        match (self.invalid.is_empty(), self.held) {
            (false, _) => Outcome::Invalid,
            (true, true) => Outcome::Held,
            (true, false) => Outcome::Failed,
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Held,
    Failed,
    Invalid,
}

/// What a trial was made for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Twice the number that held, or the start.
    Up,
    /// Half of what failed at the start.
    Down,
    /// The same number again, since the first failure may be an accident.
    Again,
    /// Between what held and what did not.
    Between,
    /// The result once more.
    Confirm,
}

/// A trial and the number that it was made with.
#[derive(Clone, Debug, Serialize)]
pub struct Tried {
    /// Connections, or messages a second.
    pub number: u64,
    /// What it was made for.
    pub step: Step,
    /// What it found.
    pub trial: Trial,
}

/// What keeps the result from being greater.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// The conditions failed at this number.
    Server(u64),
    /// The generator was the bottleneck at this number, for these reasons: the server may do more.
    Generator(u64, Vec<String>),
    /// Nothing greater was allowed.
    Most,
    /// The trials were used up before anything failed.
    Trials,
}

/// What a search found.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// All trials, in order.
    pub trials: Vec<Tried>,
    /// The greatest number at which the conditions held, and at no lower one they failed; `None`: there is none.
    pub best: Option<u64>,
    /// Whether a second run at it held, too.
    pub is_confirmed: bool,
    /// What keeps it from being greater.
    pub bound: Bound,
}

impl Search {
    /// Checks the numbers before anything runs.
    ///
    /// # Errors
    ///
    /// The field, its value and what is allowed.
    pub fn check(&self) -> Result<(), String> {
        let Self {
            start,
            most,
            precision,
            trials,
            steps_down,
        } = self;
        if *start < 1 || start > most {
            return Err(format!(
                "the search starts at {start}, wanted: 1 to its most, {most}"
            ));
        }
        if !(0.001..=0.5).contains(precision) {
            return Err(format!(
                "the precision is {precision}, wanted: 0.001 to 0.5, a part of the result"
            ));
        }
        if !(2..=1000).contains(trials) {
            return Err(format!(
                "the search may make {trials} trials, wanted: 2 to 1000"
            ));
        }
        if *steps_down > 100 {
            return Err(format!(
                "the search may go {steps_down} steps down, wanted: 0 to 100"
            ));
        }
        Ok(())
    }

    /// Searches; `trial` makes one run with a number of connections or messages a second.
    ///
    /// # Errors
    ///
    /// Whatever a trial fails with ends the search.
    pub fn run<E>(&self, trial: impl FnMut(u64) -> Result<Trial, E>) -> Result<Found, E> {
        let mut progress = Progress {
            trial,
            left: self.trials,
            trials: Vec::new(),
            failed_at: None,
            invalid_at: None,
        };
        let least = self.climb(&mut progress)?;
        let Some(least) = least else {
            return Ok(progress.end(None, false, self.most));
        };
        let best = self.narrow(&mut progress, least)?;
        let (best, is_confirmed) = self.confirm(&mut progress, best)?;
        Ok(progress.end(best, is_confirmed, self.most))
    }

    /// Doubles until a trial fails, or halves until one holds; gives the greatest that held.
    fn climb<E, T: FnMut(u64) -> Result<Trial, E>>(
        &self,
        progress: &mut Progress<T>,
    ) -> Result<Option<u64>, E> {
        let mut number = self.start.clamp(1, self.most.max(1));
        let mut held = None;
        while progress.left > 1 {
            let mut outcome = progress.try_at(number, Step::Up)?;
            if outcome == Outcome::Failed && progress.left > 1 {
                outcome = progress.try_at(number, Step::Again)?;
            }
            if outcome != Outcome::Held {
                break;
            }
            held = Some(number);
            if number >= self.most {
                return Ok(held);
            }
            number = number.saturating_mul(2).min(self.most);
        }
        while held.is_none() && number > 1 && progress.left > 1 {
            number /= 2;
            if progress.try_at(number, Step::Down)? == Outcome::Held {
                held = Some(number);
            }
        }
        Ok(held)
    }

    /// Halves the distance between what held and the least above it that did not.
    fn narrow<E, T: FnMut(u64) -> Result<Trial, E>>(
        &self,
        progress: &mut Progress<T>,
        mut held: u64,
    ) -> Result<u64, E> {
        while let Some(above) = progress.least_above(held)
            && self.is_far(held, above)
            && progress.left > 1
        {
            let between = held + (above - held) / 2;
            if progress.try_at(between, Step::Between)? == Outcome::Held {
                held = between;
            }
        }
        Ok(held)
    }

    fn is_far(&self, held: u64, above: u64) -> bool {
        let distance = above - held;
        distance > 1 && distance as f64 > self.precision * held as f64
    }

    /// Runs again at the result, and a step lower each time that this fails.
    fn confirm<E, T: FnMut(u64) -> Result<Trial, E>>(
        &self,
        progress: &mut Progress<T>,
        mut best: u64,
    ) -> Result<(Option<u64>, bool), E> {
        for _ in 0..=self.steps_down {
            if progress.left == 0 {
                return Ok((Some(best), false));
            }
            if progress.try_at(best, Step::Confirm)? == Outcome::Held {
                return Ok((Some(best), true));
            }
            let step = (best as f64 * self.precision).ceil() as u64;
            if best <= step {
                break;
            }
            best -= step;
        }
        Ok((progress.held_below_all_that_failed(), false))
    }
}

struct Progress<T> {
    trial: T,
    left: usize,
    trials: Vec<Tried>,
    /// The least number that failed in the last word about it.
    failed_at: Option<u64>,
    invalid_at: Option<(u64, Vec<String>)>,
}

impl<T> Progress<T> {
    fn try_at<E>(&mut self, number: u64, step: Step) -> Result<Outcome, E>
    where
        T: FnMut(u64) -> Result<Trial, E>,
    {
        let trial = (self.trial)(number)?;
        self.left -= 1;
        let outcome = trial.outcome();
        match outcome {
            // What failed by accident before does not count.
            Outcome::Held if self.failed_at == Some(number) => self.failed_at = None,
            Outcome::Held => {}
            Outcome::Failed => {
                self.failed_at = Some(self.failed_at.map_or(number, |at| at.min(number)))
            }
            Outcome::Invalid if self.invalid_at.as_ref().is_none_or(|(at, _)| *at > number) => {
                self.invalid_at = Some((number, trial.invalid.clone()));
            }
            Outcome::Invalid => {}
        }
        self.trials.push(Tried {
            number,
            step,
            trial,
        });
        Ok(outcome)
    }

    /// The least number above this one that failed or was invalid.
    fn least_above(&self, held: u64) -> Option<u64> {
        let invalid = self.invalid_at.as_ref().map(|(at, _)| *at);
        let both = [self.failed_at, invalid].into_iter().flatten();
        both.filter(|at| *at > held).min()
    }

    fn held_below_all_that_failed(&self) -> Option<u64> {
        let held = self
            .trials
            .iter()
            .filter(|tried| tried.trial.outcome() == Outcome::Held);
        let numbers = held.map(|tried| tried.number);
        numbers
            .filter(|number| self.failed_at.is_none_or(|at| *number < at))
            .max()
    }

    fn end(self, best: Option<u64>, is_confirmed: bool, most: u64) -> Found {
        let least = |at: u64| self.failed_at.is_none_or(|failed| at <= failed);
        let bound = match (&self.invalid_at, self.failed_at) {
            (Some((at, why)), _) if least(*at) => Bound::Generator(*at, why.clone()),
            (_, Some(at)) => Bound::Server(at),
            _ if best.is_some_and(|best| best >= most) => Bound::Most,
            _ => Bound::Trials,
        };
        Found {
            trials: self.trials,
            best,
            is_confirmed,
            bound,
        }
    }
}

impl Found {
    /// The result in one or two sentences; `what` is what was counted, such as `connections`.
    #[must_use]
    pub fn verdict(&self, what: &str) -> String {
        let bound = match &self.bound {
            Bound::Server(at) => format!("The conditions fail at {}.", quantity::count(*at)),
            Bound::Generator(at, why) => format!(
                "The generator was the bottleneck at {}, the server may do more: {}.",
                quantity::count(*at),
                why.join("; ")
            ),
            Bound::Most => "Nothing greater was allowed: the server may do more.".to_owned(),
            Bound::Trials => {
                "The trials were used up before anything failed: the server may do more.".to_owned()
            }
        };
        let result = match (self.best, self.is_confirmed) {
            (Some(best), true) => format!(
                "{} {what}, confirmed by a second run.",
                quantity::count(best)
            ),
            (Some(best), false) => format!(
                "{} {what}, not confirmed: what held once at more did not hold again, or no trial was left.",
                quantity::count(best)
            ),
            (None, _) => {
                let least = self
                    .trials
                    .iter()
                    .map(|tried| tried.number)
                    .min()
                    .unwrap_or(0);
                let least = quantity::count(least);
                format!(
                    "No result: with {what} down to {least}, no valid run held the conditions twice."
                )
            }
        };
        format!("{result} {bound}")
    }

    /// All trials as a table, a line each.
    #[must_use]
    pub fn table(&self, what: &str) -> String {
        let numbers: Vec<String> = self
            .trials
            .iter()
            .map(|tried| quantity::count(tried.number))
            .collect();
        let width = numbers
            .iter()
            .map(String::len)
            .max()
            .unwrap_or(0)
            .max(what.len());
        let mut text = format!("{what:>width$}  step     outcome\n");
        for (tried, number) in self.trials.iter().zip(&numbers) {
            let (outcome, why) = match tried.trial.outcome() {
                Outcome::Held => ("held", ""),
                Outcome::Failed => ("FAILED", &*tried.trial.why.join("; ")),
                Outcome::Invalid => ("INVALID", &*tried.trial.invalid.join("; ")),
            };
            let line = format!(
                "{number:>width$}  {:<7}  {outcome:<7}  {why}",
                tried.step.to_string()
            );
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Again => "again",
            Self::Between => "between",
            Self::Confirm => "confirm",
        })
    }
}

#[cfg(test)]
mod tests;
