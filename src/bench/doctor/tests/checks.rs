//! Each limit over an invented machine: at the wanted value, and one below it.

use super::super::report::{document, table};
use super::super::tree::OpenFiles;
use super::*;
use std::fs;
use std::path::PathBuf;

/// A machine that has just enough for 10 000 connections to a server on it, and that can be spoilt.
struct Invented {
    tree: Tree,
    asked: Asked,
}

const MEMORY: u64 = 20_000 * 4496 + (64 << 20);

impl Invented {
    fn new(test: &str, place: Place) -> Self {
        let name = format!("dunlin-doctor-{test}-{}", std::process::id());
        let root: PathBuf = std::env::temp_dir().join(name);
        let (soft, hard) = (1024, 10_100);
        let invented = Self {
            tree: Tree {
                root,
                open_files: Some(OpenFiles { soft, hard }),
                cores: 2,
            },
            asked: Asked {
                connections: 10_000,
                workers: 1,
                place,
            },
        };
        let kibibytes = MEMORY.div_ceil(1024);
        for (path, text) in [
            ("sys/fs/nr_open", "10100\n"),
            ("sys/fs/file-max", "20600"),
            ("sys/fs/file-nr", "500\t0\t20600"),
            ("sys/net/ipv4/ip_local_port_range", "50001\t60000"),
            ("sys/net/ipv4/tcp_tw_reuse", "2"),
            ("sys/net/core/somaxconn", "4096"),
            ("sys/net/ipv4/tcp_max_syn_backlog", "4096"),
            ("sys/net/ipv4/tcp_syncookies", "1"),
            ("sys/net/netfilter/nf_conntrack_max", "10007"),
            ("sys/net/netfilter/nf_conntrack_count", "7"),
            ("sys/net/ipv4/tcp_mem", "1 2 20000"),
            (
                "net/sockstat",
                "sockets: used 9\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 1\n",
            ),
            (
                "meminfo",
                &format!("MemTotal: 1 kB\nMemAvailable: {kibibytes} kB\n"),
            ),
            ("self/cgroup", "0::/a/b\n"),
            ("stat", "cpu 40 0 30 25 0 0 0 5 9 9\n"),
        ] {
            invented.write(&format!("proc/{path}"), text);
        }
        invented.write("sys/fs/cgroup/a/memory.max", &MEMORY.to_string());
        invented.write("sys/fs/cgroup/a/b/memory.max", "max");
        invented.write("sys/fs/cgroup/a/b/pids.max", "33");
        let governor = "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
        invented.write(governor, "performance");
        invented
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.tree.root.join(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn check(&self) -> Vec<Row> {
        check(&self.tree, self.asked)
    }

    /// The only limit that is in the way.
    #[track_caller]
    fn only_low(&self) -> Row {
        let mut rows = self.check();
        rows.retain(|row| row.verdict == Verdict::Low);
        assert_eq!(rows.len(), 1, "{rows:#?}");
        rows.swap_remove(0)
    }
}

impl Drop for Invented {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.tree.root);
    }
}

#[test]
fn a_machine_with_just_enough_is_in_nobodys_way() {
    for place in [Place::Loopback, Place::Unknown, Place::Elsewhere] {
        let machine = Invented::new("enough", place);
        for row in machine.check() {
            assert_eq!(row.verdict, Verdict::Ok, "{row:?}");
            assert!(row.lift.is_empty(), "{row:?}");
        }
    }
}

