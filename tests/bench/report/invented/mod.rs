//! Invented runs that look like real ones, and [odd](odd) ones: for the tests of reports and for the example that
//! draws them.

pub(crate) mod odd;

use dunlin_bench::condition::Conditions;
use dunlin_bench::summary::*;

const SECOND: u64 = 1_000_000_000;

/// The same numbers each time: a report that changed was changed.
struct Noise(u64);

impl Noise {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1u64 << 24) as f64
    }

    fn about(&mut self, value: f64, part: f64) -> f64 {
        value * (1.0 + part * (self.next() * 2.0 - 1.0))
    }
}

/// A distribution with a long tail: `median` in nanoseconds, `tail` is how much a decade multiplies.
pub(crate) fn latency(count: u64, median: f64, tail: f64) -> Latency {
    let at = |quantile: f64| {
        let decades = (-(1.0 - quantile).max(0.5 / count as f64).log10()).min(9.0) - 0.3;
        (median * tail.powf(decades)) as u64
    };
    let mut curve = Vec::new();
    let mut rest = 1.0f64;
    while rest > 1.0 / count as f64 {
        for step in 0..5 {
            let quantile = 1.0 - rest * (1.0 - f64::from(step) / 10.0);
            curve.push((quantile, at(quantile)));
        }
        rest /= 2.0;
    }
    curve.push((1.0, at(1.0)));
    Latency {
        count,
        min: at(0.0),
        mean: median * 1.3,
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        p9999: at(0.9999),
        max: at(1.0),
        curve,
    }
}

/// 1000 connections, closed loop, everything went well.
pub(crate) fn echo() -> Summary {
    let mut noise = Noise(7);
    let mut seconds = Vec::new();
    for at in 1..=34u64 {
        let phase = match at {
            1 => "ramp",
            2..=4 => "warmup",
            5..=33 => "load",
            _ => "drain",
        };
        let rate = match phase {
            "ramp" => 0.0,
            "drain" => 900.0,
            _ => noise.about(84_000.0, 0.04),
        };
        let has_load = rate > 1000.0;
        let time = |value: f64| has_load.then_some(value as u64);
        seconds.push(Second {
            at_ns: at * SECOND,
            phase: phase.to_owned(),
            open: 1000,
            sent: rate as u64,
            answered: rate as u64,
            errors: 0,
            p50: time(noise.about(0.9e6, 0.1)),
            p99: time(noise.about(3.1e6, 0.3)),
            max: time(noise.about(12e6, 0.6)),
            generator_busy: if has_load {
                noise.about(0.62, 0.03)
            } else {
                0.05
            },
            server_busy: Some(if has_load {
                noise.about(0.93, 0.02)
            } else {
                0.04
            }),
            server_memory: Some((7.0e6 + 0.9e6 * (1.0 - (-(at as f64)).exp())) as u64),
        });
    }
    let mut run = Summary {
        version: VERSION,
        environment: Environment {
            dunlin: "0.1.0".to_owned(),
            date: "2026-11-27T16:28:01Z".to_owned(),
            system: "Linux 6.12.0 x86_64".to_owned(),
            processor: "AMD EPYC 7B13".to_owned(),
            cores: 2,
            memory: 24 << 30,
            open_files: 1_048_576,
            command: [
                "dunlin",
                "bench",
                "echo",
                "ws://127.0.0.1:8080/echo",
                "--connections",
                "1000",
                "--duration",
                "30s",
                "--header",
                "Authorization: ***",
            ]
            .map(str::to_owned)
            .to_vec(),
        },
        asked: Asked {
            scenario: "echo".to_owned(),
            url: "ws://127.0.0.1:8080/echo".to_owned(),
            dialect: "plain".to_owned(),
            connections: 1000,
            window: Some(1),
            size: 64,
            kind: "binary".to_owned(),
            ramp_ns: SECOND,
            warmup_ns: 3 * SECOND,
            duration_ns: 30 * SECOND,
            workers: 1,
            ..Asked::default()
        },
        ended: Ended::Complete,
        invalid: Vec::new(),
        notes: Vec::new(),
        measured_ns: 30 * SECOND,
        connections: Connections {
            tried: 1000,
            opened: 1000,
            open_at_end: 1000,
            peak: 1000,
            deflated: 0,
            ramp_ns: 420_000_000,
        },
        connect: latency(1000, 42e3, 2.2),
        upgrade: latency(1000, 180e3, 2.0),
        service: latency(2_526_300, 0.9e6, 1.7),
        response: latency(2_526_300, 0.9e6, 1.7),
        first_receiver: None,
        last_receiver: None,
        reconnect: None,
        messages: Messages {
            sent: 2_778_930,
            sent_bytes: 2_778_930 * 64,
            received: 2_778_930,
            received_bytes: 2_778_930 * 64,
            expected: 2_778_930,
            answered: 2_778_930,
            sent_rate: 84_210.0,
            answer_rate: 84_210.0,
            sent_measured: 2_526_300,
            answered_measured: 2_526_300,
            ..Messages::default()
        },
        errors: [].into(),
        closes: [].into(),
        generator: Generator {
            cpu_ns: 18_600_000_000,
            busy: 0.62,
            waited: 0.001,
            cpu_per_message: 7363.0,
            lag: Latency::default(),
            memory_before: 5 << 20,
            memory_open: 6_400_000,
            memory_per_connection: Some(1157.0),
        },
        server: Some(Server {
            pids: vec![4711],
            name: "dunlin".to_owned(),
            cpu_ns: 27_900_000_000,
            cpu_per_message: 11_044.0,
            waited_ns: 0,
            memory_before: 6 << 20,
            memory_open: 7_300_000,
            memory_peak: 7_900_000,
            memory_per_connection: Some(870.0),
            descriptors: 1012,
        }),
        seconds,
        conditions: Vec::new(),
    };
    judge(&mut run, "p99<20ms,loss=0");
    run
}

