//! `dunlin check`: the checks of a server as a table, or as JSON for scripts.

use super::exit::CommandFailure;
use super::trust;
use super::values::field;
use dunlin::check::{self, Outcome, Target, Verdict};
use std::io::{self, Write};
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  dunlin check ws://127.0.0.1:8080/echo-raw
  dunlin check ws://127.0.0.1:8080/chat --header 'Origin: http://127.0.0.1:8080'
  dunlin check ws://127.0.0.1:9000/ --strict --json
  dunlin check wss://localhost:8443/echo-raw --ca ca.pem

Every check has connections of its own, some three dozen in all. What needs an echo is skipped
when the server is none. \"(allowed)\" marks what RFC 6455 does not forbid but a good server does
not do, such as dropping a connection without a Close; --strict fails it.
Exit codes: 0 when no check failed, 1 when one did or nobody answers, 2 usage.";

/// The flags of `check` as they were written.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The server to test, such as ws://127.0.0.1:8080/echo-raw
    #[arg(value_name = "URL")]
    url: String,

    /// A further field of every request, such as 'Origin: http://a'; may be given several times
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,

    /// A subprotocol to offer; may be given several times
    #[arg(long, value_name = "NAME")]
    protocol: Vec<String>,

    #[command(flatten)]
    trust: trust::Arguments,

    /// How long to wait for each answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,

    /// Also fail what is allowed but not as it should be
    #[arg(long)]
    strict: bool,

    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
}

/// The flags of `check`, checked.
pub(super) struct Plan {
    target: Target,
    json: bool,
}

impl Arguments {
    /// Checks every value.
    pub(super) fn check(self) -> Result<Plan, CommandFailure> {
        let usage = |problem: String| CommandFailure::Text(problem, 2);
        let mut target = Target::new(&self.url).map_err(|error| usage(format!("{error:#}")))?;
        for header in &self.header {
            target.headers.push(field(header).map_err(usage)?);
        }
        self.trust.check(target.url().is_secure()).map_err(usage)?;
        #[cfg(feature = "tls")]
        if target.url().is_secure() {
            target.trust = self.trust.trust().map_err(usage)?;
        }
        target.protocols = self.protocol;
        target.timeout = Duration::from_secs(self.timeout);
        target.strict = self.strict;
        target
            .check()
            .map_err(|error| usage(format!("{error:#}")))?;
        Ok(Plan {
            target,
            json: self.json,
        })
    }
}

/// Runs the checks and prints them.
pub(super) fn run(plan: Plan) -> Result<(), CommandFailure> {
    let Plan { target, json } = plan;
    let names = check::names().map(str::len).max().unwrap_or(0);
    let mut begun = false;
    let outcomes = check::run(&target, &mut |outcome| {
        if !json {
            if !std::mem::replace(&mut begun, true) {
                print(&head(names));
            }
            print(&row(outcome, names));
        }
    });
    let outcomes = outcomes.map_err(|error| {
        let mend = "wanted: a WebSocket server there; is it running, and is the port right?";
        CommandFailure::Text(format!("{error:#}\n{mend}"), 1)
    })?;
    let count = |verdict| {
        let same = outcomes.iter().filter(|outcome| outcome.verdict == verdict);
        same.count()
    };
    let counts = [Verdict::Ok, Verdict::Failed, Verdict::Skipped].map(count);
    if json {
        print(&document(&target, &outcomes));
    } else {
        let [ok, failed, skipped] = counts;
        print(&format!("{ok} ok, {failed} failed, {skipped} skipped\n"));
    }
    match (counts[1], &*outcomes) {
        (0, _) => Ok(()),
        (_, [handshake]) => {
            let problem = format!("{} does not upgrade: {}", target.url(), handshake.seen);
            Err(CommandFailure::Text(format!("{problem}\n{NO_UPGRADE}"), 1))
        }
        (failed, all) => {
            let text = format!("{failed} of {} checks failed", all.len());
            Err(CommandFailure::Text(text, 1))
        }
    }
}

const NO_UPGRADE: &str = "wanted: 101; is the path right, and does the server want a field \
     (--header) or a subprotocol (--protocol)?";

/// A closed standard output is no reason to stop: the exit code still tells.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

const EXPECTED: usize = 21;

fn head(names: usize) -> String {
    format!(
        "{:names$}  {:EXPECTED$}  {:7}  {:>7}  SEEN\n",
        "CHECK", "EXPECTED", "RESULT", "MS"
    )
}

fn row(outcome: &Outcome, names: usize) -> String {
    let result = match outcome.verdict {
        Verdict::Ok => "ok",
        Verdict::Failed => "FAILED",
        Verdict::Skipped => "skipped",
    };
    let ms = milliseconds(outcome);
    let Outcome {
        name,
        expected,
        seen,
        ..
    } = outcome;
    format!("{name:names$}  {expected:EXPECTED$}  {result:7}  {ms:7.1}  {seen}\n")
}

