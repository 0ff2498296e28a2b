//! The budget of one turn: how much work it may do, and how its steps share that.
//!
//! The steps come in a fixed order. Each may spend what is left but for what the later ones are
//! promised, so that no step starves another, and a quiet turn leaves almost everything to the one
//! step that has something to do.

pub use crate::wire::work::TURN;
use crate::wire::work::Work;

/// The largest single step: what a turn may pass its budget by.
pub const STEP: u32 = TURN / 10;

/// A step of the turn, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Accept,
    Read,
    Timers,
    Commands,
    Flush,
    Deliver,
    Reap,
}

/// What each step is promised, in the order of [`Step`]. Together no more than a turn.
const PROMISED: [u32; 7] = [
    TURN / 8,  // accept
    TURN / 4,  // read
    TURN / 10, // timers
    TURN / 10, // commands
    TURN / 8,  // flush
    TURN / 5,  // deliver
    TURN / 10, // reap
];

/// What a turn may still do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    left: i64,
}

impl Budget {
    /// A whole turn.
    pub(crate) fn new() -> Self {
        Self {
            left: i64::from(TURN),
        }
    }

    /// What a step may spend: all that is left but for what the later steps are promised.
    pub(crate) fn grant(&self, step: Step) -> Work {
        let later: u32 = PROMISED[step as usize + 1..].iter().sum();
        Work::new(u32::try_from(self.left - i64::from(later)).unwrap_or(0))
    }

    /// Takes what was spent of a grant.
    pub(crate) fn take(&mut self, granted: Work, left: Work) {
        self.left -= granted.left() - left.left();
    }

    /// What the whole turn has spent so far.
    pub(crate) fn spent(&self) -> i64 {
        i64::from(TURN) - self.left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Step; 7] = [
        Step::Accept,
        Step::Read,
        Step::Timers,
        Step::Commands,
        Step::Flush,
        Step::Deliver,
        Step::Reap,
    ];

    #[test]
    fn the_promises_fit_into_a_turn() {
        assert!(PROMISED.iter().sum::<u32>() <= TURN);
        assert!(PROMISED.iter().all(|promised| *promised >= STEP));
    }

    #[test]
    fn a_step_that_is_alone_gets_all_but_the_promises_of_the_later_ones() {
        let budget = Budget::new();
        assert_eq!(budget.grant(Step::Reap).left(), i64::from(TURN));
        assert!(budget.grant(Step::Read).left() > i64::from(TURN / 4));
    }

    #[test]
    fn whoever_spends_all_it_may_leaves_the_later_steps_what_they_are_promised() {
        let mut budget = Budget::new();
        for (index, step) in STEPS.into_iter().enumerate() {
            let granted = budget.grant(step);
            assert!(granted.left() >= i64::from(PROMISED[index]), "{step:?}");
            let mut work = granted;
            work.charge(granted.left() as u32);
            budget.take(granted, work);
        }
        assert_eq!(budget.spent(), i64::from(TURN));
    }

    #[test]
    fn an_overdraft_is_taken_from_the_steps_behind() {
        let mut budget = Budget::new();
        for step in STEPS {
            let granted = budget.grant(step);
            let mut work = granted;
            while !work.is_spent() {
                work.charge(STEP);
            }
            budget.take(granted, work);
        }
        assert!(
            budget.spent() <= i64::from(TURN + STEP),
            "{}",
            budget.spent()
        );
    }
}
