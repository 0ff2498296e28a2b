//! What goes out for a file: its bytes, or that the client has them (RFC 9110 §13).

use super::media_type::media_type;
use crate::app::{Answer, Piece, Request, Response};
use crate::wire::response::{Status, http_date};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha1::{Digest, Sha1};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::SystemTime;

/// Bytes that are read in one step; a longer file goes out in pieces of so many.
const PIECE: usize = 64 << 10;

/// Answers with an open file.
pub(super) fn answer(
    request: &Request<'_>,
    file: File,
    metadata: &Metadata,
    name: &[u8],
) -> Answer {
    let etag = etag(metadata);
    let modified = last_modified(metadata);
    let with_fields = |response: Response| {
        let response = response
            .field("ETag", etag.clone())
            .field("Cache-Control", "no-cache")
            .field("X-Content-Type-Options", "nosniff");
        match &modified {
            Some(modified) => response.field("Last-Modified", modified.clone()),
            None => response,
        }
    };
    if is_known(request, &etag, modified.as_deref()) {
        return with_fields(Response::new(Status::NOT_MODIFIED)).into();
    }
    let head = with_fields(Response::ok(media_type(name), b""));
    if metadata.len() > PIECE as u64 {
        return pieces(head, file, metadata.len());
    }
    match whole(&file, metadata, &etag) {
        Ok(body) => head.body(body).into(),
        Err(status) => Response::refusal(status).into(),
    }
}

/// A long file, piece by piece as the peer takes it, also that of a HEAD, for which none is asked. One
/// that is cut short meanwhile cuts the connection; what is written behind its end does not go out.
fn pieces(head: Response, file: File, length: u64) -> Answer {
    let mut at = 0;
    Answer::stream_sized(head, length, move |_| {
        let most = usize::try_from(length - at).unwrap_or(PIECE).min(PIECE);
        let mut piece = vec![0; most];
        match file.read_at(&mut piece, at) {
            Ok(read) if read > 0 => {
                piece.truncate(read);
                at += read as u64;
                Piece::Bytes(piece)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Piece::Bytes(Vec::new()),
            Ok(_) => Piece::End,
            Err(error) => {
                log::error!("a file cannot be read on: {error}");
                Piece::End
            }
        }
    })
}

/// A short file as a whole.
fn whole(file: &File, metadata: &Metadata, tag: &str) -> Result<Vec<u8>, Status> {
    let mut bytes = vec![0; usize::try_from(metadata.len()).unwrap_or(PIECE)];
    let read = file.read_exact_at(&mut bytes, 0);
    match (read, file.metadata()) {
        (Ok(()), Ok(now)) if etag(&now) == tag => Ok(bytes),
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
