//! What a report says of one run, in words and figures, in the order of reading: the same for the
//! terminal and for the page.

use super::super::quantity::{count, rate, share, size, span, time};
use super::super::summary::{Ended, Latency, Summary};

/// A name, a value with its unit, and what else is to be said of it.
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) note: String,
    /// Whether it is one that nobody wants to see.
    pub(super) is_bad: bool,
}

fn figure(name: &'static str, value: String, note: impl Into<String>) -> Figure {
    Figure {
        name,
        value,
        note: note.into(),
        is_bad: false,
    }
}

/// What a run was, in a few words.
pub(super) fn title(run: &Summary) -> String {
    clean(&format!("{} on {}", run.asked.scenario, run.asked.url))
}

/// The one or two figures that matter most.
pub(super) fn headline(run: &Summary) -> String {
    let p99 = |name: &str, latency: &Latency| format!("{name} p99 {}", time(latency.p99 as f64));
    let messages = &run.messages;
    if let Some(reconnect) = &run.reconnect {
        return p99("reconnect", reconnect);
    }
    if messages.expected > 0 {
        let answers = format!("{} {} a second", rate(messages.answer_rate), answers(run));
        return match run.response.count {
            0 => answers,
            _ => format!("{answers}, {}", p99("response", &run.response)),
        };
    }
    let opened = format!("{} connections opened", count(run.connections.opened));
    match run.upgrade.count {
        0 => opened,
        _ => format!("{opened}, {}", p99("upgrade", &run.upgrade)),
    }
}

/// How it ended, if not as planned.
pub(super) fn ended(run: &Summary) -> Option<String> {
    let measured = span_of_run(run.measured_ns);
    let asked = span(run.asked.duration_ns);
    match run.ended {
        Ended::Complete => None,
        Ended::Interrupted => Some(format!(
            "Interrupted after {measured} of {asked}: the figures are those until then."
        )),
        Ended::Lost => Some(format!(
            "The server went away after {measured} of {asked}: every connection ended."
        )),
        Ended::Nothing if run.connections.opened > 0 => {
            Some("Nothing was measured: every connection ended before the load began.".to_owned())
        }
        Ended::Nothing => Some("Nothing was measured: no connection was ever open.".to_owned()),
    }
}

/// A length that was measured: nobody wants to know its nanoseconds.
fn span_of_run(ns: u64) -> String {
    if ns >= 1_000_000_000 {
        span(ns / 100_000_000 * 100_000_000)
    } else {
        time(ns as f64)
    }
}

/// What was asked for, in a few words each.
pub(super) fn asked(run: &Summary) -> Vec<String> {
    let asked = &run.asked;
    let mut words = vec![plural(asked.connections as u64, "connection")];
    if let Some(senders) = asked.senders {
        words.push(plural(senders as u64, "sender"));
    }
    if let Some(slow) = asked.slow {
        words.push(plural(slow as u64, "slow reader"));
    }
    if asked.rate.is_some() || asked.window.is_some() {
        words.push(format!("{} {}", size(asked.size as f64), asked.kind));
    }
    if let Some(rate_asked) = asked.rate {
        words.push(format!("open loop, {} messages a second", rate(rate_asked)));
    } else if let Some(window) = asked.window {
        words.push(format!(
            "closed loop, {} in flight each",
            count(window.into())
        ));
    }
    if asked.deflate {
        words.push("permessage-deflate offered".to_owned());
    }
    if !asked.dialect.is_empty() && asked.dialect != "plain" {
        words.push(format!("dialect {}", asked.dialect));
    }
    words.push(match asked.ramp_ns {
        0 => "opened as fast as it goes".to_owned(),
        ns => format!("opened within {}", span(ns)),
    });
    if asked.warmup_ns > 0 {
        words.push(format!("{} of warm-up", span(asked.warmup_ns)));
    }
    words.push(format!("{} measured", span(asked.duration_ns)));
    if asked.workers > 1 {
        words.push(plural(asked.workers as u64, "worker"));
    }
    words.iter().map(|words| clean(words)).collect()
}

