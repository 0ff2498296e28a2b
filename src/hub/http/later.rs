//! Answers that come later: a request waits, and its ticket ends that.

use crate::app::SessionId;
use crate::app::command::LateAnswer;
use crate::app::later::Deferral;
use crate::app::router::Params;
use crate::config::bounds::LONGEST;
use crate::hub::conn::exchange::Exchange;
use crate::hub::conn::phase::{Phase, State};
use crate::hub::conn::waiting::{WaitingRequest, Wanted};
use crate::hub::core::{Core, Hub, HubContext};
use crate::hub::guard::guard;
use crate::hub::time::ticks::ticks;
use crate::hub::transport::Transport;
use crate::hub::ws::events::{call, call_program};
use crate::wire::head::parse_request;
use crate::wire::refusal::Refusal;
use crate::wire::response::{Delivery, Status};
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Makes the data of a session that opens.
type MakeData = Box<dyn FnOnce() -> Box<dyn Any> + Send>;

/// How a refused upgrade is answered.
const CLOSE: Delivery = Delivery {
    keep_alive: false,
    head_only: false,
};

impl Core {
    /// What arrived behind a request whose answer is not complete.
    pub(crate) fn keep_waiting(&mut self, key: u32, exchange: Exchange) {
        self.keep(key, |slot| match &mut slot.phase {
            Phase::Waiting(waiting) => waiting.exchange = exchange,
            Phase::Streaming(streaming) => streaming.exchange = exchange,
            _ => {}
        });
    }

    /// The program answers this request later.
    pub(crate) fn await_answer(&mut self, key: u32, deferral: Deferral, wanted: Wanted) {
        let waiting = WaitingRequest {
            waits: deferral.waits,
            wanted,
            exchange: Exchange::new(),
        };
        let head_only = waiting.is_head_only();
        self.keep(key, |slot| slot.phase = Phase::Waiting(Box::new(waiting)));
        if !deferral.has_place {
            return self.refuse_late(key, Status::SERVICE_UNAVAILABLE, head_only);
        }
        let time = deferral.time.unwrap_or(self.limits.answer_timeout);
        let wait = ticks(time.min(LONGEST));
        self.deadlines.set(key, self.tick + wait, self.tick);
    }

    /// Nobody answered in time, or nobody will.
    pub(crate) fn refuse_waiting(&mut self, key: u32) {
        if let Phase::Waiting(waiting) = &self.slot(key).phase {
            let head_only = waiting.is_head_only();
            self.asks_for_session = self.waits_for_session(key);
            self.refuse_late(key, Status::SERVICE_UNAVAILABLE, head_only);
            self.asks_for_session = false;
        }
    }

    fn refuse_late(&mut self, key: u32, status: Status, head_only: bool) {
        self.write_refusal(key, &Refusal::new(status), head_only);
    }

    /// Whether a request that waits asks for a session.
    fn waits_for_session(&self, key: u32) -> bool {
        let phase = &self.slots[key as usize].phase;
        matches!(phase, Phase::Waiting(waiting) if matches!(waiting.wanted, Wanted::Session { .. }))
    }

    /// The request that waits, taken out; its connection speaks HTTP again.
    fn take_waiting(&mut self, key: u32) -> Option<WaitingRequest> {
        let phase = self.keep(key, |slot| {
            std::mem::replace(&mut slot.phase, Phase::Head(None))
        });
        match phase {
            Phase::Waiting(waiting) => Some(*waiting),
            _ => None,
        }
    }
}

impl Hub {
    /// A peer that waits has ended its direction. There is no session with it any more, and nothing
    /// else would ever tell a stream that waits; an answer it may still read.
    pub(crate) fn ended_while_waiting(&mut self, id: SessionId) {
        let Some(key) = self.core.key_of(id) else {
            return;
        };
        let is_over = match &mut self.core.slot(key).phase {
            Phase::Waiting(waiting) => matches!(waiting.wanted, Wanted::Session { .. }),
            Phase::Streaming(streaming) => {
                streaming.has_ended = true;
                streaming.waits
            }
            _ => false,
        };
        if is_over {
            self.core.lost(key);
        }
    }

