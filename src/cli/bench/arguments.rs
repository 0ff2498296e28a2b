//! The flags of the scenarios, checked before anything is connected.

use super::super::exit::CommandFailure;
use super::super::lookup::{Lookup, room_paths};
use super::super::values::field;
use super::flags::{Arguments, DialectName};
use dunlin::Call;
use dunlin::client::{self, Handshake, Options, Url};
use dunlin_bench::condition::Conditions;
use dunlin_bench::dialect::settle_size;
use dunlin_bench::plan::{DialectChoice, Pace, Plan, Scenario};
use std::path::PathBuf;

/// Messages of an open loop that a sender may have under way; what is due beyond that waits, and its time runs.
const OPEN_WINDOW: u32 = 256;
/// Bytes that one connection may have under way.
const MOST_UNDER_WAY: usize = 256 << 20;
/// What each receiver knows of each sender takes memory.
const MOST_PAIRS: usize = 64 << 20;
/// The token of a fan-out names the sender in 16 bits.
const MOST_SENDERS: usize = 65_535;

/// The flags, checked.
pub(super) struct Job {
    pub(super) plan: Plan,
    pub(super) pids: Vec<u32>,
    pub(super) json: bool,
    pub(super) html: Option<PathBuf>,
    pub(super) conditions: Conditions,
    pub(super) quiet: bool,
}

impl Arguments {
    /// Checks every value. A name is looked up and a room is found or made.
    pub(super) fn check(self, scenario: Scenario) -> Result<Job, CommandFailure> {
        let usage = CommandFailure::usage;
        self.fits(scenario).map_err(usage)?;
        let (senders, slow) = self.crowd(scenario).map_err(usage)?;
        let mut url = Url::parse(&self.url).map_err(|error| usage(format!("{error:#}")))?;
        self.trust.check(url.is_secure()).map_err(usage)?;
        let mut fields = Vec::new();
        for header in &self.header {
            fields.push(field(header).map_err(usage)?);
        }
        if let Some(token) = &self.token {
            fields.push(("Authorization".to_owned(), format!("Bearer {token}")));
        }
        let mut protocols = self.subprotocol.clone();
        let mut list = None;
        if self.dialect == DialectName::Rooms {
            let (socket, path) = room_paths(&url).map_err(usage)?;
            url = socket;
            list = Some(path);
            protocols = vec!["dunlin.v1".to_owned()];
        }
        let options = fields
            .iter()
            .fold(Options::new(), |options, (name, value)| {
                options.header(name, value)
            });
        let options = protocols.iter().fold(options, Options::protocol);
        Handshake::new(&url, &options, [0; 16], &mut Vec::new())
            .map_err(|error| usage(format!("{error:#}")))?;
        let mut conditions = Conditions::default();
        for text in &self.fail {
            let more: Conditions = text.parse().map_err(|error| usage(format!("{error}")))?;
            conditions.0.extend(more.0);
        }
        let call = self.look_up(&url)?;
        let dialect = self.dialect(&url, list.as_deref(), &fields)?;
        let pace = match self.rate {
            Some(rate) => Pace::Rate(rate),
            None => Pace::Window(self.window.unwrap_or(1)),
        };
        let window = self.window.unwrap_or(match (pace, scenario) {
            (Pace::Window(_), _) | (_, Scenario::Churn) => 1,
            (Pace::Rate(_), _) => OPEN_WINDOW,
        });
        let mut plan = Plan {
            url: url.to_string(),
            address: call.address(),
            host: url.authority(),
            target: url.target().to_owned(),
            believed: self.trust.believed(url.is_secure()).map_err(usage)?,
            fields,
            protocols,
            scenario,
            connections: self.connections,
            senders,
            slow,
            pace,
            window,
            visit: self.visit.unwrap_or(1),
            size: self.size.unwrap_or(0),
            text: !self.binary,
            deflate: self.deflate,
            dialect,
            ramp: self.ramp,
            opening: self.opening,
            warmup: self.warmup,
            duration: self.duration,
            timeout: self.timeout,
            workers: self.workers,
        };
        settle_size(&mut plan, self.size).map_err(usage)?;
        if plan.size.saturating_mul(window as usize) > MOST_UNDER_WAY {
            return Err(usage(format!(
                "{window} messages of {} bytes in flight on each connection are more than {} MiB\n\
                 wanted: a smaller --window or --size",
                plan.size,
                MOST_UNDER_WAY >> 20
            )));
        }
        Ok(Job {
            plan,
            pids: self.pid,
            json: self.json,
            html: self.html,
            conditions,
            quiet: self.quiet,
        })
    }

    /// Looks the server's address up, and reads whom to believe.
    fn look_up(&self, url: &Url) -> Result<Call, CommandFailure> {
        let text = url.to_string();
        #[cfg(feature = "tls")]
        let call = if url.is_secure() {
            client::call_trusting(&text, &self.trust.trust().map_err(CommandFailure::usage)?)
        } else {
            client::call(&text)
        };
        #[cfg(not(feature = "tls"))]
        let call = client::call(&text);
        call.map_err(|error| match error.kind() {
            dunlin::ErrorKind::Config => CommandFailure::usage(format!("{error:#}")),
            _ => CommandFailure::Text(format!("{error:#}"), 1),
        })
    }

