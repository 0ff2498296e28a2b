//! What an operator sets beside limits and routes: where to listen, what to serve, what to log.

use super::logger::{FORMATS, LEVELS};
use super::{acme, certificate, engine, listen, token};
use dunlin::Files;
use dunlin::apps;
use dunlin::config::{Kind, Row, Value};
use dunlin::tokens::Keys;
use std::path::Path;

/// The values of [`ROWS`].
#[derive(Clone, Debug)]
pub(super) struct Operator {
    pub(super) listen: Vec<String>,
    /// The files of the certificate and of its key; both or neither.
    pub(super) cert: Option<String>,
    pub(super) key: Option<String>,
    /// Permission bits, octal; `None`: what the umask leaves.
    pub(super) socket_mode: Option<String>,
    /// Other processes may listen on the same ports.
    pub(super) reuse_port: bool,
    /// A listener for operators.
    pub(super) admin: Option<String>,
    /// Who may read the metrics: `admin` or `public`.
    pub(super) metrics: &'static str,
    pub(super) log: &'static str,
    pub(super) log_format: &'static str,
    pub(super) apps: Vec<String>,
    /// A folder that is served at `/`.
    pub(super) dir: Option<String>,
    /// A folder with challenges of ACME.
    pub(super) acme_dir: Option<String>,
    /// Where rooms are kept over restarts.
    pub(super) history_dir: Option<String>,
    /// The engine that rooms of several servers share, perhaps with a password: never show it as it is.
    pub(super) engine: Option<String>,
    /// What all names on the engine begin with.
    pub(super) engine_prefix: String,
    /// Authorities that an engine with TLS may have its certificate from, beside those of the system.
    pub(super) engine_ca: Option<String>,
    /// The keys of tokens, without which some applications are for nobody.
    pub(super) token_key_file: Option<String>,
    pub(super) token_apps: Vec<String>,
}

impl Default for Operator {
    fn default() -> Self {
        Self {
            listen: vec!["127.0.0.1:8080".to_owned()],
            cert: None,
            key: None,
            socket_mode: None,
            reuse_port: false,
            admin: None,
            metrics: "admin",
            log: "info",
            log_format: "text",
            apps: apps::names().map(str::to_owned).collect(),
            dir: None,
            acme_dir: None,
            history_dir: None,
            engine: None,
            engine_prefix: "dunlin".to_owned(),
            engine_ca: None,
            token_key_file: None,
            token_apps: vec!["rooms".to_owned()],
        }
    }
}

