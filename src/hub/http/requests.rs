//! The life of a connection before it is a session: requests, bodies, answers.

use super::gate::{self, Answerer, Refused, Visit};
use super::respond::delivery;
use crate::app::program::PathTargets;
use crate::app::router::{Params, Router};
use crate::app::{Answer, Context, Request};
use crate::hub::conn::exchange::Exchange;
use crate::hub::conn::flags::Flags;
use crate::hub::conn::phase::{Phase, State};
use crate::hub::conn::waiting::Wanted;
use crate::hub::core::{Core, Hub, HubContext, NO_ROUTE};
use crate::hub::ledger::Held;
use crate::hub::time::ticks::ticks;
use crate::hub::transport::Transport;
use crate::hub::ws::events::guarded;
use crate::hub::ws::send::REPLY_BUFFER_MAX;
use crate::wire::body::BodyReader;
use crate::wire::head::{RequestHead, parse_request};
use crate::wire::refusal::Refusal;
use crate::wire::response::Status;
use crate::wire::upgrade::wants_upgrade;
use crate::wire::work::price;
use std::rc::Rc;

/// Bytes of a body that are read in one step.
const BODY_STEP: usize = 4 << 10;

/// What became of a request.
pub(crate) enum Outcome {
    /// Answered; the next one may follow unless the connection ends.
    Answered,
    /// Its body is needed first.
    NeedsBody(BodyReader),
}

impl Hub {
    /// Bytes of a connection that speaks HTTP; perhaps it speaks WebSocket afterwards.
    pub(crate) fn http(&mut self, io: &mut dyn Transport, key: u32, bytes: &mut [u8]) {
        let mut exchange = self.core.take_exchange(key);
        self.core.slot(key).flags.set(Flags::SPEAKS_HTTP);
        self.core.begin_replies(key);
        let mut waiting = std::mem::take(&mut exchange.waiting);
        let input = waiting.input(bytes);
        let taken = self.requests(io, key, &mut exchange, input);
        let left = input.len() - taken;
        if self.core.slot(key).is_live() && left > 0 {
            // Bytes behind the upgrade are the first frames; the 101 goes with the replies.
            return self.frames(io, key, &mut input[taken..]);
        }
        let state = self.core.slot(key).state();
        if left > 0 && matches!(state, State::Head | State::Waiting | State::Streaming) {
            let kept = left.min(bytes.len());
            self.core.work.charge_kept(kept);
            waiting.keep(bytes, left);
            exchange.waiting = waiting;
        }
        match state {
            State::Head => self.core.keep_exchange(key, exchange),
            State::Waiting | State::Streaming => self.core.keep_waiting(key, exchange),
            _ => {}
        }
        HubContext::new(&mut self.core, io).end_replies();
    }

