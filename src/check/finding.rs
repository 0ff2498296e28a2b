//! What a check has found, and what that is worth.

use std::time::Duration;

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it must be.
    Ok,
    /// The server broke a rule, or did not answer in time.
    Failed,
    /// It could not be asked: the server does not echo, or does not have the extension.
    Skipped,
}

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was tried, in a few words.
    pub name: &'static str,
    /// What a good server does.
    pub expected: &'static str,
    /// What this one did; what it said itself stands in quotes, escaped.
    pub seen: String,
    /// What it came to.
    pub verdict: Verdict,
    /// How long the check took, connecting included.
    pub took: Duration,
}

/// What a check has seen, weighed.
#[derive(Debug)]
pub(super) enum Finding {
    /// As expected.
    Ok(String),
    /// Not as expected, but no MUST of the RFC is broken.
    Allowed(String),
    Failed(String),
    Skipped(String),
}

/// What a check gives: an `Err` is one that ended before its last question.
pub(super) type Checked = Result<Finding, Finding>;

impl Finding {
    pub(super) fn judge(
        self,
        name: &'static str,
        expected: &'static str,
        strict: bool,
        took: Duration,
    ) -> Outcome {
        let (verdict, seen) = match self {
            Self::Ok(seen) => (Verdict::Ok, seen),
            Self::Allowed(seen) if strict => (Verdict::Failed, seen),
            Self::Allowed(seen) => (Verdict::Ok, format!("{seen} (allowed)")),
            Self::Failed(seen) => (Verdict::Failed, seen),
            Self::Skipped(seen) => (Verdict::Skipped, seen),
        };
        Outcome {
            name,
            expected,
            seen,
            verdict,
            took,
        }
    }
}

/// Words of the server, cut, in quotes, with nothing in them that a terminal would obey.
pub(super) fn quote(words: &[u8]) -> String {
    const MOST: usize = 40;
    let text = String::from_utf8_lossy(words);
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strict_judges_fail_what_is_allowed() {
        let allowed = || Finding::Allowed("the end".to_owned());
        let lenient = allowed().judge("ping", "pong", false, Duration::ZERO);
        assert_eq!(lenient.verdict, Verdict::Ok);
        assert_eq!(lenient.seen, "the end (allowed)");
        let strict = allowed().judge("ping", "pong", true, Duration::ZERO);
        assert_eq!(strict.verdict, Verdict::Failed);
        assert_eq!(strict.seen, "the end");
    }

    #[test]
    fn words_of_the_server_cannot_command_a_terminal() {
        let quoted = quote("a\u{1b}[2J\u{9b}\u{202e}\n한\u{2028}".as_bytes());
        assert_eq!(quoted, "\"a\\u{1b}[2J\\u{9b}\\u{202e}\\n한\\u{2028}\"");
        assert_eq!(quote(b"\xff").chars().count(), 3);
        assert_eq!(quote(&[b'a'; 100]), format!("{:?}…", "a".repeat(40)));
    }
}
