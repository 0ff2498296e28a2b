//! Routes of event streams (Server-Sent Events, HTML standard §9.2): sessions that cannot receive.

use super::any_route::RouteKind;
use super::handler::Handler;
use super::program::App;
use super::route::Route;
use crate::config::Settings;

impl App {
    /// A route of Server-Sent Events (HTML standard §9.2), in answer to GET: what `EventSource` in a
    /// browser and `curl -N` read.
    ///
    /// Its sessions are sessions like any other that cannot receive: they join the same topics, are sent
    /// to by the same calls, and have the same limits, timers, backlog policy and shutdown. The handler's
    /// [`open`](Handler::open) may accept, refuse or [decide later](crate::Open::later); then come
    /// `drain`, `timer` and one `close`; `message` and `pong` never come.
    ///
    /// ```
    /// use dunlin::{App, Event, Handler, Message, Open, Request, Response, Session, Settings};
    ///
    /// struct News;
    ///
    /// impl Handler for News {
    ///     type Data = ();
    ///
    ///     fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
    ///         if let Some(_last) = request.last_event_id() {
    ///             // Here goes what was missed since.
    ///         }
    ///         session.join("news");
    ///         session.send("welcome");
    ///         Open::Accept(())
    ///     }
    ///
    ///     fn message(&mut self, _: &mut (), _: &mut Session<'_>, _: Message<'_>) {}
    /// }
    ///
    /// let app = App::new()
    ///     .sse("/news", Settings::default(), News)
    ///     .post("/tell", |request, context| {
    ///         let text = String::from_utf8_lossy(request.body());
    ///         context.publish("news", Event::new(text).id("1").name("flash"));
    ///         Response::no_content()
    ///     });
    ///
    /// let sim = dunlin::testing::Sim::new(app)?;
    /// let reader = sim.follow("/news");
    /// assert_eq!(reader.next_data(), "welcome");
    /// sim.request(dunlin::Method::Post, "/tell").body("It rains").send();
    /// let event = reader.next_event().expect("an event");
    /// assert_eq!((event.name.as_deref(), &*event.data), (Some("flash"), "It rains"));
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    ///
    /// # What is sent
    ///
    /// A text is an event with that text as its data, an [`Event`](crate::Event) one with its id and
    /// name as well. A binary message cannot be said: it is skipped, counted in
    /// [`Stats::dropped`](crate::Stats::dropped), and a send of one answers
    /// [`SendOutcome::Skipped`](crate::SendOutcome::Skipped). [`ping`](crate::Session::ping) sends a
    /// comment, which gets no pong. [`close`](crate::Session::close) ends the stream behind what was sent
    /// before; code and reason go to the close event and not to the peer. A browser connects again after
    /// any end; an answer of 204, which [`Open::Refuse`](crate::Open::Refuse) can give, ends that.
    ///
    /// # How a session ends
    ///
    /// A reader leaves by ending its connection: the close event has 1005, or 1006 when the connection
    /// broke. Of what it sends behind its request 64 KiB are thrown away; with more the session ends with
    /// 1008.
    ///
    /// # Settings
    ///
    /// After [`ping_period`](Settings::ping_period) without an event a comment is sent. A peer that took
    /// nothing of what waits for that long, and then for [`pong_timeout`](Settings::pong_timeout),
    /// ends with 1011. Backlog, origins and `close_timeout` mean what they mean elsewhere, and a page of another
    /// origin that is allowed gets `Access-Control-Allow-Origin`. Browsers send no `Origin` to the
    /// page's own server, so `allow_absent_origin(false)` refuses its pages. Sizes of messages and frames, protocols,
    /// extensions and masking mean nothing here, and `StopReading` is `Close`, as nothing is read.
    ///
    /// # On the wire
    ///
    /// `200` with `Content-Type: text/event-stream`, `Cache-Control: no-store`, `X-Accel-Buffering: no` and
    /// `Connection: close`; [`add_answer_field`](crate::Session::add_answer_field) adds more. The body is not
    /// chunked and ends with the connection, for HTTP/1.0 too. A HEAD is answered with the head and no
    /// session. The path may have HTTP routes of other methods, and neither one for GET nor a WebSocket.
    pub fn sse(self, pattern: &str, settings: Settings, handler: impl Handler) -> Self {
        self.sse_route(pattern, Route::new(handler).settings(settings))
    }

    /// The same as a [`Route`], which can have [handles](crate::Handle) for other threads.
    pub fn sse_route(self, pattern: &str, route: Route<impl Handler>) -> Self {
        self.bound(pattern, route, RouteKind::Events)
    }
}
