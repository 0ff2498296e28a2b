//! What is asked of a machine, and what each limit of it is.

use serde::Serialize;

/// Where the server is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Not said: what a server here would need is looked at, too.
    Unknown,
    /// On this machine, by a loopback address.
    Loopback,
    /// On another machine.
    Elsewhere,
}

/// What is to be possible.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Connections at a time, 1 or more.
    pub connections: u64,
    /// Processes of the load tester, 1 or more: each has open files of its own.
    pub workers: u64,
    /// Where the server is.
    pub place: Place,
}

impl Asked {
    /// Sockets of both sides on this machine.
    pub(super) fn sockets(self) -> u64 {
        self.connections * if self.is_local() { 2 } else { 1 }
    }

    /// Whether a server may run here.
    pub(super) fn is_local(self) -> bool {
        self.place != Place::Elsewhere
    }
}

/// Whether a limit is in the way.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub enum Verdict {
    /// It is not.
    #[serde(rename = "ok")]
    Ok,
    /// It is.
    #[serde(rename = "LOW")]
    Low,
    /// The system does not tell.
    #[serde(rename = "unknown")]
    Unknown,
}

/// One limit.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What it is.
    pub name: &'static str,
    /// What it is here.
    pub found: String,
    /// What it should be at least.
    pub wanted: String,
    /// Whether that is so.
    pub verdict: Verdict,
    /// The line that lifts it, or what else helps; empty where nothing is to be said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub lift: String,
    /// How to make that last over a restart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub lasting: String,
}

impl Row {
    /// A number that has to be at least another.
    pub(super) fn at_least(name: &'static str, found: Option<u64>, wanted: u64) -> Self {
        let verdict = match found {
            None => Verdict::Unknown,
            Some(found) if found < wanted => Verdict::Low,
            Some(_) => Verdict::Ok,
        };
        let found = found.map_or("not told".to_owned(), number);
        Self::new(name, found, number(wanted), verdict)
    }

    /// Whatever it is.
    pub(super) fn new(
        name: &'static str,
        found: impl Into<String>,
        wanted: impl Into<String>,
        verdict: Verdict,
    ) -> Self {
        Self {
            name,
            found: found.into(),
            wanted: wanted.into(),
            verdict,
            lift: String::new(),
            lasting: String::new(),
        }
    }

    /// With what is to be done when it is too low.
    pub(super) fn lifted_by(mut self, lift: impl Into<String>, lasting: impl Into<String>) -> Self {
        if self.verdict == Verdict::Low {
            self.lift = lift.into();
            self.lasting = lasting.into();
        }
        self
    }

    /// With a line of `sysctl`.
    pub(super) fn lifted_by_sysctl(self, name: &str, value: &str) -> Self {
        let quoted = match value.contains(' ') {
            true => format!("'{value}'"),
            false => value.to_owned(),
        };
        let lift = format!("sudo sysctl -w {name}={quoted}");
        let file = "/etc/sysctl.d/90-connections.conf";
        self.lifted_by(
            lift,
            format!("echo '{name} = {value}' | sudo tee -a {file}"),
        )
    }
}

/// A number in words where it stands for none.
fn number(value: u64) -> String {
    match value {
        u64::MAX => "no limit".to_owned(),
        value => value.to_string(),
    }
}

/// Bytes, rounded to what one reads.
pub(super) fn bytes(value: u64) -> String {
    match value {
        u64::MAX => "no limit".to_owned(),
        0..1_048_576 => format!("{} KiB", value.div_ceil(1024)),
        1_048_576..10_737_418_240 => format!("{:.0} MiB", value as f64 / f64::from(1 << 20)),
        _ => format!("{:.1} GiB", value as f64 / f64::from(1 << 30)),
    }
}
