//! Calls into code of the program: a panic there ends at most one session and never the server.
//!
//! What it panicked with is dropped, unless somebody in this thread records it: the simulation does, so
//! that a test fails by it.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What code of the program panicked with.
pub(crate) type Panic = Box<dyn Any + Send>;

thread_local! {
    /// The panics of the program in this thread, while somebody records them.
    static RECORD: RefCell<Option<Vec<Panic>>> = const { RefCell::new(None) };
}

/// Calls code of the program; `None` when it panicked.
#[inline]
pub(crate) fn guard<R>(call: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(outcome) => Some(outcome),
        Err(panic) => {
            caught(panic);
            None
        }
    }
}

#[cold]
fn caught(panic: Panic) {
    // In a thread that ends nobody records any more.
    let _ = RECORD.try_with(|record| {
        if let Some(panics) = &mut *record.borrow_mut() {
            panics.push(panic);
        }
    });
}

/// What the guards caught within a call, in order.
pub(crate) fn record<R>(call: impl FnOnce() -> R) -> (R, Vec<Panic>) {
    let before = RECORD.replace(Some(Vec::new()));
    let outcome = catch_unwind(AssertUnwindSafe(call));
    let panics = RECORD.replace(before).unwrap_or_default();
    match outcome {
        Ok(outcome) => (outcome, panics),
        Err(panic) => resume_unwind(panic),
    }
}

/// The message of a panic.
pub(crate) fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it said nothing")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(with: &'static str) {
        // Without the hook, which would print it.
        resume_unwind(Box::new(with));
    }

    #[test]
    fn panics_are_recorded_in_order_and_only_within_the_call() {
        assert!(guard(|| fail("before")).is_none());
        let (answers, panics) = record(|| {
            let first = guard(|| fail("first"));
            let (inner, own) = record(|| guard(|| fail("inner")));
            assert_eq!((inner, said(&*own[0])), (None, "inner"));
            let second = guard(|| fail("second"));
            (first, guard(|| 7), second)
        });
        assert_eq!(answers, (None, Some(7), None));
        let told: Vec<_> = panics.iter().map(|panic| said(&**panic)).collect();
        assert_eq!(told, ["first", "second"]);
    }

    #[test]
    fn a_panic_that_no_guard_caught_passes_and_ends_the_record() {
        let passed = catch_unwind(|| record(|| fail("outside")));
        assert_eq!(said(&*passed.unwrap_err()), "outside");
        assert!(RECORD.with_borrow(Option::is_none));
    }
}
