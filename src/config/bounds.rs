//! Bounds of settings and limits: one wording for every value that is out of them.

use crate::wire::error::{Error, ErrorKind, Result};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The longest time that can be set. The hub's coarse deadlines reach 54 minutes, so no sum of a
/// time and a rounding comes near their end.
pub(crate) const LONGEST: Duration = Duration::from_secs(30 * 60);

/// An error of kind `Config` that names the field, its value and what was wanted. `kind` is
/// `setting` or `limit`.
pub(crate) fn out_of_bounds(
    kind: &str,
    field: &str,
    value: impl Display,
    wanted: impl Display,
) -> Error {
    let message = format!("{kind} `{field}` is {value}, wanted: {wanted}");
    Error::new(ErrorKind::Config, message)
}

/// Checks a time, which is at most [`LONGEST`].
///
/// # Errors
/// As [`out_of_bounds`] tells it.
pub(crate) fn check_time(
    kind: &str,
    field: &str,
    value: Duration,
    shortest: Duration,
) -> Result<()> {
    if (shortest..=LONGEST).contains(&value) {
        return Ok(());
    }
    let wanted = format!("{shortest:?} to 30 min");
    Err(out_of_bounds(
        kind,
        field,
        format_args!("{value:?}"),
        wanted,
    ))
}

/// Checks a number of `unit` (bytes, connections, …).
///
/// # Errors
/// As [`out_of_bounds`] tells it.
pub(crate) fn check_number(
    kind: &str,
    field: &str,
    value: usize,
    bounds: RangeInclusive<usize>,
    unit: &str,
) -> Result<()> {
    if bounds.contains(&value) {
        return Ok(());
    }
    let wanted = format!("{} to {} {unit}", bounds.start(), bounds.end());
    Err(out_of_bounds(kind, field, value, wanted))
}
