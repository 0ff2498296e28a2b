//! Every limit within its bounds and out of them.

use super::*;

fn limits() -> Limits {
    Limits::default()
}

fn head(change: impl FnOnce(&mut HeadLimits)) -> Limits {
    let mut head = HeadLimits::default();
    change(&mut head);
    limits().head(head)
}

/// A change that is refused, with the names, values and limits that the error tells.
#[track_caller]
fn refused(limits: Limits, parts: [&str; 3]) {
    let error = limits.check().expect_err(parts[0]);
    assert_eq!(error.kind(), crate::wire::error::ErrorKind::Config);
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in {text:?}");
    }
}

#[test]
fn the_defaults_and_the_ends_of_every_range_are_taken() {
    let (least, most) = (Duration::from_millis(1), Duration::from_secs(30 * 60));
    for limits in [
        limits(),
        limits().max_connections(1).max_per_address(1),
        limits().max_connections(1 << 30).max_per_address(1 << 30),
        limits().max_buffered(1),
        limits().max_buffered(usize::MAX),
        limits().max_body(0),
        limits().max_body(1 << 30),
        limits().head_timeout(least).keep_alive(least).drain(least),
        limits().head_timeout(most).keep_alive(most).drain(most),
        limits().answer_timeout(least).max_tickets(1),
        limits().answer_timeout(most).max_tickets(1 << 20),
        limits().hosts(vec!["example.org".to_owned(), "[::1]".to_owned()]),
        head(|head| (head.max_head, head.max_target) = (64, 64)),
        head(|head| (head.max_head, head.max_fields) = (1 << 20, 10_000)),
    ] {
        limits.check().expect("within bounds");
    }
}

#[test]
fn a_number_out_of_bounds_names_field_value_and_limit() {
    let most = "1 to 1073741824 connections";
    refused(
        limits().max_connections(0),
        ["`max_connections`", "is 0", most],
    );
    refused(
        limits().max_connections((1 << 30) + 1),
        ["`max_connections`", "is 1073741825", most],
    );
    refused(
        limits().max_per_address(0),
        ["`max_per_address`", "is 0", most],
    );
    refused(
        limits().max_per_address((1 << 30) + 1),
        ["`max_per_address`", "is 1073741825", most],
    );
    refused(
        limits().max_buffered(0),
        ["`max_buffered`", "is 0", "1 to "],
    );
    for tickets in [0, (1 << 20) + 1] {
        let shown = format!("is {tickets}");
        let wanted = "1 to 1048576 tickets";
        refused(
            limits().max_tickets(tickets),
            ["`max_tickets`", &shown, wanted],
        );
    }
    refused(
        limits().max_body((1 << 30) + 1),
        ["`max_body`", "is 1073741825", "0 to 1073741824 bytes"],
    );
    refused(
        head(|head| head.max_head = 63),
        ["`head.max_head`", "is 63", "64 to 1048576 bytes"],
    );
    refused(
        head(|head| head.max_head = (1 << 20) + 1),
        ["`head.max_head`", "is 1048577", "64 to 1048576 bytes"],
    );
    refused(
        head(|head| head.max_target = head.max_head + 1),
        ["`head.max_target`", "is 16385", "1 to 16384 bytes"],
    );
    refused(
        head(|head| head.max_fields = 0),
        ["`head.max_fields`", "is 0", "1 to 10000 fields"],
    );
    refused(
        head(|head| head.max_fields = 10_001),
        ["`head.max_fields`", "is 10001", "1 to 10000 fields"],
    );
}

#[test]
fn no_time_is_zero_or_endless() {
    type Change = fn(Limits, Duration) -> Limits;
    let changes: [(&str, Change); 4] = [
        ("`answer_timeout`", |limits, time| {
            limits.answer_timeout(time)
        }),
        ("`head_timeout`", |limits, time| limits.head_timeout(time)),
        ("`keep_alive`", |limits, time| limits.keep_alive(time)),
        ("`drain`", |limits, time| limits.drain(time)),
    ];
    for (name, change) in changes {
        let wanted = "wanted: 1ms to 30 min";
        refused(change(limits(), Duration::ZERO), [name, "is 0ns", wanted]);
        let ages = format!("is {:?}", Duration::MAX);
        refused(change(limits(), Duration::MAX), [name, &ages, wanted]);
        let long = Duration::from_millis(1_800_001);
        refused(change(limits(), long), [name, "is 1800.001s", wanted]);
    }
}

#[test]
fn hosts_are_names_without_scheme_and_port() {
    refused(
        limits().hosts(Vec::new()),
        ["`hosts`", "is empty", "at least one"],
    );
    for host in ["", "a:80", "http://a", "a b", "[::1]:80", "a/b", "me@a"] {
        let shown = format!("{host:?}");
        let hosts = vec!["example.org".to_owned(), host.to_owned()];
        refused(limits().hosts(hosts), ["`hosts`", &shown, "without scheme"]);
    }
}

#[test]
fn setters_take_a_value_or_none() {
    let limits = limits().max_connections(10).max_per_address(2);
    assert_eq!(limits.max_connections, Some(10));
    let limits = limits.max_per_address(None).max_buffered(Some(1000));
    assert_eq!(limits.max_per_address, None);
    assert_eq!(limits.max_buffered, Some(1000));
}
