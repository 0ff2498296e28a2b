//! The routes of a program: what a server or a simulation runs.

use super::answer::Answer;
use super::any_route::{AnyRoute, RouteKind};
use super::context::Context;
use super::handler::Handler;
use super::link::{Link, LinkRoute};
use super::raw::{RawHandler, RawRoute};
use super::remote::Remote;
use super::request::Request;
use super::route::{Bind, Route};
use super::router::Router;
use super::session::Session;
use crate::config::{Origins, Settings};
use crate::wire::error::{Error, ErrorKind, Result};
use crate::wire::head::Method;
use crate::wire::message::Message;
use std::collections::HashMap;

/// A plain HTTP route: looks at a request, gives an answer.
pub(crate) type HttpHandler = Box<dyn FnMut(&Request<'_>, &mut Context<'_>) -> Answer>;

/// The routes of a program, WebSocket and plain HTTP, on one port.
///
/// ```
/// use dunlin::{App, Response};
///
/// let app = App::new()
///     .on_message("/echo", |session, message| {
///         session.send(message);
///     })
///     .get("/hello", |_request, _| Response::ok("text/plain", b"hello"));
/// ```
///
/// A wrong pattern or setting does not panic: the error waits and is what starting the server returns.
#[derive(Default)]
pub struct App {
    pub(crate) paths: Router<PathTargets>,
    /// Paths of single listeners, which answer in place of `paths`.
    pub(crate) listener_paths: Vec<(u16, Router<PathTargets>)>,
    /// Listeners for operators.
    pub(crate) admin_listeners: Vec<u16>,
    pub(crate) routes: Vec<(Settings, Box<dyn AnyRoute>)>,
    pub(crate) http: Vec<HttpHandler>,
    /// Whose pages may change something over HTTP; `None`: everybody's.
    pub(crate) http_origins: Option<Origins>,
    /// Names of outgoing routes.
    pub(crate) outgoing: HashMap<String, u16>,
    /// What tells the handles of routes which server runs them.
    pub(super) binds: Vec<(u16, Bind)>,
    pub(crate) error: Option<Error>,
}

/// What stands behind one path: indexes into [`App::routes`] and [`App::http`].
#[derive(Debug, Default)]
pub(crate) struct PathTargets {
    pub(crate) websocket: Option<u16>,
    /// An event stream, in answer to GET.
    pub(crate) events: Option<u16>,
    pub(crate) http: Vec<(Method, u16)>,
    /// The pattern, where the server's own refusals of this path are JSON.
    pub(crate) refuses_in_json: Option<Box<str>>,
}

impl PathTargets {
    /// The value of `Allow` (RFC 9110 §10.2.1).
    pub(crate) fn allowed(&self) -> String {
        let mut names: Vec<&str> = self.http.iter().map(|(method, _)| method.name()).collect();
        if self.events.is_some() {
            names.push("GET");
        }
        if names.contains(&"GET") {
            names.push("HEAD");
        }
        if self.websocket.is_some() {
            names.push("GET");
        }
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    }
}

impl PathTargets {
    /// Puts a route of sessions here. WebSocket and event stream are both asked for by GET, and an
    /// event stream by nothing else: it has its path for itself.
    fn put(&mut self, index: u16, kind: RouteKind, pattern: &str) -> Result<()> {
        if self.websocket.is_some() {
            return Err(taken("a WebSocket route", pattern));
        }
        if self.events.is_some() {
            return Err(taken("an event stream", pattern));
        }
        if kind != RouteKind::Events {
            self.websocket = Some(index);
            return Ok(());
        }
        if self.http.iter().any(|(known, _)| *known == Method::Get) {
            return Err(taken("an HTTP route for GET", pattern));
        }
        self.events = Some(index);
        Ok(())
    }
}

impl App {
    /// No routes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A WebSocket route with default [`Settings`].
    pub fn ws(self, pattern: &str, handler: impl Handler) -> Self {
        self.ws_with(pattern, Settings::default(), handler)
    }

    /// A WebSocket route with settings of its own.
    pub fn ws_with(self, pattern: &str, settings: Settings, handler: impl Handler) -> Self {
        self.route(pattern, Route::new(handler).settings(settings))
    }

    /// A WebSocket route with its settings, and perhaps with [handles](super::Handle) for other threads.
    pub fn route(self, pattern: &str, route: Route<impl Handler>) -> Self {
        self.bound(pattern, route, RouteKind::Messages)
    }

