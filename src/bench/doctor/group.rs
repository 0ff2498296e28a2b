//! Limits of the control groups that this process is in: containers and services.

use super::row::{Asked, Row, Verdict, bytes};
use super::tree::Tree;

/// Threads and processes beside the workers.
const OTHER_TASKS: u64 = 32;
/// Past this, a limit of version 1 stands for none.
const NONE: u64 = 1 << 60;

/// Memory and processes.
pub(super) fn check(tree: &Tree, asked: Asked, memory: u64) -> Vec<Row> {
    let most = least(tree, "memory", "memory.max", "memory.limit_in_bytes");
    let found = most.map_or("not told".to_owned(), bytes);
    let verdict = match most {
        None => Verdict::Unknown,
        Some(most) if most < memory => Verdict::Low,
        Some(_) => Verdict::Ok,
    };
    let lift = format!("docker run --memory {}m …", memory.div_ceil(1 << 20));
    let lasting = format!(
        "MemoryMax={}M in the unit of a service",
        memory.div_ceil(1 << 20)
    );
    let memory = Row::new("memory of the control group", found, bytes(memory), verdict);
    let wanted = asked.workers + OTHER_TASKS;
    let tasks = least(tree, "pids", "pids.max", "pids.max");
    let tasks = Row::at_least("tasks of the control group", tasks, wanted).lifted_by(
        format!("docker run --pids-limit {wanted} …"),
        format!("TasksMax={wanted} in the unit of a service"),
    );
    vec![memory.lifted_by(lift, lasting), tasks]
}

/// The least limit of a group and all above it; absent where there is no group that can be read.
fn least(tree: &Tree, controller: &str, new: &str, old: &str) -> Option<u64> {
    let groups = tree.text("proc/self/cgroup")?;
    let mut least = None;
    for line in groups.lines() {
        // `number:controllers:path`; version 2 has no controllers there.
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (folder, file) = match controllers {
            "" => ("sys/fs/cgroup".to_owned(), new),
            _ if controllers.split(',').any(|one| one == controller) => {
                (format!("sys/fs/cgroup/{controller}"), old)
            }
            _ => continue,
        };
        let mut path = path.trim_matches('/');
        loop {
            // In a container the path may be that of the host: its own root is what can be read.
            let limit = tree.text(&format!("{folder}/{path}/{file}"));
            let limit = limit.and_then(|text| match &*text {
                "max" => Some(u64::MAX),
                text => text.parse().ok(),
            });
            let limit = limit.map(|limit| if limit >= NONE { u64::MAX } else { limit });
            least = least.into_iter().chain(limit).min();
            match path.rsplit_once('/') {
                Some((above, _)) => path = above,
                None if path.is_empty() => break,
                None => path = "",
            }
        }
    }
    least
}
