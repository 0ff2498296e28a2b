//! The signals of `dunlin serve`: the first SIGTERM or SIGINT drains the server, the second ends the
//! process; SIGHUP reads the configuration and the certificate again.
//!
//! What is read may be on a disk that does not answer, so it is read in a thread of its own: the end waits for
//! nothing.

use super::certificate::Certificate;
use super::configuration::Configuration;
use super::exit::CommandFailure;
use super::logger;
use super::operator;
use super::service::Service;
use super::token;
use clap::ArgMatches;
use dunlin::config::{RoomLimits, Row};
use dunlin::{Remote, Settings};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// What the end of the process may take beside the drain of the server: the log, the rooms.
const GRACE: Duration = Duration::from_secs(5);

/// What was configured, and where from.
pub(super) struct Configured {
    pub(super) matches: ArgMatches,
    pub(super) path: Option<PathBuf>,
    pub(super) current: Configuration,
    /// The keys of tokens as they were at the start.
    pub(super) token_keys: Option<token::Mark>,
    /// Who wants to know how the service is.
    pub(super) service: Option<Service>,
}

/// Lets SIGHUP wait from now on until it is obeyed: it would end a process that is still starting.
pub(super) fn hold_reloads() -> Result<Signals, CommandFailure> {
    Signals::new([SIGHUP]).map_err(unheard)
}

fn unheard(error: io::Error) -> CommandFailure {
    CommandFailure::Text(format!("cannot listen for signals: {error}"), 1)
}

/// Obeys signals in a thread of their own from now on, those that were held first.
pub(super) fn obey(
    mut signals: Signals,
    remote: Remote,
    configured: Configured,
    certificate: Certificate,
) -> Result<(), CommandFailure> {
    for signal in [SIGTERM, SIGINT] {
        signals.add_signal(signal).map_err(unheard)?;
    }
    let most = configured.current.limits.drain + GRACE;
    let service = configured.service.clone();
    let (wish, wishes) = sync_channel(1);
    let mut reloads = Reloads {
        idle: Some(Reloader {
            wishes,
            remote: remote.clone(),
            configured,
            certificate,
        }),
        wish,
    };
    let obeying = move || {
        let mut is_stopping = false;
        for signal in signals.forever() {
            match signal {
                SIGHUP if is_stopping => {}
                SIGHUP => reloads.wish(),
                _ if is_stopping => std::process::exit(1),
                _ => {
                    is_stopping = true;
                    log::info!("shutting down; a second signal ends at once");
                    if let Some(service) = &service {
                        service.stopping(most);
                    }
                    // An error here says that the server has stopped by itself.
                    let _ = remote.shutdown();
                }
            }
        }
    };
    let thread = thread::Builder::new().name("signals".to_owned());
    match thread.spawn(obeying) {
        Ok(_) => Ok(()),
        Err(error) => Err(CommandFailure::Text(
            format!("cannot start a thread: {error}"),
            1,
        )),
    }
}

/// Where reloads are made. Most processes end without one, so the thread starts with the first.
struct Reloads {
    /// `None`: it is in its thread, or nowhere when that could not start.
    idle: Option<Reloader>,
    /// One that waits stands for all that come while another is obeyed.
    wish: SyncSender<()>,
}

impl Reloads {
    fn wish(&mut self) {
        if let Some(reloader) = self.idle.take() {
            let thread = thread::Builder::new().name("reload".to_owned());
            if let Err(error) = thread.spawn(move || reloader.run()) {
                log::error!("cannot start a thread to read the configuration again: {error}");
            }
        }
        // Full: the one that waits will see what this one was sent for.
        let _ = self.wish.try_send(());
    }
}

/// Reads again what was configured, as often as that is wished.
struct Reloader {
    wishes: Receiver<()>,
    remote: Remote,
    configured: Configured,
    certificate: Certificate,
}

impl Reloader {
    fn run(mut self) {
        while self.wishes.recv() == Ok(()) {
            log::info!("reading the configuration again");
            let service = self.configured.service.clone();
            service.as_ref().inspect(|service| service.reloading());
            self.configured.reload(&self.remote, &self.certificate);
            // Behind the limits, on the way to the loop.
            service.as_ref().inspect(|service| service.reloaded());
        }
    }
}

impl Configured {
    /// Reads the configuration and the certificate again: all of it is taken over as far as it reloads,
    /// or, when anything in it is wrong, nothing of it.
    fn reload(&mut self, remote: &Remote, certificate: &Certificate) {
        let read = Configuration::read(&self.matches, self.path.as_ref());
        let new = read.map_err(|failure| failure.text());
        let new = match new.and_then(|new| certificate.reload().map(|()| new)) {
            Ok(new) => new,
            Err(problem) => {
                let too = match certificate.is_given() {
                    true => ", and so does the certificate",
                    false => "",
                };
                return log::error!("the configuration stays as it was{too}: {problem}");
            }
        };
        if certificate.is_given() {
            log::info!("the certificate was read again; new connections see it");
        }
        tell(operator::ROWS, &self.current.operator, &new.operator);
        self.tell_of_secrets(&new);
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

    /// Says that a secret is another one now, and takes a restart, too.
    fn tell_of_secrets(&self, new: &Configuration) {
        let (old, new) = (&self.current.operator, &new.operator);
        if old.has_other_engine_user(new) {
            log::warn!(
                "`engine` stays with the user and the password that it has: others take a restart"
            );
        }
        let file = &new.token_key_file;
        if old.token_key_file == *file && self.token_keys != token::mark(file.as_deref()) {
            log::warn!(
                "`token_key_file` has other keys now: the keys in it at the start stay, a change takes a restart"
            );
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
