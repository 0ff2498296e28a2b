//! Keeps the sources tidy: reads the sources and fails with file and line where one breaks a rule.
//!
//! - A layer uses its own folder and lower layers, never a higher one and never a neighbour's.
//! - No files use each other in a circle, inside a folder or between folders.
//! - `wire`, `config`, `app`, `hub` and `turn` hold no socket, no poll and no clock outside their tests.
//! - A file has at most 450 lines, and a source file opens with `//!`.
//! - `unsafe`, `todo!`, `dbg!` and ignored tests stand nowhere.
//! - The tests that SECURITY.md names are there.
//! - The sources, the guide and the README use the words of the field and no private ones.
//!
//! `code` takes comments and strings away, `paths` finds what a file refers to, `rules` and
//! `circles` judge the code, `words` its words, `proofs` the page of promises; each is tested on planted snippets.

mod circles;
mod code;
mod paths;
mod proofs;
mod rules;
mod words;

use rules::Names;
use std::fs;
use std::path::{Path, PathBuf};

/// All Rust files under a folder of the package; see [`files`].
fn rust_files(folder: &str) -> Vec<(String, String)> {
    files(folder, ".rs")
}

/// All files under a folder of the package whose names end so, sorted, with their paths from the package's
/// root.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() && !["target", "node_modules"].contains(&&*name) {
                folders.push(path);
            } else if name.ends_with(ending) {
                let text = fs::read_to_string(&path).expect("a source file is UTF-8");
                let path = path.strip_prefix(root).expect("under the root");
                found.push((path.to_string_lossy().replace('\\', "/"), text));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn the_sources_are_tidy() {
    let sources = rust_files("src");
    assert!(sources.len() > 10, "only {} files under src", sources.len());
    let front_door = sources.iter().find(|(path, _)| path == "src/lib.rs");
    let names = Names::read(&front_door.expect("src/lib.rs").1);
    let mut problems = Vec::new();
    for (path, text) in &sources {
        problems.extend(rules::source(path, text, &names));
    }
    for folder in ["tests", "benches", "examples", "fuzz"] {
        for (path, text) in rust_files(folder) {
            problems.extend(rules::anywhere(&path, &text));
        }
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn the_sources_the_guide_and_the_readme_use_plain_words() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).expect("README.md");
    let mut problems = words::private_words("README.md", &readme);
    let guide = files("src/guide", ".md");
    assert!(guide.len() > 5, "only {} chapters", guide.len());
    for (path, text) in rust_files("src").into_iter().chain(guide) {
        problems.extend(words::private_words(&path, &text));
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let problems = circles::circles(&rust_files("src"));
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn the_tour_of_the_readme_leads_to_files_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).expect("README.md");
    let mut stops = 0;
    for line in readme.lines().filter(|line| line.starts_with('|')) {
        // `src/wire/message.rs`, `close.rs`: a name without a folder stands beside the one before it.
        let mut folder = None;
        for name in line.split('`').skip(1).step_by(2) {
            let path = match (name.starts_with("src/"), &folder) {
                (true, _) => PathBuf::from(name),
                (false, Some(folder)) if name.ends_with(".rs") || name.ends_with('/') => {
                    Path::new(folder).join(name)
                }
                _ => continue,
            };
            assert!(
                root.join(&path).exists(),
                "README.md leads to {}",
                path.display()
            );
            folder = path.parent().map(Path::to_path_buf);
            stops += 1;
        }
    }
    assert!(stops > 20, "the tour has only {stops} stops");
}

#[test]
fn the_tests_that_security_names_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("SECURITY.md")).expect("there is a SECURITY.md");
    let problems = proofs::missing("SECURITY.md", &page, root);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
