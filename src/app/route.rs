//! A WebSocket route before it is part of a program: a handler with its settings.

use super::any_route::{AnyRoute, HandlerRoute};
use super::handle::Handle;
use super::handler::Handler;
use super::remote::Remote;
use super::settings::Settings;

/// Tells the handles of a route which server runs it, and as which of its routes.
pub(super) type Bind = Box<dyn FnOnce(&Remote, u16)>;

/// A handler with its [`Settings`], for [`App::route`](super::App::route) and
/// [`App::outgoing_route`](super::App::outgoing_route).
///
/// ```
/// use dunlin::{App, Message, Route, Session, Settings};
///
/// let echo = Route::new(|session: &mut Session<'_>, message: Message<'_>| {
///     session.send(message);
/// })
/// .settings(Settings::default().max_message_size(64 << 10));
/// let app = App::new().route("/echo", echo);
/// ```
pub struct Route<H> {
    handler: H,
    settings: Settings,
    handle: Handle<H>,
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

    /// Sets the settings.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// A handle for other threads to the handler of this route.
    pub fn handle(&self) -> Handle<H> {
        self.handle.clone()
    }

    pub(super) fn into_parts(self) -> (Settings, Box<dyn AnyRoute>, Bind) {
        let handle = self.handle;
        let bind = move |remote: &Remote, route: u16| handle.bind(remote, route);
        let route = Box::new(HandlerRoute::new(self.handler));
        (self.settings, route, Box::new(bind))
    }
}
