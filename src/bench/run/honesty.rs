//! When a run says more about the generator than about the server.

use crate::load::figures::Figures;
use crate::plan::{Pace, Plan, Scenario};
use crate::quantity::{count, span};
use crate::summary::Summary;
use std::time::Duration;

/// A worker that used so much of its core had no time left: the server might have done more.
const BUSY: f64 = 0.95;
/// A worker that used less than this had time: it was others who kept it from being in time.
const HAS_TIME: f64 = 0.7;
/// A worker that was kept from its core for such a part of the time measured others as well.
const WAITED: f64 = 0.2;
/// The most that a message may leave later than intended in open loop, at the 99th percentile.
const LAG: u64 = 1_000_000;
/// Or such a part of the response time at the same percentile, where that is more.
const LAG_PART: f64 = 0.1;
/// In open loop, the least part of what was intended that must have been sent in time.
const SENT: f64 = 0.99;

/// A shorter span says nothing about the generator, in nanoseconds.
const SHORT: u64 = 50_000_000;

/// Says why the figures are not those of the server, and what a reader would wonder about.
pub(super) fn judge(plan: &Plan, figures: &Figures, summary: &mut Summary) {
    if plan.scenario.talks() && summary.measured_ns > 0 {
        let unmeasured = unmeasured(summary);
        summary.notes.extend(unmeasured);
    }
    if summary.measured_ns < SHORT || !plan.scenario.talks() {
        return;
    }
    let generator = &summary.generator;
    let mut invalid = Vec::new();
    let more = if generator.busy < HAS_TIME {
        "give the generator a core of its own".to_owned()
    } else if plan.workers < summary.environment.cores {
        format!("try --workers {}", plan.workers + 1)
    } else {
        "another machine for the generator would tell".to_owned()
    };
    if generator.busy >= BUSY {
        invalid.push(format!(
            "the generator used {:.0} % of its core: the server may be able to do more; {more}",
            100.0 * generator.busy
        ));
    }
    if generator.waited >= WAITED {
        invalid.push(format!(
            "others had the generator's core for {:.0} % of the time; give it one of its own",
            100.0 * generator.waited
        ));
    }
    if let Pace::Rate(rate) = plan.pace {
        let lag = generator.lag.p99;
        let most = (summary.response.p99 as f64 * LAG_PART) as u64;
        if lag > LAG.max(most) {
            let lag = Duration::from_nanos(lag);
            invalid.push(format!(
                "1 % of the messages left more than {lag:.1?} later than intended; {more}"
            ));
        }
        let messages = match plan.scenario {
            Scenario::Churn => rate * f64::from(plan.visit),
            _ => rate,
        };
        let intended = messages * summary.measured_ns as f64 / 1e9;
        // The span may begin and end between two messages.
        let sent = summary.messages.sent_measured as f64 + 1.0;
        // What the server held back, or cut, is its own affair.
        let is_held_back = summary.messages.unsent > figures.overdue || summary.messages.cut > 0;
        if figures.overdue as f64 > (1.0 - SENT) * intended {
            invalid.push(format!(
                "the generator did not come to {} of the messages that were due; {more}",
                count(figures.overdue)
            ));
        } else if !is_held_back && figures.errors.is_empty() && sent < intended * SENT {
            invalid.push(format!(
                "{:.0} messages a second left, {messages:.0} were intended; {more}",
                summary.messages.sent_rate
            ));
        }
    }
    summary.invalid = invalid;
}

/// Why messages were answered and no time of an answer is there.
fn unmeasured(summary: &Summary) -> Option<String> {
    let messages = &summary.messages;
    if summary.response.count > 0 || messages.answered == 0 {
        return None;
    }
    let measured = span(summary.measured_ns);
    Some(if messages.sent_measured == 0 {
        format!(
            "no message was sent in the measured {measured}, since answers to earlier ones were \
             awaited: no response time is known; try a longer --duration"
        )
    } else {
        format!(
            "no message of the measured {measured} was answered: no response time is known; try a \
             longer --duration or --timeout"
        )
    })
}
