//! `dunlin serve`: the ready server, until a signal ends it.

use super::certificate::Certificate;
use super::configuration::Configuration;
use super::exit::CommandFailure;
use super::signals::{self, Configured};
use super::{listen, logger};
use clap::ArgMatches;
use dunlin::rooms::Rooms;
use dunlin::{Address, App, Server, apps};
use std::io::{self, Write};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  dunlin serve                                  this machine only, port 8080
  dunlin serve --listen 0.0.0.0:80              every network
  dunlin serve --listen 127.0.0.1:0             a free port, which is printed
  dunlin serve --listen unix:/run/dunlin.sock   behind a proxy on the same machine
  dunlin serve --listen unix:d.sock --socket-mode 660   owner and group may connect
  dunlin serve --cert fullchain.pem --key privkey.pem --listen 0.0.0.0:443   https:// and wss://
  dunlin serve --dir public                     the files of a folder, too
  dunlin serve --config dunlin.toml --apps echo,chat   settings from a file, two applications
  dunlin serve --origin https://example.org     pages of this origin may open sessions
  DUNLIN_LISTEN=127.0.0.1:9000,unix:d.sock dunlin serve --log warn

SIGTERM or SIGINT (Ctrl-C) closes every session with 1001 and ends; a second one ends at once.
SIGHUP reads the configuration and the certificate again; the log tells what takes a restart.";

/// The arguments of `serve`, beside a flag for every setting.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// A TOML file with settings; `dunlin config print` shows its keys
    #[arg(long, value_name = "FILE", env = "DUNLIN_CONFIG")]
    config: Option<PathBuf>,

    /// Print every route with its kind, and exit
    #[arg(long)]
    routes: bool,
}

impl Arguments {
    /// Reads every setting, and serves or prints the routes.
    pub(super) fn run(self, matches: &ArgMatches) -> Result<(), CommandFailure> {
        let path = self.config.filter(|path| !path.as_os_str().is_empty());
        let all = Configuration::read(matches, path.as_ref())?;
        if self.routes {
            print_routes(&app(&all, None)?);
            return Ok(());
        }
        let matches = matches.clone();
        serve(Configured {
            matches,
            path,
            current: all,
        })
    }
}

/// The applications that are wanted, with rooms that are kept in this folder, and with what was set for all routes.
fn app(all: &Configuration, folder: Option<&String>) -> Result<App, CommandFailure> {
    let mut names = all.operator.apps.clone();
    if all.operator.has_own_index() && !all.is_given("apps") {
        // Who brings a page of their own for `/` wants to see it there.
        names.retain(|name| name != "index");
    }
    let mut app = App::new();
    for name in &names {
        app = match &**name {
            "rooms" => apps::rooms::mount_with(app, &rooms(all, folder)?),
            name => apps::mount(app, name),
        };
    }
    if let Some(files) = all.operator.files().map_err(CommandFailure::usage)? {
        app = app.files("/", files);
    }
    Ok(all.apply(app))
}

/// The rooms, with their limits, and with what was kept of them.
fn rooms(all: &Configuration, folder: Option<&String>) -> Result<Rooms, CommandFailure> {
    let limits = all.rooms.clone();
    let rooms = match folder {
        Some(folder) => Rooms::in_folder(folder, limits),
        None => Rooms::with_limits(limits),
    };
    rooms.map_err(|error| all.failure("history_dir", &format!("{error:#}")))
}

fn print_routes(app: &App) {
    let mut out = io::stdout().lock();
    for (kind, pattern) in app.route_list() {
        let _ = writeln!(out, "{kind:9} {pattern}");
    }
}

/// Serves until a signal, and returns when every connection is gone.
fn serve(configured: Configured) -> Result<(), CommandFailure> {
    let all = &configured.current;
    logger::start(logger::level(all.operator.log).map_err(CommandFailure::usage)?);
    let mut server =
        Server::new(app(all, all.operator.history_dir.as_ref())?).limits(all.limits.clone());
    if let Some(mode) = &all.operator.socket_mode {
        let mode = listen::socket_mode(mode).map_err(CommandFailure::usage)?;
        server = server.unix_mode(mode)?;
    }
    let certificate = Certificate::of(&all.operator).map_err(CommandFailure::usage)?;
    for address in &all.operator.listen {
        server = certificate.listen(server, address)?;
    }
    let is_secure = certificate.is_given();
    signals::obey(server.remote(), configured, certificate)?;
    for address in server.addresses() {
        announce(&address, is_secure);
    }
    Ok(server.run()?)
}

/// Tells where to go. A closed standard output is no reason to stop.
fn announce(address: &Address, is_secure: bool) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{}", announcement(address, is_secure));
    let _ = out.flush();
}

fn announcement(address: &Address, is_secure: bool) -> String {
    let url = address.url();
    let url = match url.strip_prefix("http://") {
        Some(rest) if is_secure => format!("https://{rest}"),
        _ => url,
    };
    match address {
        Address::Tcp(tcp) if tcp.ip().is_unspecified() => {
            format!("dunlin is listening on {url} and every network — open it in a browser")
        }
        Address::Tcp(_) => format!("dunlin is listening on {url} — open it in a browser"),
        Address::Unix(_) => format!("dunlin is listening on {url}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let line = announcement(&address.parse().unwrap(), false);
            assert_eq!(line, format!("dunlin is listening on {wanted}"));
        }
        let secured = announcement(&"127.0.0.1:443".parse().unwrap(), true);
        assert!(secured.contains("on https://127.0.0.1:443/ "), "{secured}");
        let local = announcement(&"unix:d.sock".parse().unwrap(), true);
        assert!(local.ends_with("unix:d.sock"), "{local}");
    }
}
