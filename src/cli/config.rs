//! `dunlin config`: looks at the configuration of `dunlin serve` without serving.

use super::configuration::Configuration;
use super::exit::CommandFailure;
use super::logger;
use clap::{ArgMatches, ValueEnum};
use std::io::Write;
use std::path::PathBuf;

/// What to do with the configuration.
#[derive(Clone, Copy, ValueEnum)]
enum Action {
    /// Says whether it is valid: exit code 0, or 78
    Check,
    /// Prints it as a file, with unit, bounds, default and source of every value
    Print,
}

/// The arguments of `config`, beside the flags of `serve`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// What to do
    #[arg(value_enum)]
    action: Action,

    /// A TOML file with settings
    #[arg(long, value_name = "FILE", env = "DUNLIN_CONFIG")]
    config: Option<PathBuf>,
}

impl Arguments {
    /// Reads the configuration and does what was asked.
    pub(super) fn run(self, matches: &ArgMatches) -> Result<(), CommandFailure> {
        let path = self.config.filter(|path| !path.as_os_str().is_empty());
        let all = Configuration::read(matches, path.as_ref())?;
        for problem in Configuration::misspelt_variables() {
            logger::say(&format!("dunlin: {problem}"));
        }
        let text = match self.action {
            Action::Check => "the configuration is valid\n".to_owned(),
            Action::Print => all.print(),
        };
        // A closed standard output is no reason to fail.
        let _ = std::io::stdout().write_all(text.as_bytes());
        Ok(())
    }
}