pub(super) static ROWS: &[Row<Operator>] = &[
    Row {
        name: "listen",
        key: "listen",
        kind: Kind::List("HOST:PORT, [IPV6]:PORT or unix:PATH"),
        none: None,
        reloads: false,
        about: "Where to listen",
        get: |all| Value::List(all.listen.clone()),
        set: |all, value| {
            if let Value::List(list) = value {
                all.listen = list;
            }
        },
    },
    Row {
        name: "cert",
        key: "cert",
        kind: Kind::Text("the path of a PEM file"),
        none: Some("none"),
        reloads: false,
        about: "The certificate of TLS with those of its issuers, read again with SIGHUP; every TCP address speaks TLS then",
        get: |all| all.cert.clone().map_or(Value::None, Value::Text),
        set: |all, value| match value {
            Value::None => all.cert = None,
            Value::Text(text) => all.cert = Some(text),
            _ => {}
        },
    },
    Row {
        name: "key",
        key: "key",
        kind: Kind::Text("the path of a PEM file"),
        none: Some("none"),
        reloads: false,
        about: "The private key of that certificate",
        get: |all| all.key.clone().map_or(Value::None, Value::Text),
        set: |all, value| match value {
            Value::None => all.key = None,
            Value::Text(text) => all.key = Some(text),
            _ => {}
        },
    },
    Row {
        name: "socket_mode",
        key: "socket_mode",
        kind: Kind::Text("an octal number such as 660"),
        none: Some("umask"),
        reloads: false,
        about: "Permission bits of the files of Unix sockets: who may write may connect",
        get: |all| all.socket_mode.clone().map_or(Value::None, Value::Text),
        set: |all, value| match value {
            Value::None => all.socket_mode = None,
            Value::Text(text) => all.socket_mode = Some(text),
            _ => {}
        },
    },
    Row {
        name: "reuse_port",
        key: "reuse_port",
        kind: Kind::Flag,
        none: None,
        reloads: false,
        about: "Several processes of one user listen on the same TCP addresses, and the system spreads who comes over them; not on that of --admin",
        get: |all| Value::Flag(all.reuse_port),
        set: |all, value| {
            if let Value::Flag(flag) = value {
                all.reuse_port = flag;
            }
        },
    },
    Row {
        name: "admin",
        key: "admin",
        kind: Kind::Text("HOST:PORT, [IPV6]:PORT or unix:PATH"),
        none: Some("none"),
        reloads: false,
        about: "A listener for operators: /healthz, /readyz and /metrics are there and nowhere else, also while the server is full or stops",
        get: |all| all.admin.clone().map_or(Value::None, Value::Text),
        set: |all, value| match value {
            Value::None => all.admin = None,
            Value::Text(text) => all.admin = Some(text),
            _ => {}
        },
    },
    Row {
        name: "metrics",
        key: "metrics",
        kind: Kind::Choice(&["admin", "public"]),
        none: None,
        reloads: false,
        about: "Who may read /metrics: who reaches the listener of --admin, or everybody",
        get: |all| Value::Word(all.metrics),
        set: |all, value| {
            if let Value::Word(word) = value {
                all.metrics = word;
            }
        },
    },
    Row {
        name: "log",
        key: "log",
        kind: Kind::Choice(&LEVELS),
        none: None,
        reloads: true,
        about: "How much to log on standard error",
        get: |all| Value::Word(all.log),
        set: |all, value| {
            if let Value::Word(word) = value {
                all.log = word;
            }
        },
    },
    Row {
        name: "log_format",
        key: "log_format",
        kind: Kind::Choice(&FORMATS),
        none: None,
        reloads: true,
        about: "How a line of the log is written: as text, or as a JSON object",
        get: |all| Value::Word(all.log_format),
        set: |all, value| {
            if let Value::Word(word) = value {
                all.log_format = word;
            }
        },
    },
    Row {
        name: "apps",
        key: "apps",
        kind: Kind::List(
            "names of echo, chat, flow, chatt, rooms, tasks, welcome, index, separated by commas",
        ),
        none: None,
        reloads: false,
        about: "Which applications to serve",
        get: |all| Value::List(all.apps.clone()),
        set: |all, value| {
            if let Value::List(list) = value {
                let names = list.iter().flat_map(|names| names.split(','));
                all.apps = names.map(|name| name.trim().to_owned()).collect();
            }
        },
    },
    Row {
        name: "dir",
        key: "dir",
        kind: Kind::Text("the path of a folder"),
        none: Some("none"),
        reloads: false,
        about: "A folder whose files are served at / behind all other paths; its index.html is the page there",
        get: |all| all.dir.clone().map_or(Value::None, Value::Text),
        set: |all, value| match value {
            Value::None => all.dir = None,
            Value::Text(text) => all.dir = Some(text),
            _ => {}
        },
    },
    Row {
        name: "acme_dir",
        key: "acme_dir",
        kind: Kind::Text("the path of a folder"),
        none: Some("none"),
        reloads: false,
        about: "A folder where an ACME client writes its challenges, which are served at /.well-known/acme-challenge/",
        get: |all| all.acme_dir.clone().map_or(Value::None, Value::Text),
        set: |all, value| match value {
            Value::None => all.acme_dir = None,
            Value::Text(text) => all.acme_dir = Some(text),
            _ => {}
        },
    },
    Row {
        name: "history_dir",
        key: "history_dir",
        kind: Kind::Text("the path of a folder, which is made if it is not there"),
        none: Some("none"),
        reloads: false,
        about: "A folder where rooms and what was said in them are kept over restarts",
        get: |all| all.history_dir.clone().map_or(Value::None, Value::Text),
        set: |all, value| match value {
            Value::None => all.history_dir = None,
            Value::Text(text) => all.history_dir = Some(text),
            _ => {}
        },
    },
    Row {
        name: "engine",
        key: "engine",
        kind: Kind::Text(
            "redis://HOST:PORT, redis://USER:PASSWORD@HOST:PORT/DATABASE, rediss:// for TLS, or unix:PATH",
        ),
        none: Some("none"),
        reloads: false,
        about: "The Redis or Valkey by which several servers have the same rooms; a password in it is never shown, and in DUNLIN_ENGINE or a file it is not in the list of processes",
        get: |all| {
            let engine = all.engine.as_deref().map(engine::shown);
            engine.map_or(Value::None, Value::Text)
        },
        set: |all, value| match value {
            Value::None => all.engine = None,
            Value::Text(text) => all.engine = Some(text),
            _ => {}
        },
    },
    Row {
        name: "engine_prefix",
        key: "engine_prefix",
        kind: Kind::Text("1 to 64 visible ASCII characters without braces"),
        none: None,
        reloads: false,
        about: "What all keys and channels on the engine begin with; servers with different ones know nothing of each other",
        get: |all| Value::Text(all.engine_prefix.clone()),
        set: |all, value| {
            if let Value::Text(text) = value {
                all.engine_prefix = text;
            }
        },
    },
    Row {
        name: "engine_ca",
        key: "engine_ca",
        kind: Kind::Text("the path of a PEM file"),
        none: Some("none"),
        reloads: false,
        about: "Authorities that the certificate of an engine behind rediss:// may come from, beside those of the system",
        get: |all| all.engine_ca.clone().map_or(Value::None, Value::Text),
        set: |all, value| match value {
            Value::None => all.engine_ca = None,
            Value::Text(text) => all.engine_ca = Some(text),
            _ => {}
        },
    },
    Row {
        name: "token_key_file",
        key: "token_key_file",
        kind: Kind::Text("the path of a file that `dunlin token key` makes"),
        none: Some("none"),
        reloads: false,
        about: "A file with the keys of connection tokens, without which token_apps are for nobody",
        get: |all| all.token_key_file.clone().map_or(Value::None, Value::Text),
        set: |all, value| match value {
            Value::None => all.token_key_file = None,
            Value::Text(text) => all.token_key_file = Some(text),
            _ => {}
        },
    },
    Row {
        name: "token_apps",
        key: "token_apps",
        kind: Kind::List("names of applications as in apps, separated by commas"),
        none: None,
        reloads: false,
        about: "Which applications ask for a token, where there are keys",
        get: |all| Value::List(all.token_apps.clone()),
        set: |all, value| {
            if let Value::List(list) = value {
                let names = list.iter().flat_map(|names| names.split(','));
                all.token_apps = names.map(|name| name.trim().to_owned()).collect();
            }
        },
    },
];

