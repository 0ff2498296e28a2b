//! Circles: files that use each other, however long the way round.
//!
//! A file uses the file that defines what it names. A name that a `mod.rs` only passes on (`pub use`)
//! leads to where it is defined, and passing on is no use of its own. Tests are left out: they may
//! look at anything below them.

use crate::code::{blank_tests, blank_text, line_of};
use crate::paths::{Reference, references};
use crate::rules::is_package;
use std::collections::{BTreeMap, BTreeSet};

/// A module path: `hub`, `topic` for `src/hub/topic.rs`.
type Module = Vec<String>;

struct File {
    path: String,
    code: String,
    /// What it passes on: the name, and the path behind it.
    passes_on: BTreeMap<String, Vec<String>>,
}

/// All circles among these files, in sentences.
pub(crate) fn circles(sources: &[(String, String)]) -> Vec<String> {
    let files = read(sources);
    let mut uses: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    for (module, file) in &files {
        let edges = uses.entry(&file.path).or_default();
        for reference in references(&file.code) {
            if let Some(used) = resolve(&files, module, &reference.names, 0)
                && used != file.path
            {
                let line = line_of(&file.code, reference.at);
                edges.entry(used).or_insert(line);
            }
        }
    }
    let mut problems = Vec::new();
    for group in groups(&uses) {
        let inside = |used: &&String| group.contains(used.as_str());
        let edges = group.iter().flat_map(|path| {
            let used = uses[path].iter().filter(|(used, _)| inside(used));
            used.map(move |(used, line)| format!("  {path}:{line} uses {used}"))
        });
        let edges: Vec<String> = edges.collect();
        problems.push(format!(
            "a circle of {} files:\n{}",
            group.len(),
            edges.join("\n")
        ));
    }
    problems
}

fn read(sources: &[(String, String)]) -> BTreeMap<Module, File> {
    let mut files = BTreeMap::new();
    for (path, text) in sources {
        let inside = path.trim_start_matches("src/").trim_end_matches(".rs");
        let is_tests = inside.split('/').any(|part| part == "tests");
        if is_tests || inside == "main" {
            continue;
        }
        let module = match inside {
            "lib" => Vec::new(),
            inside => inside
                .trim_end_matches("/mod")
                .split('/')
                .map(str::to_owned)
                .collect(),
        };
        let code = blank_tests(&blank_text(text));
        let (passes_on, code) = without_passing_on(&code);
        let path = path.clone();
        let file = File {
            path,
            code,
            passes_on,
        };
        files.insert(module, file);
    }
    files
}

/// Takes every `pub use` and every `mod` of a file away, and keeps what the former pass on.
fn without_passing_on(code: &str) -> (BTreeMap<String, Vec<String>>, String) {
    let (mut passes_on, mut rest) = (BTreeMap::new(), code.to_owned());
    for start in ["pub use ", "pub(crate) use ", "pub(super) use "] {
        while let Some(at) = rest.find(start) {
            let end = rest[at..].find(';').map_or(rest.len(), |end| at + end + 1);
            let statement = &rest[at + start.len()..end];
            for Reference { names, .. } in references(statement) {
                if let Some(last) = names.last() {
                    passes_on.insert(last.clone(), names);
                }
            }
            let blank: String = rest[at..end]
                .chars()
                .map(|c| if c == '\n' { '\n' } else { ' ' })
                .collect();
            rest.replace_range(at..end, &blank);
        }
    }
    (passes_on, rest)
}

/// The file that a path leads to from a module.
fn resolve(
    files: &BTreeMap<Module, File>,
    from: &Module,
    names: &[String],
    depth: usize,
) -> Option<String> {
    let mut at: Module;
    let mut rest = names;
    match &*names.first()?.clone() {
        "crate" if from.first().is_some_and(|top| is_package(top)) => {
            (at, rest) = (from[..1].to_vec(), &rest[1..]);
        }
        "crate" | "dunlin" => (at, rest) = (Vec::new(), &rest[1..]),
        "dunlin_bench" => (at, rest) = (vec!["bench".to_owned()], &rest[1..]),
        "self" => (at, rest) = (from.clone(), &rest[1..]),
        "super" => {
            at = from.clone();
            while rest.first().is_some_and(|name| name == "super") {
                at.pop();
                rest = &rest[1..];
            }
        }
        first => {
            at = from.clone();
            at.push(first.to_owned());
            if !files.contains_key(&at) {
                return None;
            }
            at.pop();
        }
    }
    while let Some(name) = rest.first() {
        at.push(name.clone());
        if !files.contains_key(&at) {
            at.pop();
            break;
        }
        rest = &rest[1..];
    }
    let file = files.get(&at)?;
    if let Some(name) = rest.first()
        && let Some(behind) = file.passes_on.get(name)
        && depth < 8
    {
        return resolve(files, &at, behind, depth + 1);
    }
    Some(file.path.clone())
}

/// The sets of more than one file that all reach each other.
fn groups<'u>(uses: &BTreeMap<&'u str, BTreeMap<String, usize>>) -> Vec<BTreeSet<&'u str>> {
    let reach: BTreeMap<&str, BTreeSet<&str>> = uses
        .keys()
        .map(|start| {
            let mut reached = BTreeSet::new();
            let mut open = vec![*start];
            while let Some(path) = open.pop() {
                for used in uses.get(path).into_iter().flat_map(BTreeMap::keys) {
                    if reached.insert(used.as_str()) {
                        open.push(used);
                    }
                }
            }
            (*start, reached)
        })
        .collect();
    let mut groups: Vec<BTreeSet<&str>> = Vec::new();
    for path in uses.keys() {
        if !reach[path].contains(path) || groups.iter().any(|group| group.contains(path)) {
            continue;
        }
        let both = |other: &&&str| reach[path].contains(**other) && reach[**other].contains(path);
        groups.push(uses.keys().filter(both).copied().collect());
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::circles;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = files
            .iter()
            .map(|(path, code)| ((*path).to_owned(), (*code).to_owned()))
            .collect();
        circles(&files)
    }

    #[test]
    fn two_files_that_use_each_other_are_a_circle() {
        let found = found(&[
            ("src/hub/mod.rs", "mod a; mod b; pub use a::A;"),
            ("src/hub/a.rs", "use super::b::B; pub struct A;"),
            ("src/hub/b.rs", "fn b(a: super::A) {}"),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains("src/hub/b.rs:1 uses src/hub/a.rs"),
            "{found:?}"
        );
    }

    #[test]
    fn a_way_round_over_three_folders_is_one_too() {
        let found = found(&[
            ("src/a.rs", "use crate::b::B;"),
            ("src/b.rs", "use crate::c::{C, d};"),
            ("src/c/mod.rs", "mod d; fn c() { d::go() }"),
            ("src/c/d.rs", "use super::super::a::A;"),
        ]);
        assert!(found[0].starts_with("a circle of 4 files"), "{found:?}");
    }

    #[test]
    fn a_folder_that_only_passes_names_on_is_in_no_circle() {
        let found = found(&[
            ("src/hub/mod.rs", "mod a; mod b; pub use {a::A, b::B};"),
            ("src/hub/a.rs", "pub struct A;"),
            (
                "src/hub/b.rs",
                "use super::A; pub struct B; #[cfg(test)]\nmod tests { use super::super::B; }",
            ),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }
}
