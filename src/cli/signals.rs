//! The signals of `dunlin serve`: the first SIGTERM or SIGINT drains the server, the second ends the
//! process; SIGHUP reads the configuration and the certificate again.

use super::certificate::Certificate;
use super::configuration::Configuration;
use super::exit::CommandFailure;
use super::logger;
use super::operator;
use super::service::Service;
use clap::ArgMatches;
use dunlin::config::{RoomLimits, Row};
use dunlin::{Remote, Settings};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::PathBuf;
use std::time::Duration;

/// What the end of the process may take beside the drain of the server: the log, the rooms.
const GRACE: Duration = Duration::from_secs(5);

/// What was configured, and where from.
pub(super) struct Configured {
    pub(super) matches: ArgMatches,
    pub(super) path: Option<PathBuf>,
    pub(super) current: Configuration,
    /// Who wants to know how the service is.
    pub(super) service: Option<Service>,
}

/// Obeys signals in a thread of their own from now on.
pub(super) fn obey(
    remote: Remote,
    mut configured: Configured,
    certificate: Certificate,
) -> Result<(), CommandFailure> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])
        .map_err(|error| CommandFailure::Text(format!("cannot listen for signals: {error}"), 1))?;
    let thread = std::thread::Builder::new().name("signals".to_owned());
    let started = thread.spawn(move || {
        let mut is_stopping = false;
        for signal in signals.forever() {
            match signal {
                SIGHUP => {
                    let service = configured.service.clone();
                    service.as_ref().inspect(|service| service.reloading());
                    configured.reload(&remote);
                    certificate.reload();
                    // Behind the limits, on the way to the loop.
                    service.as_ref().inspect(|service| service.reloaded());
                }
                _ if is_stopping => std::process::exit(1),
                _ => {
                    is_stopping = true;
                    log::info!("shutting down; a second signal ends at once");
                    if let Some(service) = &configured.service {
                        service.stopping(configured.current.limits.drain + GRACE);
                    }
                    // An error here says that the server has stopped by itself.
                    let _ = remote.shutdown();
                }
            }
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

impl Configured {
    /// Reads the configuration again: all of it is taken over as far as it reloads, or, when anything
    /// in it is wrong, nothing of it.
    fn reload(&mut self, remote: &Remote) {
        let new = match Configuration::read(&self.matches, self.path.as_ref()) {
            Ok(new) => new,
            Err(failure) => {
                let problem = failure.text();
                return log::error!("the configuration stays as it was: {problem}");
            }
        };
        tell(operator::ROWS, &self.current.operator, &new.operator);
        tell(RoomLimits::rows(), &self.current.rooms, &new.rooms);
        tell(Settings::rows(), self.current.settings(), new.settings());
        logger::set_format(new.operator.log_format);
        self.current.operator.log_format = new.operator.log_format;
        if let Ok(level) = logger::level(new.operator.log) {
            log::set_max_level(level);
            self.current.operator.log = new.operator.log;
        }
        // The server tells what of its limits changes, and what does not.
        match remote.reload(new.limits) {
            Ok(()) => log::info!("the configuration was read again"),
            Err(error) => log::error!("the limits stay as they were: {error:#}"),
        }
    }
}

/// Says what is another value now, and what of that takes a restart.
fn tell<T>(rows: &[Row<T>], old: &T, new: &T) {
    for row in rows {
        let (was, wanted) = ((row.get)(old), (row.get)(new));
        if was == wanted {
            continue;
        }
        let (key, was, wanted) = (row.key, row.show(&was), row.show(&wanted));
        if row.reloads {
            log::info!("`{key}` is {wanted} now, it was {was}");
        } else {
            log::warn!("`{key}` stays {was}: {wanted} takes a restart");
        }
    }
}
