//! When a run says more about the generator than about the server.

use crate::plan::{Pace, Plan};
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

/// Says why the figures are not those of the server.
pub(super) fn judge(plan: &Plan, summary: &mut Summary) {
    if summary.measured_ns == 0 || !plan.scenario.talks() {
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
        let held_back = summary.messages.unsent > 0;
        // The last one may be due at the very end.
        let sent = (summary.messages.sent_measured + 1) as f64;
        let intended = rate * summary.measured_ns as f64 / 1e9;
        if !held_back && sent < intended * SENT && summary.messages.cut == 0 {
            invalid.push(format!(
                "{:.0} messages a second left, {rate:.0} were intended; {more}",
                summary.messages.sent_rate
            ));
        }
    }
    summary.invalid = invalid;
}
