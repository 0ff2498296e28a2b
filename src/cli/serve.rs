//! `dunlin serve`: the ready server, until a signal ends it.

use super::exit::CommandFailure;
use super::{listen, logger};
use crate::{Address, App, Files, Remote, Server, apps};
use clap::ArgMatches;
use clap::parser::ValueSource;
use log::LevelFilter;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{self, Write};

const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

const EXAMPLES: &str = "\
Examples:
  dunlin serve                                  this machine only, port 8080
  dunlin serve --listen 0.0.0.0:80              every network
  dunlin serve --listen 127.0.0.1:0             a free port, which is printed
  dunlin serve --listen unix:/run/dunlin.sock   behind a proxy on the same machine
  dunlin serve --listen unix:d.sock --socket-mode 660   owner and group may connect
  dunlin serve --dir public                     the files of a folder, too
  DUNLIN_LISTEN=127.0.0.1:9000,unix:d.sock dunlin serve --log warn

SIGTERM or SIGINT (Ctrl-C) closes every session with 1001 and ends; a second one ends at once.";

/// The flags of `serve` as they were written.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Where to listen: HOST:PORT, [IPV6]:PORT or unix:PATH; may be given several times
    /// (in the environment: separated by commas)
    #[arg(long, value_name = "ADDR", env = "DUNLIN_LISTEN", default_value = DEFAULT_LISTEN)]
    listen: Vec<String>,

    /// Permission bits of the files of Unix sockets, octal, such as 660: who may write may connect
    /// [default: what the umask leaves]
    #[arg(long, value_name = "MODE", env = "DUNLIN_SOCKET_MODE")]
    socket_mode: Option<String>,

    /// A folder whose files are served at / behind all other paths
    #[arg(long, value_name = "PATH", env = "DUNLIN_DIR")]
    dir: Option<String>,

    /// How much to log on standard error: off, error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", env = "DUNLIN_LOG", default_value = "info")]
    log: String,
}

/// The flags of `serve`, checked.
pub(super) struct Plan {
    listen: Vec<String>,
    socket_mode: Option<u32>,
    files: Option<Files>,
    log: LevelFilter,
}

impl Arguments {
    /// Checks every value; `matches` knows who gave it.
    pub(super) fn check(self, matches: &ArgMatches) -> Result<Plan, CommandFailure> {
        let from = matches.value_source("listen");
        let listen = match from {
            Some(ValueSource::EnvVariable) => split(&self.listen),
            _ => self.listen,
        };
        for address in &listen {
            listen::check_address(address)
                .map_err(|problem| CommandFailure::value("DUNLIN_LISTEN", problem, from))?;
        }
        let from = matches.value_source("socket_mode");
        let socket_mode = self.socket_mode.filter(|mode| !mode.is_empty());
        let socket_mode = socket_mode
            .map(|mode| listen::socket_mode(&mode))
            .transpose()
            .map_err(|problem| CommandFailure::value("DUNLIN_SOCKET_MODE", problem, from))?;
        let from = matches.value_source("dir");
        let dir = self.dir.filter(|dir| !dir.is_empty());
        let files = dir.map(Files::open).transpose().map_err(|error| {
            let problem = format!("{error}; make it, or name another with --dir");
            CommandFailure::value("DUNLIN_DIR", problem, from)
        })?;
        let from = matches.value_source("log");
        let log = logger::level(&self.log)
            .map_err(|problem| CommandFailure::value("DUNLIN_LOG", problem, from))?;
        Ok(Plan {
            listen,
            socket_mode,
            files,
            log,
        })
    }
}

/// The addresses of the environment; an empty variable is one that is not set.
fn split(values: &[String]) -> Vec<String> {
    match values {
        [empty] if empty.trim().is_empty() => vec![DEFAULT_LISTEN.to_owned()],
        _ => {
            let pieces = values.iter().flat_map(|value| value.split(','));
            pieces.map(|piece| piece.trim().to_owned()).collect()
        }
    }
}

/// Serves until a signal, and returns when every connection is gone.
pub(super) fn run(plan: Plan) -> Result<(), CommandFailure> {
    logger::start(plan.log);
    let mut app = apps::all(App::new());
    if let Some(files) = plan.files {
        app = app.files("/", files);
    }
    let mut server = Server::new(app);
    if let Some(mode) = plan.socket_mode {
        server = server.unix_mode(mode)?;
    }
    for address in &plan.listen {
        server = server.listen(address)?;
    }
    obey_signals(server.remote())?;
    for address in server.addresses() {
        announce(&address);
    }
    Ok(server.run()?)
}

/// Tells where to go. A closed standard output is no reason to stop.
fn announce(address: &Address) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{}", announcement(address));
    let _ = out.flush();
}

fn announcement(address: &Address) -> String {
    let url = address.url();
    match address {
        Address::Tcp(tcp) if tcp.ip().is_unspecified() => {
            format!("dunlin is listening on {url} and every network — open it in a browser")
        }
        Address::Tcp(_) => format!("dunlin is listening on {url} — open it in a browser"),
        Address::Unix(_) => format!("dunlin is listening on {url}"),
    }
}

/// The first SIGTERM or SIGINT drains the server, the second ends the process.
fn obey_signals(remote: Remote) -> Result<(), CommandFailure> {
    let mut signals = Signals::new([SIGTERM, SIGINT])
        .map_err(|error| CommandFailure::Text(format!("cannot listen for signals: {error}"), 1))?;
    let thread = std::thread::Builder::new().name("signals".to_owned());
    let started = thread.spawn(move || {
        let mut signals = signals.forever();
        if signals.next().is_some() {
            log::info!("shutting down; a second signal ends at once");
            // An error here says that the server has stopped by itself.
            let _ = remote.shutdown();
        }
        if signals.next().is_some() {
            std::process::exit(1);
        }
    });
    match started {
        Ok(_) => Ok(()),
        Err(error) => Err(CommandFailure::Text(
            format!("cannot start a thread: {error}"),
            1,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_one(value: &str) -> Vec<String> {
        split(&[value.to_owned()])
    }

    #[test]
    fn the_environment_holds_addresses_separated_by_commas() {
        assert_eq!(split_one("127.0.0.1:1, unix:a"), ["127.0.0.1:1", "unix:a"]);
    }

    #[test]
    fn an_empty_variable_means_the_default() {
        assert_eq!(split_one(""), [DEFAULT_LISTEN]);
        assert_eq!(split_one(" "), [DEFAULT_LISTEN]);
    }

    #[test]
    fn an_announcement_names_a_url_that_can_be_opened() {
        for (address, wanted) in [
            (
                "127.0.0.1:80",
                "http://127.0.0.1:80/ — open it in a browser",
            ),
            (
                "0.0.0.0:80",
                "http://127.0.0.1:80/ and every network — open it in a browser",
            ),
            ("unix:d.sock", "unix:d.sock"),
        ] {
            let line = announcement(&address.parse().unwrap());
            assert_eq!(line, format!("dunlin is listening on {wanted}"));
        }
    }
}
