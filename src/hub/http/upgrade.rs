//! From HTTP to a session: origin, subprotocol, extension, and the open event.

use super::gate::{UpgradeVisit, judge_event_stream, judge_upgrade};
use super::respond::delivery;
use crate::app::data::DataKey;
use crate::app::router::Params;
use crate::app::{Open, Settings};
use crate::hub::conn::flags::Flags;
use crate::hub::conn::opening::{Before, Opening, OpeningKind};
use crate::hub::conn::phase::{Phase, State};
use crate::hub::conn::waiting::Wanted;
use crate::hub::core::{Core, Hub, NO_ROUTE};
use crate::hub::guard::guard;
use crate::hub::transport::Transport;
use crate::hub::ws::events::call_open;
use crate::wire::extension::{Agreement, Offer, Transform};
use crate::wire::head::{BodyLength, RequestHead};
use crate::wire::receive::{Receiver, Role};
use crate::wire::refusal::Refusal;
use crate::wire::response::Status;
use crate::wire::upgrade::{accept_key, check_upgrade, key_fault, single_origin};

/// A head, read and as it came.
type Head<'h> = (&'h RequestHead<'h>, &'h [u8]);

impl Hub {
    /// Opens a session on a route, or refuses it.
    pub(crate) fn upgrade(
        &mut self,
        io: &mut dyn Transport,
        key: u32,
        route: u16,
        head: Head<'_>,
        params: &Params<'_>,
    ) {
        match self.agree(key, route, head.0) {
            Ok(agreed) => self.open(io, key, route, agreed, head, params),
            Err(refusal) => {
                let is_upgrade = !self.core.rules[route as usize].events;
                if is_upgrade && let Some(fault) = key_fault(head.0) {
                    log::info!("an upgrade is refused: {fault}");
                }
                self.core.refuse_request(key, &refusal, head.0);
            }
        }
    }

    /// Checks what a route's settings ask of an upgrade, or of the reader of an event stream.
    pub(crate) fn agree(
        &self,
        key: u32,
        route: u16,
        head: &RequestHead<'_>,
    ) -> Result<Agreed, Refusal> {
        let settings = &self.settings[route as usize];
        if self.core.rules[route as usize].events {
            if head.body != BodyLength::None {
                return Err(Refusal::new(Status::BAD_REQUEST));
            }
            let origin = single_origin(head)?;
            return match judge_event_stream(head, origin, settings, self.core.is_https(key)) {
                Some(refusal) => Err(refusal),
                None => Ok(Agreed::Events {
                    origin: origin.map(Into::into),
                }),
            };
        }
        let upgrade = check_upgrade(head)?;
        let visit = UpgradeVisit {
            head,
            upgrade: &upgrade,
            settings,
            is_https: self.core.is_https(key),
        };
        if let Some(refusal) = judge_upgrade(&visit) {
            return Err(refusal);
        }
        let offered = |name: &String| upgrade.protocols.contains(&name.as_str());
        let is_raw = self.core.rules[route as usize].raw;
        Ok(Agreed::WebSocket {
            accept: accept_key(upgrade.key),
            protocol: settings.protocols.iter().position(offered),
            protocols: upgrade.protocols.iter().map(|&name| name.into()).collect(),
            extension: if is_raw {
                None
            } else {
                agree_on_extension(settings, &upgrade.extensions)
            },
        })
    }

    fn open(
        &mut self,
        io: &mut dyn Transport,
        key: u32,
        route: u16,
        agreed: Agreed,
        (head, raw): Head<'_>,
        params: &Params<'_>,
    ) {
        let before = self.core.begin_session(key, route, agreed);
        let request = self.core.request(key, head, params, &[]);
        match call_open(&mut self.core, &mut self.routes, io, key, &request) {
            Some(Open::Accept(data)) => self.core.opened(key, data),
            Some(Open::Refuse(response)) => {
                self.core.undo_session(key, before);
                self.core.respond(key, response, delivery(head, false));
            }
            Some(Open::Later(deferral)) => {
                self.core.undo_session(key, before);
                let head = raw.to_vec();
                let wanted = Wanted::Session { route, head };
                self.core.await_answer(key, deferral, wanted);
            }
            None => {}
        }
    }
}

/// What both sides agreed on.
pub(crate) enum Agreed {
    WebSocket {
        accept: [u8; 28],
        /// Which of the route's.
        protocol: Option<usize>,
        /// All that the client offered.
        protocols: Vec<Box<str>>,
        extension: Option<Agreement>,
    },
    Events {
        /// Whose page asks.
        origin: Option<Box<str>>,
    },
}

