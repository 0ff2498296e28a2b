//! Layer 0: what an operator or a program sets, as plain data.
//!
//! Values here are `Send`, are checked before anything starts, and say in their
//! error which field is wrong, what it is and what was wanted. Nothing here acts:
//! whoever holds a limit enforces it. Besides itself it knows the layer `wire`
//! only, whose sizes and errors it speaks of.
//!
//! # Every limit and setting
//!
//! Those to the first of [`RoomLimits`], `max_rooms`, are [`Limits`] of the whole server; those from the
//! first of [`Settings`] on, `ping_period`, belong to a route. `host` is
//! [`Limits::hosts`], `trusted_proxy` is
//! [`Limits::trusted_proxies`], `origin` is [`Settings::origins`]; a `max_head`, `max_target` and `max_fields` are
//! those of [`Limits::head`].
//!
#![doc = include_str!("settings.md")]
#![allow(rustdoc::bare_urls)] // the shape of an origin is no link

pub(crate) mod bounds;
mod forwarded_by;
mod limits;
mod networks;
mod rooms;
mod row;
mod settings;
mod text;

pub use forwarded_by::ForwardedBy;
pub use limits::Limits;
pub use networks::{Network, Networks};
pub use rooms::RoomLimits;
pub use row::{Kind, Row, Value};
pub use settings::{BacklogPolicy, Origins, Settings};
#[cfg(feature = "command")]
#[doc(hidden)]
pub use text::parse_size;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_and_limits_cross_threads() {
        fn is_plain<T: Send + Sync + Clone + 'static>() {}
        is_plain::<Settings>();
        is_plain::<Limits>();
    }

    fn keeps_what_it_shows<T: Default>(rows: &[Row<T>]) {
        for row in rows {
            let default = (row.get)(&T::default());
            let parsed = row.parse(&row.show(&default));
            assert_eq!(parsed, Ok(default.clone()), "{}", row.name);
            let mut all = T::default();
            (row.set)(&mut all, default.clone());
            assert_eq!((row.get)(&all), default, "{}", row.name);
        }
    }

    #[test]
    fn every_row_reads_its_default_as_it_shows_it() {
        keeps_what_it_shows(Limits::rows());
        keeps_what_it_shows(RoomLimits::rows());
        keeps_what_it_shows(Settings::rows());
    }

    #[test]
    fn every_word_of_a_choice_sets_what_it_reads_as() {
        for row in Settings::rows() {
            let Kind::Choice(words) = row.kind else {
                continue;
            };
            for word in words {
                let mut all = Settings::default();
                (row.set)(&mut all, Value::Word(word));
                assert_eq!((row.get)(&all), Value::Word(word));
            }
        }
    }

    #[test]
    fn no_two_rows_share_a_key() {
        let limits = Limits::rows().iter().map(|row| row.key);
        let mut keys: Vec<_> = limits
            .chain(Settings::rows().iter().map(|row| row.key))
            .collect();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }
}
