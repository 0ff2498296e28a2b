//! From HTTP to WebSocket: origin, subprotocol, extension, and the open event.

use super::gate::{UpgradeVisit, judge_upgrade};
use crate::app::data::DataKey;
use crate::app::router::Params;
use crate::app::{Response, Settings};
use crate::hub::conn::flags::Flags;
use crate::hub::conn::phase::{Phase, State};
use crate::hub::core::{Core, Hub, NO_ROUTE};
use crate::hub::transport::Transport;
use crate::hub::ws::events::call_open;
use crate::wire::extension::{Agreement, Offer};
use crate::wire::head::RequestHead;
use crate::wire::receive::Receiver;
use crate::wire::refusal::Refusal;
use crate::wire::upgrade::{accept_key, check_upgrade, key_fault, write_switching_protocols};
use std::panic::{AssertUnwindSafe, catch_unwind};

impl Hub {
    /// Opens a session on a route, or refuses it.
    pub(crate) fn upgrade(
        &mut self,
        io: &mut dyn Transport,
        key: u32,
        route: u16,
        head: &RequestHead<'_>,
        params: &Params<'_>,
    ) {
        let settings = &self.settings[route as usize];
        let is_raw = self.core.rules[route as usize].raw;
        let is_secure = self.core.slots[key as usize].flags.has(Flags::SECURE);
        let agreed = check_upgrade(head).and_then(|upgrade| {
            let visit = UpgradeVisit {
                head,
                upgrade: &upgrade,
                settings,
                is_secure,
            };
            agree(&visit, is_raw)
        });
        match agreed {
            Ok(agreed) => self.open(io, key, route, agreed, head, params),
            Err(refusal) => {
                if let Some(fault) = key_fault(head) {
                    log::info!("an upgrade is refused: {fault}");
                }
                self.core.refuse_request(key, &refusal, head);
            }
        }
    }

    fn open(
        &mut self,
        io: &mut dyn Transport,
        key: u32,
        route: u16,
        agreed: Agreed,
        head: &RequestHead<'_>,
        params: &Params<'_>,
    ) {
        let before = self.core.begin_session(key, route, agreed);
        let request = self.core.request(key, head, params, &[]);
        match call_open(&mut self.core, &mut self.routes, io, key, &request) {
            Some(Ok(data)) => self.core.opened(key, data),
            Some(Err(response)) => self.core.refuse_session(key, before, head, &response),
            None => {}
        }
    }
}

/// What both sides agreed on.
struct Agreed {
    accept: [u8; 28],
    protocol: Option<String>,
    extension: Option<Agreement>,
}

/// How far a connection was before its upgrade, to go back to.
struct Before {
    gathered: usize,
    backlog: usize,
    sent: u64,
}

/// Checks what a route's settings ask of an upgrade.
fn agree(visit: &UpgradeVisit<'_>, is_raw: bool) -> Result<Agreed, Refusal> {
    if let Some(refusal) = judge_upgrade(visit) {
        return Err(refusal);
    }
    let (settings, upgrade) = (visit.settings, visit.upgrade);
    let offered = |name: &&String| upgrade.protocols.contains(&name.as_str());
    Ok(Agreed {
        accept: accept_key(upgrade.key),
        protocol: settings.protocols.iter().find(offered).cloned(),
        extension: if is_raw {
            None
        } else {
            agree_on_extension(settings, &upgrade.extensions)
        },
    })
}

/// The first of the client's offers that an extension of the route accepts.
fn agree_on_extension(settings: &Settings, offers: &[Offer]) -> Option<Agreement> {
    offers.iter().find_map(|offer| {
        let mut extensions = settings.extensions.iter();
        let extension = extensions.find(|extension| extension.name() == offer.name)?;
        let accepted = catch_unwind(AssertUnwindSafe(|| extension.accept(offer)));
        accepted.unwrap_or_else(|_| {
            let name = extension.name();
            log::error!("the extension {name} panicked at an offer; it is declined");
            None
        })
    })
}

impl Core {
    /// Turns a connection into a session and gathers its 101, or puts it behind answers that wait.
    fn begin_session(&mut self, key: u32, route: u16, agreed: Agreed) -> Before {
        let before = Before {
            gathered: self.reply_buffer.len(),
            backlog: self.slot(key).backlog(),
            sent: self.metrics.sent(),
        };
        let extension = agreed
            .extension
            .as_ref()
            .map(|agreement| &agreement.response);
        let mut answer = Vec::with_capacity(256);
        let protocol = agreed.protocol.as_deref();
        write_switching_protocols(&mut answer, &agreed.accept, protocol, extension);
        self.push_ready(key, &answer);
        let masks = self.rules[route as usize].masking;
        let extension_id = extension.map_or(0, |extension| self.extension_id(&extension.name));
        let slot = self.slot(key);
        slot.phase = Phase::Open(Receiver::default());
        slot.route = route;
        slot.flags.set(Flags::OPENING);
        if masks {
            slot.flags.set(Flags::MASKS);
        }
        if agreed.extension.is_some() || agreed.protocol.is_some() {
            let cold = slot.cold();
            cold.protocol = agreed.protocol.map(Into::into);
            if let Some(agreement) = agreed.extension {
                cold.extensions = Some(agreement.response.to_string().into());
                cold.transform = Some(agreement.transform);
                cold.extension_id = extension_id;
            }
        }
        before
    }

    /// The handler has opened the session: its close event is owed from now on.
    pub(crate) fn opened(&mut self, key: u32, data: DataKey) {
        self.metrics.on_opened();
        let slot = self.slot(key);
        slot.data = data;
        slot.flags.set(Flags::OPENED);
        // The head may have come in parts.
        slot.tidy();
        if slot.state() == State::Open {
            self.rearm(key);
        }
    }

    /// The handler refused: its response goes out in place of the 101 and of all that followed it.
    fn refuse_session(
        &mut self,
        key: u32,
        before: Before,
        head: &RequestHead<'_>,
        response: &Response,
    ) {
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
        slot.phase = Phase::Head(None);
        if let Some(cold) = &mut slot.cold {
            (cold.transform, cold.close) = (None, None);
        }
        self.respond(key, response, head, false);
    }
}
