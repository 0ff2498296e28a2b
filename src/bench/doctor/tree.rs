//! Where the limits are read: the files of `/proc` and `/sys`, or those of an invented machine.

use std::fs;
use std::path::PathBuf;

/// The limit of open files of a process; `u64::MAX` stands for none.
#[derive(Clone, Copy, Debug)]
pub struct OpenFiles {
    /// What counts now.
    pub soft: u64,
    /// To what the process may raise that by itself.
    pub hard: u64,
}

/// A machine.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The folder that holds `proc` and `sys`.
    pub root: PathBuf,
    /// The open files of this process, where the system has such a limit.
    pub open_files: Option<OpenFiles>,
    /// Processors that this process may use.
    pub cores: u64,
}

impl Tree {
    /// This machine.
    #[must_use]
    pub fn here() -> Self {
        Self {
            root: PathBuf::from("/"),
            open_files: open_files(),
            cores: super::super::machine::cores() as u64,
        }
    }

    /// A file, without white space around; absent where there is none or it may not be read.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let text = fs::read_to_string(self.root.join(path)).ok()?;
        Some(text.trim().to_owned())
    }

    /// The numbers in a file.
    pub(super) fn numbers(&self, path: &str) -> Vec<u64> {
        let text = self.text(path).unwrap_or_default();
        let words = text.split_whitespace();
        words.filter_map(|word| word.parse().ok()).collect()
    }

    /// The first of them.
    pub(super) fn number(&self, path: &str) -> Option<u64> {
        self.numbers(path).first().copied()
    }

    /// The same under `/proc/sys`, by the name that `sysctl` knows.
    pub(super) fn sysctl(&self, name: &str) -> Option<u64> {
        self.number(&format!("proc/sys/{}", name.replace('.', "/")))
    }

    /// A field of a file with lines such as `MemAvailable: 12 kB`.
    pub(super) fn field(&self, path: &str, name: &str) -> Option<u64> {
        let text = self.text(path)?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// The number behind a word in a file such as `/proc/net/sockstat`.
    pub(super) fn behind(&self, path: &str, line: &str, word: &str) -> Option<u64> {
        let text = self.text(path)?;
        let line = text.lines().find_map(|text| text.strip_prefix(line))?;
        let mut words = line.split_whitespace();
        words.find(|found| *found == word)?;
        words.next()?.parse().ok()
    }
}

#[cfg(unix)]
fn open_files() -> Option<OpenFiles> {
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::Nofile);
    Some(OpenFiles {
        soft: limit.current.unwrap_or(u64::MAX),
        hard: limit.maximum.unwrap_or(u64::MAX),
    })
}

#[cfg(not(unix))]
fn open_files() -> Option<OpenFiles> {
    None
}
