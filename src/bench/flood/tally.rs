//! What a flood cost and what became of its connections.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// One row's account of the flooding side.
#[derive(Default)]
pub struct Tally {
    /// Connections that were open when the flood began.
    pub filled: usize,
    /// Bytes of the flood, both ways, without what came before its beginning.
    pub sent: u64,
    /// Read of the server's bytes.
    pub read: u64,
    /// Messages, pongs or HTTP responses that came back.
    pub answers: u64,
    /// Fewest and most answers of one connection that is there at the end.
    pub least: Option<(u64, u64)>,
    /// How connections ended: what is said of them, and how many.
    pub ends: BTreeMap<String, u64>,
    /// Connections that read, owed nothing, and had nothing from the server for the last half of the flood.
    pub starved: u64,
    /// Connections that do not read and that the server does not read from: held by rule.
    pub held: u64,
    /// Connections of the flood that were made anew.
    pub reopened: u64,
    /// Whether the flood ended early because its bytes were spent.
    pub spent: bool,
    /// When the last connection was gone for good, from the beginning of the flood on.
    pub over_after: Option<Duration>,
}

impl Tally {
    pub(super) fn ended(&mut self, how: String) {
        *self.ends.entry(how).or_default() += 1;
    }

    /// What became of the flooders, in words.
    pub fn fate(&self) -> String {
        let mut text = match self.answers {
            0 => "no answers".to_owned(),
            answers => format!("{} answers", short(answers)),
        };
        if let Some((least, most)) = self.least
            && self.answers > 0
        {
            let _ = write!(text, " ({} to {} each)", short(least), short(most));
        }
        for (how, count) in &self.ends {
            let _ = write!(text, "; {} × {how}", short(*count));
        }
        let numbers = [
            (self.held, "held"),
            (self.starved, "STARVED"),
            (self.reopened, "made anew"),
        ];
        for (number, word) in numbers.iter().filter(|(number, _)| *number > 0) {
            let _ = write!(text, "; {} {word}", short(*number));
        }
        if self.spent {
            text += "; ended early, all bytes spent";
        }
        text
    }
}

/// A number with at most three digits before its unit.
fn short(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..10_000_000 => format!("{} k", number / 1000),
        _ => format!("{} M", number / 1_000_000),
    }
}

/// Bytes with a unit.
pub fn bytes(number: u64) -> String {
    match number {
        0..10_240 => format!("{number} B"),
        10_240..10_485_760 => format!("{} KiB", number >> 10),
        _ => format!("{} MiB", number >> 20),
    }
}