fn milliseconds(outcome: &Outcome) -> f64 {
    outcome.took.as_secs_f64() * 1000.0
}

/// One object: the URL, the checks, and whether none failed.
fn document(target: &Target, outcomes: &[Outcome]) -> String {
    let checks: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            let result = match outcome.verdict {
                Verdict::Ok => "ok",
                Verdict::Failed => "failed",
                Verdict::Skipped => "skipped",
            };
            format!(
                "    {{\"name\": {}, \"expected\": {}, \"result\": \"{result}\", \"ms\": {:.3}, \"seen\": {}}}",
                string(outcome.name),
                string(outcome.expected),
                milliseconds(outcome),
                string(&outcome.seen),
            )
        })
        .collect();
    let passed = outcomes
        .iter()
        .all(|outcome| outcome.verdict != Verdict::Failed);
    format!(
        "{{\n  \"url\": {},\n  \"passed\": {passed},\n  \"checks\": [\n{}\n  ]\n}}\n",
        string(&target.url().to_string()),
        checks.join(",\n"),
    )
}

/// A string of JSON (RFC 8259 §7).
fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(verdict: Verdict, seen: &str) -> Outcome {
        Outcome {
            name: "ping",
            expected: "pong",
            seen: seen.to_owned(),
            verdict,
            took: Duration::from_micros(1250),
        }
    }

    #[test]
    fn a_row_is_name_expected_result_time_and_seen() {
        let rows = [
            row(&outcome(Verdict::Ok, "pong"), 6),
            row(&outcome(Verdict::Failed, "Close 1011"), 6),
        ];
        let columns =
            |row: &str| -> Vec<String> { row.split_whitespace().map(str::to_owned).collect() };
        assert_eq!(columns(&rows[0]), ["ping", "pong", "ok", "1.2", "pong"]);
        assert_eq!(
            columns(&rows[1]),
            ["ping", "pong", "FAILED", "1.2", "Close", "1011"]
        );
        let at = |text: &str, part: &str| text.find(part).unwrap();
        assert_eq!(at(&head(6), "RESULT"), at(&rows[0], "ok"));
        assert_eq!(at(&head(6), "SEEN"), at(&rows[1], "Close"));
    }

    #[test]
    fn strings_are_escaped_for_json() {
        assert_eq!(string("a\"b\\c\n한\u{1b}"), r#""a\"b\\c\u000a한\u001b""#);
    }

    #[test]
    fn the_document_tells_every_check_and_whether_all_is_well() {
        let target = Target::new("ws://a/b").unwrap();
        let good = [outcome(Verdict::Ok, "\"a\""), outcome(Verdict::Skipped, "")];
        let text = document(&target, &good);
        for part in [
            r#""url": "ws://a/b""#,
            r#""passed": true"#,
            r#""result": "ok", "ms": 1.250, "seen": "\"a\"""#,
            r#""result": "skipped""#,
        ] {
            assert!(text.contains(part), "{text}");
        }
        let failed = document(&target, &[outcome(Verdict::Failed, "")]);
        assert!(failed.contains(r#""passed": false"#), "{failed}");
    }

    fn problem(arguments: &[&str]) -> String {
        use clap::Parser;
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            check: Arguments,
        }
        let line = Line::try_parse_from([&["check"], arguments].concat());
        match line.ok().map(|line| line.check.check()) {
            Some(Err(CommandFailure::Text(text, 2))) => text,
            Some(Err(_)) => panic!("{arguments:?}: not a usage error"),
            Some(Ok(_)) | None => panic!("{arguments:?}: taken, or not understood"),
        }
    }

    #[test]
    fn what_cannot_be_asked_is_a_usage_error_that_says_what_was_wanted() {
        for (arguments, parts) in [
            (
                &["127.0.0.1:8080"][..],
                ["no scheme", "ws://127.0.0.1:8080"],
            ),
            (&["ws://a/", "--insecure"], ["--insecure", "wss://"]),
            (
                &["wss://a/", "--ca", "/dev/null/no"],
                ["/dev/null/no", "cannot read"],
            ),
            (
                &["ws://a/", "--header", "Origin"],
                ["\"Origin\"", "NAME: VALUE"],
            ),
            (
                &["ws://a/", "--header", "Host: b"],
                ["\"Host\"", "does not set itself"],
            ),
            (&["ws://a/", "--protocol", "a b"], ["\"a b\"", "token"]),
        ] {
            let text = problem(arguments);
            for part in parts {
                assert!(text.contains(part), "{arguments:?}: {text}");
            }
        }
    }
}
