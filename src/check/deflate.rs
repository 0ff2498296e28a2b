//! permessage-deflate (RFC 7692), where the server agrees to it.

use super::failing::judge_refusal;
use super::finding::{Checked, Finding};
use super::peer::{Answer, MOST, Peer};
use super::run_state::Run;
use super::talking::token;
use crate::wire::deflate::Deflate;
use crate::wire::extension::{Extension, FrameInfo, Transform};
use crate::wire::frame::{OpCode, Reserved};
use crate::wire::work::Work;

/// An open connection with the extension, and its answer.
struct Agreed {
    peer: Peer,
    transform: Box<dyn Transform>,
    answer: String,
}

impl Run<'_> {
    /// Offers what browsers do.
    fn open_deflate(&self) -> Result<Agreed, Finding> {
        self.open_offering(&Deflate::new().context_takeover(true))
    }

    fn open_offering(&self, deflate: &Deflate) -> Result<Agreed, Finding> {
        let (mut peer, accepted) = self.open_with(&deflate.offers())?;
        let Some(answer) = accepted.extensions.first() else {
            return Err(Finding::Skipped("not agreed".to_owned()));
        };
        let transform = deflate.confirm(answer).map_err(Finding::Failed)?;
        peer.allow(Reserved::RSV1);
        Ok(Agreed {
            peer,
            transform,
            answer: answer.to_string(),
        })
    }
}

pub(super) fn agreed(run: &mut Run<'_>) -> Checked {
    Ok(Finding::Ok(run.open_deflate()?.parameters()))
}

/// RFC 7692 §7.1.1.1: a server that takes this offer says so in its answer, or declines it.
pub(super) fn no_takeover(run: &mut Run<'_>) -> Checked {
    Ok(Finding::Ok(
        run.open_offering(&Deflate::new())?.parameters(),
    ))
}

impl Agreed {
    /// What the server answered; parameters that were confirmed are known words.
    fn parameters(&self) -> String {
        let parameters = self.answer.split_once("; ");
        parameters.map_or("agreed", |pair| pair.1).to_owned()
    }
}

pub(super) fn echo(run: &mut Run<'_>) -> Checked {
    let Agreed {
        mut peer,
        mut transform,
        ..
    } = run.open_deflate()?;
    run.need_echo()?;
    let text = token().repeat(20);
    let mut encoded = Vec::new();
    let reserved = transform.encode(
        OpCode::Text,
        text.as_bytes(),
        &mut Work::unlimited(),
        &mut encoded,
    );
    peer.send_reserved(true, reserved.unwrap_or_default(), OpCode::Text, &encoded);
    // With context takeover every message counts, so a greeting is inflated as well.
    loop {
        let (reserved, payload) = match peer.until(|seen| matches!(seen, Answer::Message { .. })) {
            Answer::Message {
                reserved, payload, ..
            } => (reserved, payload),
            seen => return Ok(Finding::Failed(seen.words())),
        };
        let (small, large) = (payload.len(), text.len());
        let plain = match reserved {
            Reserved::NONE => payload,
            _ => match inflate(&mut *transform, reserved, &payload) {
                Ok(plain) => plain,
                Err(reason) => return Ok(Finding::Failed(reason.to_owned())),
            },
        };
        if plain == text.as_bytes() {
            let seen = format!("the same text, {large} bytes in {small}");
            return Ok(Finding::Ok(seen));
        }
    }
}

fn inflate(
    transform: &mut dyn Transform,
    reserved: Reserved,
    payload: &[u8],
) -> Result<Vec<u8>, &'static str> {
    let info = FrameInfo {
        fin: true,
        reserved,
        opcode: OpCode::Text,
    };
    let mut plain = Vec::new();
    let done = transform.decode(info, payload, MOST, &mut plain);
    done.map(|()| plain).map_err(|error| error.reason)
}

/// RFC 7692 names no code for data that does not inflate; both are in use.
pub(super) fn bad_data(run: &mut Run<'_>) -> Checked {
    let mut agreed = run.open_deflate()?;
    // A block of the type 3, which there is none (RFC 1951 §3.2.3), under a mask of zeros.
    agreed.peer.write(b"\xc1\x82\0\0\0\0\x07\x07");
    let seen = agreed.peer.until(|_| false);
    Ok(judge_refusal(&seen, &[1007, 1002]))
}
