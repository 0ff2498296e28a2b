//! Conditions as they are written, what is told about wrong ones, and how they are judged.

use super::super::summary::{
    Asked, Connections, Ended, Environment, Generator, Latency, Messages, Server,
};
use super::*;

fn latency(ms: u64) -> Latency {
    let ns = ms * 1_000_000;
    Latency {
        count: 1000,
        min: 1,
        mean: ns as f64 / 2.0,
        p50: ns,
        p90: 2 * ns,
        p99: 3 * ns,
        p999: 4 * ns,
        p9999: 5 * ns,
        max: 6 * ns,
        curve: vec![
            (0.5, ns),
            (0.94, 2 * ns + 1),
            (0.96, 2 * ns + 7),
            (1.0, 6 * ns),
        ],
    }
}

/// A run of 1000 connections for 10 s in which everything was measured, unlike everything else in size.
fn run() -> Summary {
    Summary {
        version: super::super::summary::VERSION,
        environment: Environment::default(),
        asked: Asked {
            connections: 1000,
            rate: Some(1000.0),
            ..Asked::default()
        },
        ended: Ended::Complete,
        invalid: Vec::new(),
        notes: Vec::new(),
        measured_ns: 10_000_000_000,
        connections: Connections {
            tried: 1000,
            opened: 990,
            ..Connections::default()
        },
        connect: latency(1),
        upgrade: latency(2),
        service: latency(5),
        response: latency(10),
        first_receiver: None,
        last_receiver: Some(latency(20)),
        reconnect: None,
        messages: Messages {
            sent: 9900,
            expected: 10_000,
            answered: 9989,
            lost: 7,
            cut: 4,
            duplicates: 3,
            reordered: 2,
            unsent: 100,
            sent_rate: 990.0,
            answer_rate: 998.9,
            answered_measured: 9989,
            ..Messages::default()
        },
        errors: [
            ("connect: refused".to_owned(), 6),
            ("handshake: 403".to_owned(), 4),
        ]
        .into(),
        closes: [("1008 by the server".to_owned(), 5)].into(),
        generator: Generator {
            busy: 0.5,
            cpu_per_message: 4000.0,
            lag: latency(3),
            ..Generator::default()
        },
        server: Some(Server {
            cpu_ns: 8_000_000_000,
            cpu_per_message: 1500.0,
            memory_peak: 64 << 20,
            memory_per_connection: Some(800.0),
            descriptors: 1005,
            ..Server::default()
        }),
        seconds: Vec::new(),
        conditions: Vec::new(),
    }
}

#[track_caller]
fn judge(text: &str, summary: &Summary) -> Judged {
    let condition: Condition = text.parse().unwrap_or_else(|error| panic!("{error}"));
    condition.judge(summary)
}

#[test]
fn every_figure_is_found_and_told_with_its_unit() {
    for (text, held, found) in [
        ("p50<20ms", true, "10.0 ms"),
        ("p90<20ms", false, "20.0 ms"),
        ("p90<=20ms", true, "20.0 ms"),
        ("response.p99.9<=50ms", true, "40.0 ms"),
        ("p99.99<1s", true, "50.0 ms"),
        ("p95<1s", true, "20.0 ms"),
        ("min>0", true, "1 ns"),
        ("mean<5001us", true, "5.000 ms"),
        ("max<1m", true, "60.0 ms"),
        ("service.p50<1ms", false, "5.00 ms"),
        ("upgrade.p99<100ms", true, "6.00 ms"),
        ("connect.max<1s", true, "6.00 ms"),
        ("last_receiver.p50<1s", true, "20.0 ms"),
        ("lag.p99<1ms", false, "9.00 ms"),
        ("loss=0", false, "7"),
        ("loss<0.1%", true, "0.07 %"),
        ("loss<=0.07%", true, "0.07 %"),
        ("errors=0", false, "10"),
        ("errors!=0", true, "10"),
        ("closes<=5", true, "5"),
        ("duplicates=0", false, "3"),
        ("reordered<1%", true, "0.02 %"),
        ("cut==4", true, "4"),
        ("unsent<=1%", true, "1 %"),
        ("opened=1000", false, "990"),
        ("opened=100%", false, "99 %"),
        ("opened>=99%", true, "99 %"),
        ("rate>=0.9k", true, "999 a second"),
        ("sent_rate>990", false, "990 a second"),
        ("server.cpu<80%", false, "80 %"),
        ("server.cpu_per_message<2us", true, "1.50 µs"),
        ("server.memory<64MiB", false, "64.0 MiB"),
        ("server.memory<68MB", true, "64.0 MiB"),
        ("server.memory_per_connection<1KiB", true, "800 B"),
        ("server.descriptors=1005", true, "1,005"),
        ("generator.cpu<80%", true, "50 %"),
        ("generator.cpu_per_message>=4us", true, "4.00 µs"),
        ("valid", true, "valid"),
    ] {
        let judged = judge(text, &run());
        assert_eq!((judged.held, &*judged.found), (held, found), "{text}");
        assert_eq!(judged.text, text);
    }
}

