//! How much memory this process may use: the machine's, or less where a control group says so.
//!
//! A container sees the memory of its whole host in `/proc/meminfo`; what it may use stands in
//! its control groups. Every group on the way from the process's own up to the root can limit it,
//! so the smallest number counts. What cannot be read limits nothing.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// Bytes where nothing is known.
const UNKNOWN: u64 = 1 << 30;

/// The memory that this process may use, in bytes.
pub(super) fn usable() -> usize {
    let bytes = usable_below(Path::new("/"));
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The same for the `/proc` and `/sys` below another root.
fn usable_below(root: &Path) -> u64 {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let groups = read("proc/self/cgroup");
    let mounts = root.join("sys/fs/cgroup");
    let mut limits = Vec::from_iter(total(&read("proc/meminfo")));
    for group in groups.lines().filter_map(Group::parse) {
        group.collect_limits(&mounts, &mut limits);
    }
    limits.into_iter().min().unwrap_or(UNKNOWN)
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib.saturating_mul(1024))
}

/// A line of `/proc/self/cgroup` that may limit memory.
#[derive(Debug, PartialEq, Eq)]
enum Group<'t> {
    /// The one hierarchy of version 2, `0::/path`.
    Unified(&'t str),
    /// The memory controller of version 1, `4:memory:/path`.
    Memory(&'t str),
}

impl<'t> Group<'t> {
    fn parse(line: &'t str) -> Option<Self> {
        let mut parts = line.splitn(3, ':');
        let (id, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        if id == "0" && controllers.is_empty() {
            return Some(Self::Unified(path));
        }
        let mut controllers = controllers.split(',');
        controllers
            .any(|name| name == "memory")
            .then_some(Self::Memory(path))
    }

    /// Adds the limits of this group and of all above it.
    fn collect_limits(&self, mounts: &Path, limits: &mut Vec<u64>) {
        // Where both versions run, version 2 has a folder of its own.
        let (roots, path, files): (&[&str], &str, &[&str]) = match self {
            Self::Unified(path) => (&["", "unified"], path, &["memory.max", "memory.high"]),
            Self::Memory(path) => (&["memory"], path, &["memory.limit_in_bytes"]),
        };
        for root in roots {
            let root = mounts.join(root);
            for folder in upwards(&root, path) {
                for file in files {
                    let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
                    // `max` is no number and no limit.
                    limits.extend(text.trim().parse::<u64>().ok());
                }
            }
        }
    }
}

/// The folder of a group, and those above it up to the mount. A container may have mounted its own
/// group as the root while the path is that of the host, or begins with `..`: then only the mount
/// itself is there.
fn upwards(root: &Path, path: &str) -> Vec<PathBuf> {
    let names: Vec<_> = Path::new(path)
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name),
            _ => None,
        })
        .collect();
    (0..=names.len())
        .rev()
        .map(|depth| {
            let mut folder = root.to_path_buf();
            folder.extend(&names[..depth]);
            folder
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const MEMINFO: &str = "MemTotal:       1048576 kB\nMemFree:        12 kB\n";

    /// A root with these files, which goes with the value.
    struct Root(PathBuf);

    impl Root {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let name = format!("dunlin-memory-{}-{name}", std::process::id());
            let root = std::env::temp_dir().join(name);
            for (path, text) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self(root)
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[track_caller]
    fn assert_usable(name: &str, files: &[(&str, &str)], wanted: u64) {
        let root = Root::new(name, files);
        assert_eq!(usable_below(&root.0), wanted, "{name}");
    }

    #[test]
    fn the_total_of_the_machine_is_in_kibibytes() {
        assert_eq!(total(MEMINFO), Some(1024 * MIB));
        for text in ["", "MemTotal:", "MemTotal: many kB", "SwapTotal: 1 kB"] {
            assert_eq!(total(text), None, "{text:?}");
        }
    }

    #[test]
    fn groups_that_may_limit_memory_are_told_from_others() {
        for (line, group) in [
            (
                "0::/user.slice/a:b",
                Some(Group::Unified("/user.slice/a:b")),
            ),
            ("4:memory:/docker/1", Some(Group::Memory("/docker/1"))),
            ("4:cpu,memory:/", Some(Group::Memory("/"))),
            ("9:name=systemd:/", None),
            ("3:cpuset:/memory", None),
            ("nonsense", None),
        ] {
            assert_eq!(Group::parse(line), group, "{line}");
        }
    }

    #[test]
    fn without_a_group_it_is_the_machine_and_without_anything_a_gibibyte() {
        assert_usable("machine", &[("proc/meminfo", MEMINFO)], 1024 * MIB);
        assert_usable("nothing", &[], UNKNOWN);
    }

    #[test]
    fn the_smallest_limit_on_the_way_up_counts_in_version_2() {
        let own = "sys/fs/cgroup/a.slice/b.service/memory.max";
        let (above, high) = (
            "sys/fs/cgroup/a.slice/memory.max",
            "sys/fs/cgroup/a.slice/memory.high",
        );
        for (name, own_max, above_max, above_high, wanted) in [
            ("own", "67108864\n", "max\n", "max\n", 64 * MIB),
            ("above", "max\n", "33554432\n", "max\n", 32 * MIB),
            ("high", "max\n", "67108864\n", "16777216\n", 16 * MIB),
            ("none", "max\n", "max\n", "max\n", 1024 * MIB),
            ("more", "99999999999\n", "max\n", "max\n", 1024 * MIB),
        ] {
            let files = [
                ("proc/meminfo", MEMINFO),
                ("proc/self/cgroup", "0::/a.slice/b.service\n"),
                (own, own_max),
                (above, above_max),
                (high, above_high),
            ];
            assert_usable(name, &files, wanted);
        }
    }

    #[test]
    fn a_container_that_sees_its_own_group_as_the_root_is_limited_by_it() {
        for path in ["0::/\n", "0::/../..\n", "0::/of/the/host\n"] {
            let files = [
                ("proc/meminfo", MEMINFO),
                ("proc/self/cgroup", path),
                ("sys/fs/cgroup/memory.max", "8388608\n"),
            ];
            assert_usable("container", &files, 8 * MIB);
        }
    }

    #[test]
    fn version_1_limits_too_and_beside_version_2() {
        let groups = "4:memory:/docker/1\n0::/x\n";
        let no_limit = "9223372036854771712\n";
        for (name, old, new, wanted) in [
            ("old", "16777216\n", "max\n", 16 * MIB),
            ("new", no_limit, "4194304\n", 4 * MIB),
            ("neither", no_limit, "max\n", 1024 * MIB),
        ] {
            let files = [
                ("proc/meminfo", MEMINFO),
                ("proc/self/cgroup", groups),
                ("sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", old),
                ("sys/fs/cgroup/unified/x/memory.max", new),
            ];
            assert_usable(name, &files, wanted);
        }
    }

    #[test]
    fn this_machine_has_memory() {
        assert!(usable() > 1 << 20);
    }
}
