//! Whether a server has what a kind of flood needs.

use super::super::flood::{Need, OFFER};
use super::super::site::Site;
use super::super::stream::Stream;
use super::super::upgrade::Upgrade;
use super::connection::{Connection, is_pause};
use std::io::{self, ErrorKind, Read, Write};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// How long an answer is waited for.
const LIMIT: Duration = Duration::from_secs(2);
/// How often a reader looks whether it still waits.
const LOOK: Duration = Duration::from_millis(50);
/// Bytes of an answer that are looked at.
const LOOKED_AT: usize = 16 << 10;

/// The names of the two who try a room, and what `dunlin serve` puts before what it repeats.
const ONE: &str = "probe one  ";
const OTHER: &str = "probe two  ";
const SAID: &[u8] = b"YOU SAID: ";

/// What the site lacks of this, in words; nothing when it is all there.
pub(super) fn lacks(site: &Site, need: Need, interrupted: &AtomicBool) -> Option<String> {
    let found = match need {
        Need::Echo => return None,
        Need::Deflate => deflates(site, interrupted),
        Need::Refusal => refuses(site, interrupted),
        Need::Http => answers_http(site),
        Need::Said => repeats(site, interrupted),
        Need::Flow => is_room(site, interrupted),
        Need::Rooms => has_rooms(site),
    };
    match found {
        Ok(lack) => lack,
        Err(error) => Some(format!("{}: {error}", need.words())),
    }
}

fn deflates(site: &Site, interrupted: &AtomicBool) -> io::Result<Option<String>> {
    let upgrade = Upgrade {
        offer: Some(OFFER),
        ..Upgrade::to(&site.echo)
    };
    let (connection, _) = Connection::upgraded(site, upgrade, ONE, interrupted)?;
    let lack = format!(
        "the server does not agree to permessage-deflate at {}",
        site.echo
    );
    Ok((!connection.has_deflate()).then_some(lack))
}

fn refuses(site: &Site, interrupted: &AtomicBool) -> io::Result<Option<String>> {
    match Connection::upgraded(site, Upgrade::to("/none"), ONE, interrupted) {
        Ok(_) => Ok(Some("the server upgrades any path".to_owned())),
        Err(error) if is_refusal(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a server is there and does not want an upgrade.
fn is_refusal(error: &io::Error) -> bool {
    let kinds = [
        ErrorKind::InvalidData,
        ErrorKind::Other,
        ErrorKind::ConnectionReset,
    ];
    kinds.contains(&error.kind())
}

fn answers_http(site: &Site) -> io::Result<Option<String>> {
    let answer = get(site, "/")?;
    let lack = "GET / over plain HTTP is not answered".to_owned();
    Ok((!answer.starts_with("HTTP/1.")).then_some(lack))
}

fn has_rooms(site: &Site) -> io::Result<Option<String>> {
    let answer = get(site, "/chat")?.to_ascii_lowercase();
    let is_json = answer.contains("\r\ncontent-type: application/json");
    if answer.get(9..12) == Some("200") && is_json {
        return Ok(None);
    }
    let line = answer.lines().next().unwrap_or("nothing").to_uppercase();
    Ok(Some(format!(
        "no rooms of dunlin: GET /chat is answered with {line}"
    )))
}

fn repeats(site: &Site, interrupted: &AtomicBool) -> io::Result<Option<String>> {
    let lack = |why: &str| Ok(Some(format!("no /you-said of dunlin: {why}")));
    let upgraded = Connection::upgraded(site, Upgrade::to("/you-said"), ONE, interrupted);
    let (mut connection, _) = match upgraded {
        Ok(upgraded) => upgraded,
        Err(error) if is_refusal(&error) => return lack(&error.to_string()),
        Err(error) => return Err(error),
    };
    connection.sending()?.send(0)?;
    match connection.hears(LIMIT, |text| text.starts_with(SAID))? {
        true => Ok(None),
        false => lack("that path is another one here"),
    }
}

/// What one says there the other one gets.
fn is_room(site: &Site, interrupted: &AtomicBool) -> io::Result<Option<String>> {
    let lack = |why: &str| Ok(Some(format!("no room at /flow: {why}")));
    let join = |name| Connection::upgraded(site, Upgrade::to("/flow"), name, interrupted);
    let both = join(ONE).and_then(|(one, _)| Ok((one, join(OTHER)?.0)));
    let (mut one, other) = match both {
        Ok(both) => both,
        Err(error) if is_refusal(&error) => return lack(&error.to_string()),
        Err(error) => return Err(error),
    };
    other.sending()?.send(0)?;
    match one.hears(LIMIT, |text| text.starts_with(OTHER.as_bytes()))? {
        true => Ok(None),
        false => lack("what one says there others do not get"),
    }
}

/// The beginning of the answer to a request.
fn get(site: &Site, path: &str) -> io::Result<String> {
    let Site { host, fields, .. } = site;
    let mut stream = Stream::connect(site, LIMIT)?;
    stream.socket().set_read_timeout(Some(LOOK))?;
    stream.socket().set_write_timeout(Some(LIMIT))?;
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{fields}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let deadline = Instant::now() + LIMIT;
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    while answer.len() < LOOKED_AT && Instant::now() < deadline {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&buffer[..read]),
            Err(error) if is_pause(&error) => {}
            Err(_) if !answer.is_empty() => break,
            Err(error) => return Err(error),
        }
        if answer.windows(4).any(|window| window == b"\r\n\r\n") {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