impl Operator {
    /// The engine that rooms are to be shared by.
    pub(super) fn wanted_engine(&self) -> engine::Wanted<'_> {
        engine::Wanted {
            engine: self.engine.as_deref(),
            engine_prefix: &self.engine_prefix,
            engine_ca: self.engine_ca.as_deref(),
            history_dir: self.history_dir.as_deref(),
        }
    }

    /// Whether another one has the same engine under another user or password, which nobody is shown.
    pub(super) fn has_other_engine_user(&self, other: &Self) -> bool {
        let shown = |all: &Self| all.engine.as_deref().map(engine::shown);
        shown(self) == shown(other) && self.engine != other.engine
    }

    /// The files of the folder, if one is named.
    pub(super) fn files(&self) -> Result<Option<Files>, String> {
        let files = self.dir.as_ref().map(Files::open).transpose();
        files.map_err(|error| format!("{error:#}; make it, or name another with --dir"))
    }

    /// The keys of tokens, if there are any.
    pub(super) fn token_keys(&self) -> Result<Option<Keys>, String> {
        token::keys(self.token_key_file.as_ref().map(Path::new))
    }

    /// Whether the folder that is served has a page for `/`.
    pub(super) fn has_own_index(&self) -> bool {
        let dir = self.dir.as_ref().map(Path::new);
        dir.is_some_and(|dir| dir.join("index.html").is_file())
    }

    /// What is wrong with one of the values: the key, and a sentence.
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        if let Some(problem) = listen::problem(&self.listen, self.admin.as_deref()) {
            return Some(problem);
        }
        if let Some(problem) = self.acme_dir.as_deref().and_then(acme::problem) {
            return Some(("acme_dir", problem));
        }
        if let Some(Err(problem)) = self.socket_mode.as_deref().map(listen::socket_mode) {
            return Some(("socket_mode", problem));
        }
        if let Some(problem) = certificate::problem(self.cert.as_ref(), self.key.as_ref()) {
            return Some(problem);
        }
        if let Err(problem) = self.files() {
            return Some(("dir", problem));
        }
        if let Some(problem) = engine::problem(self.wanted_engine()) {
            return Some(problem);
        }
        if let Err(problem) = self.token_keys() {
            return Some(("token_key_file", problem));
        }
        let is_known = |name: &&String| apps::names().any(|known| known == *name);
        let unknown = |key, names: &[String]| {
            let unknown = names.iter().find(|name| !is_known(name))?;
            let known: Vec<_> = apps::names().collect();
            let wanted = known.join(", ");
            let problem =
                format!("the application {unknown:?} is unknown\nwanted: some of {wanted}");
            Some((key, problem))
        };
        if let Some(name) = listen::repeated(&self.apps) {
            let problem = format!("the application {name:?} is named twice\nwanted: each once");
            return Some(("apps", problem));
        }
        unknown("apps", &self.apps).or_else(|| unknown("token_apps", &self.token_apps))
    }
}
