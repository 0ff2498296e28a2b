//! What an operator sets beside limits and routes: where to listen, what to serve, what to log.

use super::logger::LEVELS;
use super::{certificate, listen};
use dunlin::Files;
use dunlin::apps;
use dunlin::config::{Kind, Row, Value};
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
    pub(super) log: &'static str,
    pub(super) apps: Vec<String>,
    /// A folder that is served at `/`.
    pub(super) dir: Option<String>,
    /// Where rooms are kept over restarts.
    pub(super) history_dir: Option<String>,
}

impl Default for Operator {
    fn default() -> Self {
        Self {
            listen: vec!["127.0.0.1:8080".to_owned()],
            cert: None,
            key: None,
            socket_mode: None,
            log: "info",
            apps: apps::names().map(str::to_owned).collect(),
            dir: None,
            history_dir: None,
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
];

impl Operator {
    /// The files of the folder, if one is named.
    pub(super) fn files(&self) -> Result<Option<Files>, String> {
        let files = self.dir.as_ref().map(Files::open).transpose();
        files.map_err(|error| format!("{error:#}; make it, or name another with --dir"))
    }

    /// Whether the folder that is served has a page for `/`.
    pub(super) fn has_own_index(&self) -> bool {
        let dir = self.dir.as_ref().map(Path::new);
        dir.is_some_and(|dir| dir.join("index.html").is_file())
    }

    /// What is wrong with one of the values: the key, and a sentence.
    pub(super) fn problem(&self) -> Option<(&'static str, String)> {
        for address in &self.listen {
            if let Err(problem) = listen::check_address(address) {
                return Some(("listen", problem));
            }
        }
        if let Some(Err(problem)) = self.socket_mode.as_deref().map(listen::socket_mode) {
            return Some(("socket_mode", problem));
        }
        if let Some(problem) = certificate::problem(self) {
            return Some(problem);
        }
        if let Err(problem) = self.files() {
            return Some(("dir", problem));
        }
        let is_known = |name: &&String| apps::names().any(|known| known == *name);
        let unknown = self.apps.iter().find(|name| !is_known(name))?;
        let known: Vec<_> = apps::names().collect();
        let wanted = known.join(", ");
        let problem = format!("the application {unknown:?} is unknown\nwanted: some of {wanted}");
        Some(("apps", problem))
    }
}
