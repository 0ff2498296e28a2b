//! What the client asks of the kernel for itself: priority among its threads, and open files.

use std::fs;
use std::io::{self, Error};

use rustix::process::{Resource, Rlimit, getrlimit, nice, setpriority_process, setrlimit};

/// Higher priority for the run, given back when dropped.
///
/// Where Linux groups processes by session (autogroup), the priority of a process counts within its session
/// only, and that of the session is a file.
pub(crate) struct Priority {
    session_before: Option<String>,
}

impl Priority {
    const SESSION: &str = "/proc/self/autogroup";
    const HIGH: i32 = -10;

    pub(crate) fn take() -> io::Result<Self> {
        let refused = |error: Error| Error::other(format!("--priority: {error}"));
        let grouped = fs::read_to_string("/proc/sys/kernel/sched_autogroup_enabled");
        if grouped.is_ok_and(|enabled| enabled.trim() == "1") {
            let group = fs::read_to_string(Self::SESSION).map_err(refused)?;
            let before = group
                .split_whitespace()
                .last()
                .ok_or_else(|| refused(Error::other("no autogroup")))?;
            fs::write(Self::SESSION, Self::HIGH.to_string()).map_err(refused)?;
            return Ok(Self {
                session_before: Some(before.to_owned()),
            });
        }
        setpriority_process(None, Self::HIGH).map_err(|error| refused(error.into()))?;
        Ok(Self {
            session_before: None,
        })
    }
}

impl Drop for Priority {
    fn drop(&mut self) {
        if let Some(before) = &self.session_before
            && let Err(error) = fs::write(Self::SESSION, before)
        {
            eprintln!("limit: the priority of the session stays high: {error}");
        }
    }
}

/// Lets the bystander before the calling thread, which shares the client's core with it.
///
/// A little only: within a session Linux shares out a core by the weight of what runs there, and a client
/// of the lowest priority would get next to nothing of it on a busy machine.
pub(crate) fn step_behind() -> io::Result<()> {
    nice(5)?;
    Ok(())
}

/// Puts the calling thread, a bystander's, before the others on the client's core where that is allowed; where
/// it is not, the client's own lag tells how late it was.
pub(crate) fn step_ahead() {
    let _ = nice(-10);
}

/// Raises the open-file limit as far as allowed and checks that it will do.
pub(crate) fn raise_file_limit(needed: u64) -> io::Result<()> {
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
    Ok(())
}
