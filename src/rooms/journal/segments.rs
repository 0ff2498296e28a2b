//! The files of a journal: segments with numbers that grow, and a lock so that one process writes.

use crate::wire::error::{Error, ErrorKind, Result};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The most bytes of a segment.
pub(super) const MOST: u64 = 4 << 20;

/// What each segment begins with.
pub(super) const MAGIC: &[u8] = b"dunlin rooms 1\n";

/// A folder of segments, which no other process writes to.
pub(super) struct Folder {
    path: PathBuf,
    /// Unlocked when it is dropped.
    _lock: File,
}

impl Folder {
    /// Makes the folder if it is not there, and locks it.
    ///
    /// # Errors
    /// Kind `Io` when it cannot be made or written; `Config` when another process has it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let failed = |what: &str, error: io::Error| {
            let message = format!("cannot {what} the folder of rooms {}", path.display());
            Error::new(ErrorKind::Io, message).with_source(error)
        };
        fs::create_dir_all(path).map_err(|error| failed("make", error))?;
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).write(true);
        let lock = options.open(path.join("lock"));
        let lock = lock.map_err(|error| failed("write to", error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!(
                    "another process keeps its rooms in {}; give each a folder of its own",
                    path.display()
                );
                return Err(Error::new(ErrorKind::Config, message));
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", error)),
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    pub(super) fn segment(&self, number: u64) -> PathBuf {
        self.path.join(format!("rooms-{number:010}.log"))
    }

    /// The numbers of the segments that are there, from the oldest on.
    pub(super) fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let number: Option<u64> = name.to_str().and_then(|name| {
                let digits = name.strip_prefix("rooms-")?.strip_suffix(".log")?;
                digits.parse().ok()
            });
            numbers.extend(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// A new segment, with nothing in it yet. One that is there was begun on a disk that was full.
    pub(super) fn create(&self, number: u64) -> io::Result<File> {
        let mut options = OpenOptions::new();
        let mut file = options
            .create(true)
            .append(true)
            .open(self.segment(number))?;
        file.set_len(0)?;
        file.write_all(MAGIC)?;
        self.sync()?;
        Ok(file)
    }

    /// A file whose place is that of a segment as soon as it is whole.
    pub(super) fn create_aside(&self) -> io::Result<(File, PathBuf)> {
        let path = self.path.join("rooms.new");
        let mut file = File::create(&path)?;
        file.write_all(MAGIC)?;
        Ok((file, path))
    }

    /// Makes files that came or went last.
    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}
