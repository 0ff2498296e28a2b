//! Layer 6: a smoke test of any WebSocket server, from outside.
//!
//! ```no_run
//! use dunlin::check::{Target, Verdict, run};
//!
//! # fn main() -> dunlin::Result<()> {
//! let target = Target::new("ws://127.0.0.1:8080/echo-raw")?;
//! let outcomes = run(&target, &mut |outcome| println!("{outcome:?}"))?;
//! assert!(outcomes.iter().all(|outcome| outcome.verdict != Verdict::Failed));
//! # Ok(())
//! # }
//! ```
//!
//! It speaks raw bytes and reads the answers byte by byte, so it does not depend on
//! what it tests. It must be fair to strangers: a check fails only when RFC 6455
//! (or RFC 7692) says MUST, or when a close code is the wrong one. What the RFC
//! allows and others do better is told as "allowed" and fails with
//! [`Target::strict`] only. A server that does not echo loses the echo checks
//! and nothing else.
//!
//! | file | checks |
//! |---|---|
//! | `opening` | the handshake, and those that must be refused |
//! | `talking` | echo, fragments, ping and pong |
//! | `deflate` | permessage-deflate, where the server has it |
//! | `failing` | frames that must end the connection |
//! | `closing` | the closing handshake |
//!
//! `run_state` is what one check knows of those before it, `target` is what to ask, `peer` one connection, `finding` a verdict, `list` the
//! order of it all.

mod closing;
#[cfg(feature = "deflate")]
mod deflate;
mod failing;
mod finding;
mod list;
mod opening;
mod peer;
mod run_state;
mod talking;
mod target;

pub use finding::{Outcome, Verdict};
pub use list::names;
pub use target::Target;

use crate::wire::error::Result;
use list::CHECKS;
use run_state::{Echo, Run};
use std::time::Instant;

/// Runs every check, one after another, each on connections of its own, and tells each
/// outcome as soon as it is there. Takes milliseconds for a server that answers, and up to
/// [`Target::timeout`] for every answer that does not come. When the first one, the handshake,
/// fails, there is nothing more to try and it stays the only outcome.
///
/// # Errors
/// When there is no connection at all: `Io` or `Timeout`.
pub fn run(target: &Target, tell: &mut dyn FnMut(&Outcome)) -> Result<Vec<Outcome>> {
    drop(target.dial()?);
    let mut run = Run {
        target,
        echo: Echo::Unknown,
    };
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(CHECKS.len());
    for check in CHECKS {
        let start = Instant::now();
        let finding = (check.run)(&mut run).unwrap_or_else(|early| early);
        let outcome = finding.judge(check.name, check.expected, target.strict, start.elapsed());
        tell(&outcome);
        outcomes.push(outcome);
        // The first is the handshake, without which there is nothing to try.
        if outcomes[0].verdict == Verdict::Failed {
            break;
        }
    }
    Ok(outcomes)
}
