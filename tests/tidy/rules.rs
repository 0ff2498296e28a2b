//! The rules themselves: each takes a file and gives back sentences with file and line.

use crate::code::{blank_tests, blank_text, find_word, line_of};
use crate::paths::{Reference, inline_depth, references};
use std::collections::HashMap;

/// Lines of a file; past it the file has more than one subject.
const MAX_LINES: usize = 450;

/// The folders of `src` from the ground up; those of one layer do not know each other.
const LAYERS: [&[&str]; 8] = [
    &["wire", "config"],
    &["app"],
    &["hub"],
    &["turn"],
    &["net", "sim"],
    &["server", "client", "rooms", "testing", "tokens"],
    &["apps", "bench", "check", "cluster", "files"],
    &["cli", "fuzzing", "guide"],
];

/// What a folder may use on its own layer: limits speak of the sizes and errors of the wire.
const BESIDE: [(&str, &str); 1] = [("config", "wire")];

/// The highest layer without sockets and clocks.
const PURE: usize = 3;

/// The folders of `src` that are packages of their own: their `crate` is that folder.
const PACKAGES: [&str; 2] = ["bench", "cli"];

/// Whether a folder of `src` is a package of its own.
pub(crate) fn is_package(folder: &str) -> bool {
    PACKAGES.contains(&folder)
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Which module of the crate each name of the front door comes from.
pub(crate) struct Names(HashMap<String, String>);

impl Names {
    /// Reads the `pub use` lines of `lib.rs`.
    pub(crate) fn read(lib: &str) -> Self {
        let code = blank_text(lib);
        let names = references(&code).into_iter().map(|mut reference| {
            if ["crate", "self"].contains(&&*reference.names[0]) {
                reference.names.remove(0);
            }
            let last = reference.names.last().cloned().unwrap_or_default();
            (last, reference.names.swap_remove(0))
        });
        Self(names.collect())
    }

    /// The folder behind `crate::<name>`.
    fn module<'n>(&'n self, name: &'n str) -> Option<&'n str> {
        match layer(name) {
            Some(_) => Some(name),
            None => self.0.get(name).map(|module| &**module),
        }
    }
}

/// All rules for a file under `src`.
pub(crate) fn source(path: &str, text: &str, names: &Names) -> Vec<String> {
    let mut problems = anywhere(path, text);
    if !text.trim_start().starts_with("//!") {
        problems.push(format!(
            "{path}:1: a module opens with `//!` and what it is for"
        ));
    }
    let inside = path.trim_start_matches("src/");
    let Some((module, _)) = inside.split_once('/').or_else(|| inside.split_once(".rs")) else {
        return problems;
    };
    if ["lib", "main"].contains(&module) {
        return problems;
    }
    let Some(own) = layer(module) else {
        problems.push(format!(
            "{path}:1: {module:?} stands on no layer of the crate"
        ));
        return problems;
    };
    problems.extend(layers(path, text, own, module, names));
    if own <= PURE {
        problems.extend(purity(path, text));
    }
    problems
}

/// The rules for every Rust file of the package.
pub(crate) fn anywhere(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let lines = text.lines().count();
    if lines > MAX_LINES {
        problems.push(format!(
            "{path}:{MAX_LINES}: {lines} lines, wanted: at most {MAX_LINES}"
        ));
    }
    let code = blank_text(text);
    let unsafes = find_word(&code, "unsafe").into_iter();
    let others = ["todo!", "dbg!", "#[ignore"];
    let others = others
        .iter()
        .flat_map(|what| code.match_indices(what).map(|(at, _)| at));
    for at in unsafes.chain(others) {
        let line = text
            .lines()
            .nth(line_of(&code, at) - 1)
            .unwrap_or_default()
            .trim();
        problems.push(format!("{path}:{}: not here: {line}", line_of(&code, at)));
    }
    problems
}

/// Nobody looks up or at a neighbour.
fn layers(path: &str, text: &str, own: usize, module: &str, names: &Names) -> Vec<String> {
    let code = blank_text(text);
    let mut problems = Vec::new();
    for reference in references(&code) {
        let Some(name) = from_root(path, &code, &reference) else {
            continue;
        };
        let at = format!("{path}:{}", line_of(&code, reference.at));
        match names.module(&name) {
            None => problems.push(format!(
                "{at}: crate::{name} is on no layer known to tests/tidy"
            )),
            Some(used) if used == module => {}
            Some(used) => {
                let is_up = layer(used).is_none_or(|used| used >= own);
                if is_up && !BESIDE.contains(&(module, used)) {
                    problems.push(format!("{at}: {module} may not use {used} (crate::{name})"));
                }
            }
        }
    }
    problems
}

/// The first name behind the crate's root, if the path leads there.
fn from_root(path: &str, code: &str, reference: &Reference) -> Option<String> {
    let mut names = reference.names.iter();
    let folder = path.trim_start_matches("src/").split('/').next()?;
    match &**names.next()? {
        "crate" if is_package(folder) => Some(folder.to_owned()),
        "dunlin_bench" => Some("bench".to_owned()),
        "crate" | "dunlin" => names.next().cloned(),
        "super" => {
            let ups = 1 + names.clone().take_while(|name| *name == "super").count();
            let file = path.trim_start_matches("src/").trim_end_matches(".rs");
            let file = file.trim_end_matches("/mod");
            let depth = file.split('/').count() + inline_depth(code, reference.at);
            (ups >= depth).then(|| names.nth(ups - 1).cloned())?
        }
        _ => None,
    }
}

/// No socket, no poll, no clock.
fn purity(path: &str, text: &str) -> Vec<String> {
    let code = blank_tests(&blank_text(text));
    let mut found = Vec::new();
    for word in ["mio", "Instant", "SystemTime"] {
        found.extend(find_word(&code, word).into_iter().map(|at| (at, word)));
    }
    let is_net = |reference: &Reference| reference.names.starts_with(&["std".into(), "net".into()]);
    let nets = references(&code).into_iter().filter(is_net);
    found.extend(nets.map(|reference| (reference.at, "std::net")));
    let tell = |(at, what)| {
        let line = line_of(&code, at);
        format!("{path}:{line}: {what} below layer 4: bytes and time come in as arguments")
    };
    found.into_iter().map(tell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges a snippet as if it stood in this file.
    fn problems(path: &str, code: &str) -> Vec<String> {
        let names = Names::read("pub use app::{App, Session};\npub use server::Server;");
        source(path, &format!("//! Doc.\n{code}"), &names)
    }

    #[track_caller]
    fn refused(path: &str, code: &str, part: &str) {
        let problems = problems(path, code);
        assert_eq!(problems.len(), 1, "{code}: {problems:?}");
        assert!(
            problems[0].starts_with(&format!("{path}:2: ")),
            "{problems:?}"
        );
        assert!(problems[0].contains(part), "{problems:?}");
    }

    #[track_caller]
    fn taken(path: &str, code: &str) {
        assert_eq!(problems(path, code), Vec::<String>::new(), "{code}");
    }

    #[test]
    fn a_layer_may_use_lower_ones_and_itself() {
        taken(
            "src/hub/mod.rs",
            "use crate::{app::Session, hub::topic, wire::frame};",
        );
        taken(
            "src/hub/core.rs",
            "use super::topic::Topic; use super::super::wire::close;",
        );
        taken("src/cli/serve.rs", "use crate::{App, Server, apps};");
        taken(
            "src/wire/mod.rs",
            "mod tests { use super::*; use super::super::wire::head; }",
        );
    }

    #[test]
    fn a_layer_may_not_look_up() {
        refused(
            "src/wire/mod.rs",
            "use crate::app::Session;",
            "wire may not use app",
        );
        refused(
            "src/wire/a.rs",
            "fn f() { crate::hub::g() }",
            "wire may not use hub",
        );
        refused(
            "src/wire/a.rs",
            "use crate::{wire::frame, net::Loop};",
            "wire may not use net",
        );
        refused(
            "src/hub/a.rs",
            "use super::super::net::Loop;",
            "hub may not use net",
        );
        refused(
            "src/hub/mod.rs",
            "use super::server;",
            "hub may not use server",
        );
        refused(
            "src/app/a.rs",
            "use dunlin::Server;",
            "app may not use server",
        );
    }

    #[test]
    fn names_of_the_front_door_count_where_they_come_from() {
        refused("src/wire/a.rs", "use crate::App;", "wire may not use app");
        refused("src/wire/a.rs", "use crate::Unknown;", "on no layer");
    }

    #[test]
    fn neighbours_do_not_know_each_other() {
        refused("src/sim/a.rs", "use crate::net::x;", "sim may not use net");
        refused(
            "src/apps/a.rs",
            "use crate::bench::x;",
            "apps may not use bench",
        );
    }

    #[test]
    fn config_may_speak_of_the_wire_and_of_nothing_else() {
        taken(
            "src/config/limits.rs",
            "use super::bounds; use crate::wire::head::HeadLimits;",
        );
        refused(
            "src/config/a.rs",
            "use crate::app::Settings;",
            "config may not use app",
        );
        refused(
            "src/wire/a.rs",
            "use crate::config::Limits;",
            "wire may not use config",
        );
        refused("src/config/a.rs", "use std::net::IpAddr;", "std::net");
    }

    #[test]
    fn comments_and_texts_may_name_anything() {
        taken(
            "src/wire/a.rs",
            "// crate::app::Session\n/// [`run`](crate::Server::run)\nconst A: &str = \"std::net todo!\";",
        );
    }

    #[test]
    fn sockets_and_clocks_stay_out_of_the_lower_layers() {
        refused("src/hub/a.rs", "use std::net::IpAddr;", "std::net");
        refused(
            "src/hub/a.rs",
            "use std::{net::IpAddr, rc::Rc};",
            "std::net",
        );
        refused("src/wire/a.rs", "use mio::Token;", "mio");
        refused("src/app/a.rs", "fn f(at: std::time::Instant) {}", "Instant");
        refused(
            "src/app/a.rs",
            "use std::time::{Duration, SystemTime};",
            "SystemTime",
        );
        taken(
            "src/hub/a.rs",
            "use core::net::IpAddr; use std::time::Duration; struct InstantNoodle;",
        );
        taken(
            "src/hub/a.rs",
            "#[cfg(test)]\nmod tests { use std::time::Instant; }",
        );
        taken(
            "src/net/a.rs",
            "use std::net::IpAddr; use std::time::Instant; use mio::Token;",
        );
    }

    #[test]
    fn forbidden_words_are_found_anywhere() {
        for code in [
            "fn f() { unsafe {} }",
            "fn f() { todo!() }",
            "fn f() { dbg!(1); }",
            "#[ignore = \"slow\"]",
        ] {
            refused("src/net/a.rs", code, "not here");
            assert_eq!(anywhere("tests/a.rs", code).len(), 1, "{code}");
        }
        taken("src/net/a.rs", "#![forbid(unsafe_code)]");
    }

    #[test]
    fn long_files_and_missing_docs_are_found() {
        let names = Names::read("");
        let long = "//! Doc.\n".repeat(MAX_LINES + 1);
        assert_eq!(source("src/net/a.rs", &long, &names).len(), 1);
        assert_eq!(source("src/net/a.rs", "fn f() {}", &names).len(), 1);
        assert_eq!(source("src/lib.rs", "fn f() {}", &names).len(), 1);
    }

    #[test]
    fn every_folder_has_its_layer() {
        assert_eq!(problems("src/utils/a.rs", "").len(), 1);
        assert_eq!(problems("src/misc.rs", "").len(), 1);
    }
}
