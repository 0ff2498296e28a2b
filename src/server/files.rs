//! How many open files this process may have, and how many connections that allows.

/// Descriptors that are kept for everything but connections.
const SPARE_FILES: usize = 64;
/// Where nothing is known: what systems give a process as a rule.
#[cfg(not(feature = "rlimit"))]
const FILES_UNKNOWN: usize = 1024;

/// Raises the limit of open files to what the process may have, and says what it is then.
#[cfg(feature = "rlimit")]
pub(super) fn open_files() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        log::warn!("the limit of open files cannot be raised: {error}");
    }
    let current = getrlimit(Resource::Nofile).current;
    current.map_or(usize::MAX, |files| files as usize)
}

/// The limit of open files, which without the feature `rlimit` stays what it is.
#[cfg(not(feature = "rlimit"))]
pub(super) fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    soft.and_then(|soft| soft.parse().ok())
        .unwrap_or(FILES_UNKNOWN)
}

/// How many connections so many open files allow: all but 64, and never less than half. What comes
/// out is within the bounds of [`Limits::max_connections`](crate::Limits::max_connections).
pub(super) fn connections(files: usize) -> usize {
    let connections = files.saturating_sub(SPARE_FILES).max(files / 2);
    connections.clamp(1, 1 << 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_files_are_kept_for_other_things() {
        assert_eq!(connections(20_000), 19_936);
        assert_eq!(connections(100), 50);
        assert_eq!(connections(1), 1);
        assert_eq!(connections(usize::MAX), 1 << 30);
    }

    #[test]
    fn this_process_may_open_files() {
        assert!(open_files() > 0);
    }
}
