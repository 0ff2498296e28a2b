//! Runs at the limits: short, long, empty, huge, and with text of others.

use super::{Noise, SECOND, echo, idle, latency, open_loop};
use dunlin_bench::summary::*;

/// As short as it can be: one second, one message.
pub(crate) fn one_second() -> Summary {
    let mut run = echo();
    run.seconds.truncate(5);
    run.seconds.drain(..4);
    run.seconds[0].at_ns = SECOND;
    run.seconds[0].sent = 1;
    run.seconds[0].answered = 1;
    run.response = latency(1, 0.9e6, 1.0);
    run.service = run.response.clone();
    run.measured_ns = SECOND;
    run.asked.connections = 1;
    run.server = None;
    run
}

/// Nothing answered at all.
pub(crate) fn nothing() -> Summary {
    let mut run = idle();
    run.ended = Ended::Nothing;
    run.seconds.clear();
    run.connect = Latency::default();
    run.upgrade = Latency::default();
    run.connections = Connections {
        tried: 50_000,
        ..Connections::default()
    };
    run.measured_ns = 0;
    run.server = None;
    run.errors = [("connect: refused".to_owned(), 50_000)].into();
    run
}

/// Ten thousand seconds.
pub(crate) fn long() -> Summary {
    let mut run = echo();
    let mut noise = Noise(11);
    run.asked.duration_ns = 10_000 * SECOND;
    run.seconds = (1..=10_000u64)
        .map(|at| {
            let day = 1.0 + 0.3 * (at as f64 / 900.0).sin();
            let value = |value: f64| Some((value * day) as u64);
            Second {
                at_ns: at * SECOND,
                phase: (if at < 10 { "ramp" } else { "load" }).to_owned(),
                open: 1000,
                sent: noise.about(84_000.0 * day, 0.05) as u64,
                answered: noise.about(83_900.0 * day, 0.05) as u64,
                errors: u64::from(at % 1711 == 0),
                p50: value(noise.about(0.9e6, 0.1)),
                p99: value(noise.about(3e6, 0.3)),
                max: value(noise.about(12e6, 0.6)),
                generator_busy: noise.about(0.6, 0.05),
                server_busy: Some(noise.about(0.9, 0.05)),
                server_memory: Some(7_000_000 + at * 90),
            }
        })
        .collect();
    run
}

/// The greatest values that the format holds, and everything at zero.
pub(crate) fn extremes() -> Vec<Summary> {
    let mut huge = echo();
    let most = Latency {
        count: u64::MAX,
        min: 0,
        mean: 1e19,
        p50: 1,
        p90: u64::MAX,
        p99: u64::MAX,
        p999: u64::MAX,
        p9999: u64::MAX,
        max: u64::MAX,
        curve: vec![(0.0, 0), (0.5, 1), (0.9, u64::MAX), (1.0, u64::MAX)],
    };
    for latency in [
        &mut huge.connect,
        &mut huge.upgrade,
        &mut huge.service,
        &mut huge.response,
    ] {
        *latency = most.clone();
    }
    huge.messages.lost = u64::MAX;
    huge.messages.sent = u64::MAX;
    huge.messages.answer_rate = 1e18;
    huge.generator.busy = 1e6;
    for second in &mut huge.seconds {
        second.sent = u64::MAX;
        second.answered = u64::MAX;
        second.max = Some(u64::MAX);
        second.server_memory = Some(u64::MAX);
        second.server_busy = Some(1e6);
    }
    let mut zero = echo();
    zero.measured_ns = 0;
    zero.connections = Connections::default();
    zero.messages = Messages {
        expected: 1,
        ..Messages::default()
    };
    zero.server = Some(Server::default());
    zero.generator = Generator::default();
    zero.asked = Asked::default();
    zero.environment = Environment::default();
    for second in &mut zero.seconds {
        *second = Second::default();
    }
    vec![huge, zero]
}

/// Text from others that would be markup, end a line, or colour a terminal.
pub(crate) fn hostile() -> Summary {
    let mut run = open_loop();
    let text = "<script>alert(\"1\")</script>'&amp;\u{1b}[31m\r\n</style></title><img src=x>";
    run.asked.scenario = text.to_owned();
    run.asked.url = format!("ws://h/{text}");
    run.asked.kind = text.to_owned();
    run.asked.dialect = text.to_owned();
    run.notes = vec![text.to_owned()];
    run.invalid = vec![text.to_owned()];
    run.errors = [(text.to_owned(), 1)].into();
    run.closes = [(text.to_owned(), 1)].into();
    run.environment = Environment {
        dunlin: text.to_owned(),
        date: text.to_owned(),
        system: text.to_owned(),
        processor: text.to_owned(),
        command: vec![text.to_owned()],
        ..run.environment
    };
    if let Some(server) = &mut run.server {
        server.name = text.to_owned();
    }
    run.conditions = vec![Judged {
        text: text.to_owned(),
        found: text.to_owned(),
        held: false,
    }];
    for second in &mut run.seconds {
        second.phase = text.to_owned();
    }
    run
}
