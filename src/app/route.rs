//! A route of sessions before it is part of a program: a handler with its settings.

use super::any_route::{AnyRoute, HandlerRoute, RouteKind};
use super::handle::Handle;
use super::handler::Handler;
use super::remote::Remote;
use crate::config::{BacklogPolicy, Origins, Settings};
#[cfg(feature = "json")]
use crate::wire::codec::Codec;
use crate::wire::extension::Extension;
use std::time::Duration;

/// Tells the handles of a route which server runs it, and as which of its routes.
pub(super) type Bind = Box<dyn FnOnce(&Remote, u16)>;

/// A handler with its [`Settings`], for [`App::route`](super::App::route) and
/// [`App::outgoing_route`](super::App::outgoing_route); also for
/// [`App::sse_route`](super::App::sse_route).
///
/// ```
/// use dunlin::{App, Message, Route, Session};
///
/// let echo = Route::new(|session: &mut Session<'_>, message: Message<'_>| {
///     session.send(message);
/// })
/// .max_message_size(64 << 10);
/// let app = App::new().route("/echo", echo);
/// ```
pub struct Route<H> {
    handler: H,
    settings: Settings,
    handle: Handle<H>,
}

macro_rules! setters {
    ($($name:ident: $type:ty),* $(,)?) => {$(
        #[doc = concat!("Sets [`Settings::", stringify!($name), "`].")]
        #[must_use]
        pub fn $name(mut self, value: $type) -> Self {
            self.settings = self.settings.$name(value);
            self
        }
    )*};
}

/// Every setting has a setter here that does what the one of [`Settings`] does.
impl<H: Handler> Route<H> {
    setters! {
        ping_period: impl Into<Option<Duration>>,
        pong_timeout: Duration,
        max_frame_size: usize,
        backlog_mark: usize,
        backlog_limit: usize,
        backlog_time: Duration,
        backlog: BacklogPolicy,
        close_timeout: Duration,
        origins: Origins,
        allow_absent_origin: bool,
        protocols: impl IntoIterator<Item = impl Into<String>>,
        require_protocol: bool,
        masking: bool,
    }

    #[cfg(feature = "json")]
    setters! { codec: impl Codec + 'static }

    /// Sets [`Settings::max_message_size`], and [`Settings::max_frame_size`] with it.
    #[must_use]
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.settings = self.settings.max_message_size(bytes);
        self
    }

    /// Adds an extension behind those that are there: [`Settings::extensions`].
    #[must_use]
    pub fn extension(mut self, extension: impl Extension + 'static) -> Self {
        self.settings = self.settings.extension(extension);
        self
    }
}

impl<H: Handler> Route<H> {
    /// A route with default [`Settings`].
    pub fn new(handler: H) -> Self {
        Self {
            handler,
            settings: Settings::default(),
            handle: Handle::unbound(),
        }
    }

    /// Sets all settings at once, in place of those that were set before.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// A handle for other threads to the handler of this route.
    pub fn handle(&self) -> Handle<H> {
        self.handle.clone()
    }

    pub(super) fn into_parts(self, kind: RouteKind) -> (Settings, Box<dyn AnyRoute>, Bind) {
        let handle = self.handle;
        let bind = move |remote: &Remote, route: u16| handle.bind(remote, route);
        let route = Box::new(HandlerRoute::new(self.handler, kind));
        (self.settings, route, Box::new(bind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Session;
    use crate::wire::message::Message;

    #[test]
    fn every_setter_does_what_that_of_settings_does() {
        let time = Duration::from_secs(7);
        macro_rules! both {
            ($($name:ident($value:expr)),* $(,)?) => {{
                let route = Route::new(|_: &mut Session<'_>, _: Message<'_>| {});
                let route = route$(.$name($value))*;
                let settings = Settings::default()$(.$name($value))*;
                (route.settings, settings)
            }};
        }
        let (by_route, by_settings) = both![
            ping_period(None),
            pong_timeout(time),
            max_message_size(1000),
            max_frame_size(500),
            backlog_mark(1024),
            backlog_limit(2048),
            backlog_time(time),
            backlog(BacklogPolicy::DropOldest),
            close_timeout(time),
            origins(Origins::Any),
            allow_absent_origin(false),
            protocols(["a", "b"]),
            require_protocol(true),
            masking(true),
        ];
        assert_eq!(format!("{by_route:?}"), format!("{by_settings:?}"));
        assert_ne!(
            format!("{by_route:?}"),
            format!("{:?}", Settings::default())
        );
        assert_eq!(by_route.max_frame_size, 500);
        assert_eq!(by_route.protocols, ["a", "b"]);
    }
}
