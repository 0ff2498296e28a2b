//! What a client asks of the kernel for itself: priority among its threads, and open files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{self, Error};

/// Lets the bystanders before the calling thread, which shares a core with them.
///
/// A little only: within a session Linux shares out a core by the weight of what runs there, and a client
/// of the lowest priority would get next to nothing of it on a busy machine.
///
/// # Errors
/// What the kernel says.
pub fn step_behind() -> io::Result<()> {
    nice(5)
}

/// Puts the calling thread, a bystander's, before the others on its core where that is allowed; where
/// it is not, the client's own lag tells how late it was.
pub fn step_ahead() {
    let _ = nice(-10);
}

/// Of the calling thread alone, as Linux does it.
#[cfg(target_os = "linux")]
fn nice(by: i32) -> io::Result<()> {
    rustix::process::nice(by)?;
    Ok(())
}

/// Elsewhere it is the whole process that steps behind, bystanders and all.
#[cfg(not(target_os = "linux"))]
fn nice(_: i32) -> io::Result<()> {
    Ok(())
}

/// Raises the open-file limit as far as allowed, checks that it will do, and has the system make room for that
/// many now and not in the middle of a measurement.
///
/// # Errors
/// The limit that is allowed is lower than `needed`.
pub fn raise_file_limit(needed: u64) -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let maximum = limit.maximum.unwrap_or(u64::MAX);
    if limit.current.unwrap_or(u64::MAX) < needed {
        if maximum < needed {
            return Err(Error::other(format!(
                "{needed} open files are needed and {maximum} allowed: raise `ulimit -Hn`"
            )));
        }
        setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(maximum),
                maximum: limit.maximum,
            },
        )?;
    }
    dunlin::make_room(usize::try_from(needed).unwrap_or(usize::MAX), usize::MAX);
    Ok(())
}
