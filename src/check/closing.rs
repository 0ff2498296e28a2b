//! The closing handshake (RFC 6455 §7): a Close is answered, then the server ends the connection.

use super::finding::{Checked, Finding};
use super::peer::Answer;
use super::run_state::Run;
use crate::wire::frame::OpCode;

pub(super) fn normal(run: &mut Run<'_>) -> Checked {
    run.close(b"\x03\xe8dunlin check", Some(1000))
}

pub(super) fn private_code(run: &mut Run<'_>) -> Checked {
    run.close(b"\x0f\xa1", Some(4001))
}

pub(super) fn empty(run: &mut Run<'_>) -> Checked {
    run.close(b"", None)
}

impl Run<'_> {
    /// RFC 6455 §5.5.1: a Close must be answered by one, *typically* with its code; §7.1.1: the
    /// server should be the first to end the connection.
    fn close(&self, payload: &[u8], code: Option<u16>) -> Checked {
        let mut peer = self.open()?;
        peer.send(true, OpCode::Close, payload);
        let answer = peer.until(|_| false);
        let words = answer.words();
        let Answer::Close(answered) = answer else {
            return Ok(Finding::Failed(words));
        };
        Ok(match peer.until(|_| false) {
            Answer::End if answered == code => Finding::Ok(words),
            Answer::End => Finding::Allowed(format!("{words}, another code")),
            Answer::Silence => Finding::Allowed(format!("{words}, but the connection stays")),
            other => Finding::Failed(format!("{words}, then {}", other.words())),
        })
    }
}