#[test]
fn one_less_of_anything_is_low_and_the_line_that_lifts_it_is_told() {
    let kibibytes = MEMORY.div_ceil(1024) - 1;
    let memory = (MEMORY - 1).to_string();
    for (path, text, name, lift) in [
        (
            "proc/sys/fs/nr_open",
            "10099",
            "fs.nr_open",
            "sysctl -w fs.nr_open=10100",
        ),
        (
            "proc/sys/fs/file-max",
            "20599",
            "of the system",
            "fs.file-max=20600",
        ),
        (
            "proc/sys/fs/file-nr",
            "501 0 20600",
            "of the system",
            "fs.file-max=20601",
        ),
        (
            "proc/sys/net/ipv4/ip_local_port_range",
            "50001 51000\n",
            "",
            "",
        ),
        (
            "proc/sys/net/ipv4/ip_local_port_range",
            "50001 50999",
            "local ports",
            "net.ipv4.ip_local_port_range='16384 65535'",
        ),
        (
            "proc/sys/net/ipv4/tcp_tw_reuse",
            "0",
            "TIME_WAIT",
            "tcp_tw_reuse=1",
        ),
        (
            "proc/sys/net/core/somaxconn",
            "4095",
            "somaxconn",
            "somaxconn=4096",
        ),
        ("proc/sys/net/ipv4/tcp_max_syn_backlog", "4095", "", ""),
        (
            "proc/sys/net/ipv4/tcp_syncookies",
            "0",
            "SYN cookies",
            "tcp_syncookies=1",
        ),
        (
            "proc/sys/net/netfilter/nf_conntrack_max",
            "10006",
            "tracked by the firewall",
            "nf_conntrack_max=20014",
        ),
        (
            "proc/sys/net/ipv4/tcp_mem",
            "1 2 19999",
            "tcp_mem",
            "net.ipv4.tcp_mem='10000 15000 20000'",
        ),
        (
            "proc/meminfo",
            &format!("MemAvailable: {kibibytes} kB"),
            "memory that is available",
            "fewer connections",
        ),
        (
            "sys/fs/cgroup/a/memory.max",
            &memory,
            "memory of the control",
            "--memory 150m",
        ),
        (
            "sys/fs/cgroup/a/b/pids.max",
            "32",
            "tasks of the control",
            "--pids-limit 33",
        ),
        (
            "proc/stat",
            "cpu 40 0 30 24 0 0 0 6",
            "taken by other",
            "another hour",
        ),
    ] {
        let machine = Invented::new("less", Place::Loopback);
        machine.write(path, text);
        if name.is_empty() {
            assert!(machine.check().iter().all(|row| row.verdict == Verdict::Ok));
            continue;
        }
        let row = machine.only_low();
        assert!(row.name.contains(name), "{path}: {row:?}");
        assert!(row.lift.contains(lift), "{path}: {row:?}");
        if row.lift.contains("sysctl") {
            assert!(row.lasting.contains("/etc/sysctl.d/"), "{row:?}");
        }
    }
}

#[test]
fn open_files_count_by_their_hard_limit_and_for_each_worker() {
    let mut machine = Invented::new("files", Place::Loopback);
    let hard = |machine: &mut Invented, hard| {
        machine.tree.open_files = Some(OpenFiles { soft: 1024, hard });
    };
    hard(&mut machine, 10_099);
    let row = machine.only_low();
    assert!(row.lift.contains("ulimit -n 10100"), "{row:?}");
    assert!(row.lasting.contains("LimitNOFILE=10100"), "{row:?}");
    assert!(row.found.contains("soft 1024, raised by itself"), "{row:?}");
    // A server elsewhere has files of its own, and workers share what is left.
    machine.asked.place = Place::Elsewhere;
    assert!(machine.only_low().lift.contains("--workers 2"));
    machine.asked.workers = 2;
    machine.write("sys/fs/cgroup/a/b/pids.max", "64");
    assert!(machine.check().iter().all(|row| row.verdict == Verdict::Ok));
    hard(&mut machine, 5_099);
    assert!(machine.only_low().lift.contains("--workers 3"));
}