    /// Flags that mean nothing in this scenario are a mistake.
    fn fits(&self, scenario: Scenario) -> Result<(), String> {
        let name = scenario.name();
        let refuse = |flag: &str, fits: &str| {
            Err(format!(
                "{flag} means nothing in `bench {name}`\nwanted: {fits}"
            ))
        };
        if self.senders.is_some() && !scenario.is_fan_out() {
            return refuse("--senders", "broadcast or slow");
        }
        if self.slow.is_some() && scenario != Scenario::Slow {
            return refuse("--slow", "the scenario slow");
        }
        if self.visit.is_some() && scenario != Scenario::Churn {
            return refuse("--visit", "the scenario churn");
        }
        let of_messages = [
            ("--rate", self.rate.is_some()),
            ("--window", self.window.is_some()),
            ("--size", self.size.is_some()),
            ("--text", self.text),
            ("--binary", self.binary),
        ];
        if !scenario.talks()
            && let Some((flag, _)) = of_messages.iter().find(|(_, is_given)| *is_given)
        {
            return refuse(flag, "a scenario that sends messages, such as echo");
        }
        if let Some(rate) = self.rate
            && !(rate.is_finite() && (0.001..=1e9).contains(&rate))
        {
            return Err(format!(
                "--rate is {rate}, wanted: 0.001 to 1000000000 a second"
            ));
        }
        if self.duration.is_zero() {
            return Err("--duration is 0s, wanted: 1ms to 60min".to_owned());
        }
        if self.timeout.is_zero() {
            return Err("--timeout is 0s, wanted: 1ms to 60min".to_owned());
        }
        if self.workers > self.connections {
            return Err(format!(
                "{} workers have not one connection each, of {}\nwanted: fewer --workers",
                self.workers, self.connections
            ));
        }
        let of_template = [&self.template, &self.pattern, &self.hello, &self.ready];
        if self.dialect != DialectName::Template && of_template.iter().any(|part| part.is_some()) {
            return Err(
                "--template, --pattern, --hello and --ready are of another dialect\nwanted: --dialect template"
                    .to_owned(),
            );
        }
        if self.ready.is_some() && self.hello.is_none() && self.template.is_none() {
            return Err("--dialect template wants --template".to_owned());
        }
        Ok(())
    }

    fn crowd(&self, scenario: Scenario) -> Result<(usize, usize), String> {
        if !scenario.is_fan_out() {
            return Ok((0, 0));
        }
        let senders = self.senders.unwrap_or(1);
        if !(1..=MOST_SENDERS).contains(&senders) {
            return Err(format!(
                "--senders is {senders}, wanted: 1 to {MOST_SENDERS}"
            ));
        }
        if senders.saturating_mul(self.connections) > MOST_PAIRS {
            return Err(format!(
                "{senders} senders times {} receivers are more pairs than the {MOST_PAIRS} that are kept apart\n\
                 wanted: fewer of either",
                self.connections
            ));
        }
        let slow = match scenario {
            Scenario::Slow => self.slow.unwrap_or(10),
            _ => 0,
        };
        Ok((senders, slow))
    }

    fn dialect(
        &self,
        url: &Url,
        list: Option<&str>,
        fields: &[(String, String)],
    ) -> Result<DialectChoice, CommandFailure> {
        Ok(match self.dialect {
            DialectName::Plain => DialectChoice::Plain,
            DialectName::Rooms => {
                #[cfg(feature = "tls")]
                let trust = self.trust.trust().map_err(CommandFailure::usage)?;
                let lookup = Lookup {
                    url,
                    #[cfg(feature = "tls")]
                    trust: &trust,
                    path: list.unwrap_or_default(),
                    headers: fields,
                };
                let found = lookup.find(&self.room);
                let found = found.map_err(|text| CommandFailure::Text(text, 1))?;
                DialectChoice::Rooms { room: found.id }
            }
            DialectName::Pusher => {
                let secret = match &self.pusher_secret {
                    None => None,
                    Some(pair) => match pair.split_once(':') {
                        Some((key, secret)) => Some((key.to_owned(), secret.to_owned())),
                        None => {
                            let text = "--pusher-secret has no colon\nwanted: KEY:SECRET";
                            return Err(CommandFailure::usage(text.to_owned()));
                        }
                    },
                };
                let channel = self.channel.clone();
                if channel.contains(['"', '\\', '{']) {
                    let text = format!("the channel {channel:?} cannot stand in a JSON string");
                    return Err(CommandFailure::usage(text));
                }
                DialectChoice::Pusher { channel, secret }
            }
            DialectName::Template => {
                let Some(message) = self.template.clone() else {
                    let text =
                        "--dialect template wants --template, such as '{\"text\":\"{n}{pad}\"}'";
                    return Err(CommandFailure::usage(text.to_owned()));
                };
                let before = match &self.pattern {
                    None => String::new(),
                    Some(pattern) => match pattern.split_once("{n}") {
                        Some((before, "")) if !before.is_empty() => before.to_owned(),
                        _ => {
                            let text = format!(
                                "the pattern {pattern:?} does not end with {{n}} behind something else\n\
                                 wanted: what stands before the number, such as '\"text\":\"{{n}}'"
                            );
                            return Err(CommandFailure::usage(text));
                        }
                    },
                };
                DialectChoice::Template {
                    message,
                    before,
                    hello: self.hello.clone(),
                    ready: self.ready.clone(),
                }
            }
        })
    }
}
