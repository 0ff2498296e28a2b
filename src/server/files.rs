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

/// Open files for which the system's table is made large enough at start, at most: half a MiB of the kernel's
/// memory.
#[cfg(feature = "rlimit")]
const MOST_ROOM: usize = 1 << 16;
/// The table takes no more than this part of the memory, at eight bytes for each file.
#[cfg(feature = "rlimit")]
const PART_OF_MEMORY: usize = 1024;

/// Makes the system's table of open files large enough for so many, once and at start. It would grow when it
/// is full, and in a process of several threads the one that accepts waits for that: 10 to 20 ms on Linux, at
/// 256, 512, 1024 and so on. `memory`: how many bytes the process may use.
#[cfg(feature = "rlimit")]
pub fn make_room(files: usize, memory: usize) {
    let Some(last) = room_within(files, memory).checked_sub(1) else {
        return;
    };
    let last = i32::try_from(last).unwrap_or(i32::MAX);
    // Where that fails it grows as it did.
    if let Ok(file) = std::fs::File::open("/dev/null") {
        let _ = rustix::io::fcntl_dupfd_cloexec(&file, last);
    }
}

/// For how many of these files there is room made, with so much memory.
#[cfg(feature = "rlimit")]
fn room_within(files: usize, memory: usize) -> usize {
    files.min(MOST_ROOM).min(memory / (8 * PART_OF_MEMORY))
}

/// Without the feature `rlimit` it grows when it is full.
#[cfg(not(feature = "rlimit"))]
pub(super) fn make_room(_: usize, _: usize) {}

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

/// How many open files so many connections want.
pub(super) fn wanted(connections: usize) -> usize {
    connections.saturating_add(SPARE_FILES)
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

    #[cfg(feature = "rlimit")]
    #[test]
    fn there_is_room_for_as_many_files_as_are_wanted_and_memory_allows() {
        assert_eq!(room_within(20_000, 1 << 30), 20_000);
        assert_eq!(room_within(20_000, 64 << 20), 8192);
        assert_eq!(room_within(usize::MAX, usize::MAX), MOST_ROOM);
        assert_eq!(room_within(0, 1 << 30), 0);
    }

    #[cfg(all(feature = "rlimit", target_os = "linux"))]
    #[test]
    fn the_table_of_open_files_is_as_large_as_is_wanted() {
        let files = open_files().min(700);
        make_room(files, 1 << 30);
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("FDSize:"));
        assert!(size.unwrap().trim().parse::<usize>().unwrap() >= files);
    }
}
