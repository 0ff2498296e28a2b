//! The life of a connection before it is a session: requests, bodies, answers.

use super::Hub;
use super::core::{Core, HubContext, NO_KEY};
use super::output::REPLY_BUFFER_MAX;
use super::slot::{Flags, State};
use super::ticks::ticks;
use super::transport::Transport;
use crate::app::{Request, Response};
use crate::wire::body::BodyReader;
use crate::wire::date::http_date;
use crate::wire::head::{Method, RequestHead, parse_request};
use crate::wire::refusal::Refusal;
use crate::wire::response::{Delivery, Status, write_refusal, write_response};
use crate::wire::upgrade::wants_upgrade;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Requests of one connection: what of the next one has arrived.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// Bytes of an incomplete head, or that wait behind a request.
    waiting: Vec<u8>,
    /// How far the search for the end of the head has come.
    scanned: usize,
    /// The request whose body is being read: its head, the reader, what came of the body.
    body: Option<(Vec<u8>, BodyReader, Vec<u8>)>,
    /// The deadline is that of a request, not that of an idle connection.
    began: bool,
}

impl Exchange {
    pub(super) fn held(&self) -> usize {
        let body = self
            .body
            .as_ref()
            .map_or(0, |(head, _, body)| head.len() + body.len());
        self.waiting.len() + body
    }
}

/// What became of a request.
pub(super) enum Outcome {
    /// Answered; the next one may follow unless the connection ends.
    Answered,
    /// Its body is needed first.
    NeedsBody(BodyReader),
}

impl Hub {
    /// Bytes of a connection that speaks HTTP; perhaps it speaks WebSocket afterwards.
    pub(super) fn http(&mut self, io: &mut dyn Transport, key: u32, bytes: &mut [u8]) {
        let mut exchange = self.core.take_exchange(key);
        self.core.slot(key).flags.set(Flags::SPEAKS_HTTP);
        self.core.reply_of = key;
        if exchange.waiting.is_empty() {
            self.requests(io, key, exchange, bytes);
        } else {
            exchange.waiting.extend_from_slice(bytes);
            let mut waiting = std::mem::take(&mut exchange.waiting);
            self.requests(io, key, exchange, &mut waiting);
        }
    }

    /// Answers every whole request in `bytes`, one after another, and keeps the rest.
    fn requests(
        &mut self,
        io: &mut dyn Transport,
        key: u32,
        mut exchange: Box<Exchange>,
        bytes: &mut [u8],
    ) {
        let mut at = 0;
        while self.core.slot(key).state == State::Head
            && !self.core.slot(key).flags.has(Flags::PAUSED)
        {
            match self.request_at(io, key, &mut exchange, &bytes[at..]) {
                Some(taken) => at += taken,
                None => break,
            }
            // Few bytes can ask for many: what the peer does not take pauses the rest.
            if self.core.reply_buffer.len() > REPLY_BUFFER_MAX {
                HubContext::new(&mut self.core, io).flush_replies();
            }
        }
        if self.core.slot(key).is_live() {
            if at < bytes.len() {
                // Bytes behind the upgrade are the first frames; the 101 goes with the replies.
                return self.frames(io, key, &mut bytes[at..]);
            }
        } else if self.core.slot(key).state == State::Head {
            exchange.waiting.extend_from_slice(&bytes[at..]);
            self.core.keep_exchange(key, exchange);
        }
        HubContext::new(&mut self.core, io).flush_replies();
        self.core.reply_of = NO_KEY;
    }

    /// Takes the next step in `bytes`; `None` when more must arrive.
    fn request_at(
        &mut self,
        io: &mut dyn Transport,
        key: u32,
        exchange: &mut Exchange,
        bytes: &[u8],
    ) -> Option<usize> {
        if let Some((_, reader, body)) = &mut exchange.body {
            return match reader.feed(bytes, body) {
                Err(refusal) => {
                    self.core.refuse(key, &refusal);
                    None
                }
                Ok((_, false)) if bytes.is_empty() => None,
                Ok((taken, false)) => Some(taken),
                Ok((taken, true)) => {
                    let (head, _, body) = exchange.body.take()?;
                    if let Ok(Some((head, _))) =
                        parse_request(&head, &mut 0, &self.core.limits.head)
                    {
                        self.answer(io, key, &head, Some(&body));
                        self.core.next_request(key, exchange);
                    }
                    Some(taken)
                }
            };
        }
        match parse_request(bytes, &mut exchange.scanned, &self.core.limits.head) {
            Ok(None) => None,
            Err(refusal) => {
                self.core.refuse(key, &refusal);
                None
            }
            Ok(Some((head, len))) => {
                exchange.scanned = 0;
                match self.answer(io, key, &head, None) {
                    Outcome::Answered => self.core.next_request(key, exchange),
                    Outcome::NeedsBody(reader) => {
                        self.core.await_body(key, head.expects_continue);
                        exchange.body = Some((bytes[..len].to_vec(), reader, Vec::new()));
                    }
                }
                Some(len)
            }
        }
    }

