//! From what the workers found to the summary.

use crate::load::figures::Figures;
use crate::load::report::Cpu;
use crate::plan::{Pace, Plan, Scenario};
use crate::summary::{
    Asked, Connections, Ended, Environment, Generator, Messages, Second, Server, Summary, VERSION,
};

/// From so many connections on the generator's memory is divided by them.
pub(super) const MANY: u64 = 5000;

/// What the conductor saw itself.
pub(super) struct Measured {
    pub(super) ended: Ended,
    pub(super) ramp_ns: u64,
    /// Both ends of the measured span; 0: it was never reached.
    pub(super) from: u64,
    pub(super) to: u64,
    /// Connections that were open before and after the load.
    pub(super) open: u64,
    pub(super) open_at_end: u64,
    pub(super) generator: Generator,
    pub(super) has_server: bool,
    pub(super) server: Server,
    /// CPU time of the server, and the time it waited, at both ends of the measured span.
    pub(super) server_from: (u64, u64),
    pub(super) server_to: (u64, u64),
    pub(super) server_last: Option<(u64, u64)>,
    pub(super) seconds: Vec<Second>,
    pub(super) notes: Vec<String>,
}

impl Default for Measured {
    fn default() -> Self {
        Self {
            ended: Ended::Complete,
            ramp_ns: 0,
            from: 0,
            to: 0,
            open: 0,
            open_at_end: 0,
            generator: Generator::default(),
            has_server: false,
            server: Server::default(),
            server_from: (0, 0),
            server_to: (0, 0),
            server_last: None,
            seconds: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// The summary of a run.
pub(super) fn summary(
    plan: &Plan,
    environment: Environment,
    measured: Measured,
    figures: &Figures,
    cpus: &[Cpu],
) -> Summary {
    let span = measured.to.saturating_sub(measured.from);
    let messages = messages(plan, figures, span);
    let mut generator = measured.generator;
    let part = |ns: u64| {
        if span == 0 {
            0.0
        } else {
            (ns as f64 / span as f64).min(1.0)
        }
    };
    generator.cpu_ns = cpus.iter().map(|cpu| cpu.used).sum();
    generator.busy = cpus.iter().map(|cpu| part(cpu.used)).fold(0.0, f64::max);
    generator.waited = cpus.iter().map(|cpu| part(cpu.waited)).fold(0.0, f64::max);
    generator.cpu_per_message = each(generator.cpu_ns, messages.answered_measured);
    generator.lag = figures.lag.latency();
    if measured.open >= MANY && plan.workers == 1 {
        let grown = generator
            .memory_open
            .saturating_sub(generator.memory_before);
        generator.memory_per_connection = Some(grown as f64 / measured.open as f64);
    }
    let server = measured.has_server.then(|| {
        let mut server = measured.server;
        server.cpu_ns = measured.server_to.0.saturating_sub(measured.server_from.0);
        server.waited_ns = measured.server_to.1.saturating_sub(measured.server_from.1);
        server.cpu_per_message = each(server.cpu_ns, messages.answered_measured);
        server
    });
    let any = |times: &crate::load::figures::Times| (times.count() > 0).then(|| times.latency());
    let response = figures.response.latency();
    let counts = &figures.counts;
    Summary {
        version: VERSION,
        environment,
        asked: asked(plan),
        ended: measured.ended,
        invalid: Vec::new(),
        notes: measured.notes,
        measured_ns: span,
        connections: Connections {
            tried: counts.tried,
            opened: counts.opened,
            open_at_end: measured.open_at_end,
            peak: counts.peak,
            deflated: counts.deflated,
            ramp_ns: measured.ramp_ns,
        },
        connect: figures.connect.latency(),
        upgrade: figures.upgrade.latency(),
        service: match plan.pace {
            Pace::Rate(_) if plan.scenario != Scenario::Churn => figures.service.latency(),
            _ => response.clone(),
        },
        response,
        first_receiver: any(&figures.first),
        last_receiver: any(&figures.last),
        reconnect: any(&figures.reconnect),
        messages,
        errors: figures.errors.clone(),
        closes: figures.closes.clone(),
        generator,
        server,
        seconds: measured.seconds,
        conditions: Vec::new(),
    }
}

fn each(ns: u64, messages: u64) -> f64 {
    match messages {
        0 => 0.0,
        messages => ns as f64 / messages as f64,
    }
}

fn messages(plan: &Plan, figures: &Figures, span: u64) -> Messages {
    let counts = &figures.counts;
    let (expected, lost, cut) = if plan.scenario.is_fan_out() {
        let receivers = &figures.receivers;
        let owed = |number: u64, got: u64| (counts.sent * number).saturating_sub(got);
        (
            counts.sent * (receivers.stayed + receivers.left),
            owed(receivers.stayed, receivers.to_stayed),
            owed(receivers.left, receivers.to_left),
        )
    } else {
        (counts.sent, figures.lost, counts.cut)
    };
    let rate = |number: u64| match span {
        0 => 0.0,
        span => number as f64 * 1e9 / span as f64,
    };
    Messages {
        sent: counts.sent,
        sent_bytes: counts.sent * figures.size,
        received: counts.received,
        received_bytes: counts.received_bytes,
        expected,
        answered: counts.answered,
        lost,
        cut,
        duplicates: counts.duplicates,
        reordered: counts.reordered,
        others: counts.others,
        unsent: figures.unsent,
        sent_rate: rate(counts.sent_measured),
        answer_rate: rate(counts.answered_measured),
        sent_measured: counts.sent_measured,
        answered_measured: counts.answered_measured,
    }
}

fn asked(plan: &Plan) -> Asked {
    let some = |number: usize| (number > 0).then_some(number);
    let talks = plan.scenario.talks();
    Asked {
        scenario: plan.scenario.name().to_owned(),
        url: crate::machine::without_secrets_in_url(&plan.url),
        dialect: plan.dialect.name().to_owned(),
        connections: plan.connections,
        senders: some(plan.senders),
        slow: some(plan.slow),
        window: match plan.pace {
            Pace::Window(window) if talks => Some(window),
            _ => None,
        },
        rate: match plan.pace {
            Pace::Rate(rate) if talks => Some(rate),
            _ => None,
        },
        size: plan.size,
        kind: if plan.text { "text" } else { "binary" }.to_owned(),
        deflate: plan.deflate,
        ramp_ns: plan.ramp.as_nanos() as u64,
        warmup_ns: plan.warmup.as_nanos() as u64,
        duration_ns: plan.duration.as_nanos() as u64,
        workers: plan.workers,
    }
}
