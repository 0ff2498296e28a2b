//! `dunlin serve`: the ready server, until a signal ends it.

use super::certificate::Certificate;
use super::configuration::Configuration;
use super::exit::CommandFailure;
use super::service::Service;
use super::signals::{self, Configured};
use super::systemd::{self, Inherited};
use super::{acme, admin, engine, listen, logger, token};
use clap::ArgMatches;
use dunlin::rooms::Rooms;
use dunlin::{Address, App, Server, apps};
use signal_hook::iterator::Signals;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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
  dunlin serve --engine redis://10.0.0.5:6379   one of several servers with the same rooms
  dunlin serve --reuse-port --engine unix:/run/redis.sock   one of several processes on one port
  dunlin serve --token-key-file token.key       rooms for who has a token; see `dunlin token`
  dunlin serve --trusted-proxy 10.0.0.0/8       X-Forwarded-For of these proxies is believed
  dunlin serve --origin https://example.org     pages of this origin may open sessions
  DUNLIN_LISTEN=127.0.0.1:9000,unix:d.sock dunlin serve --log warn

  dunlin serve --admin 127.0.0.1:9090           /healthz, /readyz and /metrics for operators

SIGTERM or SIGINT (Ctrl-C) closes every session with 1001, a crowd over half of --drain, and ends;
a second one ends at once.
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
    pub(super) fn run(
        self,
        matches: &ArgMatches,
        held: Option<Signals>,
    ) -> Result<(), CommandFailure> {
        let held = held.map_or_else(signals::hold_reloads, Ok)?;
        let path = self.config.filter(|path| !path.as_os_str().is_empty());
        let all = Configuration::read(matches, path.as_ref())?;
        if self.routes {
            let app = app(&all, None)?;
            print_routes(&admin::mount_public(
                app,
                &all.operator,
                all.operator.admin.is_some(),
            ));
            return Ok(());
        }
        let matches = matches.clone();
        let token_keys = token::mark(all.operator.token_key_file.as_deref());
        let configured = Configured {
            matches,
            path,
            current: all,
            token_keys,
            service: None,
        };
        serve(held, configured)
    }
}

/// The applications that are wanted, with rooms that are kept in this folder, and with what was set for all routes.
fn app(all: &Configuration, folder: Option<&String>) -> Result<App, CommandFailure> {
    let mut names = all.operator.apps.clone();
    if all.operator.has_own_index() && !all.is_given("apps") {
        // Who brings a page of their own for `/` wants to see it there.
        names.retain(|name| name != "index");
    }
    let shared = engine::rooms(all.operator.wanted_engine(), &all.rooms);
    let shared = shared.map_err(|(key, problem)| all.failure(key, &problem))?;
    let mount = |app: App, name: &str| match (&shared, name) {
        (Some(rooms), name) => Ok(apps::shared::mount(app, name, rooms)),
        (None, "rooms") => Ok(apps::rooms::mount_with(app, &rooms(all, folder)?)),
        (None, name) => Ok::<_, CommandFailure>(apps::mount(app, name)),
    };
    let keys = all.operator.token_keys().map_err(CommandFailure::usage)?;
    let asks = |name: &&String| keys.is_some() && all.operator.token_apps.contains(name);
    let (asking, open): (Vec<_>, Vec<_>) = names.iter().partition(asks);
    let mut app = App::new();
    if let Some(rooms) = &shared
        && !names.iter().any(|name| name == "rooms")
    {
        if !names.iter().any(|name| apps::shared::stands_on_rooms(name)) {
            log::warn!("none of the applications of --apps uses the engine of --engine");
        }
        app = rooms.mount(app);
    }
    for name in asking {
        app = mount(app, name)?;
    }
    if let Some(keys) = keys {
        app = app.require_tokens(keys);
    }
    for name in open {
        app = mount(app, name)?;
    }
    if let Some(files) = all.operator.files().map_err(CommandFailure::usage)? {
        app = app.files("/", files);
    }
    if let Some(folder) = &all.operator.acme_dir {
        app = acme::mount(app, folder);
    }
    Ok(all.apply(app))
}

/// The rooms of this process, with their limits, and with what was kept of them.
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
fn serve(held: Signals, mut configured: Configured) -> Result<(), CommandFailure> {
    // While there is no thread yet.
    let mut inherited = systemd::inherited()?;
    // Those for operators last, as their address is announced behind the others.
    inherited.sort_by_key(|given| given.is_admin);
    let all = &configured.current;
    logger::set_format(all.operator.log_format);
    logger::start(logger::level(all.operator.log).map_err(CommandFailure::usage)?);
    for problem in Configuration::misspelt_variables() {
        log::warn!("{problem}");
    }
    if let Some(file) = &all.operator.token_key_file
        && token::is_open_to_others(Path::new(file))
    {
        log::warn!("others than its owner may read {file}: chmod 600 {file}");
    }
    let is_given_admin = inherited.iter().any(|given| given.is_admin);
    let has_admin = all.operator.admin.is_some() || is_given_admin;
    let app = app(all, all.operator.history_dir.as_ref())?;
    let app = admin::mount_public(app, &all.operator, has_admin);
    let (app, service) = Service::mount(app);
    let server = Server::new(app).limits(all.limits.clone());
    let mut server = server.reuse_port(all.operator.reuse_port);
    if let Some(mode) = &all.operator.socket_mode {
        let mode = listen::socket_mode(mode).map_err(CommandFailure::usage)?;
        server = server.unix_mode(mode)?;
    }
    let certificate = Certificate::of(all.operator.cert.as_ref(), all.operator.key.as_ref())
        .map_err(CommandFailure::usage)?;
    // Sockets of a service manager stand for the default address, not for one that somebody asked for.
    let is_given_public = inherited.iter().any(|given| !given.is_admin);
    if !is_given_public || all.is_given("listen") {
        for address in &all.operator.listen {
            server = certificate.listen(server, address)?;
        }
    }
    let mut public = server.addresses().len();
    for Inherited { socket, is_admin } in inherited {
        if is_admin {
            server = server.listen_admin_on(socket, admin::program())?;
        } else {
            server = certificate.listen_on(server, socket)?;
            public += 1;
        }
    }
    if let Some(address) = &all.operator.admin {
        // Who asks one process is not to be answered by another.
        let own = server.reuse_port(false);
        server = own.listen_admin(address, admin::program())?;
    }
    configured.service.clone_from(&service);
    let server = server.start()?;
    let is_secure = certificate.is_given();
    signals::obey(held, server.remote(), configured, certificate)?;
    let addresses = server.addresses();
    for address in &addresses[..public] {
        announce(&announcement(address, is_secure));
    }
    for address in &addresses[public..] {
        announce(&format!("operators ask at {}", address.url()));
    }
    if let Some(service) = service {
        service.start();
    }
    Ok(server.run()?)
}

/// Tells where to go. A closed standard output is no reason to stop.
fn announce(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}");
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