    /// Answers one request. `body` is there when it has been read.
    fn answer(
        &mut self,
        io: &mut dyn Transport,
        key: u32,
        head: &RequestHead<'_>,
        body: Option<&[u8]>,
    ) -> Outcome {
        let refused = match self.find(head) {
            Err(refusal) => Err(refusal),
            Ok(Found::WebSocket(route)) => {
                self.upgrade(io, key, route, head);
                return Outcome::Answered;
            }
            Ok(Found::Http(handler)) => {
                match BodyReader::new(head.body, self.core.limits.max_body as u64) {
                    Ok(reader) if body.is_none() && !reader.is_complete() => {
                        return Outcome::NeedsBody(reader);
                    }
                    Ok(_) => Ok(handler),
                    Err(refusal) => Err(Answer::Refusal(refusal)),
                }
            }
        };
        match refused {
            Ok(handler) => self.serve(key, handler, head, body.unwrap_or_default()),
            Err(Answer::Refusal(refusal)) => self.core.refuse_request(key, &refusal, head),
            Err(Answer::Response(response)) => self.core.respond(key, &response, head, false),
        }
        Outcome::Answered
    }

    /// Which program answers: SPEC 5, in the order of its table.
    fn find(&self, head: &RequestHead<'_>) -> Result<Found, Answer> {
        let refuse = |status| Err(Answer::Refusal(Refusal::new(status)));
        if self.core.stopping {
            return refuse(Status::SERVICE_UNAVAILABLE);
        }
        if let Some(hosts) = &self.core.limits.hosts {
            // HTTP/1.0 may go without a host; then it asks for none that is served here.
            let name = head.host.map(host_name);
            let is_known = |name: &str| hosts.iter().any(|known| known.eq_ignore_ascii_case(name));
            if !name.is_some_and(is_known) {
                return refuse(Status::MISDIRECTED_REQUEST);
            }
        }
        if head.method == Method::Other {
            return refuse(Status::NOT_IMPLEMENTED);
        }
        if head.method == Method::Options && head.path == "*" {
            // RFC 9110 §9.3.7: the capabilities of the server as a whole; a ping of it.
            let response = Response::new(Status::NO_CONTENT);
            return Err(Answer::Response(response.field("Allow", ALLOWED)));
        }
        let Some((targets, _)) = self.paths.find(head.path) else {
            return refuse(Status::NOT_FOUND);
        };
        if let Some(route) = targets.websocket
            && wants_upgrade(head)
        {
            return Ok(Found::WebSocket(route));
        }
        let of = |method| targets.http.iter().find(|(known, _)| *known == method);
        let as_get = || of(Method::Get).filter(|_| head.method == Method::Head);
        if let Some((_, handler)) = of(head.method).or_else(as_get) {
            return Ok(Found::Http(*handler));
        }
        let reads = matches!(head.method, Method::Get | Method::Head);
        if reads && targets.websocket.is_some() {
            return Err(Answer::Refusal(Refusal::UPGRADE_REQUIRED));
        }
        let response = Response::refusal(Status::METHOD_NOT_ALLOWED);
        Err(Answer::Response(response.field("Allow", targets.allowed())))
    }

    /// Calls a plain HTTP route.
    fn serve(&mut self, key: u32, handler: u16, head: &RequestHead<'_>, body: &[u8]) {
        let params = self.paths.find(head.path).map(|(_, params)| params);
        let request = Request {
            head,
            params: &params.unwrap_or_default(),
            body,
            peer: self.core.slot(key).peer(),
        };
        let handler = &mut self.http[handler as usize];
        match catch_unwind(AssertUnwindSafe(|| handler(&request))) {
            Ok(response) => self.core.respond(key, &response, head, head.keep_alive),
            Err(_) => {
                log::error!("the handler of an HTTP route panicked; the answer is 500");
                let refusal = Refusal::new(Status::INTERNAL_SERVER_ERROR);
                self.core.refuse_request(key, &refusal, head);
            }
        }
    }
}

/// What `OPTIONS *` says: every method that a route may have.
const ALLOWED: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// Who answers a request.
enum Found {
    WebSocket(u16),
    Http(u16),
}

/// An answer that no program gave.
enum Answer {
    Refusal(Refusal),
    Response(Response),
}

/// A `Host` without its port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

