//! The settings of a route: protocol times, sizes, backlog, origins.

mod origins;

pub use origins::Origins;

use super::bounds::out_of_bounds;
use super::row::{Kind, Row, Value};
#[cfg(feature = "json")]
use crate::wire::codec::{Codec, Json};
use crate::wire::error::Result;
use crate::wire::extension::Extension;
use crate::wire::fields::is_token;
use crate::wire::frame::Reserved;
use std::sync::Arc;
use std::time::Duration;

/// What happens when a peer does not take what is sent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BacklogPolicy {
    /// Close 1008: the default.
    Close,
    /// The message that does not fit is dropped and counted.
    DropNewest,
    /// The oldest whole messages are dropped, and counted, until the new one fits.
    DropOldest,
    /// Nothing is dropped: reading from this peer stops above the mark, so that
    /// what it asks for waits in its own socket. For handlers that only answer.
    StopReading,
}

/// The settings of a route. Every limit has a default and a bound.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Silence after which a ping is sent, 1 s to 30 min; `None`: never. Default 25 s.
    pub ping_period: Option<Duration>,
    /// How long a pong may take before the session ends with 1011 `Ping timeout`, 1 s to
    /// 30 min. Default 15 s.
    pub pong_timeout: Duration,
    /// The largest frame that is received, 1 byte to 1 GiB of payload; past it 1009. Default 1 MiB.
    pub max_frame_size: usize,
    /// The largest message that is received, 1 byte to 1 GiB of payload; past it 1009. Default 1 MiB.
    pub max_message_size: usize,
    /// Backlog above which the drain event is owed and `StopReading` stops, 1 byte to
    /// `backlog_limit`. Default 256 KiB.
    pub backlog_mark: usize,
    /// Backlog that is never passed, 1 KiB to 1 GiB; past it `backlog` decides. One message may pass it
    /// when nothing else waits. Default 1 MiB.
    pub backlog_limit: usize,
    /// How long a backlog may stay above the mark before `backlog` decides, too, 1 s to 30 min.
    /// Default 10 s.
    pub backlog_time: Duration,
    /// What happens past the limit. Default: close 1008. That is also what happens in place of dropping
    /// where an extension builds each message on the ones before (deflate with the server's context
    /// taken over), because the peer could read nothing behind a gap.
    pub backlog: BacklogPolicy,
    /// How long a close handshake may take, 1 s to 30 min. Default 10 s.
    pub close_timeout: Duration,
    /// Which origins may open a session. Default: the same as `Host`.
    pub origins: Origins,
    /// Whether a client without `Origin` (anything but a browser) may. Default: yes.
    pub allow_absent_origin: bool,
    /// Subprotocols in the server's order of preference. Default: none.
    pub protocols: Vec<String>,
    /// Whether a client that offers none of them is refused with 400. Default: no.
    pub require_protocol: bool,
    /// Extensions, of which a session gets one at most: the client's offers are tried in the
    /// order of the client. A caller offers them in the order given here. Default: none.
    pub extensions: Vec<Arc<dyn Extension>>,
    /// Turns values into messages and back. Default: JSON.
    #[cfg(feature = "json")]
    pub codec: Arc<dyn Codec>,
    /// Masks what is sent, which a server must not (RFC 6455 §5.1): for tests of clients. Default: no.
    pub masking: bool,
}

