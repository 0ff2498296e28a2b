//! The limits, one after another. None of them changes anything.

use super::group;
use super::row::{Asked, Place, Row, Verdict, bytes};
use super::tree::Tree;

/// Descriptors of a process beside its connections.
const OTHER_FILES: u64 = 100;
/// What the load tester, and a server here, keep for a connection, in bytes.
const OWN_MEMORY: u64 = 400;
/// What the kernel keeps for a socket that is idle or nearly so, in bytes.
const SOCKET_MEMORY: u64 = 4096;
/// What both processes need before the first connection, in bytes.
const BASE_MEMORY: u64 = 64 << 20;
/// Connections that may wait to be accepted while many come at once: what dunlin asks for.
const BACKLOG: u64 = 4096;
/// A page of the kernel, for limits that are counted in them.
const PAGE: u64 = 4096;
/// Percent of the time that other virtual machines may take.
const STEAL: f64 = 5.0;

/// Every limit that is in the way of this many connections, or could be.
#[must_use]
pub fn check(tree: &Tree, asked: Asked) -> Vec<Row> {
    let memory = asked.sockets() * (OWN_MEMORY + SOCKET_MEMORY) + BASE_MEMORY;
    let mut rows = open_files(tree, asked);
    rows.extend(all_files(tree, asked));
    rows.extend(ports(tree, asked));
    if asked.is_local() {
        rows.extend(queues(tree, asked));
    }
    rows.extend(tracking(tree, asked));
    rows.push(available(tree, memory));
    rows.push(tcp_memory(tree, asked));
    rows.extend(group::check(tree, asked, memory));
    rows.push(cores(tree, asked));
    rows.push(governor(tree));
    rows.push(steal(tree));
    rows
}

/// Of one process, and to what the system lets that be raised.
fn open_files(tree: &Tree, asked: Asked) -> Vec<Row> {
    const LASTING: &str = "in /etc/security/limits.conf: `* hard nofile";
    let server = if asked.is_local() {
        asked.connections
    } else {
        0
    };
    // A server here is one process.
    let mine = asked.connections.div_ceil(asked.workers);
    let wanted = mine.max(server) + OTHER_FILES;
    let limit = tree.open_files;
    let mut row = Row::at_least(
        "open files of a process",
        limit.map(|limit| limit.hard),
        wanted,
    );
    if let Some(limit) = limit.filter(|limit| limit.soft < limit.hard) {
        row.found = format!("{} (soft {}, raised by itself)", row.found, limit.soft);
    }
    let mut lift = format!("ulimit -n {wanted} (as root, then start both from that shell)");
    if let Some(limit) = limit
        && !asked.is_local()
        && limit.hard > OTHER_FILES
    {
        let workers = asked.connections.div_ceil(limit.hard - OTHER_FILES);
        lift += &format!(", or bench with --workers {workers}: each has files of its own");
    }
    let lasting = format!("{LASTING} {wanted}`; for a service: LimitNOFILE={wanted} in its unit");
    let ceiling = tree.sysctl("fs.nr_open");
    let ceiling = Row::at_least("ceiling of that (fs.nr_open)", ceiling, wanted);
    let value = wanted.to_string();
    vec![
        row.lifted_by(lift, lasting),
        ceiling.lifted_by_sysctl("fs.nr_open", &value),
    ]
}

/// Of the whole system.
fn all_files(tree: &Tree, asked: Asked) -> Option<Row> {
    let most = tree.sysctl("fs.file-max");
    let used = tree.sysctl("fs.file-nr").unwrap_or(0);
    let wanted = used + asked.sockets() + OTHER_FILES;
    let mut row = Row::at_least("open files of the system", most, wanted);
    row.found = format!("{} ({used} in use)", row.found);
    Some(row.lifted_by_sysctl("fs.file-max", &wanted.to_string()))
}

fn ports(tree: &Tree, asked: Asked) -> Vec<Row> {
    const RANGE: &str = "net.ipv4.ip_local_port_range";
    let range = tree.numbers("proc/sys/net/ipv4/ip_local_port_range");
    let ports = match range[..] {
        [first, last] if first <= last => Some(last - first + 1),
        _ => None,
    };
    let closing = tree.behind("proc/net/sockstat", "TCP:", "tw").unwrap_or(0);
    let reserved = "16384 65535";
    let range = match asked.place {
        // 2²⁴ source addresses, each with all of these.
        Place::Loopback | Place::Unknown => {
            let mut row = Row::at_least("local ports of a source address", ports, 1000);
            row.wanted = "1000 (127.0.0.0/8 is spread over)".to_owned();
            row.lifted_by_sysctl(RANGE, reserved)
        }
        Place::Elsewhere => {
            let mut row = Row::at_least(
                "local ports to one server",
                ports,
                asked.connections + closing,
            );
            if closing > 0 {
                row.wanted = format!("{} ({closing} more in TIME_WAIT)", asked.connections);
            }
            if asked.connections + closing <= 64_511 {
                row.lifted_by_sysctl(RANGE, "1024 65535")
            } else {
                let machines = asked.connections.div_ceil(64_511);
                let lift = format!(
                    "the range ends at 65535: use {machines} machines or source addresses, \
                     and sudo sysctl -w {RANGE}='1024 65535' on each"
                );
                row.lifted_by(lift, "")
            }
        }
    };
    let reuse = tree.sysctl("net.ipv4.tcp_tw_reuse");
    let (wanted, verdict) = match (asked.place, reuse) {
        (_, None) => ("1", Verdict::Unknown),
        (_, Some(0)) => ("1", Verdict::Low),
        (Place::Elsewhere, Some(2)) => ("1 for churn", Verdict::Ok),
        (_, Some(_)) => ("1, or 2 on loopback", Verdict::Ok),
    };
    let found = match reuse {
        None => "not told".to_owned(),
        Some(0) => "0: never".to_owned(),
        Some(2) => "2: on loopback".to_owned(),
        Some(other) => format!("{other}: always"),
    };
    let reuse = Row::new("ports in TIME_WAIT come back early", found, wanted, verdict);
    vec![range, reuse.lifted_by_sysctl("net.ipv4.tcp_tw_reuse", "1")]
}