    /// Answers every whole request in `bytes`, one after another, while the work lasts; how many
    /// bytes that took.
    fn requests(
        &mut self,
        io: &mut dyn Transport,
        key: u32,
        exchange: &mut Exchange,
        bytes: &[u8],
    ) -> usize {
        let mut at = 0;
        exchange.has_more = false;
        while self.core.slot(key).state() == State::Head {
            if self.core.slot(key).is_stopped() || self.core.work.is_spent() {
                exchange.has_more = at < bytes.len();
                break;
            }
            match self.request_at(io, key, exchange, &bytes[at..]) {
                Some(taken) => at += taken,
                None => break,
            }
            // Few bytes can ask for many: what the peer does not take pauses the rest.
            if self.core.reply_buffer.len() > REPLY_BUFFER_MAX {
                HubContext::new(&mut self.core, io).flush_replies();
            }
        }
        at
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
            // In pieces: a body may come in chunks of one byte.
            let bytes = &bytes[..bytes.len().min(BODY_STEP)];
            self.core.work.charge(bytes.len() as u32 * price::BODY);
            return match reader.feed(bytes, body) {
                Err(refusal) => {
                    self.core.refuse(key, &refusal);
                    None
                }
                Ok((_, false)) if bytes.is_empty() => None,
                Ok((taken, false)) => Some(taken),
                Ok((taken, true)) => {
                    let (head, _, body) = exchange.body.take()?;
                    let raw = head;
                    if let Ok(Some((head, _))) = parse_request(&raw, &mut 0, &self.core.limits.head)
                    {
                        self.answer(io, key, &head, &raw, Some(&body));
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
                self.core
                    .work
                    .charge(price::REQUEST + price::HEAD * len as u32);
                match self.answer(io, key, &head, &bytes[..len], None) {
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

    /// Answers one request. `raw` is its head as it came; `body` is there when it has been read.
    fn answer(
        &mut self,
        io: &mut dyn Transport,
        key: u32,
        head: &RequestHead<'_>,
        raw: &[u8],
        body: Option<&[u8]>,
    ) -> Outcome {
        self.core.asks_for_session = wants_upgrade(head);
        let outcome = self.answer_as(io, key, head, raw, body);
        self.core.asks_for_session = false;
        outcome
    }

    fn answer_as(
        &mut self,
        io: &mut dyn Transport,
        key: u32,
        head: &RequestHead<'_>,
        raw: &[u8],
        body: Option<&[u8]>,
    ) -> Outcome {
        let is_admin = self.core.is_admin(self.core.slots[key as usize].listener);
        let paths = self.paths_for(key);
        let (targets, params) = paths.find(head.path).unzip();
        let params = params.unwrap_or_default();
        // A body that has been read belongs to a request that was judged before.
        let refusal = match body {
            None => self.core.arrives(key, head),
            Some(_) => None,
        };
        let answerer = refusal.map(Refused::Refusal).map_or(Ok(()), Err);
        let answerer = answerer.and_then(|()| {
            gate::judge(&Visit {
                head,
                limits: &self.core.limits,
                is_stopping: self.core.is_stopping() && !is_admin,
                is_admin,
                origins: self.http_origins.as_ref(),
                is_https: self.core.is_https(key),
                targets,
            })
        });
        let handler = match answerer {
            Err(refused) => Err(refused),
            Ok(Answerer::Session(route)) => {
                self.upgrade(io, key, route, (head, raw), &params);
                return Outcome::Answered;
            }
            Ok(Answerer::EventStreamHead(route)) => {
                self.head_of_event_stream(key, route, head);
                return Outcome::Answered;
            }
            Ok(Answerer::Http(handler)) => {
                match BodyReader::new(head.body, self.core.limits.max_body as u64) {
                    Ok(reader) if body.is_none() && !reader.is_complete() => {
                        return Outcome::NeedsBody(reader);
                    }
                    Ok(_) => Ok(handler),
                    Err(refusal) => Err(Refused::Refusal(refusal)),
                }
            }
        };
        let in_json = targets.and_then(|targets| targets.refuses_in_json.as_deref());
        let handler = match (handler, in_json) {
            (Err(refused), Some(pattern)) => Err(gate::in_json(refused, pattern)),
            (handler, _) => handler,
        };
        match handler {
            Ok(handler) => {
                let body = body.unwrap_or_default();
                let request = self.core.request(key, head, &params, body);
                self.serve(io, key, handler, &request);
            }
            Err(Refused::Refusal(refusal)) => self.core.refuse_request(key, &refusal, head),
            Err(Refused::Response(response)) => {
                self.core.respond(key, response, delivery(head, false));
            }
        }
        Outcome::Answered
    }

    /// The paths that the listener of a connection answers.
    fn paths_for(&self, key: u32) -> Rc<Router<PathTargets>> {
        let listener = self.core.slots[key as usize].listener;
        let mut own = self.listener_paths.iter();
        let own = own.find(|(known, _)| *known == listener);
        Rc::clone(own.map_or(&self.paths, |(_, paths)| paths))
    }

    /// Calls a plain HTTP route.
    fn serve(&mut self, io: &mut dyn Transport, key: u32, handler: u16, request: &Request<'_>) {
        let head = request.head;
        let handler = &mut self.http[handler as usize];
        let id = self.core.slot(key).id(key);
        let answered = guarded(&mut self.core, io, |context| {
            handler(request, &mut Context::new(context, NO_ROUTE, id))
        });
        match answered {
            Some(Answer::Now(response)) => {
                self.core
                    .respond(key, response, delivery(head, head.keep_alive));
            }
            Some(Answer::Stream(stream)) => self.core.begin_stream(key, stream, head),
            Some(Answer::Later(deferral)) => {
                let wanted = Wanted::Response(delivery(head, head.keep_alive));
                self.core.await_answer(key, deferral, wanted);
            }
            None => {
                log::error!("the handler of an HTTP route panicked; the answer is 500");
                let refusal = Refusal::new(Status::INTERNAL_SERVER_ERROR);
                self.core.refuse_request(key, &refusal, head);
            }
        }
    }
}

impl Core {
    /// A request as programs see it.
    pub(crate) fn request<'r>(
        &self,
        key: u32,
        head: &'r RequestHead<'r>,
        params: &'r Params<'r>,
        body: &'r [u8],
    ) -> Request<'r> {
        Request {
            head,
            params,
            body,
            peer: self.slots[key as usize].peer(),
            unix: self.now.unix,
            #[cfg(feature = "tokens")]
            claims: None,
        }
    }

    fn take_exchange(&mut self, key: u32) -> Exchange {
        let exchange = self.slot(key).take_exchange();
        let exchange = exchange.map_or_else(Exchange::new, |exchange| *exchange);
        self.ledger.change(exchange.held(), Held::default());
        exchange
    }

    pub(crate) fn keep_exchange(&mut self, key: u32, mut exchange: Exchange) {
        if exchange.has_begun() && !exchange.began {
            exchange.began = true;
            let wait = ticks(self.limits.head_timeout);
            self.deadlines.set(key, self.tick + wait, self.tick);
        }
        self.keep(key, |slot| {
            slot.phase = Phase::Head(Some(Box::new(exchange)))
        });
    }

    /// A request is answered; the connection may rest until the next.
    pub(crate) fn next_request(&mut self, key: u32, exchange: &mut Exchange) {
        if self.slot(key).state() == State::Head {
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
    pub(crate) fn head_is_due(&mut self, key: u32) {
        if matches!(&self.slot(key).phase, Phase::Head(Some(exchange)) if !exchange.began) {
            self.finish_http(key);
        } else {
            self.refuse(key, &Refusal::new(Status::REQUEST_TIMEOUT));
        }
    }

    /// Shutdown: a request that has begun is told so, a connection at rest just ends.
    pub(crate) fn stop_http(&mut self, key: u32) {
        if matches!(&self.slot(key).phase, Phase::Head(Some(exchange)) if exchange.has_begun()) {
            self.refuse(key, &Refusal::new(Status::SERVICE_UNAVAILABLE));
        } else {
            self.finish_http(key);
        }
    }
}
