//! The settings of a route: protocol times, sizes, backlog, origins.

#[cfg(feature = "json")]
use super::codec::{Codec, Json};
use crate::wire::error::{Error, ErrorKind, Result};
use crate::wire::extension::Extension;
use crate::wire::fields::is_token;
use crate::wire::frame::Reserved;
use std::rc::Rc;
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

/// Which `Origin` of a browser may open a session (exact scheme, host and port).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// The origin whose host and port are those of `Host`: the default.
    Same,
    /// Every origin.
    Any,
    /// These, written as a browser does: `https://example.org`, `http://localhost:3000`. One
    /// leading label may be `*`: `https://*.example.org`.
    List(Vec<String>),
}

/// The settings of a route. Every limit has a default and a bound.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Silence after which a ping is sent; zero: never. Default 25 s.
    pub ping_period: Duration,
    /// How long a pong may take before the session ends with 1011 `Ping pong_timeout`. Default 15 s.
    pub pong_timeout: Duration,
    /// The largest frame that is received, payload bytes; past it 1009. Default 1 MiB.
    pub max_frame_size: usize,
    /// The largest message that is received, payload bytes; past it 1009. Default 1 MiB.
    pub max_message_size: usize,
    /// BacklogPolicy above which the drain event is owed and `StopReading` stops, bytes. Default 256 KiB.
    pub backlog_mark: usize,
    /// BacklogPolicy that is never passed, bytes; past it `backlog` decides. One message may pass it
    /// when nothing else waits. Default 1 MiB.
    pub backlog_limit: usize,
    /// How long a backlog may stay above the mark before `backlog` decides, too. Default 10 s.
    pub backlog_time: Duration,
    /// What happens past the limit. Default: close 1008. That is also what happens in place of dropping
    /// where an extension builds each message on the ones before (deflate with the server's context
    /// taken over), because the peer could read nothing behind a gap.
    pub backlog: BacklogPolicy,
    /// How long a close handshake may take. Default 10 s.
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
    pub extensions: Vec<Rc<dyn Extension>>,
    /// Turns values into messages and back. Default: JSON.
    #[cfg(feature = "json")]
    pub codec: Rc<dyn Codec>,
    /// Masks what is sent, which a server must not (RFC 6455 §5.1): for tests of clients. Default: no.
    pub masking: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ping_period: Duration::from_secs(25),
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
            codec: Rc::new(Json),
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
        /// Sets [`Settings::ping_period`].
        ping_period: Duration,
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
        self.codec = Rc::new(codec);
        self
    }

    /// Adds an extension behind those that are there.
    pub fn extension(mut self, extension: impl Extension + 'static) -> Self {
        self.extensions.push(Rc::new(extension));
        self
    }

    /// Checks every field against its bounds.
    ///
    /// # Errors
    /// The first field that is out of bounds, with its value and its limit.
    pub fn check(&self) -> Result<()> {
        const LONGEST: Duration = Duration::from_secs(30 * 60);
        const SECOND: Duration = Duration::from_secs(1);
        let times = [
            ("pong_timeout", self.pong_timeout),
            ("backlog_time", self.backlog_time),
            ("close_timeout", self.close_timeout),
        ];
        for (name, value) in times {
            if !(SECOND..=LONGEST).contains(&value) {
                return Err(out_of_bounds(name, &format!("{value:?}"), "1 s to 30 min"));
            }
        }
        if !self.ping_period.is_zero() && !(SECOND..=LONGEST).contains(&self.ping_period) {
            let value = format!("{:?}", self.ping_period);
            return Err(out_of_bounds(
                "ping_period",
                &value,
                "0 (off), or 1 s to 30 min",
            ));
        }
        let sizes = [
            ("max_frame_size", self.max_frame_size, 1, 1 << 30),
            ("max_message_size", self.max_message_size, 1, 1 << 30),
            ("backlog_limit", self.backlog_limit, 1024, 1 << 30),
            ("backlog_mark", self.backlog_mark, 1, self.backlog_limit),
        ];
        for (name, value, low, high) in sizes {
            if !(low..=high).contains(&value) {
                let bounds = format!("{low} to {high} bytes");
                return Err(out_of_bounds(name, &value.to_string(), &bounds));
            }
        }
        self.check_names()
    }

    fn check_names(&self) -> Result<()> {
        if self.require_protocol && self.protocols.is_empty() {
            return Err(out_of_bounds(
                "require_protocol",
                "true",
                "false while `protocols` is empty",
            ));
        }
        if let Some(name) = self.protocols.iter().find(|name| !is_token(name)) {
            return Err(out_of_bounds(
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
                return Err(out_of_bounds("extensions", &value, wanted));
            }
            claimed.0 |= bits.0;
        }
        Ok(())
    }
}

fn out_of_bounds(field: &str, value: &str, wanted: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("setting `{field}` is {value}, wanted: {wanted}"),
    )
}
