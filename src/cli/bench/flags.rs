//! The flags of the scenarios as they are written, with their help.

use super::super::values::{duration, payload_size};
use std::path::PathBuf;
use std::time::Duration;

const LOAD: &str = "Load";
const CONNECTIONS: &str = "Connections";
const MESSAGES: &str = "Messages";
const SERVER: &str = "Server";
const OUTPUT: &str = "Output";

// clap makes a line end of the placeholder of the number, unless something stands between its letters: here
// what makes it bold at a terminal.
const TEMPLATE: &str = "Dialect template: the message, with {\u{1b}[1mn\u{1b}[0m} where its number goes. {i} is the number \
     of the connection (six digits), {pad} fills up to --size";
const PATTERN: &str = "Dialect template: what stands before the number in what comes back, and {\u{1b}[1mn\u{1b}[0m}, such \
     as '\"text\":\"{\u{1b}[1mn\u{1b}[0m}' [default: the message comes back as it was sent]";

/// How messages are written for the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum DialectName {
    /// A number and filler; the server sends it on unchanged
    #[default]
    Plain,
    /// Your own text around the number: --template, and as needed --pattern, --hello, --ready
    Template,
    /// Rooms of `dunlin serve` in the format dunlin.v1 (URL: the server, or its /ws/chat)
    Rooms,
    /// Pusher's protocol 7: client events on one channel
    Pusher,
}

/// The flags as they were written.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The server and path, such as ws://127.0.0.1:8080/echo-raw
    pub(super) url: String,

    /// Connections; of broadcast and slow, those that receive
    #[arg(help_heading = LOAD, short, long, value_name = "N", default_value_t = 100)]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=16_000_000))]
    pub(super) connections: usize,

    /// Connections beside them that send [default: 1]
    #[arg(help_heading = LOAD, long, value_name = "N")]
    pub(super) senders: Option<usize>,

    /// Connections beside them that read nothing [default: 10]
    #[arg(help_heading = LOAD, long, value_name = "N")]
    pub(super) slow: Option<usize>,

    /// Open loop: so many messages a second, of all senders together, whatever is answered (churn: visits a
    /// second) [default: closed loop]
    #[arg(help_heading = LOAD, short, long, value_name = "N")]
    pub(super) rate: Option<f64>,

    /// Most messages of a sender that wait for their answer at a time [default: 1; with --rate 256]
    #[arg(help_heading = LOAD, short, long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(super) window: Option<u32>,

    /// Messages of each visit [default: 1]
    #[arg(help_heading = LOAD, long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) visit: Option<u32>,

    /// The measured time, such as 500ms, 10s or 2min
    #[arg(help_heading = LOAD, short, long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    pub(super) duration: Duration,

    /// The same load before it, which is not measured
    #[arg(help_heading = LOAD, long, value_name = "TIME", value_parser = duration, default_value = "1s")]
    pub(super) warmup: Duration,

    /// Processes that make the load together, when one core or the open files of one process are not enough
    #[arg(help_heading = LOAD, long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=256))]
    pub(super) workers: usize,

    /// Open the connections evenly over this time; 0s: as fast as it goes
    #[arg(help_heading = CONNECTIONS, long, value_name = "TIME", value_parser = duration, default_value = "0s")]
    pub(super) ramp: Duration,

    /// Most connections of a process that are being made at a time
    #[arg(help_heading = CONNECTIONS, long, value_name = "N", default_value_t = 256)]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=65_536))]
    pub(super) opening: usize,

    /// How long a connection, and an answer, is waited for; past it, it counts as an error
    #[arg(help_heading = CONNECTIONS, long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    pub(super) timeout: Duration,

    #[command(flatten)]
    pub(super) trust: super::super::trust::Arguments,

    /// A further field of each request, such as 'Origin: https://example.org' (repeatable)
    #[arg(help_heading = CONNECTIONS, short = 'H', long, value_name = "NAME: VALUE")]
    pub(super) header: Vec<String>,

    /// Offer this subprotocol (repeatable, the favourite first)
    #[arg(help_heading = CONNECTIONS, long, value_name = "NAME")]
    pub(super) subprotocol: Vec<String>,

    /// Send `Authorization: Bearer TOKEN`
    #[arg(help_heading = CONNECTIONS, long, value_name = "TOKEN")]
    #[arg(env = "DUNLIN_BENCH_TOKEN", hide_env_values = true)]
    pub(super) token: Option<String>,

    /// Offer compression (permessage-deflate)
    #[arg(help_heading = CONNECTIONS, long)]
    pub(super) deflate: bool,

    /// Length of a payload, such as 512 or 16KiB [default: 64, or what the dialect needs]
    #[arg(help_heading = MESSAGES, short, long, value_name = "BYTES", value_parser = payload_size)]
    pub(super) size: Option<usize>,

    /// Text messages (the default)
    #[arg(help_heading = MESSAGES, long, conflicts_with = "binary")]
    pub(super) text: bool,

    /// Binary messages
    #[arg(help_heading = MESSAGES, long)]
    pub(super) binary: bool,

    /// How messages are written
    #[arg(help_heading = MESSAGES, long, value_enum, value_name = "NAME", default_value_t)]
    pub(super) dialect: DialectName,

    // As many words as help, and in the colours of the terminal.
    #[arg(help_heading = MESSAGES, long, value_name = "TEXT", help = TEMPLATE)]
    pub(super) template: Option<String>,

    #[arg(help_heading = MESSAGES, long, value_name = "TEXT", help = PATTERN)]
    pub(super) pattern: Option<String>,

    /// Dialect template: what each connection says first, with {i} for its number
    #[arg(help_heading = MESSAGES, long, value_name = "TEXT")]
    pub(super) hello: Option<String>,

    /// Dialect template: a connection takes part when a text of the server contains this [default: at once]
    #[arg(help_heading = MESSAGES, long, value_name = "TEXT")]
    pub(super) ready: Option<String>,

    /// Dialect rooms: the room; it is made if there is none of that name
    #[arg(help_heading = MESSAGES, long, value_name = "NAME-OR-ID", default_value = "bench")]
    pub(super) room: String,

    /// Dialect pusher: the channel
    #[arg(help_heading = MESSAGES, long, value_name = "NAME", default_value = "private-bench")]
    pub(super) channel: String,

    /// Dialect pusher: key and secret of the application, which sign the subscription of private- and
    /// presence- channels
    #[arg(help_heading = MESSAGES, long, value_name = "KEY:SECRET")]
    #[arg(env = "DUNLIN_BENCH_PUSHER", hide_env_values = true)]
    pub(super) pusher_secret: Option<String>,

    /// A process of the server on this machine, whose CPU and memory are shown (repeatable)
    #[arg(help_heading = SERVER, long, value_name = "PID")]
    pub(super) pid: Vec<u32>,

    /// Exit with 99 when this does not hold, such as 'p99<20ms,loss=0' (repeatable)
    #[arg(help_heading = OUTPUT, long, value_name = "CONDITIONS")]
    pub(super) fail: Vec<String>,

    /// Print one JSON object in place of the table
    #[arg(help_heading = OUTPUT, long)]
    pub(super) json: bool,

    /// Write a page with plots to this file, too
    #[arg(help_heading = OUTPUT, long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,

    /// No progress on standard error
    #[arg(help_heading = OUTPUT, short, long)]
    pub(super) quiet: bool,
}
