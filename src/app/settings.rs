//! The settings of a route: protocol times, sizes, backlog, origins.

#[cfg(feature = "json")]
use super::codec::{Codec, Json};
use crate::config::bounds::{self, out_of_bounds};
use crate::wire::error::Result;
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
        let times = [
            ("ping_period", self.ping_period),
            ("pong_timeout", Some(self.pong_timeout)),
            ("backlog_time", Some(self.backlog_time)),
            ("close_timeout", Some(self.close_timeout)),
        ];
        for (name, value) in times {
            // No ping period means that no pings are sent.
            if let Some(value) = value {
                bounds::check_time("setting", name, value, Duration::from_secs(1))?;
            }
        }
        let sizes = [
            ("max_frame_size", self.max_frame_size, 1, 1 << 30),
            ("max_message_size", self.max_message_size, 1, 1 << 30),
            ("backlog_limit", self.backlog_limit, 1024, 1 << 30),
            ("backlog_mark", self.backlog_mark, 1, self.backlog_limit),
        ];
        for (name, value, least, most) in sizes {
            bounds::check_number("setting", name, value, least..=most, "bytes")?;
        }
        self.check_names()
    }

    fn check_names(&self) -> Result<()> {
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
mod tests {
    use super::*;

    #[test]
    fn a_time_out_of_bounds_is_refused_with_field_value_and_limit() {
        type Change = fn(Settings, Duration) -> Settings;
        let changes: [(&str, Change); 4] = [
            ("ping_period", |settings, time| settings.ping_period(time)),
            ("pong_timeout", |settings, time| settings.pong_timeout(time)),
            ("backlog_time", |settings, time| settings.backlog_time(time)),
            ("close_timeout", |settings, time| {
                settings.close_timeout(time)
            }),
        ];
        for (name, change) in changes {
            let (short, long) = (Duration::from_millis(999), Duration::from_millis(1_800_001));
            for time in [Duration::ZERO, short, long, Duration::MAX] {
                let error = change(Settings::default(), time).check().unwrap_err();
                let wanted = format!("setting `{name}` is {time:?}, wanted: 1s to 30 min");
                assert_eq!(error.to_string(), wanted);
            }
            for seconds in [1, 30 * 60] {
                let time = Duration::from_secs(seconds);
                change(Settings::default(), time).check().unwrap();
            }
        }
    }

    #[test]
    fn a_size_out_of_bounds_is_refused_with_field_value_and_limit() {
        type Field = fn(&mut Settings) -> &mut usize;
        let fields: [(&str, Field, usize, usize); 4] = [
            ("max_frame_size", |all| &mut all.max_frame_size, 1, 1 << 30),
            (
                "max_message_size",
                |all| &mut all.max_message_size,
                1,
                1 << 30,
            ),
            ("backlog_limit", |all| &mut all.backlog_limit, 1024, 1 << 30),
            // At most the limit of the backlog.
            ("backlog_mark", |all| &mut all.backlog_mark, 1, 1024),
        ];
        for (name, field, least, most) in fields {
            let checked = |bytes| {
                let mut settings = Settings::default().backlog_limit(1024).backlog_mark(1);
                *field(&mut settings) = bytes;
                settings.check()
            };
            for bytes in [least, most] {
                checked(bytes).unwrap();
            }
            for bytes in [0, least - 1, most + 1] {
                let error = checked(bytes).unwrap_err().to_string();
                let wanted =
                    format!("setting `{name}` is {bytes}, wanted: {least} to {most} bytes");
                assert_eq!(error, wanted);
            }
        }
    }

    #[test]
    fn no_ping_period_is_no_pings() {
        let settings = Settings::default().ping_period(None);
        assert_eq!(settings.ping_period, None);
        settings.check().unwrap();
    }
}
