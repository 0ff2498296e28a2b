//! The file of a Unix socket: who may connect through it, when a stale one is replaced, and when
//! it is removed.

use socket2::{Domain, SockAddr, Socket, Type};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

/// Who may connect: what is `None` stays as the system makes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileAccess {
    /// Permission bits, `0o000` to `0o777`.
    pub(crate) mode: Option<u32>,
    /// The numeric id of the owner.
    pub(crate) user: Option<u32>,
    /// The numeric id of the group.
    pub(crate) group: Option<u32>,
}

impl FileAccess {
    /// Gives a file these rights.
    fn apply(self, path: &Path) -> io::Result<()> {
        if self.user.is_some() || self.group.is_some() {
            lchown(path, self.user, self.group)?;
        }
        match self.mode {
            Some(mode) => fs::set_permissions(path, Permissions::from_mode(mode)),
            None => Ok(()),
        }
    }
}

/// The file of a socket that this process made; removed with this value, unless another file has
/// its place by then.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: Option<(u64, u64)>,
}

impl SocketFile {
    pub(super) fn set_access(&self, access: FileAccess) -> io::Result<()> {
        access.apply(&self.path)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let file = fs::symlink_metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

/// A socket that listens at this path, and its file. Nobody can connect before the file has its rights.
pub(super) fn bind(
    path: &Path,
    backlog: i32,
    access: FileAccess,
) -> io::Result<(Socket, SocketFile)> {
    let address = SockAddr::unix(path)?;
    if is_stale(path, &address)? {
        fs::remove_file(path)?;
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&address)?;
    let file = SocketFile {
        path: path.to_owned(),
        identity: identity(path),
    };
    file.set_access(access)?;
    socket.listen(backlog)?;
    Ok((socket, file))
}

/// Whether this is a socket that nobody listens on any more: the rest of a killed process. Any other
/// file is somebody's: connecting to it is refused all the same.
fn is_stale(path: &Path, address: &SockAddr) -> io::Result<bool> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    if !is_socket {
        return Ok(false);
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A process whose queue is full would be waited for: it is alive.
    socket.set_nonblocking(true)?;
    let answer = socket.connect(address);
    Ok(answer.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused))
}
