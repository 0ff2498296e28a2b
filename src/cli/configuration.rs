//! The effective configuration: flag before environment before file before default.
//!
//! Flags, variables and keys are made of the rows of [`Operator`], [`Limits`] and [`Settings`], so a new
//! row is all that a new setting needs. Nothing is served here.

use super::exit::CommandFailure;
use super::file::{self, FileValue};
use super::operator::{self, Operator};
use clap::{Arg, ArgAction, ArgMatches};
use dunlin::config::{Kind, RoomLimits, Row, Value};
use dunlin::{App, Limits, Settings};
use std::collections::HashMap;
use std::fmt::Write;
use std::path::PathBuf;

/// Who gave a value.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// `--flag`.
    Flag(String),
    /// `DUNLIN_…`.
    Variable(String),
    /// `FILE:LINE`.
    File(String),
}

impl Source {
    /// A problem with a value: a usage error when a flag gave it, else a bad configuration.
    fn failure(&self, problem: &str) -> CommandFailure {
        match self {
            Self::Flag(flag) => CommandFailure::usage(format!("in {flag}: {problem}")),
            Self::Variable(name) => CommandFailure::configuration(format!("in {name}: {problem}")),
            Self::File(at) => CommandFailure::configuration(format!("{at}: {problem}")),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Flag(name) | Self::Variable(name) | Self::File(name) => name,
        }
    }
}

/// Everything that is set.
#[derive(Default)]
pub(super) struct Configuration {
    pub(super) operator: Operator,
    pub(super) limits: Limits,
    pub(super) rooms: RoomLimits,
    /// What every route takes as far as somebody gave it.
    settings: Settings,
    given: HashMap<&'static str, Source>,
}

/// What a command line and a file give.
struct Givers<'m> {
    matches: &'m ArgMatches,
    file: HashMap<&'static str, FileValue>,
}

impl Configuration {
    /// Reads and checks all that is given.
    pub(super) fn read(
        matches: &ArgMatches,
        path: Option<&PathBuf>,
    ) -> Result<Self, CommandFailure> {
        let file = match path {
            Some(path) => file::read(path, &keys())?,
            None => HashMap::new(),
        };
        let givers = Givers { matches, file };
        let mut all = Self::default();
        givers.read(operator::ROWS, &mut all.operator, &mut all.given)?;
        givers.read(Limits::rows(), &mut all.limits, &mut all.given)?;
        givers.read(RoomLimits::rows(), &mut all.rooms, &mut all.given)?;
        givers.read(Settings::rows(), &mut all.settings, &mut all.given)?;
        all.check()?;
        Ok(all)
    }

    fn check(&self) -> Result<(), CommandFailure> {
        if let Some((key, problem)) = self.operator.problem() {
            return Err(self.failure(key, &problem));
        }
        self.check_rows("limit", Limits::rows(), &self.limits)?;
        self.check_rows("limit", RoomLimits::rows(), &self.rooms)?;
        self.check_rows("setting", Settings::rows(), &self.settings)?;
        let settings = self.settings.check();
        settings.map_err(|error| self.failure("origin", &error.to_string()))?;
        let rooms = self.rooms.check();
        rooms.map_err(|error| self.failure("history_bytes", &error.to_string()))?;
        self.limits.check().map_err(|error| {
            let text = error.to_string();
            let is_it = |row: &&Row<Limits>| text.contains(&format!("`{}`", row.name));
            let row = Limits::rows().iter().find(is_it);
            self.failure(row.map_or("host", |row| row.key), &text)
        })
    }

    fn check_rows<T>(&self, what: &str, rows: &[Row<T>], all: &T) -> Result<(), CommandFailure> {
        rows.iter().try_for_each(|row| {
            let checked = row.check(what, all);
            checked.map_err(|error| {
                // As it is written here, not as the field of the library is called.
                let (name, key) = (format!("`{}`", row.name), format!("`{}`", row.key));
                let mut problem = error.to_string().replace(&name, &key);
                if !self.is_given(row.key) {
                    let _ = write!(
                        problem,
                        "\nthat is its default, and another setting leaves less: set {}, too",
                        row.key
                    );
                }
                self.failure(row.key, &problem)
            })
        })
    }

    pub(super) fn failure(&self, key: &str, problem: &str) -> CommandFailure {
        match self.given.get(key) {
            Some(source) => source.failure(problem),
            None => CommandFailure::configuration(problem.to_owned()),
        }
    }

    /// Gives every route what somebody set; the rest stays as the application has it.
    pub(super) fn apply(&self, app: App) -> App {
        let rows = Settings::rows().iter().rev();
        let given: Vec<_> = rows
            .filter(|row| self.given.contains_key(row.key))
            .collect();
        app.map_settings(|mut settings| {
            for row in &given {
                (row.set)(&mut settings, (row.get)(&self.settings));
            }
            settings
        })
        // What a page may not open a session for it may not change by a form either.
        .http_origins(self.settings.origins.clone())
    }

