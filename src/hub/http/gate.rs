//! Who is refused before a program is asked: SPEC 5 as one list, in its order.
//!
//! What is wrong with a head itself was found when it was read (`wire::head`, `wire::upgrade`); here
//! it is judged by what this server is, has and allows. Nothing here answers or changes anything.

use crate::app::program::PathTargets;
use crate::app::{Origins, Response, Settings};
use crate::config::Limits;
use crate::wire::head::{Method, RequestHead};
use crate::wire::refusal::Refusal;
use crate::wire::response::Status;
use crate::wire::upgrade::{UpgradeRequest, origin_is_same, origin_matches, wants_upgrade};

/// The methods that are served at all.
const ALLOWED: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// A request, and what it is judged by.
pub(crate) struct Visit<'v> {
    pub(crate) head: &'v RequestHead<'v>,
    pub(crate) limits: &'v Limits,
    pub(crate) is_stopping: bool,
    /// It came to a listener for operators, who use whatever name or address leads there.
    pub(crate) is_admin: bool,
    /// Whose pages may change something; `None`: everybody's.
    pub(crate) origins: Option<&'v Origins>,
    /// As in [`UpgradeVisit`].
    pub(crate) is_https: Option<bool>,
    /// What there is at its path.
    pub(crate) targets: Option<&'v PathTargets>,
}

/// An answer that no program gave.
pub(crate) enum Refused {
    Refusal(Refusal),
    Response(Response),
}

/// Who answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answerer {
    /// A route of sessions opens one.
    Session(u16),
    /// The head of an event stream, and no session.
    EventStreamHead(u16),
    Http(u16),
}

