//! Routes that ask for a connection token: who has none is refused before its handler is called.

use super::answer::Answer;
use super::any_route::{AnyRoute, RouteKind};
use super::call::Call;
use super::context::Context;
use super::data::DataKey;
use super::open::Open;
use super::program::{App, HttpHandler};
use super::request::Request;
use super::response::Response;
use super::session::Session;
use super::session_id::SessionId;
use crate::wire::close::CloseReason;
use crate::wire::error::Error;
use crate::wire::message::Message;
use crate::wire::receive::RawFrame;
use crate::wire::response::Status;
use crate::wire::token::{Claims, Keys, TokenError};
use std::any::Any;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// The timer of a session by which its token expires. A program does not use it by chance.
const EXPIRY: u64 = 0x746f_6b65_6e2e_6578;
/// Timers are no longer than ten years.
const LONGEST: u64 = 10 * 365 * 86_400;

impl Keys {
    /// What the [token](Request::token) of a request says, or the response that refuses it: 401 with
    /// `WWW-Authenticate: Bearer` (RFC 6750 §3).
    ///
    /// For handlers that ask for a token themselves; [`App::require_tokens`] asks for whole routes, and ends
    /// sessions whose token expires.
    ///
    /// # Errors
    /// The response. It says why, and repeats nothing of the token.
    pub fn authenticate(&self, request: &Request<'_>) -> Result<Claims, Response> {
        self.checked(request, None)
            .map_err(|error| refusal(error, None))
    }

    /// The same at the cost of whoever asks.
    fn checked(
        &self,
        request: &Request<'_>,
        context: Option<&mut Context<'_>>,
    ) -> Result<Claims, TokenError> {
        let token = request.token().ok_or(TokenError::Missing)?;
        if let Some(context) = context {
            context.charge(self.price_of(&token));
        }
        let claims = self.check(&token, request.unix_time());
        claims.inspect_err(|error| {
            log::debug!("a request of {} is refused: {error}", request.peer());
        })
    }
}

/// The 401; on a path whose refusals are JSON, in JSON.
fn refusal(error: TokenError, pattern: Option<&str>) -> Response {
    let challenge = match error {
        // RFC 6750 §3.1: without any token there is no error to tell.
        TokenError::Missing => "Bearer".to_owned(),
        error => format!(r#"Bearer error="invalid_token", error_description="{error}""#),
    };
    let status = Status::UNAUTHORIZED;
    let response = Response::new(status).field("WWW-Authenticate", challenge);
    match pattern {
        None => response.body(format!("{status}: {error}\n").into_bytes()),
        Some(path) => {
            let body = serde_json::json!({
                "status": status.code(),
                "error": status.phrase(),
                "message": error.to_string(),
                "path": path,
            });
            let response = response.content_type("application/json;charset=UTF-8");
            response.body(body.to_string().into_bytes())
        }
    }
}

impl App {
    /// Every route that was added so far asks for a connection token that one of these keys has signed:
    /// WebSockets, event streams and plain HTTP. Without a good one the peer gets 401 and the handler is not
    /// called; with one, handlers find what it says in [`Request::claims`].
    ///
    /// A session ends with 1008 `Token expired` when its token does. Outgoing routes ask for none. A token is
    /// good 10 s longer than it says, for clocks that differ. The session timer with the token
    /// `0x746f6b656e2e6578` is taken.
    ///
    /// ```
    /// use dunlin::{App, Response, tokens::Keys};
    ///
    /// # fn main() -> dunlin::Result<()> {
    /// let keys = Keys::parse("2f6d1c0c8a9c4d6cb0a2f1f4c7f0b1de")?;
    /// let app = App::new()
    ///     .on_message("/echo", |session, message| session.send(message))
    ///     .get("/me", |request, _| {
    ///         let claims = request.claims().expect("this route asks for a token");
    ///         Response::text(claims.subject.clone())
    ///     })
    ///     .require_tokens(keys)
    ///     .get("/health", |_, _| Response::text("well")); // for everybody
    /// # drop(app);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn require_tokens(mut self, keys: impl Into<Rc<Keys>>) -> Self {
        let keys = keys.into();
        // Of the handlers and routes that paths lead to: the pattern where refusals are JSON.
        let (mut routes, mut handlers) = (HashMap::new(), HashMap::new());
        for (pattern, targets) in self.paths.iter() {
            let json = targets.refuses_in_json.as_ref().map(|_| pattern.to_owned());
            for route in targets.websocket.into_iter().chain(targets.events) {
                routes.insert(usize::from(route), json.clone());
            }
            for (_, handler) in &targets.http {
                handlers.insert(usize::from(*handler), json.clone());
            }
        }
        let all = std::mem::take(&mut self.routes).into_iter().enumerate();
        let guarded = all.map(|(number, (settings, route))| match routes.remove(&number) {
            None => (settings, route),
            Some(json) => {
                let keys = Rc::clone(&keys);
                let route = TokenRoute { keys, json, route };
                (settings, Box::new(route) as Box<dyn AnyRoute>)
            }
        });
        self.routes = guarded.collect();
        let all = std::mem::take(&mut self.http).into_iter().enumerate();
        let guarded = all.map(|(number, handler)| match handlers.remove(&number) {
            None => handler,
            Some(json) => guard(Rc::clone(&keys), json, handler),
        });
        self.http = guarded.collect();
        self
    }
}