    /// Whether somebody set this.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.given.contains_key(key)
    }

    /// What is set for all routes.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Variables that look like settings and are none, each as a sentence. Others than ours may begin with the same
    /// word, as those of a container's neighbours do, so they are no error.
    pub(super) fn misspelt_variables() -> Vec<String> {
        let mut known = keys();
        known.extend(["config", "token_key"]);
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let misspelt = names.filter_map(|name| {
            let key = name.strip_prefix("DUNLIN_")?.to_ascii_lowercase();
            let meant = variable(file::slip_of(&key, &known)?);
            Some(format!(
                "the variable {name} is no setting; wanted: perhaps {meant}"
            ))
        });
        misspelt.collect()
    }

    /// All of it as a file. What nobody gave stands in a comment: routes may have another default.
    pub(super) fn print(&self) -> String {
        let mut out =
            "# The effective configuration of `dunlin serve`. Lines in comments are defaults.\n"
                .to_owned();
        self.print_rows(&mut out, operator::ROWS, &self.operator);
        self.print_rows(&mut out, Limits::rows(), &self.limits);
        self.print_rows(&mut out, RoomLimits::rows(), &self.rooms);
        self.print_rows(&mut out, Settings::rows(), &self.settings);
        out
    }

    fn print_rows<T: Default>(&self, out: &mut String, rows: &[Row<T>], all: &T) {
        for row in rows {
            let default = T::default();
            let source = self.given.get(row.key);
            let comment = if source.is_some() { "" } else { "# " };
            let _ = write!(
                out,
                "\n# {}.\n# Unit: {}; bounds: {}; default: {}; from: {}.\n{comment}{} = {}\n",
                row.about,
                row.unit(),
                row.bounds(all),
                row.show(&(row.get)(&default)),
                source.map_or("the default", Source::name),
                row.key,
                toml_value(row, &(row.get)(all)),
            );
        }
    }
}

impl Givers<'_> {
    fn read<T>(
        &self,
        rows: &'static [Row<T>],
        all: &mut T,
        given: &mut HashMap<&'static str, Source>,
    ) -> Result<(), CommandFailure> {
        // `max_message_size` sets `max_frame_size` too, which stands before it.
        for row in rows.iter().rev() {
            let Some((texts, source)) = self.texts(row.key) else {
                continue;
            };
            let value = match (&row.kind, &source, &texts[..]) {
                (Kind::List(_), Source::Flag(_), _) => row
                    .parse(&texts.join(","))
                    .map_err(|wanted| (texts.join(","), wanted)),
                (Kind::List(_), Source::File(_), _) => Ok(Value::List(texts)),
                (_, _, [text]) => row.parse(text).map_err(|wanted| (text.clone(), wanted)),
                _ => Err((texts.join(", "), row.wanted())),
            };
            let value = value.map_err(|(text, wanted)| {
                source.failure(&format!("{} is {text:?}\nwanted: {wanted}", row.key))
            })?;
            (row.set)(all, value);
            given.insert(row.key, source);
        }
        Ok(())
    }

    /// What the strongest of them says, if any does. An empty variable is one that is not set.
    fn texts(&self, key: &'static str) -> Option<(Vec<String>, Source)> {
        if let Ok(Some(texts)) = self.matches.try_get_many::<String>(key) {
            let source = Source::Flag(format!("--{}", flag(key)));
            return Some((texts.cloned().collect(), source));
        }
        let name = variable(key);
        if let Some(text) = std::env::var_os(&name) {
            let text = text.to_string_lossy().into_owned();
            if !text.trim().is_empty() {
                return Some((vec![text], Source::Variable(name)));
            }
        }
        let FileValue { texts, at } = self.file.get(key)?;
        Some((texts.clone(), Source::File(at.clone())))
    }
}

fn flag(key: &str) -> String {
    key.replace('_', "-")
}

fn variable(key: &str) -> String {
    format!("DUNLIN_{}", key.to_ascii_uppercase())
}

fn keys() -> Vec<&'static str> {
    let operator = operator::ROWS.iter().map(|row| row.key);
    let limits = Limits::rows().iter().map(|row| row.key);
    let settings = Settings::rows().iter().map(|row| row.key);
    let rooms = RoomLimits::rows().iter().map(|row| row.key);
    operator
        .chain(limits)
        .chain(rooms)
        .chain(settings)
        .collect()
}

/// A flag for every row.
pub(super) fn arguments() -> impl Iterator<Item = Arg> {
    let operator = operator::ROWS.iter().map(argument);
    let limits = Limits::rows().iter().map(argument);
    let settings = Settings::rows().iter().map(argument);
    let rooms = RoomLimits::rows().iter().map(argument);
    operator.chain(limits).chain(rooms).chain(settings)
}

fn argument<T: Default>(row: &Row<T>) -> Arg {
    let is_list = matches!(row.kind, Kind::List(_));
    let (action, more) = match is_list {
        true => (
            ArgAction::Append,
            "; with commas between several, or given several times",
        ),
        false => (ArgAction::Set, ""),
    };
    let default = row.show(&(row.get)(&T::default()));
    let arg = match row.kind {
        // A switch may stand alone: --reuse-port is --reuse-port true.
        Kind::Flag => Arg::new(row.key)
            .num_args(0..=1)
            .default_missing_value("true"),
        _ => Arg::new(row.key),
    };
    arg.long(flag(row.key))
        .value_name("VALUE")
        .action(action)
        .help(format!(
            "{}: {}{more} [env: {}] [default: {default}]",
            row.about,
            row.wanted(),
            variable(row.key)
        ))
}

/// As TOML writes it.
fn toml_value<T>(row: &Row<T>, value: &Value) -> String {
    match value {
        Value::Number(_) if row.unit() != "bytes" => row.show(value),
        Value::Flag(_) => row.show(value),
        Value::List(list) => {
            let texts: Vec<_> = list.iter().map(|text| toml_text(text)).collect();
            format!("[{}]", texts.join(", "))
        }
        _ => toml_text(&row.show(value)),
    }
}

fn toml_text(text: &str) -> String {
    let mut out = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            _ if char.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(char));
            }
            _ => out.push(char),
        }
    }
    out.push('"');
    out
}
