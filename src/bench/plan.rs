//! What a run is asked to do: checked values, the same for every worker.

#[cfg(feature = "tls")]
use dunlin::client::{Trust, Url};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;

/// What the connections of a run do.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// They are held, and say nothing.
    Idle,
    /// Each sends and waits for its own message to come back.
    Echo,
    /// Senders beside them send, and each of them gets everything.
    Broadcast,
    /// Each connects, talks, leaves and comes again.
    Churn,
    /// All leave and come back at once, again and again.
    Storm,
    /// As broadcast, with slow readers beside the honest ones.
    Slow,
}

impl Scenario {
    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Echo => "echo",
            Self::Broadcast => "broadcast",
            Self::Churn => "churn",
            Self::Storm => "storm",
            Self::Slow => "slow",
        }
    }

    /// Whether messages go from senders to all others.
    pub fn is_fan_out(self) -> bool {
        matches!(self, Self::Broadcast | Self::Slow)
    }

    /// Whether messages are sent and answered at all.
    pub fn talks(self) -> bool {
        !matches!(self, Self::Idle | Self::Storm)
    }
}

/// Who says when the next message leaves.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pace {
    /// Closed loop: a sender has so many messages in flight, and sends the next when one is answered.
    Window(u32),
    /// Open loop: so many a second, of all senders together, whatever is answered.
    Rate(f64),
}

/// How messages are written and found again.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DialectChoice {
    /// The number and filler, nothing else.
    Plain,
    /// A text of the user's around `{n}`, and what stands before the number in what comes back.
    Template {
        /// With `{n}`, and perhaps `{pad}` and `{i}`.
        message: String,
        /// What stands before the number; empty: the message comes back as it was.
        before: String,
        /// What a connection says first, if anything; with `{i}`.
        hello: Option<String>,
        /// What the server says when a connection may begin; without it that is at once.
        ready: Option<String>,
    },
    /// The rooms of `dunlin serve` in the format `dunlin.v1`.
    Rooms {
        /// The id of the room.
        room: String,
    },
    /// Pusher's protocol, version 7: client events on one channel.
    Pusher {
        /// The channel; `private-` and `presence-` ones need the secret.
        channel: String,
        /// Key and secret of the application, for private channels.
        secret: Option<(String, String)>,
    },
}

impl DialectChoice {
    /// As it is written on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Template { .. } => "template",
            Self::Rooms { .. } => "rooms",
            Self::Pusher { .. } => "pusher",
        }
    }
}

/// Whom a load on `wss://` believes: the authorities of the system as well, unless it is everybody.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Believed {
    /// PEM texts of authorities.
    pub authorities: Vec<String>,
    /// Whoever answers is believed.
    pub everybody: bool,
}

#[cfg(feature = "tls")]
impl Believed {
    /// The name in a server's certificate and whom to believe, where the URL is `wss://`.
    ///
    /// # Errors
    /// A text that holds no certificate.
    pub fn secure(&self, url: &Url) -> Result<Option<(String, Trust)>, String> {
        if !url.is_secure() {
            return Ok(None);
        }
        let trust = if self.everybody {
            Trust::unchecked()
        } else {
            let mut texts = self.authorities.iter();
            let trust = texts.try_fold(Trust::system(), |trust, text| trust.and_pem(text));
            trust.map_err(|error| format!("{error:#}"))?
        };
        Ok(Some((url.host().to_owned(), trust)))
    }
}

/// A run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Plan {
    /// The URL as it was given.
    pub url: String,
    /// What it resolved to: every connection goes there.
    pub address: SocketAddr,
    /// The value of `Host`.
    pub host: String,
    /// Path and query.
    pub target: String,
    /// Whom to believe, where the URL is `wss://`.
    #[serde(default)]
    pub believed: Believed,
    /// Further fields of each request.
    pub fields: Vec<(String, String)>,
    /// Subprotocols to offer.
    pub protocols: Vec<String>,
    /// What the connections do.
    pub scenario: Scenario,
    /// Connections; of fan-out, the receivers.
    pub connections: usize,
    /// Fan-out: senders beside them.
    pub senders: usize,
    /// Slow readers beside them.
    pub slow: usize,
    /// Who says when.
    pub pace: Pace,
    /// Most messages of a sender that are under way at a time.
    pub window: u32,
    /// Churn: messages of each visit.
    pub visit: u32,
    /// Length of a payload.
    pub size: usize,
    /// Text messages, not binary ones.
    pub text: bool,
    /// Whether permessage-deflate is offered.
    pub deflate: bool,
    /// How messages are written.
    pub dialect: DialectChoice,
    /// Time in which connections are opened; zero: as fast as it goes.
    pub ramp: Duration,
    /// Calls that are under way at a time.
    pub opening: usize,
    /// Load before the measured span.
    pub warmup: Duration,
    /// The measured span.
    pub duration: Duration,
    /// How long a call, and an answer, is waited for.
    pub timeout: Duration,
    /// Processes that make the load; 1: this one.
    pub workers: usize,
}

impl Plan {
    /// All connections: those of the scenario, the senders, and the slow ones.
    pub fn all(&self) -> usize {
        self.connections + self.senders + self.slow
    }

    /// Those that send.
    pub fn speakers(&self) -> usize {
        match self.scenario {
            Scenario::Idle | Scenario::Storm => 0,
            Scenario::Echo | Scenario::Churn => self.connections,
            Scenario::Broadcast | Scenario::Slow => self.senders,
        }
    }
}

/// The part of a plan that one worker does.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Share {
    /// The whole.
    pub plan: Plan,
    /// Which worker, from 0.
    pub worker: usize,
    /// Its connections of the scenario.
    pub connections: usize,
    /// Its senders.
    pub senders: usize,
    /// Its slow readers.
    pub slow: usize,
    /// The number of its first sender among all.
    pub first_sender: usize,
    /// The number of its first connection among all.
    pub first: usize,
}

impl Share {
    /// The shares of all workers.
    pub fn of(plan: &Plan) -> Vec<Self> {
        let part = |total: usize, worker: usize| {
            let start = total * worker / plan.workers;
            (start, total * (worker + 1) / plan.workers - start)
        };
        let workers = 0..plan.workers;
        let shares = workers.map(|worker| {
            let (first, connections) = part(plan.connections, worker);
            let (first_sender, senders) = part(plan.senders, worker);
            let (first_slow, slow) = part(plan.slow, worker);
            Self {
                plan: plan.clone(),
                worker,
                connections,
                senders,
                slow,
                first_sender,
                first: first + first_sender + first_slow,
            }
        });
        shares.collect()
    }

    /// All its connections.
    pub fn all(&self) -> usize {
        self.connections + self.senders + self.slow
    }

    /// Those of its connections that send.
    pub fn speakers(&self) -> usize {
        if self.plan.scenario.is_fan_out() {
            self.senders
        } else {
            self.connections
        }
    }

    /// Its part of the rate, messages a second.
    pub fn rate(&self, rate: f64) -> f64 {
        rate * self.speakers() as f64 / self.plan.speakers().max(1) as f64
    }
}
