//! `dunlin bench`: the load tester's command line.

mod arguments;
mod bystander;
mod doctor;
mod find;
mod flags;
mod live;
mod load;
mod page;

use super::exit::CommandFailure;
use clap::{Arg, Parser};
use dunlin_bench::plan::Scenario;
use flags::Arguments;
use std::ffi::OsString;

const EXAMPLES: &str = "\
Examples:
  dunlin bench echo ws://127.0.0.1:8080/echo-raw
  dunlin bench echo URL --connections 1000 --rate 20000 --duration 30s --html report.html
  dunlin bench broadcast URL --connections 1000 --senders 2 --rate 100 --pid 1234
  dunlin bench find URL --over rate --keep 'p99<50ms,loss=0'

The scenarios, idle to slow, print a table of one run: what was asked for, latencies, messages, \
errors, what the load tester used itself and, with --pid, what the server used. A first line INVALID \
says that the load tester was the bottleneck: then the figures are not the server's. The flags of \
each: dunlin bench echo --help. Traffic goes to the server of the URL and nowhere else. Test servers \
that are yours.

Exit codes: 0 done, 1 no connection or no answer, or the server went away, 2 usage, 3 INVALID, 99 a condition of \
--fail does not hold, 130 after Ctrl-C.";

/// What stands behind the help of a scenario.
macro_rules! examples {
    ($($line:literal)+) => {
        concat!(
            "Examples:\n",
            $("  dunlin bench ", $line, "\n",)+
            "\nExit codes: 0 done, 1 no connection or no answer, or the server went away, 2 usage, 3 INVALID: the load ",
            "tester was the bottleneck, 99 a condition of --fail does not hold, INVALID or not, 130 after ",
            "Ctrl-C, with the figures until then.",
        )
    };
}

/// Flags of fan-out alone, of churn alone, and of messages: what a scenario refuses is not in its help.
const FAN_OUT: &[&str] = &["senders", "slow"];
const SILENT: &[&str] = &[
    "senders", "slow", "rate", "window", "visit", "size", "text", "binary",
];
const ECHO: &[&str] = &["senders", "slow", "visit"];
const BROADCAST: &[&str] = &["slow", "visit"];
const SLOW: &[&str] = &["visit"];

fn without(flags: &[&str]) -> impl FnMut(Arg) -> Arg {
    |flag| {
        let is_refused = flags.contains(&flag.get_id().as_str());
        if is_refused { flag.hide(true) } else { flag }
    }
}

/// Load-test any WebSocket server: how many, how fast, and what one bad client does to the others
#[derive(clap::Parser)]
#[command(
    name = "dunlin bench",
    bin_name = "dunlin bench",
    arg_required_else_help = true
)]
#[command(after_help = EXAMPLES, disable_version_flag = true)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

/// The words behind `bench`, where a command line without its program's name begins with it, or asks
/// for the help of it.
pub(super) fn words(mut all: Vec<OsString>) -> Option<Vec<OsString>> {
    let asks = all.first().is_some_and(|word| word == "help");
    let at = usize::from(asks);
    if all.get(at).is_none_or(|word| word != "bench") {
        return None;
    }
    let mut words = all.split_off(at + 1);
    if asks {
        words.push("--help".into());
    }
    Some(words)
}

/// Runs `dunlin bench` with these words behind it.
pub(super) fn run(words: Vec<OsString>) -> Result<(), CommandFailure> {
    let program = OsString::from("dunlin bench");
    let line = Line::try_parse_from(std::iter::once(program).chain(words))?;
    line.command.run()
}