/// All reasons to refuse a request, in the order in which they are asked.
const GATES: &[fn(&Visit<'_>) -> Option<Refused>] = &[
    stopping,
    foreign_host,
    unknown_method,
    whole_server,
    unknown_path,
    upgrade_required,
    method_not_allowed,
    foreign_page,
];

/// Who answers a request, or why nobody does.
pub(crate) fn judge(visit: &Visit<'_>) -> Result<Answerer, Refused> {
    match GATES.iter().find_map(|gate| gate(visit)) {
        Some(refused) => Err(refused),
        None => answerer(visit).ok_or_else(|| refuse(Status::NOT_FOUND)),
    }
}

/// The same refusal with a body of JSON.
pub(crate) fn in_json(refused: Refused, pattern: &str) -> Refused {
    let response = match refused {
        Refused::Response(response) => response,
        Refused::Refusal(refusal) => {
            let response = Response::new(refusal.status);
            let fields = refusal.fields.iter();
            fields.fold(response, |response, (name, value)| {
                response.field(*name, *value)
            })
        }
    };
    let status = response.status();
    let text = status.to_string();
    let phrase = text.split_once(' ').map_or("", |(_, phrase)| phrase);
    // A pattern is the program's own word; what JSON would have to escape is left out of it.
    let path = pattern.replace(
        |letter: char| letter.is_control() || ['"', '\\'].contains(&letter),
        "",
    );
    let code = status.code();
    let body =
        format!(r#"{{"status":{code},"error":"{phrase}","message":"{text}","path":"{path}"}}"#);
    let response = response.content_type("application/json;charset=UTF-8");
    Refused::Response(response.body(body.into_bytes()))
}

fn refuse(status: Status) -> Refused {
    Refused::Refusal(Refusal::new(status))
}

fn answerer(visit: &Visit<'_>) -> Option<Answerer> {
    let (head, targets) = (visit.head, visit.targets?);
    if let Some(route) = targets.websocket
        && wants_upgrade(head)
    {
        return Some(Answerer::Session(route));
    }
    let of = |method| targets.http.iter().find(|(known, _)| *known == method);
    let as_get = || of(Method::Get).filter(|_| head.method == Method::Head);
    if let Some((_, handler)) = of(head.method).or_else(as_get) {
        return Some(Answerer::Http(*handler));
    }
    match (head.method, targets.events?) {
        (Method::Get, route) => Some(Answerer::Session(route)),
        (Method::Head, route) => Some(Answerer::EventStreamHead(route)),
        _ => None,
    }
}

fn stopping(visit: &Visit<'_>) -> Option<Refused> {
    visit
        .is_stopping
        .then(|| refuse(Status::SERVICE_UNAVAILABLE))
}

/// HTTP/1.0 may go without a host; then it asks for none that is served here.
fn foreign_host(visit: &Visit<'_>) -> Option<Refused> {
    let hosts = visit.limits.hosts.as_ref().filter(|_| !visit.is_admin)?;
    let name = visit.head.host.map(host_name);
    let is_known = |name: &str| hosts.iter().any(|known| known.eq_ignore_ascii_case(name));
    (!name.is_some_and(is_known)).then(|| refuse(Status::MISDIRECTED_REQUEST))
}

fn unknown_method(visit: &Visit<'_>) -> Option<Refused> {
    (visit.head.method == Method::Other).then(|| refuse(Status::NOT_IMPLEMENTED))
}

/// RFC 9110 §9.3.7: the capabilities of the server as a whole; a ping of it.
fn whole_server(visit: &Visit<'_>) -> Option<Refused> {
    let is_asked = visit.head.method == Method::Options && visit.head.path == "*";
    is_asked.then(|| Refused::Response(Response::new(Status::NO_CONTENT).field("Allow", ALLOWED)))
}

fn unknown_path(visit: &Visit<'_>) -> Option<Refused> {
    visit.targets.is_none().then(|| refuse(Status::NOT_FOUND))
}

fn upgrade_required(visit: &Visit<'_>) -> Option<Refused> {
    let reads = matches!(visit.head.method, Method::Get | Method::Head);
    let is_websocket = visit
        .targets
        .is_some_and(|targets| targets.websocket.is_some());
    let is_refused = reads && is_websocket && answerer(visit).is_none();
    is_refused.then_some(Refused::Refusal(Refusal::UPGRADE_REQUIRED))
}

fn method_not_allowed(visit: &Visit<'_>) -> Option<Refused> {
    let targets = visit.targets?;
    answerer(visit).is_none().then(|| {
        let response = Response::refusal(Status::METHOD_NOT_ALLOWED);
        Refused::Response(response.field("Allow", targets.allowed()))
    })
}

/// A page of another origin wants to change something: the browser adds its user's cookies.
fn foreign_page(visit: &Visit<'_>) -> Option<Refused> {
    let (head, origins) = (visit.head, visit.origins?);
    if matches!(head.method, Method::Get | Method::Head | Method::Options) {
        return None;
    }
    let is_foreign = |origin: &&[u8]| match std::str::from_utf8(origin) {
        Ok(origin) => !is_allowed(origin, origins, head.host, visit.is_https),
        Err(_) => true,
    };
    // All of them are asked, because a handler may read any.
    let foreign = head.values("origin").find(is_foreign)?;
    let (method, origin) = (head.method.name(), String::from_utf8_lossy(foreign));
    log::warn!("a {method} from origin {origin:?} is refused");
    Some(refuse(Status::FORBIDDEN))
}

/// Whether a page of this origin is one of those that are meant.
fn is_allowed(origin: &str, origins: &Origins, host: Option<&str>, is_https: Option<bool>) -> bool {
    match origins {
        Origins::Any => true,
        Origins::Same => host.is_some_and(|host| origin_is_same(origin, host, is_https)),
        Origins::List(list) => list.iter().any(|pattern| origin_matches(origin, pattern)),
    }
}

/// A `Host` without its port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

/// An upgrade that is right in itself, and what it is judged by.
pub(crate) struct UpgradeVisit<'v> {
    pub(crate) head: &'v RequestHead<'v>,
    pub(crate) upgrade: &'v UpgradeRequest<'v>,
    pub(crate) settings: &'v Settings,
    /// Whether the browser asked by https: this server encrypts, or a trusted proxy says so. `None`: a
    /// proxy may have ended the encryption, and the scheme is unknown.
    pub(crate) is_https: Option<bool>,
}

/// All reasons to refuse an upgrade, in the order in which they are asked.
const UPGRADE_GATES: &[fn(&UpgradeVisit<'_>) -> Option<Refusal>] =
    &[foreign_origin, no_common_protocol];

/// Why an upgrade is refused.
pub(crate) fn judge_upgrade(visit: &UpgradeVisit<'_>) -> Option<Refusal> {
    UPGRADE_GATES.iter().find_map(|gate| gate(visit))
}

fn foreign_origin(visit: &UpgradeVisit<'_>) -> Option<Refusal> {
    let (head, origin) = (visit.head, visit.upgrade.origin);
    refuse_origin("an upgrade", head, origin, visit.settings, visit.is_https)
}

/// Why the reader of an event stream is refused.
pub(crate) fn judge_event_stream(
    head: &RequestHead<'_>,
    origin: Option<&str>,
    settings: &Settings,
    is_https: Option<bool>,
) -> Option<Refusal> {
    refuse_origin("an event stream", head, origin, settings, is_https)
}

fn refuse_origin(
    what: &str,
    head: &RequestHead<'_>,
    origin: Option<&str>,
    settings: &Settings,
    is_https: Option<bool>,
) -> Option<Refusal> {
    let is_allowed = match origin {
        None => settings.allow_absent_origin,
        Some(origin) => is_allowed(origin, &settings.origins, head.host, is_https),
    };
    if !is_allowed {
        match origin {
            Some(origin) => log::warn!(
                "{what} from origin {origin:?} is refused; to allow it: `--origin {origin}`, or \
                 `origins` in the settings of the route"
            ),
            None => log::warn!(
                "{what} without an origin is refused; to allow it: `--allow-absent-origin true`, \
                 or `allow_absent_origin` in the settings of the route"
            ),
        }
    }
    (!is_allowed).then(|| Refusal::new(Status::FORBIDDEN))
}

fn no_common_protocol(visit: &UpgradeVisit<'_>) -> Option<Refusal> {
    let settings = visit.settings;
    let offered = |name: &String| visit.upgrade.protocols.contains(&name.as_str());
    let is_refused = settings.require_protocol && !settings.protocols.iter().any(offered);
    is_refused.then(|| Refusal::new(Status::BAD_REQUEST))
}

#[cfg(test)]
mod tests {
    use super::host_name;

    #[test]
    fn a_host_loses_its_port_and_nothing_else() {
        for (host, name) in [
            ("example.org", "example.org"),
            ("example.org:80", "example.org"),
            ("[::1]", "[::1]"),
            ("[::1]:8080", "[::1]"),
        ] {
            assert_eq!(host_name(host), name);
        }
    }
}