impl Core {
    fn take_exchange(&mut self, key: u32) -> Box<Exchange> {
        let cold = self.slot(key).cold.as_mut();
        let exchange = cold
            .and_then(|cold| cold.exchange.take())
            .unwrap_or_else(|| {
                // The first bytes: the deadline of the head runs since the connection was accepted.
                Box::new(Exchange {
                    began: true,
                    ..Exchange::default()
                })
            });
        self.buffered -= exchange.held();
        exchange
    }

    fn keep_exchange(&mut self, key: u32, mut exchange: Box<Exchange>) {
        if exchange.held() > 0 && !exchange.began {
            exchange.began = true;
            let wait = ticks(self.limits.head_timeout);
            self.deadlines.set(key, self.tick + wait, self.tick);
        }
        self.buffered += exchange.held();
        self.slot(key).cold().exchange = Some(exchange);
    }

    /// Drops what is left of a request.
    pub(super) fn forget_exchange(&mut self, key: u32) {
        let cold = self.slot(key).cold.as_mut();
        if let Some(exchange) = cold.and_then(|cold| cold.exchange.take()) {
            self.buffered -= exchange.held();
        }
    }

    /// Whether requests wait in a connection that may be read again.
    pub(super) fn has_waiting_requests(&mut self, key: u32) -> bool {
        let cold = self.slot(key).cold.as_ref();
        let exchange = cold.and_then(|cold| cold.exchange.as_ref());
        exchange.is_some_and(|exchange| !exchange.waiting.is_empty())
    }

    /// A request is answered; the connection may rest until the next.
    fn next_request(&mut self, key: u32, exchange: &mut Exchange) {
        if self.slot(key).state == State::Head {
            exchange.began = false;
            let wait = ticks(self.limits.keep_alive);
            self.deadlines.set(key, self.tick + wait, self.tick);
        }
    }

    /// A body is to be read: its time begins.
    fn await_body(&mut self, key: u32, expects_continue: bool) {
        if expects_continue {
            self.push_ready(key, b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        let wait = ticks(self.limits.head_timeout);
        self.deadlines.set(key, self.tick + wait, self.tick);
    }

    /// A head or body took too long, or an idle connection rested long enough.
    pub(super) fn head_is_due(&mut self, key: u32) {
        let cold = self.slot(key).cold.as_ref();
        let exchange = cold.and_then(|cold| cold.exchange.as_ref());
        if exchange.is_some_and(|exchange| !exchange.began) {
            self.finish_http(key);
        } else {
            self.refuse(key, &Refusal::new(Status::REQUEST_TIMEOUT));
        }
    }

    /// Shutdown: a request that has begun is told so, a connection at rest just ends.
    pub(super) fn stop_http(&mut self, key: u32) {
        let cold = self.slot(key).cold.as_ref();
        let exchange = cold.and_then(|cold| cold.exchange.as_ref());
        if exchange.is_some_and(|exchange| exchange.held() > 0) {
            self.refuse(key, &Refusal::new(Status::SERVICE_UNAVAILABLE));
        } else {
            self.finish_http(key);
        }
    }

    /// Answers with a fixed text and ends the connection.
    pub(super) fn refuse(&mut self, key: u32, refusal: &Refusal) {
        self.write_refusal(key, refusal, false);
    }

    /// The same when the request is known: a HEAD gets no text (RFC 9110 §9.3.2).
    pub(super) fn refuse_request(&mut self, key: u32, refusal: &Refusal, head: &RequestHead<'_>) {
        self.write_refusal(key, refusal, head.method == Method::Head);
    }

    fn write_refusal(&mut self, key: u32, refusal: &Refusal, head_only: bool) {
        log::debug!(
            "{} is refused with {}",
            self.slot(key).peer(),
            refusal.status.code()
        );
        self.slot(key).flags.set(Flags::SPEAKS_HTTP);
        let mut answer = Vec::with_capacity(256);
        write_refusal(&mut answer, refusal, &http_date(self.now.unix), head_only);
        self.push_ready(key, &answer);
        self.finish_http(key);
    }

    /// Writes the response of a program.
    pub(super) fn respond(
        &mut self,
        key: u32,
        response: &Response,
        head: &RequestHead<'_>,
        keep_alive: bool,
    ) {
        let delivery = Delivery {
            keep_alive,
            head_only: head.method == Method::Head,
        };
        let mut answer = Vec::with_capacity(256 + response.body.len());
        let fields = &response.fields;
        let date = http_date(self.now.unix);
        let (status, kind) = (response.status, response.content_type);
        write_response(
            &mut answer,
            status,
            kind,
            fields,
            &response.body,
            &date,
            delivery,
        );
        self.push_ready(key, &answer);
        if !keep_alive {
            self.finish_http(key);
        }
    }
}