#[test]
fn what_was_not_measured_keeps_no_condition() {
    let mut nothing = run();
    nothing.server = None;
    nothing.messages = Messages::default();
    nothing.asked.rate = None;
    nothing.measured_ns = 0;
    nothing.last_receiver = None;
    for latency in [
        &mut nothing.response,
        &mut nothing.service,
        &mut nothing.connect,
        &mut nothing.generator.lag,
    ] {
        *latency = Latency::default();
    }
    for text in [
        "p99<20ms",
        "p95<20ms",
        "service.max>=0",
        "connect.p50!=5ms",
        "first_receiver.p99<1s",
        "last_receiver.p99<1s",
        "reconnect.max<1s",
        "lag.p99<1ms",
        "loss=0",
        "loss<1%",
        "cut=0",
        "duplicates=0",
        "reordered=0",
        "unsent=0",
        "rate>=0",
        "sent_rate>=0",
        "server.cpu<80%",
        "server.cpu_per_message<2us",
        "server.memory<64MiB",
        "server.memory_per_connection<1KiB",
        "server.descriptors>=0",
        "generator.cpu<100%",
        "generator.cpu_per_message<1s",
    ] {
        let judged = judge(text, &nothing);
        assert_eq!(
            (judged.held, &*judged.found),
            (false, "not measured"),
            "{text}"
        );
    }
    assert!(
        judge("errors=10", &nothing).held,
        "errors are always counted"
    );
}

#[test]
fn percentages_are_those_that_a_person_computes() {
    let mut summary = run();
    for (lost, expected, percent) in [
        (7, 1000, "0.7"),
        (3, 1000, "0.3"),
        (1, 8, "12.5"),
        (29, 100, "29"),
    ] {
        summary.messages.lost = lost;
        summary.messages.expected = expected;
        assert!(
            judge(&format!("loss={percent}%"), &summary).held,
            "{lost} of {expected}"
        );
        assert!(
            !judge(&format!("loss<{percent}%"), &summary).held,
            "{lost} of {expected}"
        );
    }
}

#[test]
fn a_figure_just_past_the_limit_is_told_with_the_digits_that_show_it() {
    let mut summary = run();
    summary.response.p99 = 20_004_000;
    let judged = judge("p99<20ms", &summary);
    assert_eq!((judged.held, &*judged.found), (false, "20.004 ms"));
    summary.response.p99 = 20_000_001;
    assert_eq!(judge("p99<20ms", &summary).found, "20.000001 ms");
}

#[test]
fn a_run_that_ended_before_all_calls_were_begun_opened_not_all() {
    let mut summary = run();
    summary.connections.tried = 500;
    summary.connections.opened = 500;
    assert_eq!(judge("opened=100%", &summary).found, "50 %");
    summary.asked.slow = Some(1000);
    assert_eq!(judge("opened=100%", &summary).found, "25 %");
}

#[test]
fn an_invalid_run_says_why() {
    let mut summary = run();
    summary.invalid = vec!["busy 99 %".to_owned(), "late".to_owned()];
    let judged = judge("valid", &summary);
    assert_eq!(
        (judged.held, &*judged.found),
        (false, "INVALID: busy 99 %; late")
    );
}

#[test]
fn several_are_joined_with_commas() {
    let conditions: Conditions = " p99 < 20 ms ,loss=0, valid".parse().expect("three");
    let judged = conditions.judge(&run());
    let held: Vec<_> = judged
        .iter()
        .map(|judged| (&*judged.text, judged.held))
        .collect();
    assert_eq!(
        held,
        [("p99 < 20 ms", false), ("loss=0", false), ("valid", true)]
    );
}

