//! Talking in peace: echo, fragments, ping and pong.

use super::finding::{Checked, Finding};
use super::opening::random;
use super::peer::{Answer, Peer};
use super::run_state::{Echo, Run};
use crate::wire::frame::OpCode;

/// One payload of each length field: 7, 16 and 64 bits, at their ends (RFC 6455 §5.2).
const LENGTHS: [usize; 4] = [125, 126, 65_535, 65_536];

/// A text that nobody else says.
pub(super) fn token() -> String {
    format!("dunlin check {:016x}", u64::from_ne_bytes(random()))
}

impl Run<'_> {
    /// Why a check that needs an echo cannot be asked.
    pub(super) fn need_echo(&self) -> Result<(), Finding> {
        if self.is_echo() {
            Ok(())
        } else {
            Err(Finding::Skipped("not an echo".to_owned()))
        }
    }

    pub(super) fn is_echo(&self) -> bool {
        matches!(self.echo, Echo::Yes)
    }
}

/// Reads until these bytes come back, past greetings and what others say.
fn echoed(peer: &mut Peer, wanted: &[u8]) -> Answer {
    peer.until(|seen| matches!(seen, Answer::Message { payload, .. } if payload == wanted))
}

/// Decides whether the server is an echo: whatever else it says or does is its right.
pub(super) fn echo_text(run: &mut Run<'_>) -> Checked {
    let mut peer = run.open()?;
    let text = format!("{} 한글", token());
    peer.send(true, OpCode::Text, text.as_bytes());
    // A message around our words says as clearly as silence that this is no echo.
    let seen = peer.until(|seen| {
        matches!(seen, Answer::Message { payload, .. }
            if payload.windows(text.len()).any(|part| part == text.as_bytes()))
    });
    Ok(match seen {
        Answer::Message {
            text: true,
            payload,
            ..
        } if payload == text.as_bytes() => {
            run.echo = Echo::Yes;
            Finding::Ok("the same text".to_owned())
        }
        Answer::Wrong(problem) => Finding::Failed(problem),
        seen => {
            let told = seen.words();
            let code = match seen {
                Answer::Close(code) => code,
                _ => None,
            };
            run.echo = Echo::No {
                told: told.clone(),
                code,
            };
            Finding::Skipped(format!("not an echo: {told}"))
        }
    })
}

pub(super) fn echo_binary(run: &mut Run<'_>) -> Checked {
    run.need_echo()?;
    let mut peer = run.open()?;
    let bytes: Vec<u8> = (0..=255).chain(random::<16>()).collect();
    peer.send(true, OpCode::Binary, &bytes);
    Ok(match echoed(&mut peer, &bytes) {
        Answer::Message { text: false, .. } => Finding::Ok("the same bytes".to_owned()),
        Answer::Message { text: true, .. } => Finding::Failed("the bytes as text".to_owned()),
        Answer::Close(Some(1003)) => Finding::Skipped("Close 1003: text only".to_owned()),
        Answer::Silence => Finding::Skipped("not an echo of binary".to_owned()),
        seen => Finding::Failed(seen.words()),
    })
}

pub(super) fn echo_lengths(run: &mut Run<'_>) -> Checked {
    run.need_echo()?;
    let mut peer = run.open()?;
    for length in LENGTHS {
        let text: String = ('a'..='z').cycle().take(length).collect();
        peer.send(true, OpCode::Text, text.as_bytes());
        match echoed(&mut peer, text.as_bytes()) {
            Answer::Message { .. } => {}
            Answer::Close(Some(1009)) => {
                let seen = format!("Close 1009 at {length} bytes: its limit");
                return Ok(Finding::Skipped(seen));
            }
            seen => {
                let seen = format!("{} at {length} bytes", seen.words());
                return Ok(Finding::Failed(seen));
            }
        }
    }
    Ok(Finding::Ok("all came back".to_owned()))
}

/// RFC 6455 §5.4: three fragments, cut inside a character, and a ping among them. Without
/// an echo the message is left open, and only the pong counts.
pub(super) fn fragments(run: &mut Run<'_>) -> Checked {
    let mut peer = run.open()?;
    let echo = run.is_echo();
    let text = format!("한{}", token());
    let (first, rest) = text.as_bytes().split_at(2);
    peer.send(false, OpCode::Text, first);
    peer.send(true, OpCode::Ping, b"between");
    if echo {
        peer.send(false, OpCode::Continuation, rest);
        peer.send(true, OpCode::Continuation, b"");
    }
    let (mut pong, mut message) = (false, !echo);
    while !(pong && message) {
        let seen = peer.until(|seen| match seen {
            Answer::Pong(payload) => payload == b"between",
            Answer::Message { payload, .. } => payload == text.as_bytes(),
            _ => false,
        });
        match seen {
            Answer::Pong(_) => pong = true,
            Answer::Message { .. } => message = true,
            seen => {
                let before = match (pong, message && echo) {
                    (true, _) => "the pong, then ",
                    (_, true) => "the message, then ",
                    _ => "",
                };
                return Ok(Finding::Failed(format!("{before}{}", seen.words())));
            }
        }
    }
    Ok(Finding::Ok(if echo {
        "pong and message".to_owned()
    } else {
        "pong (not an echo)".to_owned()
    }))
}

pub(super) fn ping(run: &mut Run<'_>) -> Checked {
    let mut payload = [0xff; 125];
    payload[..8].copy_from_slice(&random::<8>());
    let mut peer = run.open()?;
    peer.send(true, OpCode::Ping, &payload);
    Ok(pong_of(&mut peer, &payload))
}

pub(super) fn empty_ping(run: &mut Run<'_>) -> Checked {
    let mut peer = run.open()?;
    peer.send(true, OpCode::Ping, b"");
    Ok(pong_of(&mut peer, b""))
}

/// RFC 6455 §5.5.3: a pong that nobody asked for needs no answer.
pub(super) fn unasked_pong(run: &mut Run<'_>) -> Checked {
    let mut peer = run.open()?;
    peer.send(true, OpCode::Pong, b"unasked");
    peer.send(true, OpCode::Ping, b"asked");
    Ok(pong_of(&mut peer, b"asked"))
}

/// A frame may arrive in any pieces.
pub(super) fn single_bytes(run: &mut Run<'_>) -> Checked {
    let mut peer = run.open()?;
    // A ping of `piece` under a mask of zeros.
    for byte in b"\x89\x85\0\0\0\0piece" {
        peer.write(&[*byte]);
    }
    Ok(pong_of(&mut peer, b"piece"))
}

/// The next pong must carry this.
fn pong_of(peer: &mut Peer, wanted: &[u8]) -> Finding {
    match peer.until(|seen| matches!(seen, Answer::Pong(_))) {
        Answer::Pong(payload) if payload == wanted => Finding::Ok("pong, same payload".to_owned()),
        Answer::Pong(_) => Finding::Failed("pong, another payload".to_owned()),
        seen => Finding::Failed(seen.words()),
    }
}
