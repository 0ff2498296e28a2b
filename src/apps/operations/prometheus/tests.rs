//! The text is read back as Prometheus would read it.

use super::*;
use crate::app::NotReady;
use crate::wire::close::CloseCode;
use crate::wire::response::Status;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A family: its type, and its samples by name and labels.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    samples: BTreeMap<(String, String), f64>,
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    first && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Reads an exposition and fails where it breaks a rule of the format.
fn parse(text: &str) -> BTreeMap<String, Family> {
    assert!(text.ends_with('\n'));
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut helped = BTreeSet::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').expect("a help");
            assert!(
                is_name(name) && !help.is_empty() && !help.contains('\\'),
                "{line}"
            );
            assert!(helped.insert(name.to_owned()), "helped twice: {line}");
            current = name.to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a type");
            assert_eq!(name, current, "TYPE stands behind its HELP");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            let family = families.entry(name.to_owned()).or_default();
            assert!(family.kind.is_empty(), "typed twice: {line}");
            family.kind = kind.to_owned();
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a sample");
            let (name, labels) = match series.split_once('{') {
                Some((name, labels)) => (name, labels.strip_suffix('}').expect("labels end")),
                None => (series, ""),
            };
            let family = families.get_mut(&current).expect("a TYPE comes first");
            let suffix = name
                .strip_prefix(&*current)
                .expect("samples stand together");
            let is_part = ["_bucket", "_sum", "_count"].contains(&suffix);
            assert_eq!(is_part, family.kind == "histogram", "{line}");
            assert!(is_part || suffix.is_empty(), "{line}");
            if !labels.is_empty() {
                let (label, value) = labels.split_once("=\"").expect("a label");
                assert!(is_name(label) && value.ends_with('"'), "{line}");
            }
            let value = value.parse().expect("a number");
            let key = (name.to_owned(), labels.to_owned());
            assert!(family.samples.insert(key, value).is_none(), "twice: {line}");
        }
    }
    assert_eq!(helped.len(), families.len(), "every HELP has its TYPE");
    families
}

fn sample(families: &BTreeMap<String, Family>, name: &str, labels: &str) -> f64 {
    families[name].samples[&(name.to_owned(), labels.to_owned())]
}

/// Counters of which no two are the same.
fn counted() -> Metrics {
    let mut metrics = Metrics::default();
    metrics.stats.accepted = 1;
    metrics.stats.connections = 2;
    metrics.stats.opened = 10;
    metrics.stats.closed = 4;
    metrics.stats.received = 5;
    metrics.stats.sent = u64::MAX;
    metrics.stats.max_buffered = Some(7);
    metrics.bytes_received = 8;
    metrics.bytes_sent = 9;
    for status in [101, 101, 403, 418] {
        metrics.handshakes.add(Status::new(status).unwrap());
    }
    for code in [1000, 1006, 1006, 3_001, 4_999, 7] {
        metrics.closes.add(CloseCode::new(code));
    }
    for us in [30, 300, 3_000, 30_000_000] {
        metrics.lag.add(Duration::from_micros(us));
    }
    metrics
}

#[test]
fn the_text_keeps_the_rules_of_the_format_and_tells_every_number() {
    let process = Process {
        started: Some(1_700_000_000),
        resident: Some(1 << 20),
        open_files: Some(12),
        max_files: None,
    };
    let families = parse(&text(&counted(), &process));
    for (name, labels, wanted) in [
        ("dunlin_connections_accepted_total", "", 1.0),
        ("dunlin_connections", "", 2.0),
        ("dunlin_sessions", "", 6.0),
        ("dunlin_messages_sent_total", "", u64::MAX as f64),
        ("dunlin_buffered_bytes_limit", "", 7.0),
        ("dunlin_received_bytes_total", "", 8.0),
        ("dunlin_sent_bytes_total", "", 9.0),
        ("dunlin_handshakes_total", "status=\"101\"", 2.0),
        ("dunlin_handshakes_total", "status=\"403\"", 1.0),
        ("dunlin_handshakes_total", "status=\"other\"", 1.0),
        ("dunlin_handshakes_total", "status=\"503\"", 0.0),
        ("dunlin_sessions_closed_total", "code=\"1006\"", 2.0),
        ("dunlin_sessions_closed_total", "code=\"3xxx\"", 1.0),
        ("dunlin_sessions_closed_total", "code=\"other\"", 1.0),
        ("dunlin_ready", "", 1.0),
        ("process_open_fds", "", 12.0),
        ("process_resident_memory_bytes", "", 1_048_576.0),
    ] {
        assert_eq!(sample(&families, name, labels), wanted, "{name} {labels}");
    }
    assert!(!families.contains_key("process_max_fds"), "it is not known");
}

#[test]
fn the_histogram_is_cumulative_and_its_count_is_that_of_its_last_bucket() {
    let families = parse(&text(&counted(), &Process::default()));
    let lag = &families["dunlin_loop_lag_seconds"];
    let of = |part: &str, labels: &str| {
        lag.samples[&(format!("dunlin_loop_lag_seconds_{part}"), labels.to_owned())]
    };
    let bounds = [
        "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1",
        "0.25", "0.5", "1", "+Inf",
    ];
    let buckets = bounds.map(|bound| of("bucket", &format!("le=\"{bound}\"")));
    assert!(buckets.is_sorted(), "{buckets:?}");
    assert_eq!(
        (buckets[0], buckets[2], buckets[5], buckets[12]),
        (1.0, 2.0, 3.0, 3.0)
    );
    assert_eq!((buckets[13], of("count", "")), (4.0, 4.0));
    assert!((of("sum", "") - 30.00333).abs() < 1e-9);
    assert_eq!(lag.samples.len(), bounds.len() + 2);
}

#[test]
fn a_server_that_is_not_ready_says_so() {
    let mut metrics = counted();
    metrics.not_ready = Some(NotReady::Stopping);
    let families = parse(&text(&metrics, &Process::default()));
    assert_eq!(sample(&families, "dunlin_ready", ""), 0.0);
}