    /// Mounts a route that handles may have.
    pub(super) fn bound(
        mut self,
        pattern: &str,
        route: Route<impl Handler>,
        kind: RouteKind,
    ) -> Self {
        let (settings, route, bind) = route.into_parts(kind);
        self.binds.push((self.routes.len() as u16, bind));
        self.mount(pattern, settings, route)
    }

    /// A WebSocket route whose handler sees every frame and answers for itself.
    pub fn ws_raw(self, pattern: &str, settings: Settings, handler: impl RawHandler) -> Self {
        let data = super::data::DataStore::default();
        self.mount(pattern, settings, Box::new(RawRoute { handler, data }))
    }

    /// A route for sessions that this program opens to other servers, in the same loop:
    /// [`Session::connect`] and [`Remote::connect`](super::Remote::connect) name it. Its settings'
    /// protocols and extensions are offered; origins mean nothing here.
    pub fn outgoing(self, name: &str, settings: Settings, handler: impl Handler) -> Self {
        self.outgoing_route(name, Route::new(handler).settings(settings))
    }

    /// The same as a [`Route`], which can have [handles](super::Handle) for other threads.
    pub fn outgoing_route(mut self, name: &str, route: Route<impl Handler>) -> Self {
        let (settings, route, bind) = route.into_parts(RouteKind::Messages);
        let index = self.routes.len() as u16;
        self.binds.push((index, bind));
        let added =
            settings
                .check()
                .and_then(|()| match self.outgoing.insert(name.to_owned(), index) {
                    None => Ok(()),
                    Some(_) => Err(taken("an outgoing route", name)),
                });
        self.routes.push((settings, route));
        self.remember(added)
    }

    /// A program that speaks to other servers in a protocol of its own; see [`Link`].
    pub fn link(mut self, name: &str, link: impl Link) -> Self {
        let index = self.routes.len() as u16;
        let added = match self.outgoing.insert(name.to_owned(), index) {
            None => Ok(()),
            Some(_) => Err(taken("an outgoing route", name)),
        };
        let route = Box::new(LinkRoute { link });
        self.routes.push((Settings::default(), route));
        self.remember(added)
    }

    fn mount(mut self, pattern: &str, settings: Settings, route: Box<dyn AnyRoute>) -> Self {
        let index = self.routes.len() as u16;
        let added = settings.check().and_then(|()| {
            let targets = self.paths.entry(pattern, PathTargets::default)?;
            targets.put(index, route.kind(), pattern)
        });
        self.routes.push((settings, route));
        self.remember(added)
    }

    /// A WebSocket route whose program is one closure: it is called for each message. What it returns is
    /// ignored.
    pub fn on_message<R>(
        self,
        pattern: &str,
        handler: impl FnMut(&mut Session<'_>, Message<'_>) -> R + 'static,
    ) -> Self {
        self.ws(pattern, handler)
    }

    /// The same with settings of its own.
    pub fn on_message_with<R>(
        self,
        pattern: &str,
        settings: Settings,
        handler: impl FnMut(&mut Session<'_>, Message<'_>) -> R + 'static,
    ) -> Self {
        self.ws_with(pattern, settings, handler)
    }

    /// A plain HTTP route; its handler reaches every session by the [`Context`], and answers with a
    /// [`Response`](super::Response), [in pieces](Answer::stream) or [later](Answer::later). HEAD is
    /// answered like GET without the body unless it has a route of its own.
    pub fn http<A: Into<Answer>>(
        mut self,
        method: Method,
        pattern: &str,
        mut handler: impl FnMut(&Request<'_>, &mut Context<'_>) -> A + 'static,
    ) -> Self {
        let index = self.http.len() as u16;
        let added = self
            .paths
            .entry(pattern, PathTargets::default)
            .and_then(|targets| {
                let is_taken = targets.http.iter().any(|(known, _)| *known == method);
                let is_stream = method == Method::Get && targets.events.is_some();
                if method == Method::Other || is_taken || is_stream {
                    return Err(taken("an HTTP route of this method", pattern));
                }
                targets.http.push((method, index));
                Ok(())
            });
        let handler = move |request: &Request<'_>, context: &mut Context<'_>| {
            handler(request, context).into()
        };
        self.http.push(Box::new(handler));
        self.remember(added)
    }