/// The first of the client's offers that an extension of the route accepts.
fn agree_on_extension(settings: &Settings, offers: &[Offer]) -> Option<Agreement> {
    offers.iter().find_map(|offer| {
        let mut extensions = settings.extensions.iter();
        let extension = extensions.find(|extension| extension.name() == offer.name)?;
        let accepted = guard(|| extension.accept(offer));
        accepted.unwrap_or_else(|| {
            let name = extension.name();
            log::error!("the extension {name} panicked at an offer; it is declined");
            None
        })
    })
}

impl Core {
    /// Turns a connection into a session and gathers its answer, or puts it behind answers that wait.
    pub(crate) fn begin_session(&mut self, key: u32, route: u16, agreed: Agreed) -> Before {
        let before = Before {
            gathered: self.reply_buffer.len(),
            backlog: self.slot(key).backlog(),
            sent: self.metrics.sent(),
        };
        let masks = self.rules[route as usize].masking;
        let tick = self.tick as u16;
        let slot = self.slot(key);
        slot.phase = Phase::Open(Receiver::default());
        slot.route = route;
        slot.flags.set(Flags::OPENING);
        if masks {
            slot.flags.set(Flags::MASKS);
        }
        let kind = match agreed {
            Agreed::WebSocket {
                accept,
                protocol,
                protocols,
                extension,
            } => OpeningKind::WebSocket {
                accept,
                protocols,
                extension: self.take_over(key, protocol, extension),
            },
            Agreed::Events { origin } => {
                slot.flags.set(Flags::EVENTS);
                slot.pinged = tick;
                OpeningKind::Events { origin }
            }
        };
        self.opening = Some(Opening {
            kind,
            fields: Vec::new(),
            place: before.gathered..before.gathered,
        });
        self.write_opening(key);
        before
    }

    /// What a WebSocket has agreed on; what it answers about its extension.
    fn take_over(
        &mut self,
        key: u32,
        protocol: Option<usize>,
        extension: Option<Agreement>,
    ) -> Option<Offer> {
        let (extension, transform) = match extension {
            Some(agreement) => (Some(agreement.response), Some(agreement.transform)),
            None => (None, None),
        };
        let route = usize::from(self.slot(key).route);
        let protocol = protocol.map(|number| self.rules[route].protocols[number].clone());
        self.keep_agreement(key, protocol.as_deref(), extension.as_ref(), transform);
        extension
    }

    /// Keeps what a session was agreed on, in either role.
    pub(crate) fn keep_agreement(
        &mut self,
        key: u32,
        protocol: Option<&str>,
        extension: Option<&Offer>,
        transform: Option<Box<dyn Transform>>,
    ) {
        if let Some(name) = protocol {
            let known = &self.rules(key).protocols;
            let number = known.iter().position(|known| **known == *name);
            let slot = self.slot(key);
            match number.and_then(|number| u8::try_from(number + 1).ok()) {
                Some(number) => slot.protocol = number,
                None => slot.cold().protocol = Some(name.into()),
            }
        }
        if let Some(extension) = extension {
            let extension_id = self.extension_id(&extension.name);
            let cold = self.slot(key).cold();
            cold.extensions = Some(extension.to_string().into());
            cold.transform = transform;
            cold.extension_id = extension_id;
        }
    }

    /// The handler has opened the session: its close event is owed from now on.
    pub(crate) fn opened(&mut self, key: u32, data: DataKey) {
        self.metrics.on_opened();
        if self.rules(key).role == Role::Server {
            let is_handshake = !self.slot(key).is_event_stream();
            let status = if is_handshake {
                Status::SWITCHING_PROTOCOLS
            } else {
                Status::OK
            };
            self.metrics.on_answered(status, is_handshake);
        }
        let slot = self.slot(key);
        slot.data = data;
        slot.flags.set(Flags::OPENED);
        // The head may have come in parts.
        slot.tidy();
        match slot.state() {
            State::Open => self.rearm(key),
            // An event stream that its open event has closed: nobody answers that.
            State::Ending => {
                let id = slot.id(key);
                self.close_events.push_back(id);
            }
            _ => {}
        }
    }

    /// The session does not open, or not yet: its answer and all that followed it are removed.
    fn undo_session(&mut self, key: u32, before: Before) {
        let id = self.slot(key).id(key);
        self.reply_buffer.truncate(before.gathered);
        let unsent = self.metrics.sent() - before.sent;
        self.metrics.on_unsent(unsent);
        self.keep(key, |slot| {
            if let Some(cold) = &mut slot.cold {
                cold.outbox.truncate(before.backlog);
            }
        });
        self.leave_all(key);
        self.timers.cancel_all(id);
        let slot = self.slot(key);
        slot.route = NO_ROUTE;
        slot.protocol = 0;
        slot.phase = Phase::Head(None);
        if let Some(cold) = &mut slot.cold {
            (cold.transform, cold.close) = (None, None);
            (cold.protocol, cold.extensions) = (None, None);
        }
        slot.flags.clear(Flags::MASKS | Flags::EVENTS);
    }
}
