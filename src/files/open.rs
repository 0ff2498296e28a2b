//! Down a folder, name by name, each relative to the one before and none through a symbolic link.
//!
//! So nobody who changes the folder meanwhile can lead out of it: there is no path that is checked
//! first and opened later.

use super::path::Wanted;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;
use std::fs::{File, Metadata};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The file that stands for its folder.
const INDEX: &[u8] = b"index.html";

/// What there is at a path.
pub(super) enum Found {
    /// A regular file, opened to be read, and the name that decides its type.
    File(File, Box<Metadata>, Vec<u8>),
    /// A folder with an index, without the slash at its end.
    Folder,
}

/// Why nothing is found.
pub(super) enum NotFound {
    /// There is nothing that may be read.
    Nothing,
    /// The system says no for a reason that has nothing to do with the path.
    Failed(Errno),
}

impl From<Errno> for NotFound {
    fn from(error: Errno) -> Self {
        match error {
            // A symbolic link is `LOOP`, or `NOTDIR` as a folder, or on some systems `MLINK`.
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::MLINK | Errno::NAMETOOLONG => {
                Self::Nothing
            }
            // Sockets and devices without a driver; they were no files a moment ago.
            Errno::NXIO | Errno::NODEV | Errno::INVAL | Errno::ILSEQ => Self::Nothing,
            error => Self::Failed(error),
        }
    }
}

/// Finds what a path stands for below the folder `root`.
pub(super) fn find(root: &OwnedFd, wanted: &Wanted) -> Result<Found, NotFound> {
    let (last, folders) = match wanted.names.split_last() {
        Some((last, folders)) if !wanted.is_folder => (Some(last), folders),
        _ => (None, &wanted.names[..]),
    };
    let mut folder: Option<OwnedFd> = None;
    for name in folders {
        let next = open_folder(inner(&folder, root), name)?;
        folder = Some(next);
    }
    let folder = inner(&folder, root);
    let Some(name) = last else {
        return open_file(folder, INDEX);
    };
    match kind(folder, name)? {
        FileType::Directory => {
            let folder = open_folder(folder, name)?;
            match kind(folder.as_fd(), INDEX)? {
                FileType::RegularFile => Ok(Found::Folder),
                _ => Err(NotFound::Nothing),
            }
        }
        _ => open_file(folder, name),
    }
}

fn inner<'f>(folder: &'f Option<OwnedFd>, root: &'f OwnedFd) -> BorrowedFd<'f> {
    folder.as_ref().map_or(root.as_fd(), AsFd::as_fd)
}

fn kind(folder: BorrowedFd<'_>, name: &[u8]) -> Result<FileType, NotFound> {
    let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}

fn open_folder(folder: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, NotFound> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(folder, name, flags, Mode::empty())?)
}

/// Opens a regular file. It is looked at first, because opening alone does something to a pipe or a
/// device, and again when it is open, because it may be another by then: `NONBLOCK` keeps even a
/// pipe from waiting for its writer.
fn open_file(folder: BorrowedFd<'_>, name: &[u8]) -> Result<Found, NotFound> {
    if kind(folder, name)? != FileType::RegularFile {
        return Err(NotFound::Nothing);
    }
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(openat(folder, name, flags, Mode::empty())?);
    let metadata = file
        .metadata()
        .map_err(|error| NotFound::Failed(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
    if metadata.is_file() {
        Ok(Found::File(file, Box::new(metadata), name.to_vec()))
    } else {
        Err(NotFound::Nothing)
    }
}
