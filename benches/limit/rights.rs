//! What a run asks of the kernel for all its processes: priority on a busy machine.

use std::fs;
use std::io::{self, Error};

use rustix::process::setpriority_process;

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
