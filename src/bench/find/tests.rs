//! Searches on invented servers.

use super::*;
use std::convert::Infallible;

/// Searches on an invented server: which trial it is and the number give the outcome.
fn search(search: &Search, server: impl Fn(usize, u64) -> Trial) -> Found {
    search.check().expect("a search that may run");
    let mut trials = 0;
    let found = search.run(|number| {
        trials += 1;
        assert!(
            (1..=search.most).contains(&number),
            "{number} is out of bounds"
        );
        Ok::<_, Infallible>(server(trials, number))
    });
    let found = found.expect("no trial fails");
    assert!(trials <= search.trials, "{trials} trials");
    assert_eq!(trials, found.trials.len());
    found
}

fn held(held: bool) -> Trial {
    Trial {
        held,
        ..Trial::default()
    }
}

fn invalid(reason: &str) -> Trial {
    Trial {
        held: true,
        invalid: vec![reason.to_owned()],
        why: Vec::new(),
    }
}

#[test]
fn a_sharp_limit_is_found_within_the_precision() {
    for limit in [1, 2, 3, 7, 99, 100, 101, 1234, 65_536, 999_999] {
        let found = search(&Search::default(), |_, number| held(number <= limit));
        let best = found.best.expect("it holds at the limit");
        assert!(best <= limit, "{best} for {limit}");
        assert!(
            best as f64 >= limit as f64 / 1.05 - 1.0,
            "{best} for {limit}"
        );
        assert!(found.is_confirmed);
        assert!(
            matches!(found.bound, Bound::Server(at) if at > limit),
            "{:?}",
            found.bound
        );
        assert!(
            found.trials.len() < 25,
            "{} trials for {limit}",
            found.trials.len()
        );
    }
}

#[test]
fn a_server_that_holds_to_the_most_is_tried_there_and_not_beyond() {
    for (start, most) in [(100, 1000), (1, 1), (100, 100), (3, u64::MAX)] {
        let all = Search {
            start,
            most,
            trials: 100,
            ..Search::default()
        };
        let found = search(&all, |_, _| held(true));
        assert_eq!((found.best, found.is_confirmed), (Some(most), true));
        assert_eq!(found.bound, Bound::Most);
    }
}

#[test]
fn a_server_that_never_holds_gives_no_result() {
    let found = search(&Search::default(), |_, _| held(false));
    assert_eq!((found.best, found.is_confirmed), (None, false));
    assert_eq!(found.trials.last().map(|tried| tried.number), Some(1));
    assert!(
        found.verdict("connections").starts_with("No result"),
        "{found:?}"
    );
}

#[test]
fn what_fails_at_the_start_is_sought_below() {
    let found = search(
        &Search {
            start: 10_000,
            ..Search::default()
        },
        |_, number| held(number <= 777),
    );
    let best = found.best.expect("it holds at 777");
    assert!((740..=777).contains(&best), "{best}");
}

#[test]
fn one_failure_by_accident_on_the_way_up_does_not_end_it() {
    let found = search(&Search::default(), |trial, number| {
        held(trial != 3 && number <= 5000)
    });
    assert!(found.best.is_some_and(|best| best > 4700), "{found:?}");
    assert_eq!(found.trials[3].step, Step::Again);
}

#[test]
fn an_invalid_trial_ends_the_way_up_and_its_reason_is_told() {
    let found = search(&Search::default(), |_, number| {
        if number > 3000 {
            invalid("busy 99 %")
        } else {
            held(true)
        }
    });
    assert!(found.trials.iter().all(|tried| tried.number <= 3200));
    let best = found.best.expect("it holds below");
    assert!((2850..=3000).contains(&best), "{best}");
    let verdict = found.verdict("connections");
    assert!(
        verdict.contains("generator was the bottleneck at 3,"),
        "{verdict}"
    );
    assert!(
        verdict.contains("the server may do more: busy 99 %"),
        "{verdict}"
    );
    assert!(found.table("connections").contains("INVALID  busy 99 %"));
}

