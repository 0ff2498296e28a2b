//! What a client asks for, and every limit it keeps.

#[cfg(feature = "tls")]
use crate::app::Trust;
use crate::wire::error::{Error, ErrorKind, Result};
use crate::wire::extension::Extension;
use std::sync::Arc;
use std::time::Duration;

/// The options of a connection. Every limit has a default and a bound.
///
/// ```
/// use dunlin::client::Options;
/// use std::time::Duration;
///
/// let options = Options::new()
///     .header("Authorization", "Bearer letmein")
///     .protocol("chat.v2")
///     .max_message_size(64 << 20)
///     .read_timeout(Duration::from_secs(5));
/// # drop(options);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Further fields of the request, such as `Origin` or `Cookie`, in order. Default: none.
    pub headers: Vec<(String, String)>,
    /// Subprotocols to offer, the favourite first. Default: none.
    pub protocols: Vec<String>,
    /// Extensions to offer, the favourite first; one of them can be agreed. Default: none.
    pub extensions: Vec<Arc<dyn Extension>>,
    /// The largest frame that is received, payload bytes; past it 1009. Default 1 MiB.
    pub max_frame_size: usize,
    /// The largest message that is received, payload bytes; past it 1009. Default 1 MiB.
    pub max_message_size: usize,
    /// How long to try for a TCP connection, over all addresses of the name. Default 10 s.
    pub connect_timeout: Duration,
    /// Whom to believe behind `wss://`. Default: the authorities that the system trusts.
    #[cfg(feature = "tls")]
    pub trust: Trust,
    /// How long the server may take for its whole answer to the upgrade, and as long for the handshake of
    /// TLS before it. Default 10 s.
    pub handshake_timeout: Duration,
    /// How long a `receive` waits; zero: for ever. Default 30 s.
    pub read_timeout: Duration,
    /// How long a send may stand still because the server does not read; zero: for ever. Default 30 s.
    pub write_timeout: Duration,
    /// How long the server may take to answer a Close. Default 10 s.
    pub close_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            headers: Vec::new(),
            protocols: Vec::new(),
            extensions: Vec::new(),
            max_frame_size: 1 << 20,
            max_message_size: 1 << 20,
            connect_timeout: Duration::from_secs(10),
            #[cfg(feature = "tls")]
            trust: Trust::system(),
            handshake_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(10),
        }
    }
}

macro_rules! setters {
    ($($(#[$meta:meta])* $name:ident: $type:ty),* $(,)?) => {$(
        $(#[$meta])*
        #[must_use]
        pub fn $name(mut self, value: $type) -> Self {
            self.$name = value;
            self
        }
    )*};
}

impl Options {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Sets [`Options::max_frame_size`].
        max_frame_size: usize,
        /// Sets [`Options::trust`].
        #[cfg(feature = "tls")]
        trust: Trust,
        /// Sets [`Options::connect_timeout`].
        connect_timeout: Duration,
        /// Sets [`Options::handshake_timeout`].
        handshake_timeout: Duration,
        /// Sets [`Options::read_timeout`].
        read_timeout: Duration,
        /// Sets [`Options::write_timeout`].
        write_timeout: Duration,
        /// Sets [`Options::close_timeout`].
        close_timeout: Duration,
    }

    /// Sets [`Options::max_message_size`], and [`Options::max_frame_size`] with it.
    #[must_use]
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.max_message_size = bytes;
        self.max_frame_size = bytes;
        self
    }

    /// Adds a field to the request. Those of the handshake itself are refused when it begins.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Offers a subprotocol, behind those that are there.
    #[must_use]
    pub fn protocol(mut self, name: impl Into<String>) -> Self {
        self.protocols.push(name.into());
        self
    }

    /// Offers an extension, behind those that are there.
    #[must_use]
    pub fn extension(mut self, extension: impl Extension + 'static) -> Self {
        self.extensions.push(Arc::new(extension));
        self
    }

    /// Checks every field against its bounds. Headers and protocols are checked when the
    /// request is written.
    ///
    /// # Errors
    /// [`ErrorKind::Config`]: the first field that is out of bounds, with its value and its limit.
    pub fn check(&self) -> Result<()> {
        const LONGEST: Duration = Duration::from_secs(60 * 60);
        const SHORTEST: Duration = Duration::from_millis(1);
        for (name, value, may_be_zero) in [
            ("connect_timeout", self.connect_timeout, false),
            ("handshake_timeout", self.handshake_timeout, false),
            ("close_timeout", self.close_timeout, false),
            ("read_timeout", self.read_timeout, true),
            ("write_timeout", self.write_timeout, true),
        ] {
            let in_bounds = (SHORTEST..=LONGEST).contains(&value);
            if !(in_bounds || may_be_zero && value.is_zero()) {
                let zero = if may_be_zero { "0 (for ever), or " } else { "" };
                let wanted = format!("{zero}1 ms to 1 h");
                return Err(out_of_bounds(name, &format!("{value:?}"), &wanted));
            }
        }
        for (name, value) in [
            ("max_frame_size", self.max_frame_size),
            ("max_message_size", self.max_message_size),
        ] {
            if !(1..=1 << 30).contains(&value) {
                let bounds = "1 to 1073741824 bytes";
                return Err(out_of_bounds(name, &value.to_string(), bounds));
            }
        }
        self.extensions
            .iter()
            .try_for_each(|extension| extension.check())
    }
}

fn out_of_bounds(field: &str, value: &str, wanted: &str) -> Error {
    let message = format!("client option `{field}` is {value}, wanted: {wanted}");
    Error::new(ErrorKind::Config, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_their_bounds() {
        assert!(Options::new().check().is_ok());
    }

    #[test]
    fn an_option_out_of_bounds_is_named_with_its_value_and_limit() {
        let zero = Duration::ZERO;
        let day = Duration::from_secs(86_400);
        for (options, parts) in [
            (
                Options::new().handshake_timeout(zero),
                ["handshake_timeout", "0ns", "1 ms"],
            ),
            (
                Options::new().read_timeout(day),
                ["read_timeout", "86400s", "0 (for ever)"],
            ),
            (
                Options::new().max_frame_size(0),
                ["max_frame_size", "is 0", "1 to"],
            ),
            (
                Options::new().max_message_size(2 << 30),
                ["size", "2147483648", "1 to"],
            ),
        ] {
            let error = options.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            for part in parts {
                assert!(error.to_string().contains(part), "{error}");
            }
        }
    }

    #[test]
    fn waiting_for_ever_is_allowed_where_a_script_may_want_it() {
        let zero = Duration::ZERO;
        let options = Options::new().read_timeout(zero).write_timeout(zero);
        assert!(options.check().is_ok());
    }

    #[test]
    fn a_larger_message_may_come_in_one_frame() {
        let options = Options::new().max_message_size(5 << 20);
        assert_eq!(options.max_frame_size, 5 << 20);
    }
}