/// What is measured.
#[derive(clap::Subcommand)]
enum Command {
    /// Hold connections that say nothing
    ///
    /// Opens the connections, holds them for the measured time and closes them. Shows how fast they open,
    /// which end by themselves and, with --pid, what each costs the server in memory: for that the ramp
    /// has to take 5s or more.
    #[command(mut_args = without(SILENT), after_help = examples!(
        "idle ws://127.0.0.1:8080/echo-raw --connections 10000 --ramp 5s --pid 1234"
        "idle URL --connections 100000 --workers 6 --duration 2min"
        "idle URL --ramp 5s --pid 1234 --fail 'opened=100%,server.memory_per_connection<20KiB'"
    ))]
    Idle(Box<Arguments>),
    /// Each connection sends and waits for its own message: any server that echoes
    ///
    /// Without --rate (closed loop) each connection sends the next message when one is answered: the
    /// figure to read is the rate. With --rate (open loop) messages leave when they are due, whatever is
    /// answered: the figure to read is the response time, from when a message was due to its answer.
    #[command(mut_args = without(ECHO), after_help = examples!(
        "echo ws://127.0.0.1:8080/echo-raw"
        "echo URL --connections 1000 --rate 20000 --duration 30s --html report.html"
        "echo URL --rate 1000 --fail 'p99<20ms,loss=0,errors=0' --json > run.json"
    ))]
    Echo(Box<Arguments>),
    /// Senders send, and every connection receives: any server that broadcasts
    ///
    /// Senders are connections beside the receivers. In closed loop a sender sends the next message when
    /// one has reached every receiver. Latencies are those of each delivery; first and last receiver are
    /// those of each message.
    #[command(mut_args = without(BROADCAST), after_help = examples!(
        "broadcast ws://127.0.0.1:8080/flow --connections 1000 --rate 20"
        "broadcast ws://127.0.0.1:8080 --dialect rooms --connections 100 --rate 10"
        "broadcast URL --dialect template --template '{\"say\":\"{\u{1b}[1mn\u{1b}[0m}\"}' --pattern '\"text\":\"{\u{1b}[1mn\u{1b}[0m}'"
    ))]
    Broadcast(Box<Arguments>),
    /// Connections come, send and leave, again and again: any server that echoes
    ///
    /// Each visit connects, sends --visit messages, waits for their answers and closes. --connections is
    /// the most visits at a time. Without --rate a visit follows the one before at once; with it so many
    /// visits begin in a second.
    #[command(mut_args = without(FAN_OUT), after_help = examples!(
        "churn ws://127.0.0.1:8080/echo-raw --connections 50"
        "churn URL --connections 1000 --rate 200 --visit 3"
    ))]
    Churn(Box<Arguments>),
    /// All connections leave and come back at once, again and again
    ///
    /// Half a second after everybody is back, all close and connect again. The figure to read is
    /// reconnect: from the close to the new session.
    #[command(mut_args = without(SILENT), after_help = examples!(
        "storm ws://127.0.0.1:8080/echo-raw --connections 1000"
        "storm URL --connections 5000 --duration 1min --fail 'reconnect.p99<2s,errors=0'"
    ))]
    Storm(Box<Arguments>),
    /// Broadcast beside connections that read nothing
    ///
    /// The slow readers join as the receivers do, and then read nothing until the end. What is measured
    /// are the others: a server that waits for slow readers delivers late. --pid shows what it keeps for
    /// them.
    #[command(mut_args = without(SLOW), after_help = examples!(
        "slow ws://127.0.0.1:8080/flow --connections 50 --slow 10 --rate 200 --size 16384"
        "slow URL --slow 100 --rate 50 --pid 1234 --fail 'p99<50ms,server.memory<256MiB'"
    ))]
    Slow(Box<Arguments>),
    /// What a quiet client sees while others flood the server, one flood after another
    Bystander(bystander::Arguments),
    /// Search the most connections, or messages a second, with which conditions hold
    Find(Box<find::Arguments>),
    /// Name what on this machine is in the way of so many connections, and how to lift it
    Doctor(doctor::Arguments),
    /// A part of another run, in a process of its own
    #[command(name = dunlin_bench::run::WORKER, hide = true)]
    Worker,
}