/// The distributions that have values; service and response apart only in open loop.
pub(super) fn latencies(run: &Summary) -> Vec<(&'static str, &Latency)> {
    let is_open_loop = run.asked.rate.is_some();
    let all = [
        ("connect", Some(&run.connect)),
        ("upgrade", Some(&run.upgrade)),
        ("service", is_open_loop.then_some(&run.service)),
        ("response", Some(&run.response)),
        ("first receiver", run.first_receiver.as_ref()),
        ("last receiver", run.last_receiver.as_ref()),
        ("reconnect", run.reconnect.as_ref()),
    ];
    let with_values = |(name, latency): (_, Option<_>)| {
        let latency: &Latency = latency?;
        (latency.count > 0).then_some((name, latency))
    };
    all.into_iter().filter_map(with_values).collect()
}

pub(super) fn connections(run: &Summary) -> Vec<Figure> {
    let connections = &run.connections;
    let all_opened = connections.opened == connections.tried;
    let mut figures = vec![Figure {
        is_bad: !all_opened,
        ..figure(
            "opened",
            count(connections.opened),
            match connections.tried {
                tried if all_opened => format!("all {} that were tried", count(tried)),
                tried => format!("of {} tried", count(tried)),
            },
        )
    }];
    if connections.peak != connections.opened {
        figures.push(figure("most at a time", count(connections.peak), ""));
    }
    figures.push(figure(
        "open at the end",
        count(connections.open_at_end),
        "",
    ));
    if connections.ramp_ns > 0 {
        let a_second = connections.peak as f64 / (connections.ramp_ns as f64 / 1e9);
        let note = format!("{} a second", rate(a_second));
        figures.push(figure("ramp", time(connections.ramp_ns as f64), note));
    }
    if run.asked.deflate {
        let note = "agreed on permessage-deflate";
        figures.push(figure("deflated", count(connections.deflated), note));
    }
    figures
}

/// Empty where no message was sent or expected.
pub(super) fn messages(run: &Summary) -> Vec<Figure> {
    let messages = &run.messages;
    if messages.sent == 0 && messages.expected == 0 && messages.unsent == 0 {
        return Vec::new();
    }
    let a_second = |number: f64| format!("{} a second", rate(number));
    let of_expected = |number: u64| match (number, messages.expected) {
        (0, _) | (_, 0) => String::new(),
        (number, expected) => format!(
            "{} of those expected",
            share(number as f64 / expected as f64)
        ),
    };
    let mut figures = vec![
        figure("sent", count(messages.sent), a_second(messages.sent_rate)),
        figure(
            answered(run),
            count(messages.answered),
            a_second(messages.answer_rate),
        ),
        Figure {
            is_bad: messages.lost > 0,
            ..figure("lost", count(messages.lost), of_expected(messages.lost))
        },
    ];
    for (name, number, note) in [
        ("cut", messages.cut, "their connection ended before"),
        ("duplicates", messages.duplicates, "came more than once"),
        ("reordered", messages.reordered, "came behind a later one"),
        ("unsent", messages.unsent, "too much was outstanding"),
    ] {
        if number > 0 {
            figures.push(Figure {
                is_bad: true,
                ..figure(name, count(number), note)
            });
        }
    }
    if messages.others > 0 {
        let note = "such as greetings";
        figures.push(figure("others", count(messages.others), note));
    }
    figures
}

/// What answers are called in the scenario.
fn answers(run: &Summary) -> &'static str {
    if run.asked.senders.is_some() {
        "deliveries"
    } else {
        "answers"
    }
}

fn answered(run: &Summary) -> &'static str {
    if run.asked.senders.is_some() {
        "delivered"
    } else {
        "answered"
    }
}

