//! The command line: arguments in, a server run, an exit code out.
//!
//! Arguments become values in two steps: clap takes them as text and knows
//! whether a flag or the environment gave them, then each command checks them.
//! Errors go to standard error and say what was given, what was wanted and how
//! to mend it. No other layer may print or exit.

mod acme;
mod admin;
#[cfg(feature = "bench")]
mod bench;
mod certificate;
#[cfg(feature = "chat")]
mod chat;
#[cfg(feature = "check")]
mod check;
mod config;
mod configuration;
mod engine;
mod exit;
mod file;
mod heap;
mod json_line;
mod listen;
mod log_queue;
mod log_text;
mod logger;
#[cfg(any(feature = "bench", feature = "chat"))]
mod lookup;
mod operator;
mod serve;
mod service;
mod signals;
mod systemd;
mod token;
#[cfg(any(feature = "bench", feature = "chat", feature = "check"))]
mod trust;
#[cfg(any(feature = "bench", feature = "chat", feature = "check"))]
mod values;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use exit::CommandFailure;
use std::process::ExitCode;

/// A WebSocket server in one thread.
#[derive(Parser)]
#[command(name = "dunlin", version, about, long_about = None)]
#[command(after_help = "Start here: dunlin serve\nThen open http://127.0.0.1:8080/ in a browser.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the ready server: echo, chat, broadcast and a browser chat on one port
    Serve(serve::Arguments),
    /// Talk to any WebSocket server, from a terminal or a script
    #[cfg(feature = "chat")]
    Chat(chat::Arguments),
    /// Test how well any server keeps the protocol: prints a table, exits with 0 or 1
    #[cfg(feature = "check")]
    Check(check::Arguments),
    /// Load-test any WebSocket server: how many, how fast, and what one bad client does to the others
    #[cfg(feature = "bench")]
    Bench,
    /// Make keys and tokens for rooms that ask for them, and show what a token says
    Token(token::Arguments),
    /// Check or print the configuration that `serve` would have with the same flags
    Config(config::Arguments),
}

/// Runs the command of this process's arguments.
///
/// Exit codes: 0 success, 1 failure, 2 usage, 78 bad configuration; `bench` has 3, 99 and 130 besides.
fn main() -> ExitCode {
    let _log = logger::Flush;
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// The commands that a build may leave out, and whether this one has.
const LEFT_OUT: [(&str, bool); 3] = [
    ("bench", cfg!(not(feature = "bench"))),
    ("chat", cfg!(not(feature = "chat"))),
    ("check", cfg!(not(feature = "check"))),
];

fn run() -> Result<(), CommandFailure> {
    let name = std::env::args_os().nth(1).unwrap_or_default();
    // Before anything is read twice; the other commands do not live long enough to need it.
    if name == "serve" {
        heap::fix_sizes();
    }
    let held = (name == "serve").then(signals::hold_reloads).transpose()?;
    for (command, is_left_out) in LEFT_OUT {
        if is_left_out && name == command {
            return Err(CommandFailure::usage(format!(
                "this build has no `dunlin {command}`\nwanted: one with the feature `{command}`"
            )));
        }
    }
    // Its flags are three times those of all others: a server has no use for them in its memory.
    #[cfg(feature = "bench")]
    if let Some(words) = bench::words(std::env::args_os().skip(1).collect()) {
        return bench::run(words);
    }
    let mut command = Arguments::command();
    // A flag for every setting. Those of a command that is not called would be memory for nothing.
    for of in ["serve", "config"] {
        if name == of || name == "help" {
            command = command.mut_subcommand(of, |it| it.args(configuration::arguments()));
        }
    }
    let matches = command.try_get_matches()?;
    let arguments = Arguments::from_arg_matches(&matches)?;
    match (arguments.command, matches.subcommand()) {
        (Command::Serve(arguments), Some((_, matches))) => arguments.run(matches, held),
        (Command::Config(arguments), Some((_, matches))) => arguments.run(matches),
        #[cfg(feature = "chat")]
        (Command::Chat(arguments), _) => arguments.run(),
        #[cfg(feature = "bench")]
        (Command::Bench, _) => bench::run(Vec::new()),
        (Command::Token(arguments), _) => arguments.run(),
        #[cfg(feature = "check")]
        (Command::Check(arguments), _) => check::run(arguments.check()?),
        (Command::Serve(_) | Command::Config(_), None) => {
            unreachable!("clap gave a command without its matches")
        }
    }
}
