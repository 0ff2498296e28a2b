//! Every fallible call of some scenarios fails once, in every way it can: `benches/faults/torture`.

#[path = "../../benches/faults/torture/mod.rs"]
mod calls;

// The scenarios use the program of the runs.
use crate::faults::play;

#[test]
fn whichever_call_fails_nobody_else_is_harmed_and_nothing_stays() {
    let mut runs = 0;
    for scenario in calls::SCENARIOS {
        let outcome = calls::run(scenario);
        assert!(outcome.calls > 5, "{} calls nothing", scenario.name);
        let told = outcome.findings.join("\n");
        assert!(outcome.findings.is_empty(), "{}:\n{told}", scenario.name);
        runs += outcome.runs;
    }
    assert!(runs > 1_500, "only {runs} runs");
}