pub(super) fn generator(run: &Summary) -> Vec<Figure> {
    let generator = &run.generator;
    let note = match run.asked.workers {
        0 | 1 => "of its core".to_owned(),
        workers => format!("of its core, the busiest of {workers}"),
    };
    let mut figures = vec![figure("CPU", share(generator.busy), note)];
    if generator.waited >= 0.005 {
        let note = "of the time others had its core";
        figures.push(figure("kept waiting", share(generator.waited), note));
    }
    if generator.cpu_per_message > 0.0 {
        figures.push(figure("CPU a message", time(generator.cpu_per_message), ""));
    }
    if run.asked.rate.is_some() && generator.lag.count > 0 {
        let note = format!("max {}", time(generator.lag.max as f64));
        figures.push(figure("lag p99", time(generator.lag.p99 as f64), note));
    }
    if generator.memory_open > 0 {
        let note = generator
            .memory_per_connection
            .map(|bytes| format!("{} a connection", size(bytes)));
        let memory = size(generator.memory_open as f64);
        figures.push(figure("memory", memory, note.unwrap_or_default()));
    }
    figures
}

/// Empty where the server was not observed.
pub(super) fn server(run: &Summary) -> Vec<Figure> {
    let Some(server) = &run.server else {
        return Vec::new();
    };
    let pids: Vec<String> = server.pids.iter().map(u32::to_string).collect();
    let of_span = |ns: u64| share(ns as f64 / run.measured_ns.max(1) as f64);
    let mut figures = vec![figure(
        "process",
        clean(&server.name),
        format!("pid {}", pids.join(", ")),
    )];
    if run.measured_ns > 0 {
        figures.push(figure("CPU", of_span(server.cpu_ns), "of a core"));
        if server.waited_ns > run.measured_ns / 200 {
            let note = "others had its core";
            figures.push(figure("kept waiting", of_span(server.waited_ns), note));
        }
    }
    if run.messages.answered_measured > 0 {
        figures.push(figure("CPU a message", time(server.cpu_per_message), ""));
    }
    let before = format!(
        "{} before the first call",
        size(server.memory_before as f64)
    );
    figures.push(figure(
        "memory, all open",
        size(server.memory_open as f64),
        before,
    ));
    figures.push(figure("memory, most", size(server.memory_peak as f64), ""));
    if let Some(bytes) = server.memory_per_connection {
        figures.push(figure(
            "memory a connection",
            size(bytes),
            "fitted over the ramp",
        ));
    }
    figures.push(figure(
        "descriptors",
        count(server.descriptors),
        "with all open",
    ));
    figures
}

/// Name and value of what the run was made with.
pub(super) fn environment(run: &Summary) -> Vec<(&'static str, String)> {
    let environment = &run.environment;
    let mut rows = vec![
        ("date", environment.date.clone()),
        ("dunlin", environment.dunlin.clone()),
        ("system", environment.system.clone()),
        ("processor", environment.processor.clone()),
        ("cores", count(environment.cores as u64)),
        ("memory", size(environment.memory as f64)),
        (
            "open files",
            format!("at most {}", count(environment.open_files)),
        ),
    ];
    rows.retain(|(_, value)| !value.is_empty());
    rows.iter()
        .map(|(name, value)| (*name, clean(value)))
        .collect()
}

/// The arguments as a shell would take them.
pub(super) fn command(run: &Summary) -> String {
    let quoted = run.environment.command.iter().map(|argument| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
        if !argument.is_empty() && argument.chars().all(is_plain) {
            argument.clone()
        } else {
            format!("'{}'", argument.replace('\'', "'\\''"))
        }
    });
    clean(&quoted.collect::<Vec<_>>().join(" "))
}

/// Without control characters and marks that turn the direction of text: part of it came from a server.
pub(super) fn clean(text: &str) -> String {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| if is_odd(c) { '\u{fffd}' } else { c })
        .collect()
}

pub(super) fn plural(number: u64, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{} {what}s", count(number)),
    }
}
