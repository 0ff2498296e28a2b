//! What happened in runs, as a page.

use super::crew::Outcome;
use super::play::Totals;
use super::play::cast::Kind;
use super::{record, torture};
use std::fmt::Write as _;

/// What a kind of peer does.
fn told(kind: Kind) -> &'static str {
    match kind {
        Kind::Echo => "echo: says something and gets the same back",
        Kind::Talker => "talker: is in a room and hears all that is said there",
        Kind::Reader => "reader: follows a room as an event stream",
        Kind::Browser => "browser: plain HTTP, several requests on one connection",
        Kind::Member => "member: a room with history, ids and receipts",
        Kind::Driver => "driver: tells the program what to do, to panic as well",
        Kind::Liar => "liar: breaks RFC 6455",
        Kind::Flood => "flood: sends as much as it can, and may not read",
        Kind::Staller => "staller: begins and does not go on, or byte by byte",
        Kind::Garbage => "garbage: speaks something else",
    }
}

fn all_faults(totals: &Totals) -> u64 {
    totals.faults.values().sum()
}

/// One run in a few lines.
pub(crate) fn run(totals: &Totals) -> String {
    let mut text = format!(
        "{} turns, {} faults, {} things checked by peers, {} answers to the bystander, {} turns for one at most\n",
        totals.turns,
        all_faults(totals),
        totals.checked,
        totals.answers,
        totals.longest
    );
    for (kind, count) in &totals.kinds {
        let _ = writeln!(text, "{count:6} {}", told(*kind));
    }
    for ((call, name), count) in &totals.faults {
        let _ = writeln!(text, "{count:6} {call}: {name}");
    }
    text
}

/// The runs of many seeds.
pub(crate) fn seeds(from: u64, outcome: &Outcome) -> String {
    let totals = &outcome.totals;
    let runs = totals.runs + outcome.findings.len() as u64;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "- {runs} runs, seeds {from} to {}, in {:.0} s",
        from + runs - 1,
        outcome.took.as_secs_f64()
    );
    let _ = writeln!(text, "- {} findings", outcome.findings.len());
    let _ = writeln!(
        text,
        "- {} turns, each checked; {} faults of the system",
        totals.turns,
        all_faults(totals)
    );
    let _ = writeln!(
        text,
        "- {} things that reached honest peers, each the right one; {} calls to other servers",
        totals.checked, totals.called
    );
    let _ = writeln!(
        text,
        "- bystanders were answered {} times, after {} turns at most\n",
        totals.answers, totals.longest
    );
    let faults = totals.faults.iter();
    let faults: Vec<_> = faults
        .map(|((call, name), count)| [format!("{call}: {name}"), count.to_string()])
        .collect();
    text += &record::table(["fault", "how often"], &faults);
    text.push('\n');
    let kinds = totals.kinds.iter();
    let kinds: Vec<_> = kinds
        .map(|(kind, count)| [told(*kind).to_owned(), count.to_string()])
        .collect();
    text += &record::table(["peers", "how many"], &kinds);
    for finding in &outcome.findings {
        let _ = writeln!(text, "\n- seed {}: {}", finding.seed, finding.message);
    }
    text
}

/// Every call of every scenario fails; the page, and how many findings there are.
pub(crate) fn torture() -> (String, usize) {
    let (mut rows, mut found) = (Vec::new(), Vec::new());
    for scenario in torture::SCENARIOS {
        let outcome = torture::run(scenario);
        rows.push([
            scenario.name.to_owned(),
            outcome.calls.to_string(),
            outcome.runs.to_string(),
            outcome.findings.len().to_string(),
        ]);
        let findings = outcome.findings.into_iter();
        found.extend(findings.map(|finding| format!("- {}: {finding}", scenario.name)));
    }
    let head = ["scenario", "fallible calls", "runs", "findings"];
    let mut text = record::table(head, &rows);
    for finding in &found {
        let _ = writeln!(text, "\n{finding}");
    }
    (text, found.len())
}
