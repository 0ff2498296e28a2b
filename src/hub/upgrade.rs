//! From HTTP to WebSocket: origin, subprotocol, extension, and the open event.

use super::Hub;
use super::core::Floor;
use super::slot::{Flags, State};
use super::transport::Transport;
use crate::app::route::DataKey;
use crate::app::{Origins, Request, Response, Session, Settings};
use crate::wire::close::CloseCode;
use crate::wire::extension::{Agreement, Offer};
use crate::wire::head::RequestHead;
use crate::wire::refusal::Refusal;
use crate::wire::response::Status;
use crate::wire::upgrade::{
    UpgradeRequest, accept_key, check, origin_is_same, origin_matches, write_switching_protocols,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

impl Hub {
    /// Opens a session on a route, or refuses it.
    pub(super) fn upgrade(
        &mut self,
        io: &mut dyn Transport,
        place: u32,
        route: u16,
        head: &RequestHead<'_>,
    ) {
        let settings = &self.settings[route as usize];
        let is_raw = self.core.rules[route as usize].raw;
        let agreed = check(head).and_then(|upgrade| agree(settings, is_raw, head, upgrade));
        match agreed {
            Ok(agreed) => self.open(io, place, route, head, agreed),
            Err(refusal) => self.core.refuse_request(place, &refusal, head),
        }
    }

    fn open(
        &mut self,
        io: &mut dyn Transport,
        place: u32,
        route: u16,
        head: &RequestHead<'_>,
        agreed: Agreed,
    ) {
        let before = self.core.begin_session(place, route, agreed);
        let params = self.paths.find(head.path).map(|(_, params)| params);
        let (id, peer) = (
            self.core.slot(place).id(place),
            self.core.slot(place).peer(),
        );
        let request = Request {
            head,
            params: &params.unwrap_or_default(),
            body: &[],
            peer,
        };
        let handler = &mut self.routes[route as usize];
        let mut floor = Floor::new(&mut self.core, io);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            handler.open(&request, &mut Session::new(&mut floor, id))
        }));
        let core = &mut self.core;
        core.slot(place).flags.clear(Flags::OPENING);
        match outcome {
            Ok(Ok(data)) => {
                core.opened(place, data);
            }
            Ok(Err(response)) => core.take_back(place, before, head, &response),
            Err(_) => {
                log::error!("the handler of session {id} panicked in its open event");
                core.timers.cancel_all(id);
                core.fail(place, CloseCode::INTERNAL_ERROR, "Internal error");
            }
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
fn agree(
    settings: &Settings,
    is_raw: bool,
    head: &RequestHead<'_>,
    upgrade: UpgradeRequest<'_>,
) -> Result<Agreed, Refusal> {
    if !origin_is_allowed(settings, head, upgrade.origin) {
        log::warn!(
            "an upgrade from origin {:?} is refused",
            upgrade.origin.unwrap_or("")
        );
        return Err(Refusal::new(Status::FORBIDDEN));
    }
    let offered = |name: &&String| upgrade.protocols.contains(&name.as_str());
    let protocol = settings.protocols.iter().find(offered).cloned();
    if protocol.is_none() && settings.require_protocol {
        return Err(Refusal::new(Status::BAD_REQUEST));
    }
    Ok(Agreed {
        accept: accept_key(upgrade.key),
        protocol,
        extension: match is_raw {
            true => None,
            false => agree_on_extension(settings, &upgrade.extensions),
        },
    })
}

fn origin_is_allowed(settings: &Settings, head: &RequestHead<'_>, origin: Option<&str>) -> bool {
    let Some(origin) = origin else {
        return settings.allow_absent_origin;
    };
    match &settings.origins {
        Origins::Any => true,
        Origins::Same => head
            .host
            .is_some_and(|host| origin_is_same(origin, host, false)),
        Origins::List(list) => list.iter().any(|pattern| origin_matches(origin, pattern)),
    }
}

/// The first of the client's offers that an extension of the route accepts.
fn agree_on_extension(settings: &Settings, offers: &[Offer]) -> Option<Agreement> {
    offers.iter().find_map(|offer| {
        let mut extensions = settings.extensions.iter();
        let extension = extensions.find(|extension| extension.name() == offer.name)?;
        extension.accept(offer)
    })
}

impl super::core::Core {
    /// Turns a connection into a session and gathers its 101, or puts it behind answers that wait.
    fn begin_session(&mut self, place: u32, route: u16, agreed: Agreed) -> Before {
        let before = Before {
            gathered: self.gather.len(),
            backlog: self.slot(place).backlog(),
            sent: self.stats.sent,
        };
        let extension = agreed
            .extension
            .as_ref()
            .map(|agreement| &agreement.response);
        let mut answer = Vec::with_capacity(256);
        let protocol = agreed.protocol.as_deref();
        write_switching_protocols(&mut answer, &agreed.accept, protocol, extension);
        self.push_ready(place, &answer);
        let masks = self.rules[route as usize].masking;
        let family = extension.map_or(0, |extension| self.family(&extension.name));
        let slot = self.slot(place);
        slot.state = State::Open;
        slot.route = route;
        slot.flags.set(Flags::OPENING);
        if masks {
            slot.flags.set(Flags::MASKS);
        }
        if agreed.extension.is_some() || agreed.protocol.is_some() {
            let rare = slot.rare();
            rare.protocol = agreed.protocol.map(Into::into);
            if let Some(agreement) = agreed.extension {
                rare.extensions = Some(agreement.response.to_string().into());
                rare.transform = Some(agreement.transform);
                rare.family = family;
            }
        }
        before
    }

    /// The handler has opened the session: its close event is owed from now on.
    pub(super) fn opened(&mut self, place: u32, data: DataKey) {
        self.stats.opened += 1;
        let slot = self.slot(place);
        slot.data = data;
        slot.flags.set(Flags::OPENED);
        if slot.state == State::Open {
            self.rearm(place);
        }
    }

    /// The handler refused: its response goes out in place of the 101 and all that followed.
    fn take_back(
        &mut self,
        place: u32,
        before: Before,
        head: &RequestHead<'_>,
        response: &Response,
    ) {
        let id = self.slot(place).id(place);
        self.gather.truncate(before.gathered);
        self.stats.sent = before.sent;
        let slot = self.slot(place);
        if let Some(rare) = &mut slot.rare {
            let whole = rare.outbox.len();
            rare.outbox.truncate(before.backlog);
            self.buffered -= whole - before.backlog;
        }
        self.leave_all(place);
        self.timers.cancel_all(id);
        let slot = self.slot(place);
        slot.route = super::core::NO_ROUTE;
        slot.state = State::Head;
        if let Some(rare) = &mut slot.rare {
            (rare.transform, rare.close) = (None, None);
        }
        self.respond(place, response, head, false);
    }
}
