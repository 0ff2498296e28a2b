//! Runs of `benches/faults` in which the system goes wrong: a share of a few seconds.
//!
//! `DUNLIN_SEED=17 cargo test --test sim faults` plays one run alone; so does
//! `cargo bench --bench faults -- --seed 17`.

#[path = "../../benches/faults/play/mod.rs"]
pub(crate) mod play;

use play::Totals;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Runs of a test.
const RUNS: u64 = 60;

fn play(seed: u64) -> Totals {
    match catch_unwind(AssertUnwindSafe(|| play::play(seed))) {
        Ok(totals) => totals,
        Err(problem) => {
            eprintln!("the run of seed {seed} failed; `DUNLIN_SEED={seed}` plays it alone");
            resume_unwind(problem)
        }
    }
}

#[test]
fn whatever_goes_wrong_the_promises_hold_and_nothing_stays() {
    let seed = std::env::var("DUNLIN_SEED").ok();
    if let Some(seed) = seed.and_then(|seed| seed.parse().ok()) {
        play(seed);
        return;
    }
    let mut totals = Totals::default();
    (0..RUNS).for_each(|seed| totals.add(play(seed)));
    assert!(totals.checked > 1_000, "{} things checked", totals.checked);
    let kinds = totals.faults.len();
    assert!(
        kinds > 30,
        "only {kinds} kinds of faults: {:?}",
        totals.faults
    );
}

#[test]
fn a_seed_replays_a_run_with_all_its_faults() {
    let run = || {
        let totals = play(3);
        (totals.turns, totals.faults, totals.checked)
    };
    assert_eq!(run(), run());
}