impl Command {
    fn run(self) -> Result<(), CommandFailure> {
        match self {
            Self::Bystander(arguments) => arguments.run(),
            Self::Doctor(arguments) => arguments.run(),
            Self::Find(arguments) => arguments.run(),
            Self::Worker => dunlin_bench::run::worker_process()
                .map_err(|error| CommandFailure::Text(format!("a worker: {error}"), 1)),
            scenario => match scenario.scenario() {
                Some((scenario, arguments)) => load::run(&arguments.check(scenario)?),
                None => Ok(()),
            },
        }
    }

    /// The scenario and its flags, if it is one.
    fn scenario(self) -> Option<(Scenario, Box<Arguments>)> {
        Some(match self {
            Self::Idle(arguments) => (Scenario::Idle, arguments),
            Self::Echo(arguments) => (Scenario::Echo, arguments),
            Self::Broadcast(arguments) => (Scenario::Broadcast, arguments),
            Self::Churn(arguments) => (Scenario::Churn, arguments),
            Self::Storm(arguments) => (Scenario::Storm, arguments),
            Self::Slow(arguments) => (Scenario::Slow, arguments),
            Self::Bystander(_) | Self::Find(_) | Self::Doctor(_) | Self::Worker => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_words_behind_bench_are_its_own() {
        let words = |line: &str| {
            let all = line.split(' ').map(OsString::from).collect();
            words(all).map(|words| words.join(" ".as_ref()))
        };
        assert_eq!(words("bench echo -c 5"), Some("echo -c 5".into()));
        assert_eq!(words("bench"), Some("".into()));
        assert_eq!(words("help bench"), Some("--help".into()));
        assert_eq!(words("help bench echo"), Some("echo --help".into()));
        assert_eq!(words("serve bench"), None);
        assert_eq!(words("help"), None);
    }

    /// The help of a command, as it is without a terminal.
    fn help(name: &str) -> String {
        let mut line = Line::command();
        line.build();
        let command = line.find_subcommand_mut(name).expect("a command");
        command.render_long_help().to_string()
    }

    const SCENARIOS: [&str; 6] = ["idle", "echo", "broadcast", "churn", "storm", "slow"];

    #[test]
    fn every_page_of_help_has_examples_and_exit_codes() {
        Line::command().debug_assert();
        for name in SCENARIOS.iter().chain(&["bystander", "find", "doctor"]) {
            let help = help(name);
            assert!(help.contains(&format!("dunlin bench {name} ")), "{help}");
            assert!(help.contains("Exit codes: 0 "), "{help}");
        }
    }

    #[test]
    fn the_placeholder_of_the_number_is_in_the_help_and_no_line_end() {
        for part in ["with {n} where", r#"such as '"text":"{n}'"#] {
            let help = help("echo")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            assert!(help.contains(part), "{help}");
        }
        let example = r#"--template '{"say":"{n}"}' --pattern '"text":"{n}'"#;
        assert!(help("broadcast").contains(example));
    }

    #[test]
    fn what_a_scenario_refuses_is_not_in_its_help() {
        let flags = [
            ("--senders", "2"),
            ("--slow", "2"),
            ("--visit", "2"),
            ("--rate", "2"),
            ("--window", "2"),
            ("--size", "99"),
            ("--text", ""),
            ("--binary", ""),
        ];
        for name in SCENARIOS {
            for (flag, value) in flags {
                let mut words = vec!["bench", name, "ws://127.0.0.1:1/", flag, value];
                words.retain(|word| !word.is_empty());
                let line = Line::try_parse_from(words);
                let command = line.unwrap_or_else(|error| panic!("{error}")).command;
                let (scenario, arguments) = command.scenario().expect("a scenario");
                let is_refused = arguments.check(scenario).is_err();
                let is_shown = help(name).lines().any(|line| {
                    let mut words = line.split_whitespace();
                    words.clone().next() == Some(flag)
                        || words.nth(1) == Some(flag) && line.starts_with("  -")
                });
                assert_eq!(is_shown, !is_refused, "{name} {flag}");
            }
        }
    }
}
