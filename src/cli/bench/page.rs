//! The file of a report: opened before a run, so that nobody waits for one that cannot be kept.

use super::super::exit::CommandFailure;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file that can be written. What stood in it stays until the report is there; a new one that gets no
/// report is removed.
pub(super) struct Page {
    path: PathBuf,
    file: File,
    is_unused: bool,
}

impl Page {
    /// Opens it.
    ///
    /// # Errors
    /// It cannot be written, as a wrong command line.
    pub(super) fn open(path: &Path) -> Result<Self, CommandFailure> {
        let is_new = !path.exists();
        let opened = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        let file = opened.map_err(|error| {
            let path = path.display();
            CommandFailure::usage(format!(
                "--html {path} cannot be written: {error}\nwanted: a file in a folder that exists and may be written to"
            ))
        })?;
        Ok(Self {
            path: path.to_owned(),
            file,
            is_unused: is_new,
        })
    }

    /// Puts the report into it.
    pub(super) fn fill(mut self, text: &str) -> Result<(), CommandFailure> {
        self.is_unused = false;
        // A pipe or a terminal has no length.
        let _ = self.file.set_len(0);
        self.file.write_all(text.as_bytes()).map_err(|error| {
            let path = self.path.display();
            CommandFailure::Text(format!("the report {path} was not written: {error}"), 1)
        })
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if self.is_unused {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changes_only_when_there_is_a_report() {
        let folder = std::env::temp_dir().join(format!("dunlin-page-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("a.html");
        drop(Page::open(&path).ok().unwrap());
        assert!(!path.exists());
        Page::open(&path).ok().unwrap().fill("long").ok().unwrap();
        drop(Page::open(&path).ok().unwrap());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "long");
        Page::open(&path).ok().unwrap().fill("a").ok().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a");
        let refused = Page::open(&folder).err().map(|failure| failure.text());
        assert!(refused.unwrap().contains("a file in a folder"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
