//! The opening handshake (RFC 6455 §4): a good one, and some that must be refused.

use super::finding::{Checked, Finding, quote};
use super::peer::Peer;
use super::run_state::Run;
use crate::wire::error::{Error, ErrorKind};
use crate::wire::extension::Offer;
use crate::wire::upgrade::{Accepted, check_response, new_key};
use rand::TryRng;
use rand::rngs::SysRng;

/// How a connection could not be opened.
pub(super) enum NotOpen {
    /// The server is too busy to be asked: 429 or 503.
    Busy(String),
    Failed(String),
}

impl From<NotOpen> for Finding {
    fn from(problem: NotOpen) -> Self {
        match problem {
            NotOpen::Busy(seen) => Self::Skipped(seen),
            NotOpen::Failed(seen) => Self::Failed(format!("no handshake: {seen}")),
        }
    }
}

impl From<Error> for NotOpen {
    fn from(error: Error) -> Self {
        Self::Failed(format!("{error:#}"))
    }
}

/// Random bytes, so that no answer can be an old one.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without the system's randomness a fixed value serves: nothing here is a secret.
    let _ = SysRng.try_fill_bytes(&mut bytes);
    bytes
}

impl Run<'_> {
    /// An open WebSocket.
    pub(super) fn open(&self) -> Result<Peer, NotOpen> {
        self.open_with(&[]).map(|(peer, _)| peer)
    }

    /// The same with extensions offered, and what was agreed.
    pub(super) fn open_with(&self, extensions: &[Offer]) -> Result<(Peer, Accepted), NotOpen> {
        let key = new_key(random());
        let mut peer = Peer::new(self.target.dial()?, self.target.timeout);
        peer.write(&self.target.request(&key, extensions)?);
        let protocols = self.target.protocol_names();
        let answer = peer.read_head(|head| {
            let accepted = check_response(head, &key, &protocols, extensions);
            (status(head.status, head.reason), head.status, accepted)
        });
        match answer {
            Ok((_, 101, Ok(accepted))) => Ok((peer, accepted)),
            Ok((line, 429 | 503, _)) => Err(NotOpen::Busy(line)),
            Ok((_, _, Err(error))) if error.kind() != ErrorKind::Refused => Err(error.into()),
            Ok((line, ..)) => Err(NotOpen::Failed(line)),
            Err(problem) => Err(NotOpen::Failed(problem)),
        }
    }

    /// Sends a request that must be refused; gives its status and the versions it names.
    fn refusal(&self, change: impl Fn(String) -> String) -> Result<(u16, String, bool), String> {
        let request = self.target.request(&new_key(random()), &[]);
        let request = request.map_err(|error| format!("{error:#}"))?;
        let stream = self.target.dial().map_err(|error| format!("{error:#}"))?;
        let mut peer = Peer::new(stream, self.target.timeout);
        // The fields come from UTF-8 strings.
        let request = String::from_utf8_lossy(&request).into_owned();
        peer.write(change(request).as_bytes());
        peer.read_head(|head| {
            let names_13 = head.fields.iter().any(|(name, value)| {
                let versions = String::from_utf8_lossy(value);
                name.eq_ignore_ascii_case("sec-websocket-version")
                    && versions.split(',').any(|version| version.trim() == "13")
            });
            (head.status, status(head.status, head.reason), names_13)
        })
    }
}

fn status(code: u16, reason: &str) -> String {
    match reason {
        "" => code.to_string(),
        _ => format!("{code} {}", quote(reason.as_bytes()).trim_matches('"')),
    }
}

pub(super) fn handshake(run: &mut Run<'_>) -> Checked {
    Ok(match run.open() {
        Ok(_) => Finding::Ok("101".to_owned()),
        Err(NotOpen::Busy(seen) | NotOpen::Failed(seen)) => Finding::Failed(seen),
    })
}

/// RFC 6455 §9.1: the server takes what it knows and passes over the rest.
pub(super) fn unknown_extension(run: &mut Run<'_>) -> Checked {
    let unknown = Offer {
        name: "x-dunlin-check".to_owned(),
        params: vec![("strength".to_owned(), Some("11".to_owned()))],
    };
    let (_, accepted) = run.open_with(&[unknown])?;
    Ok(if accepted.extensions.is_empty() {
        Finding::Ok("101".to_owned())
    } else {
        Finding::Failed("agreed to what nobody knows".to_owned())
    })
}

/// RFC 6455 §4.4.
pub(super) fn wrong_version(run: &mut Run<'_>) -> Checked {
    let asked = run.refusal(|request| {
        request.replace("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 12")
    });
    Ok(match asked {
        Ok((426, line, true)) => Finding::Ok(line),
        Ok((400..500, line, true)) => Finding::Ok(format!("{line}, names version 13")),
        Ok((400..500, line, false)) => Finding::Allowed(format!("{line}, names no version")),
        Ok((_, line, _)) => Finding::Failed(line),
        Err(seen) => Finding::Failed(seen),
    })
}

/// RFC 6455 §4.2.1, 5.
pub(super) fn missing_key(run: &mut Run<'_>) -> Checked {
    let asked = run.refusal(|request| {
        let lines = request.split_inclusive("\r\n");
        lines
            .filter(|line| !line.starts_with("Sec-WebSocket-Key:"))
            .collect()
    });
    Ok(match asked {
        Ok((400..500, line, _)) => Finding::Ok(line),
        Ok((_, line, _)) => Finding::Failed(line),
        Err(seen) => Finding::Failed(seen),
    })
}

/// The same, but RFC 6455 §4.2.2 does not ask a server to decode the key.
pub(super) fn short_key(run: &mut Run<'_>) -> Checked {
    let asked = run.refusal(|request| {
        let lines = request.split_inclusive("\r\n").map(|line| {
            if line.starts_with("Sec-WebSocket-Key:") {
                "Sec-WebSocket-Key: c2hvcnQ=\r\n"
            } else {
                line
            }
        });
        lines.collect()
    });
    Ok(match asked {
        Ok((400..500, line, _)) => Finding::Ok(line),
        Ok((101, line, _)) => Finding::Allowed(line),
        Ok((_, line, _)) => Finding::Failed(line),
        Err(seen) => Finding::Failed(seen),
    })
}
