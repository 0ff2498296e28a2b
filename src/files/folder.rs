//! A folder that is served, and its place among the routes of a program.

use super::answer::answer;
use super::open::{Found, NotFound, find};
use super::path::wanted;
use crate::app::{Answer, App, Request, Response};
use crate::wire::error::{Error, ErrorKind, Result};
use crate::wire::response::Status;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

/// The files of a folder, for [`App::files`].
///
/// GET and HEAD are answered, with a `Content-Type` by the end of the name, `Last-Modified`, a weak
/// `ETag` and 304 for who has the file. A folder is its `index.html`, also without its slash, to
/// which the client is sent. `Range` is ignored. Everything else is 404:
///
/// - paths with `.`, `..`, an empty name, a backslash or a control byte, or an encoded slash;
/// - names that begin with a dot, except a `.well-known` at the top (RFC 8615);
/// - symbolic links, wherever they lead, and what lies behind them; the folder itself may be one;
/// - pipes, sockets, devices, and folders without an `index.html`: nothing is ever listed;
/// - what this process may not read, with a warning in the log.
///
/// The folder is opened once. When it is replaced by another of the same name, the old one is served
/// until the program starts again; files in it may change at any time. A file of at most 64 KiB
/// that changes while it is read is answered 503; a longer one goes out in pieces as the peer takes
/// them, and one that is cut short meanwhile cuts the connection.
///
/// **The loop waits while a piece of 64 KiB is read**, which from a local disk takes well below a
/// millisecond. A folder on a network file system that hangs stops the server.
#[derive(Debug)]
pub struct Files {
    root: OwnedFd,
}

impl Files {
    /// The files of this folder.
    ///
    /// # Errors
    /// Kind `Config`: it is not there, is no folder, or may not be read.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let refused = |why: String| {
            let message = format!(
                "folder {folder:?} cannot be served: {why}; wanted: a folder that is there and that this process may read"
            );
            Error::new(ErrorKind::Config, message)
        };
        // Looked at first: opening a pipe would wait for its writer.
        let metadata = folder
            .metadata()
            .map_err(|error| refused(error.to_string()))?;
        if !metadata.is_dir() {
            return Err(refused("it is no folder".to_owned()));
        }
        let root = File::open(folder).map_err(|error| refused(error.to_string()))?;
        Ok(Self { root: root.into() })
    }

    /// Answers for the path behind the prefix, still percent-encoded.
    fn respond(&self, request: &Request<'_>, path: &str) -> Answer {
        let nothing = || Response::refusal(Status::NOT_FOUND).into();
        let Some(wanted) = wanted(path) else {
            return nothing();
        };
        match find(&self.root, &wanted) {
            Ok(Found::File(file, metadata, name)) => answer(request, file, &metadata, &name),
            Ok(Found::Folder) => with_slash(request).into(),
            Err(NotFound::Nothing) => nothing(),
            Err(NotFound::Failed(error)) => {
                use rustix::io::Errno;
                log::warn!("a file of {path:?} cannot be opened: {error}");
                match error {
                    Errno::ACCESS | Errno::PERM => nothing(),
                    Errno::MFILE | Errno::NFILE | Errno::NOMEM => {
                        Response::refusal(Status::SERVICE_UNAVAILABLE).into()
                    }
                    _ => Response::refusal(Status::INTERNAL_SERVER_ERROR).into(),
                }
            }
        }
    }
}

/// Sends the client to the same place with a slash behind it, relative to where it is: behind `./`
/// the name can be read neither as a host nor as a scheme.
fn with_slash(request: &Request<'_>) -> Response {
    let name = request.path().rsplit('/').next().unwrap_or_default();
    let mut place = format!("./{name}/");
    if !request.query_string().is_empty() {
        place.push('?');
        place.push_str(request.query_string());
    }
    Response::redirect(Status::TEMPORARY_REDIRECT, place).field("Cache-Control", "no-cache")
}

/// What is left of a path, still encoded, behind so many names.
fn behind(path: &str, names: usize) -> &str {
    let mut rest = path.strip_prefix('/').unwrap_or(path);
    for _ in 0..names {
        rest = rest.split_once('/').map_or("", |(_, rest)| rest);
    }
    rest
}

impl App {
    /// Serves the files of a folder below this prefix, `/` or such as `/static`, for GET and HEAD. Other
    /// routes win, whatever the order they are added in.
    ///
    /// ```no_run
    /// use dunlin::{App, Files};
    ///
    /// # fn main() -> dunlin::Result<()> {
    /// let app = App::new()
    ///     .on_message("/echo", |session, message| session.send(message))
    ///     .files("/", Files::open("public")?);
    /// # drop(app);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A wrong prefix and one that is taken are what starting the server returns.
    #[must_use]
    pub fn files(self, prefix: &str, files: Files) -> Self {
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let names = prefix.matches('/').count();
        let app = if prefix.is_empty() {
            self
        } else {
            // Sent on only to what is there.
            self.get(prefix, |request, _| with_slash(request))
        };
        app.get(&format!("{prefix}/{{path...}}"), move |request, _| {
            files.respond(request, behind(request.path(), names))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::behind;

    #[test]
    fn a_path_is_cut_behind_as_many_names_as_its_prefix_has() {
        for (path, names, rest) in [
            ("/", 0, ""),
            ("/a/b", 0, "a/b"),
            ("//a", 0, "/a"),
            ("/a/b", 1, "b"),
            ("/a/", 1, ""),
            ("/%61//b/", 1, "/b/"),
            ("/a/b/c", 2, "c"),
        ] {
            assert_eq!(behind(path, names), rest, "{path}");
        }
    }
}
