//! What the system says about this process, where there is a `/proc`: memory and open descriptors.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The system is asked at most once in this time, however often somebody asks here.
const FRESH: Duration = Duration::from_secs(1);
/// A table of descriptors up to this size is read entry by entry where the system does not count them:
/// the loop waits for it.
const MOST_READ: u64 = 1_024;

/// What is known of this process; `None`: the system does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Process {
    /// Seconds since 1970 when the program was made.
    pub(super) started: Option<u64>,
    /// Bytes of memory that are present.
    pub(super) resident: Option<u64>,
    /// Open descriptors, and how many there may be.
    pub(super) open_files: Option<u64>,
    pub(super) max_files: Option<u64>,
}

/// The same, not older than a second.
#[derive(Debug)]
pub(super) struct Sampled {
    process: Process,
    read_at: Option<Duration>,
}

impl Default for Sampled {
    fn default() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let process = Process {
            started: now.ok().map(|now| now.as_secs()),
            ..Process::default()
        };
        Self {
            process,
            read_at: None,
        }
    }
}

impl Sampled {
    /// What is known at this time.
    pub(super) fn at(&mut self, now: Duration) -> &Process {
        if self.read_at.is_none_or(|read| now >= read + FRESH) {
            self.read_at = Some(now);
            let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
            let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
            self.process.resident = resident(&status);
            self.process.open_files = open_files(&status);
            self.process.max_files = max_files(&limits);
        }
        &self.process
    }
}

/// A number of `/proc/self/status`.
fn number_of(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn resident(status: &str) -> Option<u64> {
    Some(number_of(status, "VmRSS:")? * 1024)
}

/// Since Linux 6.2 the size of the folder is the number of descriptors.
fn open_files(status: &str) -> Option<u64> {
    let folder = "/proc/self/fd";
    let counted = fs::metadata(folder).ok()?.len();
    if counted > 0 {
        return Some(counted);
    }
    let table = number_of(status, "FDSize:")?;
    if table > MOST_READ {
        return None;
    }
    // Without the one that reads them.
    Some(fs::read_dir(folder).ok()?.count().saturating_sub(1) as u64)
}

fn max_files(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_system_are_found_and_missing_ones_are_none() {
        let status = "Name:\tVmRSS: 3\nFDSize:\t64\nVmRSS:\t    1234 kB\n";
        assert_eq!(resident(status), Some(1234 * 1024));
        assert_eq!(resident("Name:\tdunlin\n"), None);
        let limits = "Max cpu time  unlimited\nMax open files            1024   4096   files\n";
        assert_eq!(max_files(limits), Some(1024));
        assert_eq!(max_files("Max open files  unlimited unlimited files"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_known_and_asked_for_once_a_second() {
        let mut sampled = Sampled::default();
        let first = sampled.at(Duration::ZERO).clone();
        assert!(first.resident > Some(1 << 20) && first.started > Some(1_700_000_000));
        assert!(first.open_files > Some(2) || first.open_files.is_none());
        let files: Vec<_> = (0..50).map(|_| fs::File::open("/dev/null")).collect();
        assert_eq!(*sampled.at(Duration::from_millis(999)), first);
        if let Some(before) = first.open_files {
            let after = sampled.at(Duration::from_secs(1)).open_files;
            assert!(after.is_none_or(|after| after >= before + 40), "{after:?}");
        }
        drop(files);
    }
}