fn judge(run: &mut Summary, conditions: &str) {
    let conditions: Conditions = conditions.parse().expect("conditions that can be read");
    run.conditions = conditions.judge(run);
}

/// Open loop against a server that stalls: service and response differ, messages are lost, reset and late.
pub(crate) fn open_loop() -> Summary {
    let mut run = echo();
    let mut noise = Noise(9);
    run.asked.window = None;
    run.asked.rate = Some(20_000.0);
    run.asked.url =
        "wss://chat.example.org/a/rather/long/path/that/goes/on?room=lobby&user=load".to_owned();
    run.service = latency(600_000, 0.3e6, 2.6);
    run.response = latency(600_000, 0.34e6, 7.0);
    run.generator.lag = latency(600_000, 8e3, 2.0);
    run.messages = Messages {
        sent: 659_000,
        expected: 659_000,
        answered: 657_940,
        lost: 812,
        cut: 248,
        duplicates: 3,
        reordered: 17,
        others: 1000,
        unsent: 1000,
        sent_rate: 19_967.0,
        answer_rate: 19_935.0,
        sent_measured: 599_010,
        answered_measured: 598_050,
        ..Messages::default()
    };
    for (at, second) in run.seconds.iter_mut().enumerate() {
        let is_load = second.sent > 1000;
        let stalls = (14..17).contains(&at);
        second.sent = if is_load { 20_000 } else { 0 };
        second.answered = match (is_load, stalls) {
            (true, false) => noise.about(20_000.0, 0.01) as u64,
            (true, true) => 3000,
            _ => 0,
        };
        second.errors = if stalls { 4 } else { 0 };
        second.p50 = is_load.then_some(if stalls { 700_000_000 } else { 340_000 });
        second.p99 = is_load.then_some(if stalls {
            1_400_000_000
        } else {
            noise.about(4e6, 0.4) as u64
        });
        second.max = is_load.then_some(if stalls {
            2_900_000_000
        } else {
            noise.about(11e6, 0.4) as u64
        });
        second.server_busy = Some(if stalls {
            0.02
        } else {
            noise.about(0.41, 0.05)
        });
        second.open = if at > 16 { 996 } else { 1000 };
    }
    run.connections.open_at_end = 996;
    run.errors = [
        ("connect: refused".to_owned(), 4),
        ("read: connection reset by peer".to_owned(), 8),
    ]
    .into();
    run.closes = [("1006, no close frame".to_owned(), 4)].into();
    run.notes = vec![
        "The server and the generator share one machine: they take each other's caches.".to_owned(),
    ];
    judge(
        &mut run,
        "response.p99.9<20ms,service.p99<20ms,loss<0.1%,server.cpu<80%",
    );
    run
}

