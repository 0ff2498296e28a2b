//! Answers to an ACME server that wants to see a host name proven (RFC 8555 §8.3), from a folder.
//!
//! An ACME client, such as certbot or lego, writes a file for each challenge; it is served under
//! `/.well-known/acme-challenge/`. Nothing else of the folder ever is: a token has letters, digits, `-`
//! and `_` only, and names a regular file, not a link, of at most 4 KiB.

use dunlin::{App, Request, Response, Status};
use rustix::fs::{Mode, OFlags, open};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where challenges are asked for, and where clients that are given a web root write them in it.
const PLACE: &str = ".well-known/acme-challenge";
/// A token is 22 characters or a few more (RFC 8555 §8.1).
const MAX_TOKEN: usize = 256;
/// An answer is a token, a dot and 43 characters.
const MAX_ANSWER: u64 = 4 << 10;

/// Serves the challenges in this folder. It may be the folder of the challenges itself or a web root.
pub(super) fn mount(app: App, folder: &str) -> App {
    let folders = [Path::new(folder).join(PLACE), PathBuf::from(folder)];
    app.get(&format!("/{PLACE}/{{token}}"), move |request, _| {
        answer(request, &folders)
    })
}

/// What is wrong with a folder, if anything.
pub(super) fn problem(folder: &str) -> Option<String> {
    if Path::new(folder).is_dir() {
        return None;
    }
    Some(format!(
        "{folder:?} is no folder; make it, or name another with --acme-dir"
    ))
}

fn answer(request: &Request<'_>, folders: &[PathBuf]) -> Response {
    let token = request.param("token").unwrap_or_default();
    if !is_token(token) {
        return Response::refusal(Status::NOT_FOUND);
    }
    for folder in folders {
        match read(&folder.join(token)) {
            Ok(Some(answer)) => {
                let response = Response::ok("text/plain", answer);
                return response.field("Cache-Control", "no-store");
            }
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => log::warn!("an ACME challenge cannot be read: {error}"),
        }
    }
    Response::refusal(Status::NOT_FOUND)
}

fn is_token(token: &str) -> bool {
    let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(is_of_token)
}

/// A short regular file; `None`: there is something else, which is not served.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    // A pipe is not waited for, and a link is not followed.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::NXIO) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let about = file.metadata()?;
    if !about.is_file() || about.len() > MAX_ANSWER {
        return Ok(None);
    }
    let mut answer = Vec::with_capacity(about.len() as usize);
    file.take(MAX_ANSWER).read_to_end(&mut answer)?;
    Ok(Some(answer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::testing::Sim;
    use std::fs;

    /// A folder with challenges, and with what must never be served.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("dunlin-acme-{}-{name}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir_all(path.join(PLACE)).unwrap();
            fs::write(path.join("direct"), "direct.key").unwrap();
            fs::write(path.join(PLACE).join("web-root_1"), "root.key").unwrap();
            fs::write(path.join("secret.pem"), "secret").unwrap();
            fs::write(path.join("long"), vec![b'x'; 5_000]).unwrap();
            std::os::unix::fs::symlink("secret.pem", path.join("link")).unwrap();
            fs::create_dir(path.join("folder")).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn challenges_are_served_from_the_folder_and_from_a_web_root() {
        let folder = Folder::new("served");
        let sim = Sim::new(mount(App::new(), folder.0.to_str().unwrap())).unwrap();
        for (token, wanted) in [("direct", "direct.key"), ("web-root_1", "root.key")] {
            let answer = sim.get(&format!("/{PLACE}/{token}"));
            assert_eq!((answer.status(), answer.text()), (Status::OK, wanted));
            assert_eq!(answer.field("content-type"), Some("text/plain"));
        }
    }

    #[test]
    fn nothing_else_is_served_whatever_is_asked() {
        let folder = Folder::new("hidden");
        let sim = Sim::new(mount(App::new(), folder.0.to_str().unwrap())).unwrap();
        let long = "a".repeat(MAX_TOKEN + 1);
        for token in [
            "secret.pem",
            "link",
            "long",
            "folder",
            "..",
            "%2e%2e",
            "..%2fsecret.pem",
            "%2e%2e%2f%2e%2e%2fsecret.pem",
            "..%5csecret.pem",
            "direct%00",
            "direct%0a",
            "direct.",
            "direct/",
            "./direct",
            "folder/../direct",
            "missing",
            "",
            &long,
        ] {
            let answer = sim.get(&format!("/{PLACE}/{token}"));
            assert_eq!(answer.status(), Status::NOT_FOUND, "{token}");
            assert!(!answer.text().contains("secret"), "{token}");
        }
    }
}