/// Where connections wait until a server here takes them.
fn queues(tree: &Tree, asked: Asked) -> Vec<Row> {
    let wanted = asked.connections.min(BACKLOG);
    let accept = tree.sysctl("net.core.somaxconn");
    let accept = Row::at_least("queue of a listener (somaxconn)", accept, wanted);
    let cookies = tree.sysctl("net.ipv4.tcp_syncookies");
    let half_open = tree.sysctl("net.ipv4.tcp_max_syn_backlog");
    let mut half_open = Row::at_least("half-open connections", half_open, wanted);
    if half_open.verdict == Verdict::Low && cookies.is_some_and(|cookies| cookies > 0) {
        half_open.verdict = Verdict::Ok;
        half_open.found += " (SYN cookies beyond)";
    }
    let mut cookies = Row::at_least("SYN cookies", cookies, 1);
    cookies.wanted = "1: no SYN is lost in a storm".to_owned();
    let value = wanted.to_string();
    vec![
        accept.lifted_by_sysctl("net.core.somaxconn", &value),
        half_open.lifted_by_sysctl("net.ipv4.tcp_max_syn_backlog", &value),
        cookies.lifted_by_sysctl("net.ipv4.tcp_syncookies", "1"),
    ]
}

/// The firewall's table of connections, where its module is there.
fn tracking(tree: &Tree, asked: Asked) -> Option<Row> {
    let most = tree.sysctl("net.netfilter.nf_conntrack_max")?;
    let used = tree.sysctl("net.netfilter.nf_conntrack_count").unwrap_or(0);
    let wanted = used + asked.connections;
    let mut row = Row::at_least("tracked by the firewall", Some(most), wanted);
    row.found = format!("{most} ({used} in use)");
    let value = (2 * wanted).to_string();
    Some(row.lifted_by_sysctl("net.netfilter.nf_conntrack_max", &value))
}

fn available(tree: &Tree, wanted: u64) -> Row {
    let found = tree.field("proc/meminfo", "MemAvailable:");
    let found = found.map(|kibibytes| 1024 * kibibytes);
    of_bytes("memory that is available", found, wanted).lifted_by(
        "fewer connections, or another machine; both sides and the kernel are in this estimate",
        "",
    )
}

fn tcp_memory(tree: &Tree, asked: Asked) -> Row {
    let pages = tree.numbers("proc/sys/net/ipv4/tcp_mem");
    let found = pages.get(2).map(|pages| PAGE * pages);
    let wanted = asked.sockets() * PAGE;
    let pages = wanted / PAGE;
    let value = format!("{} {} {}", pages / 2, pages * 3 / 4, pages);
    let row = of_bytes("memory of all TCP buffers (tcp_mem)", found, wanted);
    row.lifted_by_sysctl("net.ipv4.tcp_mem", &value)
}

fn of_bytes(name: &'static str, found: Option<u64>, wanted: u64) -> Row {
    let mut row = Row::at_least(name, found, wanted);
    row.wanted = bytes(wanted);
    if let Some(found) = found {
        row.found = bytes(found);
    }
    row
}

fn cores(tree: &Tree, asked: Asked) -> Row {
    let server = u64::from(asked.is_local());
    let row = Row::at_least("cores", Some(tree.cores), asked.workers + server);
    row.lifted_by(
        "fewer --workers, or the server on another machine: what shares a core measures itself",
        "",
    )
}

/// Only told: it makes latencies differ and stops no connection.
fn governor(tree: &Tree) -> Row {
    let governor = tree.text("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    let verdict = match governor {
        Some(_) => Verdict::Ok,
        None => Verdict::Unknown,
    };
    let found = governor.unwrap_or("not told, as in most virtual machines".to_owned());
    let wanted = "performance, for latencies";
    let mut row = Row::new("CPU frequency governor", found, wanted, verdict);
    if row.verdict == Verdict::Ok && row.found != "performance" {
        row.lift = "sudo cpupower frequency-set -g performance".to_owned();
    }
    row
}

/// Time in which other virtual machines had this one's cores, since it started.
fn steal(tree: &Tree) -> Row {
    let text = tree.text("proc/stat").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "));
    let times = line.unwrap_or_default().split_whitespace();
    // user nice system idle iowait irq softirq steal; what follows is part of the first two.
    let times: Vec<u64> = times.flat_map(str::parse).take(8).collect();
    let name = "CPU time taken by other machines";
    let wanted = format!("at most {STEAL:.0} %");
    let [.., steal] = times[..] else {
        return Row::new(name, "not told", wanted, Verdict::Unknown);
    };
    if times.len() < 8 {
        return Row::new(name, "not told", wanted, Verdict::Unknown);
    }
    let part = 100.0 * steal as f64 / times.iter().sum::<u64>().max(1) as f64;
    let verdict = match part > STEAL {
        true => Verdict::Low,
        false => Verdict::Ok,
    };
    let row = Row::new(name, format!("{part:.1} %"), wanted, verdict);
    row.lifted_by("a machine of its own, or another hour", "")
}

#[cfg(test)]
#[path = "tests/checks.rs"]
mod tests;