/// 50 000 connections that say nothing, over 80 s.
pub(crate) fn idle() -> Summary {
    let mut run = echo();
    run.asked.scenario = "idle".to_owned();
    run.asked.connections = 50_000;
    run.asked.window = None;
    run.asked.ramp_ns = 20 * SECOND;
    run.asked.duration_ns = 60 * SECOND;
    run.asked.warmup_ns = 0;
    run.measured_ns = 60 * SECOND;
    run.connections = Connections {
        tried: 50_000,
        opened: 49_988,
        open_at_end: 49_988,
        peak: 49_988,
        deflated: 0,
        ramp_ns: 20_100_000_000,
    };
    run.errors = [("handshake: no answer in 10 s".to_owned(), 12)].into();
    run.connect = latency(50_000, 55e3, 3.0);
    run.upgrade = latency(49_988, 210e3, 4.0);
    run.service = Latency::default();
    run.response = Latency::default();
    run.messages = Messages::default();
    run.generator.cpu_per_message = 0.0;
    run.generator.busy = 0.004;
    judge(&mut run, "p99<20ms");
    run.seconds = (1..=81u64)
        .map(|at| Second {
            at_ns: if at == 81 {
                80 * SECOND + 4_000_000
            } else {
                at * SECOND
            },
            phase: (if at <= 20 { "ramp" } else { "load" }).to_owned(),
            open: (at * 2500).min(49_988),
            errors: if at == 19 { 12 } else { 0 },
            generator_busy: if at <= 20 { 0.21 } else { 0.003 },
            server_busy: Some(if at <= 20 { 0.34 } else { 0.002 }),
            server_memory: Some(6_000_000 + (at * 2500).min(49_988) * 870),
            ..Second::default()
        })
        .collect();
    run
}

/// The generator was the bottleneck.
pub(crate) fn invalid() -> Summary {
    let mut run = echo();
    run.invalid = vec![
        "a worker used 99 % of its core: give it more with --workers, or ask for less".to_owned(),
        "the generator was late by 12 ms at p99, wanted: at most 1 ms".to_owned(),
    ];
    for second in &mut run.seconds {
        second.generator_busy = second.generator_busy.min(0.99) * 1.55;
    }
    judge(&mut run, "p99<20ms,valid");
    run
}

/// One sender, 500 receivers.
pub(crate) fn broadcast() -> Summary {
    let mut run = echo();
    run.asked.scenario = "broadcast".to_owned();
    run.asked.senders = Some(2);
    run.asked.connections = 500;
    run.asked.rate = Some(100.0);
    run.asked.window = None;
    run.first_receiver = Some(latency(3000, 0.12e6, 2.0));
    run.last_receiver = Some(latency(3000, 1.9e6, 1.8));
    run.service = latency(1_500_000, 0.7e6, 1.7);
    run.response = latency(1_500_000, 0.75e6, 1.9);
    run.generator.lag = latency(3000, 6e3, 1.6);
    run
}

/// Three servers under the same load, the last one not to be trusted.
pub(crate) fn three() -> Vec<Summary> {
    let mut runs = vec![echo(), echo(), invalid()];
    let servers = [
        ("dunlin", 1.0, 0.9e6, 1.7),
        ("ws (Node)", 0.55, 1.6e6, 2.4),
        ("gorilla", 1.2, 0.7e6, 3.1),
    ];
    for (run, (name, factor, median, tail)) in runs.iter_mut().zip(servers) {
        run.messages.answer_rate *= factor;
        run.response = latency(2_000_000, median, tail);
        if let Some(server) = &mut run.server {
            server.name = name.to_owned();
            server.cpu_per_message /= factor;
            server.memory_peak = (server.memory_peak as f64 * (3.0 / factor)) as u64;
        }
        for second in &mut run.seconds {
            second.answered = (second.answered as f64 * factor) as u64;
            second.p99 = second.p99.map(|ns| (ns as f64 * tail) as u64);
            second.server_memory = second
                .server_memory
                .map(|bytes| (bytes as f64 / factor) as u64);
            second.server_busy = second.server_busy.map(|busy| busy * factor);
        }
    }
    runs
}

/// All of them with a name.
pub(crate) fn all() -> Vec<(&'static str, Vec<Summary>)> {
    let mut all: Vec<(&'static str, Vec<Summary>)> = [
        ("echo", echo()),
        ("open-loop", open_loop()),
        ("idle", idle()),
        ("invalid", invalid()),
        ("broadcast", broadcast()),
        ("one-second", odd::one_second()),
        ("nothing", odd::nothing()),
        ("long", odd::long()),
        ("hostile", odd::hostile()),
    ]
    .map(|(name, run)| (name, vec![run]))
    .into();
    for (name, run) in ["huge", "zero"].into_iter().zip(odd::extremes()) {
        all.push((name, vec![run]));
    }
    all.push(("three", three()));
    let mut ten = Vec::new();
    for connections in 1..=10 {
        let mut run = echo();
        run.asked.connections = connections * 1000;
        ten.push(run);
    }
    all.push(("ten", ten));
    all
}