#[test]
fn units_of_time_size_and_number() {
    for (one, other) in [
        ("p99<1500us", "p99<1.5ms"),
        ("p99<1µs", "p99<1000ns"),
        ("p99<1μs", "p99<1us"),
        ("p99<2min", "p99<120s"),
        ("p99<4.35ms", "p99<4350us"),
        ("server.memory<1GiB", "server.memory<1024MiB"),
        ("server.memory<1GB", "server.memory<1000000kB"),
        ("rate>=10k", "rate>=10000"),
        ("rate>=1M", "rate>=1000k"),
        ("loss=0", "loss=0k"),
    ] {
        let rule = |text: &str| text.parse::<Condition>().expect(text).rule;
        assert_eq!(rule(one), rule(other));
    }
}

#[test]
fn what_cannot_be_read_is_named_with_what_is_known_and_an_example() {
    for (text, problem, example) in [
        ("", "nothing stands there", "p99<20ms"),
        ("p99<1ms,,loss=0", "nothing stands there", "p99<20ms"),
        (
            "p99",
            "no comparison, wanted one of < <= > >= = !=",
            "p99<20ms",
        ),
        ("invalid", "no comparison", "p99<20ms"),
        (
            "q99<20ms",
            "no figure is called \"q99\", known are min, mean, p50",
            "response.p99<20ms",
        ),
        ("<20ms", "no figure is called \"\"", "response.p99<20ms"),
        ("p0<20ms", "no figure is called \"p0\"", "response.p99<20ms"),
        (
            "p100<20ms",
            "no figure is called \"p100\"",
            "response.p99<20ms",
        ),
        ("p9.9.9<20ms", "no figure is called", "response.p99<20ms"),
        ("pinf<20ms", "no figure is called", "response.p99<20ms"),
        (
            "server.p99<1ms",
            "no figure is called \"server.p99\"",
            "response.p99<20ms",
        ),
        (
            "latency.p99<1ms",
            "behind one of response, service, connect",
            "response.p99<20ms",
        ),
        (
            "valid=1",
            "no figure is called \"valid\"",
            "response.p99<20ms",
        ),
        ("p99=<20ms", "\"=<\" is no comparison", "p99<=20ms"),
        ("p99<>20ms", "\"<>\" is no comparison", "p99<=20ms"),
        (
            "p99<20",
            "20 has no unit, wanted a number with ns, us, ms, s or min",
            "p99<20ms",
        ),
        ("p99<", "\"\" is no number", "p99<20ms"),
        ("p99<fast", "\"fast\" is no number", "p99<20ms"),
        ("p99<-1ms", "\"-1ms\" is no number", "p99<20ms"),
        ("p99<1.2.3ms", "is no number", "p99<20ms"),
        ("p99<20msec", "\"msec\" is no unit of it", "p99<20ms"),
        ("p99<5%", "\"%\" is no unit of it", "p99<20ms"),
        (
            "loss<5ms",
            "wanted a number with nothing, k or M, or % behind it",
            "loss<0.1%",
        ),
        (
            "rate>=5%",
            "wanted a number with nothing, k or M behind it",
            "rate>=10000",
        ),
        ("rate>=10,000", "no comparison", "p99<20ms"),
        (
            "server.memory<64",
            "64 has no unit, wanted a number with B, KiB",
            "server.memory<64MiB",
        ),
        (
            "server.cpu<0.8",
            "0.8 has no unit, wanted a number with %",
            "server.cpu<80%",
        ),
    ] {
        let error = text.parse::<Conditions>().expect_err(text).to_string();
        assert!(error.contains(problem), "{text}: {error}");
        assert!(
            error.ends_with(&format!("an example: {example}")),
            "{text}: {error}"
        );
    }
}

#[test]
fn every_example_and_every_known_name_can_be_read() {
    let names = measure::known();
    for word in names.split([' ', ',', ';', '(', ')']) {
        let is_name = Measure::parse(word).is_some();
        if let Some(example) = Measure::parse(word).map(Measure::example) {
            assert!(is_name && example.parse::<Condition>().is_ok(), "{example}");
        }
    }
    assert!(names.contains("server.memory_per_connection"), "{names}");
}