#[test]
fn to_another_machine_every_connection_needs_a_port() {
    let mut machine = Invented::new("ports", Place::Elsewhere);
    machine.write("proc/sys/net/ipv4/ip_local_port_range", "50001 59999");
    let row = machine.only_low();
    assert!(row.lift.contains("='1024 65535'"), "{row:?}");
    machine.write("proc/sys/net/ipv4/ip_local_port_range", "50001 60000");
    machine.write(
        "proc/net/sockstat",
        "TCP: inuse 1 orphan 0 tw 1 alloc 1 mem 1",
    );
    assert!(machine.only_low().wanted.contains("1 more in TIME_WAIT"));
    machine.asked.connections = 70_000;
    let rows = machine.check();
    let ports = rows
        .iter()
        .find(|row| row.name.contains("ports to one server"));
    assert!(
        ports.expect("that row").lift.contains("2 machines"),
        "{rows:?}"
    );
}

#[test]
fn half_open_connections_are_low_only_without_cookies() {
    let machine = Invented::new("cookies", Place::Unknown);
    machine.write("proc/sys/net/ipv4/tcp_max_syn_backlog", "128");
    machine.write("proc/sys/net/ipv4/tcp_syncookies", "0");
    let low = machine.check();
    let low = low.iter().filter(|row| row.verdict == Verdict::Low);
    let names: Vec<&str> = low.map(|row| row.name).collect();
    assert_eq!(names, ["half-open connections", "SYN cookies"]);
}

#[test]
fn control_groups_of_the_first_version_are_read_too() {
    let machine = Invented::new("groups", Place::Loopback);
    machine.write("proc/self/cgroup", "4:memory:/a\n3:cpu,pids:/\n0::/\n");
    machine.write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1000000");
    machine.write(
        "sys/fs/cgroup/memory/memory.limit_in_bytes",
        "9223372036854771712",
    );
    machine.write("sys/fs/cgroup/pids/pids.max", "max");
    assert!(machine.only_low().name.contains("memory of the control"));
    machine.write(
        "sys/fs/cgroup/memory/a/memory.limit_in_bytes",
        "9223372036854771712",
    );
    let rows = machine.check();
    let group = rows
        .iter()
        .find(|row| row.name.contains("memory of the control"));
    assert_eq!(group.expect("that row").found, "no limit");
}

#[test]
fn one_core_for_both_is_low() {
    let mut machine = Invented::new("cores", Place::Loopback);
    machine.tree.cores = 1;
    assert!(machine.only_low().name.contains("cores"));
    machine.asked.place = Place::Elsewhere;
    assert!(machine.check().iter().all(|row| row.verdict == Verdict::Ok));
}

#[test]
fn a_machine_that_tells_nothing_is_unknown_and_not_in_the_way() {
    let machine = Tree {
        root: PathBuf::from("/nothing/is/here"),
        open_files: None,
        cores: 4,
    };
    let asked = Asked {
        connections: 1,
        workers: 1,
        place: Place::Unknown,
    };
    let rows = check(&machine, asked);
    let known = rows.iter().filter(|row| row.verdict != Verdict::Unknown);
    assert_eq!(known.map(|row| row.name).collect::<Vec<_>>(), ["cores"]);
    let text = table(asked, &rows);
    assert!(
        text.contains("Nothing is in the way of 1 connections"),
        "{text}"
    );
}

#[test]
fn the_table_names_what_is_in_the_way_and_the_document_is_json() {
    let machine = Invented::new("report", Place::Loopback);
    machine.write("proc/sys/net/core/somaxconn", "128");
    let rows = machine.check();
    let text = table(machine.asked, &rows);
    for part in [
        "queue of a listener (somaxconn)",
        "1 limit is in the way of 10000 connections:",
        "  sudo sysctl -w net.core.somaxconn=4096\n",
        "to make it last: echo 'net.core.somaxconn = 4096'",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let document = document(machine.asked, &rows);
    let value: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(value["in_the_way"], 1);
    assert_eq!(value["server"], "loopback");
    let limits = value["limits"].as_array().expect("a list");
    let low: Vec<_> = limits
        .iter()
        .filter(|row| row["verdict"] == "LOW")
        .collect();
    assert_eq!(low[0]["lift"], "sudo sysctl -w net.core.somaxconn=4096");
}
