//! What goes out for a file: its bytes, or that the client has them (RFC 9110 §13).

use super::media_type::media_type;
use crate::app::{Request, Response};
use crate::wire::head::Method;
use crate::wire::response::{Status, http_date};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha1::{Digest, Sha1};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::SystemTime;

/// Answers with an open file of at most `max` bytes.
pub(super) fn answer(
    request: &Request<'_>,
    file: &File,
    metadata: &Metadata,
    name: &[u8],
    max: usize,
) -> Response {
    let etag = etag(metadata);
    let modified = last_modified(metadata);
    let body = if is_known(request, &etag, modified.as_deref()) {
        None
    } else {
        match body(request.method(), file, metadata, name, max) {
            Ok(body) => Some(body),
            Err(status) => return Response::refusal(status),
        }
    };
    let response = match body {
        None => Response::new(Status::NOT_MODIFIED),
        Some(body) => Response::ok(media_type(name), body),
    };
    let response = response
        .field("ETag", etag)
        .field("Cache-Control", "no-cache")
        .field("X-Content-Type-Options", "nosniff");
    match modified {
        Some(modified) => response.field("Last-Modified", modified),
        None => response,
    }
}

/// The whole file. Reading happens within a turn of the loop, so a file has a greatest size.
fn body(
    method: Method,
    file: &File,
    metadata: &Metadata,
    name: &[u8],
    max: usize,
) -> Result<Vec<u8>, Status> {
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if size > max {
        // The file is there, and the client has done nothing wrong.
        let name = String::from_utf8_lossy(name);
        log::error!(
            "the file {name:?} has {size} bytes, the most is {max} (Files::max_size); the answer is 500"
        );
        return Err(Status::INTERNAL_SERVER_ERROR);
    }
    if method == Method::Head {
        // Only its length goes out: nothing is read, and no page of these zeros is ever touched.
        return Ok(vec![0; size]);
    }
    let mut bytes = vec![0; size];
    let read = file.read_exact_at(&mut bytes, 0);
    let now = file.metadata();
    match (read, now) {
        (Ok(()), Ok(now)) if etag(&now) == etag(metadata) => Ok(bytes),
        (Ok(()), Ok(_)) => Err(Status::SERVICE_UNAVAILABLE),
        (Err(error), _) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(Status::SERVICE_UNAVAILABLE)
        }
        (Err(error), _) | (_, Err(error)) => {
            log::error!("a file cannot be read: {error}; the answer is 500");
            Err(Status::INTERNAL_SERVER_ERROR)
        }
    }
}

/// A weak validator (RFC 9110 §8.8.1) of what a change of the file changes: size, inode, and both of
/// its times. Two changes within one tick of the file system's clock can look the same, so it is not
/// strong. It is a digest, since an inode is nobody's business.
fn etag(metadata: &Metadata) -> String {
    let mut digest = Sha1::new();
    for number in [metadata.len(), metadata.dev(), metadata.ino()] {
        digest.update(number.to_le_bytes());
    }
    let (modified, changed) = (
        [metadata.mtime(), metadata.mtime_nsec()],
        [metadata.ctime(), metadata.ctime_nsec()],
    );
    for number in modified.into_iter().chain(changed) {
        digest.update(number.to_le_bytes());
    }
    format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(digest.finalize()))
}

/// None for a time before 1970 or still to come (RFC 9110 §8.8.2.1).
fn last_modified(metadata: &Metadata) -> Option<String> {
    let modified = u64::try_from(metadata.mtime()).ok()?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let is_past = modified <= now.map_or(0, |now| now.as_secs());
    is_past.then(|| http_date(modified))
}

/// Whether the client has this very file. `If-Modified-Since` counts without `If-None-Match` only
/// (RFC 9110 §13.2.2), and when it is the very date that was given out: a file that was put back to
/// an older one is not the same.
fn is_known(request: &Request<'_>, etag: &str, modified: Option<&str>) -> bool {
    let opaque = etag.trim_start_matches("W/");
    let mut tags = request.headers("if-none-match").peekable();
    if tags.peek().is_some() {
        return tags
            .flat_map(|line| line.split(','))
            .map(|tag| tag.trim().trim_start_matches("W/"))
            .any(|tag| tag == "*" || tag == opaque);
    }
    let since = request.header("if-modified-since");
    since.is_some() && since == modified
}