    /// A plain HTTP route for GET and HEAD.
    pub fn get<A: Into<Answer>>(
        self,
        pattern: &str,
        handler: impl FnMut(&Request<'_>, &mut Context<'_>) -> A + 'static,
    ) -> Self {
        self.http(Method::Get, pattern, handler)
    }

    /// A plain HTTP route for POST.
    pub fn post<A: Into<Answer>>(
        self,
        pattern: &str,
        handler: impl FnMut(&Request<'_>, &mut Context<'_>) -> A + 'static,
    ) -> Self {
        self.http(Method::Post, pattern, handler)
    }

    /// Which origins' pages may use the plain HTTP routes with POST, PUT, PATCH and DELETE; others
    /// get 403, and the log names the origin. Default: [`Origins::Any`].
    ///
    /// A browser sends the cookies of its user along with the form of a foreign page. With
    /// [`Origins::Same`] such a form changes nothing here. It is the check of an upgrade
    /// ([`Settings::origins`]): the whole origin is compared, and `null` matches nothing but `Any`. A
    /// request without `Origin`, which is no browser's, passes; so do GET, HEAD and OPTIONS, whose
    /// handlers must therefore change nothing.
    ///
    /// ```
    /// use dunlin::{App, Origins, Response};
    ///
    /// let app = App::new()
    ///     .http_origins(Origins::Same)
    ///     .post("/transfer", |_request, _| Response::no_content());
    /// # drop(app);
    /// ```
    pub fn http_origins(mut self, origins: Origins) -> Self {
        self.http_origins = Some(origins);
        self
    }

    /// Refusals of this path by the server itself, such as 405, are JSON in place of plain text:
    /// `{"status":405,"error":"Method Not Allowed","message":"405 Method Not Allowed","path":"/chat"}`, with the
    /// pattern as the path.
    pub fn refuse_in_json(mut self, pattern: &str) -> Self {
        let added = self.paths.entry(pattern, PathTargets::default);
        let added = added.map(|targets| targets.refuses_in_json = Some(pattern.into()));
        self.remember(added)
    }

    /// A file that is part of the program, for GET and HEAD, with an `ETag` of its content
    /// (a matching `If-None-Match` is answered 304).
    pub fn content(self, pattern: &str, content_type: &'static str, body: &'static [u8]) -> Self {
        let content = super::content::Content::new(content_type, body);
        self.get(pattern, move |request, _| content.respond(request))
    }

    /// Changes the settings of every route that was added so far, WebSocket and outgoing.
    ///
    /// Settings that are out of bounds then are an error when the program starts.
    pub fn map_settings(mut self, mut change: impl FnMut(Settings) -> Settings) -> Self {
        let mut checked = Ok(());
        for (settings, _) in &mut self.routes {
            *settings = change(std::mem::take(settings));
            checked = checked.and_then(|()| settings.check());
        }
        self.remember(checked)
    }

    /// Every route that listeners of this program answer, sorted by path: its kind (`WebSocket` or an
    /// HTTP method, `SSE` for an event stream) and its pattern.
    pub fn route_list(&self) -> Vec<(&'static str, &str)> {
        let mut list = Vec::new();
        for (pattern, targets) in self.paths.iter() {
            list.extend(targets.websocket.map(|_| ("WebSocket", pattern)));
            list.extend(targets.events.map(|_| ("SSE", pattern)));
            let methods = targets.http.iter().map(|(method, _)| method.name());
            list.extend(methods.map(|method| (method, pattern)));
        }
        list.sort_by_key(|(_, pattern)| *pattern);
        list
    }

    /// Does this when the handles of its routes work: for programs that have something to do before anybody
    /// comes.
    #[cfg_attr(not(feature = "cluster"), expect(dead_code))]
    pub(crate) fn at_start(mut self, start: impl FnOnce() + 'static) -> Self {
        self.binds.push((0, Box::new(move |_, _| start())));
        self
    }

    /// The server that runs it: from now on the handles of its routes work.
    pub(crate) fn bind(&mut self, remote: &Remote) {
        for (route, bind) in self.binds.drain(..) {
            bind(remote, route);
        }
    }

    /// Keeps the first error for the start.
    fn remember(mut self, added: Result<()>) -> Self {
        if let Err(error) = added {
            self.error.get_or_insert(error);
        }
        self
    }
}

fn taken(what: &str, pattern: &str) -> Error {
    let message = format!("path {pattern:?} has {what} already; wanted: one of a kind per path");
    Error::new(ErrorKind::Config, message)
}