fn guard(keys: Rc<Keys>, json: Option<String>, mut handler: HttpHandler) -> HttpHandler {
    Box::new(
        move |request, context| match keys.checked(request, Some(&mut *context)) {
            Ok(claims) => handler(&request.with_claims(&claims), context),
            Err(error) => Answer::Now(refusal(error, json.as_deref())),
        },
    )
}

/// A route whose sessions have a token.
struct TokenRoute {
    keys: Rc<Keys>,
    json: Option<String>,
    route: Box<dyn AnyRoute>,
}

/// Ends a session when its token does.
fn expire(claims: &Claims, request: &Request<'_>, session: &mut Session<'_>) {
    let left = claims.seconds_left(request.unix_time()).min(LONGEST);
    session.set_timer(Duration::from_secs(left), EXPIRY);
}

fn close_expired(session: &mut Session<'_>) {
    session.close(1008, "Token expired");
}

impl AnyRoute for TokenRoute {
    fn kind(&self) -> RouteKind {
        self.route.kind()
    }

    fn frame(&mut self, data: DataKey, session: &mut Session<'_>, frame: RawFrame<'_>) {
        self.route.frame(data, session, frame);
    }

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<DataKey> {
        let claims = match self.keys.checked(request, Some(session.context())) {
            Ok(claims) => claims,
            Err(error) => return Open::Refuse(refusal(error, self.json.as_deref())),
        };
        let opened = self.route.open(&request.with_claims(&claims), session);
        if let Open::Accept(_) = opened {
            expire(&claims, request, session);
        }
        opened
    }

    fn opened_later(&mut self, request: &Request<'_>, session: &mut Session<'_>) {
        match self.keys.checked(request, Some(session.context())) {
            Ok(claims) => expire(&claims, request, session),
            Err(_) => close_expired(session),
        }
        self.route.opened_later(request, session);
    }

    fn keep(&mut self, data: Box<dyn Any>) -> Option<DataKey> {
        self.route.keep(data)
    }

    fn accepted(&mut self, data: DataKey, session: &mut Session<'_>) {
        self.route.accepted(data, session);
    }

    fn abandoned(&mut self, data: Box<dyn Any>, context: &mut Context<'_>) {
        self.route.abandoned(data, context);
    }

    fn message(&mut self, data: DataKey, session: &mut Session<'_>, message: Message<'_>) {
        self.route.message(data, session, message);
    }

    fn drain(&mut self, data: DataKey, session: &mut Session<'_>, dropped: u64) {
        self.route.drain(data, session, dropped);
    }

    fn pong(&mut self, data: DataKey, session: &mut Session<'_>, payload: &[u8]) {
        self.route.pong(data, session, payload);
    }

    fn timer(&mut self, data: DataKey, session: &mut Session<'_>, token: u64) {
        if token == EXPIRY {
            close_expired(session);
        } else {
            self.route.timer(data, session, token);
        }
    }

    fn program_timer(&mut self, context: &mut Context<'_>, token: u64) {
        self.route.program_timer(context, token);
    }

    fn connected(&mut self, context: &mut Context<'_>, id: SessionId) {
        self.route.connected(context, id);
    }

    fn failed(&mut self, context: &mut Context<'_>, id: SessionId, call: &Call, error: &Error) {
        self.route.failed(context, id, call, error);
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self.route.as_any()
    }

    fn close(&mut self, data: DataKey, session: &mut Session<'_>, reason: &CloseReason) {
        self.route.close(data, session, reason);
    }
}