    /// A ticket answers. What it was for may be over by now.
    pub(crate) fn answer_late(
        &mut self,
        io: &mut dyn Transport,
        id: SessionId,
        ticket: &Arc<AtomicBool>,
        answer: LateAnswer,
    ) {
        let key = self.core.key_of(id);
        let is_waiting = |key: &u32| {
            let phase = &self.core.slots[*key as usize].phase;
            matches!(phase, Phase::Waiting(waiting) if waiting.waits.is(ticket))
        };
        let Some(key) = key.filter(is_waiting) else {
            if let LateAnswer::Accept { route, data } = answer {
                self.abandon(io, route, data);
            }
            return;
        };
        if let LateAnswer::Dropped = answer {
            log::error!("a ticket was dropped without an answer; the peer gets 503");
            return self.core.refuse_waiting(key);
        }
        self.core.asks_for_session = self.core.waits_for_session(key);
        let Some(waiting) = self.core.take_waiting(key) else {
            return;
        };
        let WaitingRequest {
            wanted, exchange, ..
        } = waiting;
        self.core.begin_replies(key);
        match (answer, wanted) {
            (LateAnswer::Response(response), Wanted::Response(delivery)) => {
                self.core.respond(key, response, delivery);
            }
            (LateAnswer::Response(response), Wanted::Session { .. }) => {
                self.core.respond(key, response, CLOSE);
            }
            (LateAnswer::Accept { data, .. }, Wanted::Session { route, head }) => {
                self.accept_late(io, key, route, &head, data);
            }
            // The types of tickets leave nothing else.
            _ => self
                .core
                .refuse_late(key, Status::INTERNAL_SERVER_ERROR, false),
        }
        self.core.asks_for_session = false;
        match self.core.slot(key).state() {
            State::Head => {
                let mut exchange = exchange;
                exchange.has_more = !exchange.waiting.is_empty();
                self.core.next_request(key, &mut exchange);
                self.core.keep_exchange(key, exchange);
            }
            // Bytes behind the request are the first frames.
            State::Open | State::Closing if !exchange.waiting.is_empty() => {
                self.core.keep_unread(key, exchange.waiting);
            }
            _ => {}
        }
        HubContext::new(&mut self.core, io).end_replies();
        let id = self.core.slot(key).id(key);
        self.core.resumed.push_back(id);
    }

    /// A session was accepted that cannot be opened: as a rule, because its peer has left.
    fn abandon(&mut self, io: &mut dyn Transport, number: u16, data: MakeData) {
        let (core, routes) = (&mut self.core, &mut self.routes);
        let nobody = SessionId::NOBODY;
        call_program(core, routes, io, number, nobody, |route, context| {
            route.abandoned(data(), context);
        });
    }

    /// Opens the session that was asked for with this head.
    fn accept_late(
        &mut self,
        io: &mut dyn Transport,
        key: u32,
        route: u16,
        head: &[u8],
        data: MakeData,
    ) {
        let Ok(Some((head, _))) = parse_request(head, &mut 0, &self.core.limits.head) else {
            // The limits of heads have changed since.
            self.core
                .refuse_late(key, Status::SERVICE_UNAVAILABLE, false);
            return self.abandon(io, route, data);
        };
        let agreed = match self.agree(key, route, &head) {
            Ok(agreed) => agreed,
            Err(refusal) => {
                self.core.refuse(key, &refusal);
                return self.abandon(io, route, data);
            }
        };
        let Some(data) = guard(data).and_then(|data| self.routes[route as usize].keep(data)) else {
            log::error!(
                "the data of a session that was accepted later cannot be made; it gets 500"
            );
            return self
                .core
                .refuse_late(key, Status::INTERNAL_SERVER_ERROR, false);
        };
        self.core.begin_session(key, route, agreed);
        self.core.opened(key, data);
        let params = Params::new();
        let request = self.core.request(key, &head, &params, &[]);
        call(
            &mut self.core,
            &mut self.routes,
            io,
            key,
            |route, data, session| {
                route.opened_later(&request, session);
                route.accepted(data, session);
            },
        );
        self.core.end_opening(key);
    }
}