#[test]
fn a_server_that_fails_below_what_was_invalid_is_the_bound() {
    let found = search(&Search::default(), |_, number| match number {
        0..=1000 => held(true),
        1001..=1500 => held(false),
        _ => invalid("busy"),
    });
    assert!(
        matches!(found.bound, Bound::Server(1001..=1500)),
        "{:?}",
        found.bound
    );
    assert!(found.best.is_some_and(|best| (950..=1000).contains(&best)));
}

#[test]
fn a_search_that_is_invalid_everywhere_has_no_result() {
    let found = search(&Search::default(), |_, _| invalid("no core of its own"));
    assert_eq!(found.best, None);
    assert_eq!(
        found.bound,
        Bound::Generator(1, vec!["no core of its own".to_owned()])
    );
}

#[test]
fn a_result_that_does_not_hold_again_is_lowered() {
    // Tired by the search: after ten trials it does less.
    let limit = |trial| if trial <= 10 { 1000 } else { 930 };
    let found = search(&Search::default(), |trial, number| {
        held(number <= limit(trial))
    });
    assert!(found.is_confirmed, "{found:?}");
    assert!(
        found.best.is_some_and(|best| (840..=930).contains(&best)),
        "{:?}",
        found.best
    );
    assert!(matches!(found.bound, Bound::Server(_)));
}

#[test]
fn a_result_that_never_holds_again_is_not_confirmed() {
    let steps = Search {
        steps_down: 2,
        ..Search::default()
    };
    let found = search(&steps, |trial, number| held(trial <= 10 && number <= 1000));
    assert!(!found.is_confirmed);
    let confirmations = found
        .trials
        .iter()
        .filter(|tried| tried.step == Step::Confirm);
    assert_eq!(confirmations.count(), 3);
    assert!(found.verdict("connections").contains("not confirmed"));
}

#[test]
fn noise_at_the_limit_moves_the_result_but_little() {
    for seed in 0..200u64 {
        let noise = |trial: usize| {
            let mixed = (seed * 1000 + trial as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            (mixed >> 40) as f64 / (1u64 << 24) as f64 - 0.5
        };
        let found = search(&Search::default(), |trial, number| {
            held((number as f64) < 5000.0 * (1.0 + 0.1 * noise(trial)))
        });
        let best = found.best.expect("it holds far below");
        assert!((4200..=5300).contains(&best), "{best} with seed {seed}");
    }
}

#[test]
fn a_dip_below_the_limit_ends_the_search_at_a_number_that_holds() {
    let server = |number| !(300..500).contains(&number) && number <= 9000;
    let found = search(&Search::default(), |_, number| held(server(number)));
    assert!(found.is_confirmed);
    assert!(found.best.is_some_and(server), "{:?}", found.best);
}

#[test]
fn the_number_of_trials_bounds_every_search() {
    for trials in 2..30 {
        let few = Search {
            trials,
            ..Search::default()
        };
        for limit in [0, 1, 150, 5000, u64::MAX] {
            let found = search(&few, |_, number| held(number <= limit));
            assert!(found.best.is_none_or(|best| best <= limit));
        }
    }
    let found = search(
        &Search {
            trials: 4,
            ..Search::default()
        },
        |_, _| held(true),
    );
    assert_eq!((found.best, found.is_confirmed), (Some(400), true));
    assert_eq!(found.bound, Bound::Trials);
}

#[test]
fn a_trial_that_cannot_run_ends_the_search() {
    let found = Search::default().run(|number| {
        if number > 200 {
            Err("refused")
        } else {
            Ok(held(true))
        }
    });
    assert_eq!(found.err(), Some("refused"));
}

#[test]
fn numbers_that_make_no_search_are_named() {
    let good = Search::default;
    for (search, part) in [
        (Search { start: 0, ..good() }, "starts at 0"),
        (
            Search {
                start: 11,
                most: 10,
                ..good()
            },
            "its most, 10",
        ),
        (
            Search {
                precision: f64::NAN,
                ..good()
            },
            "NaN",
        ),
        (
            Search {
                precision: 0.0,
                ..good()
            },
            "0.001 to 0.5",
        ),
        (
            Search {
                trials: 1,
                ..good()
            },
            "1 trials",
        ),
        (
            Search {
                steps_down: 101,
                ..good()
            },
            "101 steps",
        ),
    ] {
        let error = search.check().expect_err(part);
        assert!(error.contains(part), "{error}");
    }
}
