//! One row per setting: its name, unit, bounds, and how to read and set it.
//!
//! The checks of [`Limits`](super::Limits) and [`Settings`](super::Settings) walk their rows; flags,
//! variables, keys of a file and tables of documentation are made of them. The default is what
//! [`Row::get`] reads from a default value, so it stands in one place. Rows know how a value is written
//! (`64KiB`, `10s`, `off`) and nothing about who gave it.

use super::bounds;
use super::text;
use crate::wire::error::Result;
use std::time::Duration;

/// What a setting is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// `None`: off, or derived from the machine.
    None,
    /// A number of the row's unit.
    Number(usize),
    /// A time.
    Time(Duration),
    /// Yes or no.
    Flag(bool),
    /// One of the row's words.
    Word(&'static str),
    /// Any text.
    Text(String),
    /// Texts in their order.
    List(Vec<String>),
}

/// What kind of value a setting takes, and its bounds; `T` is what the setting is part of.
#[derive(Debug)]
#[non_exhaustive]
pub enum Kind<T> {
    /// A number of `unit`; where that is `bytes`, it may be written as `64KiB`.
    Number {
        /// What is counted.
        unit: &'static str,
        /// The smallest number.
        least: usize,
        /// The largest number, which may depend on another setting.
        most: fn(&T) -> usize,
    },
    /// A time of at most 30 min.
    Time {
        /// The shortest time.
        shortest: Duration,
    },
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A text of this shape.
    Text(&'static str),
    /// Any number of texts of this shape.
    List(&'static str),
}

/// One setting of a `T`.
#[derive(Debug)]
pub struct Row<T: 'static> {
    /// The field, as errors name it.
    pub name: &'static str,
    /// What it is called in a file; a flag is the same with `-` for `_`, a variable is in capitals.
    pub key: &'static str,
    /// What it takes.
    pub kind: Kind<T>,
    /// The word for `None`, where it can be that.
    pub none: Option<&'static str>,
    /// Whether a running server takes a new value.
    pub reloads: bool,
    /// What it is, in one line.
    pub about: &'static str,
    /// What it is set to.
    pub get: fn(&T) -> Value,
    /// Sets it; a value of another kind changes nothing.
    pub set: fn(&mut T, Value),
}

impl<T> Row<T> {
    /// Checks one field. `what` is `setting` or `limit`, for the error.
    ///
    /// # Errors
    /// Kind `Config`: the value is out of its bounds, with both.
    pub fn check(&self, what: &str, all: &T) -> Result<()> {
        match ((self.get)(all), &self.kind) {
            (Value::Number(value), Kind::Number { unit, least, most }) => {
                bounds::check_number(what, self.name, value, *least..=most(all), unit)
            }
            (Value::Time(value), Kind::Time { shortest }) => {
                bounds::check_time(what, self.name, value, *shortest)
            }
            // `None` is a choice of its own; words and flags have no bounds.
            _ => Ok(()),
        }
    }

    /// Reads a value of this row: `64KiB`, `10s`, `off`. Its bounds are checked later, with all.
    ///
    /// # Errors
    /// What was wanted, with an example.
    pub fn parse(&self, text: &str) -> std::result::Result<Value, String> {
        if self.none.is_some_and(|none| none == text) {
            return Ok(Value::None);
        }
        let value = match &self.kind {
            Kind::Number { unit: "bytes", .. } => text::parse_size(text).map(Value::Number),
            Kind::Number { .. } => text.parse().ok().map(Value::Number),
            Kind::Time { .. } => text::parse_time(text).map(Value::Time),
            Kind::Flag => text.parse().ok().map(Value::Flag),
            Kind::Choice(words) => {
                let word = words.iter().find(|word| word.eq_ignore_ascii_case(text));
                word.map(|word| Value::Word(word))
            }
            Kind::Text(_) => Some(Value::Text(text.to_owned())),
            Kind::List(_) => {
                let pieces = text.split(',').map(|piece| piece.trim().to_owned());
                Some(Value::List(pieces.collect()))
            }
        };
        value.ok_or_else(|| self.wanted())
    }

    /// What can be written here.
    pub fn wanted(&self) -> String {
        let wanted = match &self.kind {
            Kind::Number { unit: "bytes", .. } => {
                "a number of bytes, such as 65536, 64KiB or 1MiB".to_owned()
            }
            Kind::Number { unit, .. } => format!("a number of {unit}"),
            Kind::Time { .. } => "a time, such as 10s, 500ms or 2min".to_owned(),
            Kind::Flag => "true or false".to_owned(),
            Kind::Choice(words) => words.join(", "),
            Kind::Text(shape) | Kind::List(shape) => (*shape).to_owned(),
        };
        match self.none {
            Some(none) => format!("{wanted}, or {none}"),
            None => wanted,
        }
    }

    /// The value as it is written.
    pub fn show(&self, value: &Value) -> String {
        match value {
            Value::None => self.none.unwrap_or("none").to_owned(),
            Value::Number(number) if self.unit() == "bytes" => text::show_size(*number),
            Value::Number(number) => number.to_string(),
            Value::Time(time) => text::show_time(*time),
            Value::Flag(flag) => flag.to_string(),
            Value::Word(word) => (*word).to_owned(),
            Value::Text(text) => text.clone(),
            Value::List(list) => list.join(","),
        }
    }

    /// The unit: what is counted, or what kind of value it is.
    pub fn unit(&self) -> &'static str {
        match self.kind {
            Kind::Number { unit, .. } => unit,
            Kind::Time { .. } => "time",
            Kind::Flag => "true or false",
            Kind::Choice(_) => "word",
            Kind::Text(_) => "text",
            Kind::List(_) => "list",
        }
    }

    /// The bounds, where `all` decides those that depend on another setting.
    pub fn bounds(&self, all: &T) -> String {
        match &self.kind {
            Kind::Number { unit, least, most } => {
                let show = |number| match *unit {
                    _ if number == usize::MAX => "any".to_owned(),
                    "bytes" => text::show_size(number),
                    _ => number.to_string(),
                };
                format!("{} to {}", show(*least), show(most(all)))
            }
            Kind::Time { shortest } => format!("{} to 30min", text::show_time(*shortest)),
            Kind::Flag => "true, false".to_owned(),
            Kind::Choice(words) => words.join(", "),
            Kind::Text(shape) | Kind::List(shape) => (*shape).to_owned(),
        }
    }
}