impl BacklogPolicy {
    const WORDS: [(Self, &'static str); 4] = [
        (Self::Close, "close"),
        (Self::DropNewest, "drop-newest"),
        (Self::DropOldest, "drop-oldest"),
        (Self::StopReading, "stop-reading"),
    ];

    fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(policy, _)| *policy == self);
        found.map_or("close", |(_, word)| word)
    }

    fn of_word(word: &str) -> Self {
        let found = Self::WORDS.iter().find(|(_, known)| *known == word);
        found.map_or(Self::Close, |(policy, _)| *policy)
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// Every setting that an operator can change, in the order in which they are checked. What only the
/// program can know (protocols, extensions, codec, masking) has no row.
static ROWS: &[Row<Settings>] = &[
    Row {
        name: "ping_period",
        key: "ping_period",
        kind: Kind::Time { shortest: SECOND },
        none: Some("off"),
        reloads: false,
        about: "Silence after which a ping is sent",
        get: |all| all.ping_period.map_or(Value::None, Value::Time),
        set: |all, value| match value {
            Value::None => all.ping_period = None,
            Value::Time(time) => all.ping_period = Some(time),
            _ => {}
        },
    },
    Row {
        name: "pong_timeout",
        key: "pong_timeout",
        kind: Kind::Time { shortest: SECOND },
        none: None,
        reloads: false,
        about: "Time for a pong; then the session ends with 1011",
        get: |all| Value::Time(all.pong_timeout),
        set: |all, value| {
            if let Value::Time(time) = value {
                all.pong_timeout = time;
            }
        },
    },
    Row {
        name: "backlog_time",
        key: "backlog_time",
        kind: Kind::Time { shortest: SECOND },
        none: None,
        reloads: false,
        about: "Time that a backlog may stay above the mark before the policy decides",
        get: |all| Value::Time(all.backlog_time),
        set: |all, value| {
            if let Value::Time(time) = value {
                all.backlog_time = time;
            }
        },
    },
    Row {
        name: "close_timeout",
        key: "close_timeout",
        kind: Kind::Time { shortest: SECOND },
        none: None,
        reloads: false,
        about: "Time for a close handshake; then the connection is cut",
        get: |all| Value::Time(all.close_timeout),
        set: |all, value| {
            if let Value::Time(time) = value {
                all.close_timeout = time;
            }
        },
    },
    Row {
        name: "max_frame_size",
        key: "max_frame_size",
        kind: Kind::Number {
            unit: "bytes",
            least: 1,
            most: |_| MOST,
        },
        none: None,
        reloads: false,
        about: "A frame that is received; past it 1009",
        get: |all| Value::Number(all.max_frame_size),
        set: |all, value| {
            if let Value::Number(number) = value {
                all.max_frame_size = number;
            }
        },
    },
    Row {
        name: "max_message_size",
        key: "max_message_size",
        kind: Kind::Number {
            unit: "bytes",
            least: 1,
            most: |_| MOST,
        },
        none: None,
        reloads: false,
        about: "A message that is received; past it 1009; sets max_frame_size too",
        get: |all| Value::Number(all.max_message_size),
        set: |all, value| {
            if let Value::Number(number) = value {
                (all.max_message_size, all.max_frame_size) = (number, number);
            }
        },
    },
    Row {
        name: "backlog_limit",
        key: "backlog_limit",
        kind: Kind::Number {
            unit: "bytes",
            least: 1024,
            most: |_| MOST,
        },
        none: None,
        reloads: false,
        about: "Backlog that is never passed; past it the policy decides",
        get: |all| Value::Number(all.backlog_limit),
        set: |all, value| {
            if let Value::Number(number) = value {
                all.backlog_limit = number;
            }
        },
    },
    Row {
        name: "backlog_mark",
        key: "backlog_mark",
        kind: Kind::Number {
            unit: "bytes",
            least: 1,
            most: |all| all.backlog_limit,
        },
        none: None,
        reloads: false,
        about: "Backlog above which the drain event is owed",
        get: |all| Value::Number(all.backlog_mark),
        set: |all, value| {
            if let Value::Number(number) = value {
                all.backlog_mark = number;
            }
        },
    },
    Row {
        name: "backlog",
        key: "backlog",
        kind: Kind::Choice(&["close", "drop-newest", "drop-oldest", "stop-reading"]),
        none: None,
        reloads: false,
        about: "What happens past the limit of a backlog",
        get: |all| Value::Word(all.backlog.word()),
        set: |all, value| {
            if let Value::Word(word) = value {
                all.backlog = BacklogPolicy::of_word(word);
            }
        },
    },
    Row {
        name: "origins",
        key: "origin",
        kind: Kind::List("origins such as https://example.org, same (as Host), or * for every one"),
        none: None,
        reloads: false,
        about: "Origins whose pages may open a session; others get 403",
        get: |all| Value::List(all.origins.list()),
        set: |all, value| {
            if let Value::List(list) = value {
                all.origins = Origins::of_list(list);
            }
        },
    },
    Row {
        name: "allow_absent_origin",
        key: "allow_absent_origin",
        kind: Kind::Flag,
        none: None,
        reloads: false,
        about: "Whether a client without Origin may open a session",
        get: |all| Value::Flag(all.allow_absent_origin),
        set: |all, value| {
            if let Value::Flag(flag) = value {
                all.allow_absent_origin = flag;
            }
        },
    },
];

const MOST: usize = 1 << 30;

impl Default for Settings {
    fn default() -> Self {
        Self {
            ping_period: Some(Duration::from_secs(25)),
            pong_timeout: Duration::from_secs(15),
            max_frame_size: 1 << 20,
            max_message_size: 1 << 20,
            backlog_mark: 256 << 10,
            backlog_limit: 1 << 20,
            backlog_time: Duration::from_secs(10),
            backlog: BacklogPolicy::Close,
            close_timeout: Duration::from_secs(10),
            origins: Origins::Same,
            allow_absent_origin: true,
            protocols: Vec::new(),
            require_protocol: false,
            extensions: Vec::new(),
            #[cfg(feature = "json")]
            codec: Arc::new(Json),
            masking: false,
        }
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty),* $(,)?) => {$(
        $(#[$doc])*
        pub fn $name(mut self, value: $type) -> Self {
            self.$name = value;
            self
        }
    )*};
}

impl Settings {
    setters! {
        /// Sets [`Settings::pong_timeout`].
        pong_timeout: Duration,
        /// Sets [`Settings::max_frame_size`].
        max_frame_size: usize,
        /// Sets [`Settings::backlog_mark`].
        backlog_mark: usize,
        /// Sets [`Settings::backlog_limit`].
        backlog_limit: usize,
        /// Sets [`Settings::backlog_time`].
        backlog_time: Duration,
        /// Sets [`Settings::backlog`].
        backlog: BacklogPolicy,
        /// Sets [`Settings::close_timeout`].
        close_timeout: Duration,
        /// Sets [`Settings::origins`].
        origins: Origins,
        /// Sets [`Settings::allow_absent_origin`].
        allow_absent_origin: bool,
        /// Sets [`Settings::require_protocol`].
        require_protocol: bool,
        /// Sets [`Settings::masking`].
        masking: bool,
    }

    /// Sets [`Settings::ping_period`]; takes a time, an `Option` of one, or `None`.
    pub fn ping_period(mut self, period: impl Into<Option<Duration>>) -> Self {
        self.ping_period = period.into();
        self
    }

    /// Sets [`Settings::max_message_size`], and [`Settings::max_frame_size`] with it.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.max_message_size = bytes;
        self.max_frame_size = bytes;
        self
    }

    /// Sets [`Settings::protocols`].
    pub fn protocols<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.protocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`Settings::codec`].
    #[cfg(feature = "json")]
    pub fn codec(mut self, codec: impl Codec + 'static) -> Self {
        self.codec = Arc::new(codec);
        self
    }

    /// Adds an extension behind those that are there.
    pub fn extension(mut self, extension: impl Extension + 'static) -> Self {
        self.extensions.push(Arc::new(extension));
        self
    }

    /// Every setting that an operator can change as a row, in the order in which they are checked.
    pub fn rows() -> &'static [Row<Self>] {
        ROWS
    }

    /// Checks every field against its bounds.
    ///
    /// # Errors
    /// The first field that is out of bounds, with its value and its limit.
    pub fn check(&self) -> Result<()> {
        for row in ROWS {
            row.check("setting", self)?;
        }
        self.check_names()
    }

    fn check_names(&self) -> Result<()> {
        self.origins.check()?;
        if self.require_protocol && self.protocols.is_empty() {
            return Err(out_of_bounds(
                "setting",
                "require_protocol",
                "true",
                "false while `protocols` is empty",
            ));
        }
        if let Some(name) = self.protocols.iter().find(|name| !is_token(name)) {
            return Err(out_of_bounds(
                "setting",
                "protocols",
                name,
                "a token of RFC 9110 §5.6.2",
            ));
        }
        let mut claimed = Reserved::NONE;
        for extension in &self.extensions {
            extension.check()?;
            let bits = extension.reserved();
            if claimed.intersects(bits) {
                let value = format!("{} with {bits}", extension.name());
                let wanted = "extensions that each claim reserved bits of their own";
                return Err(out_of_bounds("setting", "extensions", &value, wanted));
            }
            claimed.0 |= bits.0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
