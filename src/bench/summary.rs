//! What one run found, as it is printed, written as JSON and drawn.
//!
//! Times are nanoseconds, sizes bytes. A field that was not measured is absent. [`VERSION`] counts up
//! when a field changes its meaning or goes; new fields alone do not change it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of this format.
pub const VERSION: u32 = 1;

/// One run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Summary {
    /// [`VERSION`].
    pub version: u32,
    /// Where and with what it ran.
    pub environment: Environment,
    /// What was asked for.
    pub asked: Asked,
    /// How it ended.
    pub ended: Ended,
    /// Why the figures are not those of the server: the generator was the bottleneck. Empty: valid.
    pub invalid: Vec<String>,
    /// What a reader should know beside that.
    pub notes: Vec<String>,
    /// Length of the measured span, from the first message of the load to its end, in nanoseconds.
    pub measured_ns: u64,
    /// Connections.
    pub connections: Connections,
    /// From the call to the TCP connection.
    pub connect: Latency,
    /// From the request to the 101.
    pub upgrade: Latency,
    /// From the actual send to the answer, or to each delivery.
    pub service: Latency,
    /// From the intended send to the answer, or to each delivery: in open loop this is what a user
    /// waits. The same as `service` in closed loop, where nothing else is intended. A message that was never
    /// answered, or in open loop never sent, counts as long as it was waited for until the end; not so one
    /// whose connection ended.
    pub response: Latency,
    /// `broadcast`: from the send to the first receiver of a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_receiver: Option<Latency>,
    /// `broadcast`: from the send to the last receiver of a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_receiver: Option<Latency>,
    /// `storm`: from the cut to the 101 of the same connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconnect: Option<Latency>,
    /// Messages.
    pub messages: Messages,
    /// Errors by kind, such as `connect: refused` or `handshake: 403`.
    pub errors: BTreeMap<String, u64>,
    /// How sessions ended before they were meant to, by code and who closed, such as `1008 by the server`.
    pub closes: BTreeMap<String, u64>,
    /// The generator itself.
    pub generator: Generator,
    /// The server, where `--pid` named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Server>,
    /// What happened in each second of the run, from the first call on. A shorter one ends the load.
    pub seconds: Vec<Second>,
    /// The conditions of `--fail`.
    #[serde(default)]
    pub conditions: Vec<Judged>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// As planned.
    Complete,
    /// By Ctrl-C: the figures are those until then.
    Interrupted,
    /// The server went away in the middle: every connection was lost.
    Lost,
    /// Nothing could be measured: no connection was ever open.
    Nothing,
}

/// Where and with what a run was made.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Environment {
    /// Version of dunlin.
    pub dunlin: String,
    /// Begin, as of RFC 3339, in UTC.
    pub date: String,
    /// Operating system and kernel.
    pub system: String,
    /// Name of the processor.
    pub processor: String,
    /// Processors that the process may use.
    pub cores: usize,
    /// Memory of the machine.
    pub memory: u64,
    /// The limit of open files of the process.
    pub open_files: u64,
    /// The arguments, as they were given, tokens and secrets blanked.
    pub command: Vec<String>,
}

/// What was asked for.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Asked {
    /// Name of the scenario.
    pub scenario: String,
    /// The server.
    pub url: String,
    /// Name of the dialect.
    pub dialect: String,
    /// Connections.
    pub connections: usize,
    /// `broadcast`: senders beside the receivers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub senders: Option<usize>,
    /// `slow`: slow readers beside the honest ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<usize>,
    /// Closed loop: messages in flight of each sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// Open loop: messages a second, of all senders together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Length of a payload.
    pub size: usize,
    /// `text` or `binary`.
    pub kind: String,
    /// Whether permessage-deflate was offered.
    pub deflate: bool,
    /// Time in which the connections are opened; 0: as fast as it goes.
    pub ramp_ns: u64,
    /// Load before the measured span.
    pub warmup_ns: u64,
    /// The measured span.
    pub duration_ns: u64,
    /// Processes that made the load.
    pub workers: usize,
}

/// Connections of a run.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Connections {
    /// Calls that were begun.
    pub tried: u64,
    /// Sessions that opened.
    pub opened: u64,
    /// Sessions that were open when the load ended.
    pub open_at_end: u64,
    /// The most that were open at a time.
    pub peak: u64,
    /// Of the opened ones, those that agreed on permessage-deflate.
    pub deflated: u64,
    /// From the first call until the last connection of the ramp was open.
    pub ramp_ns: u64,
}

