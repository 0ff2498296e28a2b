//! How a command fails: a text for standard error and an exit code for scripts.

use super::logger;
use dunlin::{Error, ErrorKind};
use std::process::ExitCode;

/// The command ran and failed.
const FAILURE: u8 = 1;
/// The command line was wrong.
const USAGE: u8 = 2;
/// The configuration was wrong: `EX_CONFIG` of sysexits.h.
const CONFIGURATION: u8 = 78;

/// Why a command ends without success.
pub(super) enum CommandFailure {
    /// clap's own words: a usage error, or the help that was asked for.
    Clap(clap::Error),
    /// A sentence of ours and the code.
    Text(String, u8),
    /// Everything is said already: the code alone.
    #[cfg_attr(not(any(feature = "bench", feature = "chat")), allow(dead_code))]
    Quiet(u8),
}

impl CommandFailure {
    /// A command line that cannot be used.
    pub(super) fn usage(text: String) -> Self {
        Self::Text(text, USAGE)
    }

    /// A file or an environment that cannot be used.
    pub(super) fn configuration(text: String) -> Self {
        Self::Text(text, CONFIGURATION)
    }

    /// What went wrong, in words.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Clap(error) => error.to_string(),
            Self::Text(text, _) => text.clone(),
            Self::Quiet(_) => String::new(),
        }
    }

    /// Prints the failure where it belongs and gives its code.
    pub(super) fn report(self) -> ExitCode {
        match self {
            Self::Clap(error) => {
                // A closed output is no reason to fail otherwise.
                let _ = error.print();
                ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(FAILURE))
            }
            Self::Text(text, code) => {
                logger::say(&format!("dunlin: {text}"));
                ExitCode::from(code)
            }
            Self::Quiet(code) => ExitCode::from(code),
        }
    }
}

impl From<clap::Error> for CommandFailure {
    fn from(error: clap::Error) -> Self {
        Self::Clap(error)
    }
}

impl From<Error> for CommandFailure {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            ErrorKind::Config => CONFIGURATION,
            _ => FAILURE,
        };
        Self::Text(format!("{error:#}"), code)
    }
}
