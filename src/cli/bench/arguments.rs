//! The flags of the scenarios, read and checked before anything is connected.

use super::super::exit::CommandFailure;
use super::super::lookup::{Lookup, room_paths};
use super::super::values::{duration, field};
use dunlin::client::{self, Handshake, Options, Url};
use dunlin_bench::condition::Conditions;
use dunlin_bench::dialect::settle_size;
use dunlin_bench::plan::{DialectChoice, Pace, Plan, Scenario};
use std::path::PathBuf;
use std::time::Duration;

/// Messages of an open loop that a sender may have under way; what is due beyond that waits, and its time runs.
const OPEN_WINDOW: u32 = 256;
/// Bytes that one connection may have under way.
const MOST_UNDER_WAY: usize = 256 << 20;
/// What each receiver knows of each sender takes memory.
const MOST_PAIRS: usize = 64 << 20;
/// The token of a fan-out names the sender in 16 bits.
const MOST_SENDERS: usize = 65_535;

/// How messages are written for the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum DialectName {
    /// A number and filler; whatever comes back must be the same
    #[default]
    Plain,
    /// The rooms of `dunlin serve` in the format dunlin.v1 (URL: the server, or its /ws/chat)
    Rooms,
    /// Pusher's protocol 7: client events on one channel
    Pusher,
    /// Your own text: --template and --pattern
    Template,
}

/// The flags as they were written.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The server, such as ws://127.0.0.1:8080/echo-raw
    url: String,

    /// Connections; of broadcast and slow, those that receive
    #[arg(short, long, value_name = "N", default_value_t = 100)]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=16_000_000))]
    connections: usize,

    /// broadcast, slow: senders beside them [default: 1]
    #[arg(long, value_name = "N")]
    senders: Option<usize>,

    /// slow: connections beside them that read nothing [default: 10]
    #[arg(long, value_name = "N")]
    slow: Option<usize>,

    /// Closed loop: messages that a sender has in flight [default: 1; open loop: at most 256]
    #[arg(short, long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=65_536))]
    window: Option<u32>,

    /// Open loop: messages a second of all senders together (churn: visits), whatever is answered
    #[arg(short, long, value_name = "N")]
    rate: Option<f64>,

    /// churn: messages of each visit
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    visit: u32,

    /// Length of a payload in bytes [default: 64, or the least that the dialect needs]
    #[arg(short, long, value_name = "BYTES")]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=64 << 20))]
    size: Option<usize>,

    /// Text messages (the default)
    #[arg(long, conflicts_with = "binary")]
    text: bool,

    /// Binary messages
    #[arg(long)]
    binary: bool,

    /// Offer compression (permessage-deflate)
    #[arg(long)]
    deflate: bool,

    /// The measured time
    #[arg(short, long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    duration: Duration,

    /// The same load before it, which is not measured
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1s")]
    warmup: Duration,

    /// Open the connections over this time; 0s: as fast as it goes
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "0s")]
    ramp: Duration,

    /// Calls under way at a time while connections open
    #[arg(long, value_name = "N", default_value_t = 256)]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=65_536))]
    opening: usize,

    /// How long a connection, and an answer, is waited for
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    timeout: Duration,

    /// Processes that make the load: beyond one core, and one process's limit of open files
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=256))]
    workers: usize,

    /// A further field of each request, such as 'Origin: http://a' (repeatable)
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    header: Vec<String>,

    /// Offer a subprotocol, the favourite first (repeatable)
    #[arg(long, value_name = "NAME")]
    subprotocol: Vec<String>,

    /// Send this token: Authorization: Bearer TOKEN
    #[arg(
        long,
        value_name = "TOKEN",
        env = "DUNLIN_BENCH_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,

    /// How messages are written
    #[arg(long, value_enum, value_name = "NAME", default_value_t)]
    dialect: DialectName,

    /// dialect template: the message, with {n} for its number, and perhaps {pad} and {i}
    #[arg(long, value_name = "TEXT")]
    template: Option<String>,

    /// dialect template: the message that comes back up to its number, such as '"text":"{n}' [default: as it was sent]
    #[arg(long, value_name = "TEXT")]
    pattern: Option<String>,

    /// dialect template: what each connection says first, with {i} for its number
    #[arg(long, value_name = "TEXT")]
    hello: Option<String>,

    /// dialect template: what the server says when a connection may begin
    #[arg(long, value_name = "TEXT")]
    ready: Option<String>,

    /// dialect rooms: the room, by name or id; made if there is none
    #[arg(long, value_name = "NAME-OR-ID", default_value = "bench")]
    room: String,

    /// dialect pusher: the channel
    #[arg(long, value_name = "NAME", default_value = "private-bench")]
    channel: String,

    /// dialect pusher: key and secret of the application, for private channels
    #[arg(
        long,
        value_name = "KEY:SECRET",
        env = "DUNLIN_BENCH_PUSHER",
        hide_env_values = true
    )]
    pusher_secret: Option<String>,

    /// A process of the server, whose CPU and memory are shown (repeatable)
    #[arg(long, value_name = "PID")]
    pid: Vec<u32>,

    /// Print one JSON object in place of the table
    #[arg(long)]
    json: bool,

    /// Write a report to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Exit with 99 when this does not hold, such as 'p99<20ms' or 'loss=0,errors=0' (repeatable)
    #[arg(long, value_name = "CONDITION")]
    fail: Vec<String>,

    /// Say nothing while it runs
    #[arg(short, long)]
    quiet: bool,
}

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
        let call = client::call(&url.to_string()).map_err(|error| match error.kind() {
            dunlin::ErrorKind::Config => usage(format!("{error:#}")),
            _ => CommandFailure::Text(format!("{error:#}"), 1),
        })?;
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
            fields,
            protocols,
            scenario,
            connections: self.connections,
            senders,
            slow,
            pace,
            window,
            visit: self.visit,
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
        if !scenario.talks() && (self.rate.is_some() || self.window.is_some()) {
            return refuse(
                "--rate or --window",
                "a scenario that sends messages, such as echo",
            );
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
        if self.workers > self.connections + self.senders.unwrap_or(0) {
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
                let path = list.unwrap_or_default();
                let headers = fields;
                let found = Lookup { url, path, headers }.find(&self.room);
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