/// A distribution of times, in nanoseconds.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Latency {
    /// Values.
    pub count: u64,
    /// The least.
    pub min: u64,
    /// The mean.
    pub mean: f64,
    /// Half of the values are at most this.
    pub p50: u64,
    /// 90 % of them.
    pub p90: u64,
    /// 99 %.
    pub p99: u64,
    /// 99.9 %.
    pub p999: u64,
    /// 99.99 %.
    pub p9999: u64,
    /// The greatest.
    pub max: u64,
    /// Pairs of a quantile (0 to 1) and its value, dense towards 1: for a plot over 1 / (1 − quantile).
    pub curve: Vec<(f64, u64)>,
}

/// Messages of a run, from the first to the last, warm-up included.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Messages {
    /// Messages of the load that were sent.
    pub sent: u64,
    /// Bytes of their payloads.
    pub sent_bytes: u64,
    /// All messages that arrived, whatever they were.
    pub received: u64,
    /// Bytes of their payloads.
    pub received_bytes: u64,
    /// Answers or deliveries that should have come.
    pub expected: u64,
    /// Of these, those that came, each counted once.
    pub answered: u64,
    /// Expected and did not come, though the connection stayed: of those that were waited for.
    pub lost: u64,
    /// Expected and did not come because their connection ended before.
    pub cut: u64,
    /// Came more than once.
    pub duplicates: u64,
    /// Came behind a later one of the same sender.
    pub reordered: u64,
    /// Came without a number of this run, such as greetings.
    pub others: u64,
    /// Open loop: intended and not sent by the end, since too much was outstanding or the generator late.
    pub unsent: u64,
    /// Messages sent in the measured span, a second.
    pub sent_rate: f64,
    /// Answers or deliveries in the measured span, a second.
    pub answer_rate: f64,
    /// Messages sent in the measured span.
    pub sent_measured: u64,
    /// Answers or deliveries in the measured span.
    pub answered_measured: u64,
}

/// The generator.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Generator {
    /// CPU time in the measured span, all workers.
    pub cpu_ns: u64,
    /// The greatest part of its core that a worker used in the measured span, 0 to 1.
    pub busy: f64,
    /// The greatest part of the measured span in which a worker could have run and others had its core, 0 to 1.
    pub waited: f64,
    /// CPU time for each answer or delivery, nanoseconds.
    pub cpu_per_message: f64,
    /// Open loop: by how much a message left later than intended because the generator was late.
    pub lag: Latency,
    /// Resident memory before the first call.
    pub memory_before: u64,
    /// Resident memory with all connections open and idle.
    pub memory_open: u64,
    /// What it grew by, for each connection; absent below 5000 connections and with several workers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_per_connection: Option<f64>,
}

/// The server, as its process shows itself. CPU and memory are sums over its threads and, with several
/// processes, over these.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Server {
    /// Processes.
    pub pids: Vec<u32>,
    /// Name of the first.
    pub name: String,
    /// CPU time in the measured span.
    pub cpu_ns: u64,
    /// CPU time for each answer or delivery of the measured span, nanoseconds.
    pub cpu_per_message: f64,
    /// Time in which its threads could have run and others had the core, in the measured span.
    pub waited_ns: u64,
    /// Resident memory before the first call.
    pub memory_before: u64,
    /// Resident memory with all connections open, before the load.
    pub memory_open: u64,
    /// The most that was seen.
    pub memory_peak: u64,
    /// Bytes for each connection, fitted over the ramp by least squares; absent where too few points are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_per_connection: Option<f64>,
    /// Open descriptors with all connections open.
    pub descriptors: u64,
}

/// One second of a run.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Second {
    /// Its end, in nanoseconds since the first call.
    pub at_ns: u64,
    /// `ramp`, `warmup`, `load`, `drain` or `close`.
    pub phase: String,
    /// Connections that are open.
    pub open: u64,
    /// Messages sent in it.
    pub sent: u64,
    /// Answers or deliveries in it.
    pub answered: u64,
    /// Errors in it.
    pub errors: u64,
    /// Of the response times in it, nanoseconds; absent without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50: Option<u64>,
    /// The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99: Option<u64>,
    /// The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// The greatest part of its core that a worker used, 0 to 1.
    pub generator_busy: f64,
    /// Cores that the server used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_busy: Option<f64>,
    /// Resident memory of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_memory: Option<u64>,
}

/// A condition that was judged.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Judged {
    /// As it was written, such as `p99<20ms`.
    pub text: String,
    /// What was measured, with its unit.
    pub found: String,
    /// Whether it holds.
    pub held: bool,
}
