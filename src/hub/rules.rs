//! The settings of a route in the units of the hub.

use crate::app::any_route::RouteKind;
use crate::app::{BacklogPolicy, Settings};
use crate::hub::time::ticks::ticks;
use crate::wire::receive::Role;

/// The settings of a route as the hub asks for them at every message.
#[derive(Clone, Debug)]
pub(crate) struct RouteRules {
    /// 0: no pings.
    pub(crate) ping_period: u64,
    pub(crate) pong_timeout: u64,
    pub(crate) close_timeout: u64,
    pub(crate) backlog: BacklogPolicy,
    pub(crate) backlog_mark: usize,
    pub(crate) backlog_limit: usize,
    pub(crate) backlog_time: u64,
    pub(crate) max_frame: usize,
    pub(crate) max_message: usize,
    pub(crate) masking: bool,
    pub(crate) raw: bool,
    /// It has no sessions: its connections are those of a link.
    pub(crate) link: bool,
    /// Its sessions are event streams.
    pub(crate) events: bool,
    pub(crate) role: Role,
    /// Its subprotocols; a slot has the number of the one that was agreed on.
    pub(crate) protocols: Box<[Box<str>]>,
    #[cfg(feature = "json")]
    pub(crate) codec: std::sync::Arc<dyn crate::app::Codec>,
}

impl RouteRules {
    /// A raw session's pings are its handler's affair; a client's frames are always masked.
    pub(crate) fn new(settings: &Settings, kind: RouteKind, role: Role) -> Self {
        let raw = kind == RouteKind::Raw;
        let events = kind == RouteKind::Events;
        Self {
            ping_period: settings.ping_period.filter(|_| !raw).map_or(0, ticks),
            pong_timeout: ticks(settings.pong_timeout),
            close_timeout: ticks(settings.close_timeout),
            backlog: settings.backlog,
            backlog_mark: settings.backlog_mark,
            backlog_limit: settings.backlog_limit,
            backlog_time: ticks(settings.backlog_time),
            max_frame: settings.max_frame_size,
            max_message: settings.max_message_size,
            masking: settings.masking && !events || role == Role::Client,
            raw,
            link: kind == RouteKind::Link,
            events,
            role,
            protocols: settings
                .protocols
                .iter()
                .map(|name| (&**name).into())
                .collect(),
            #[cfg(feature = "json")]
            codec: settings.codec.clone(),
        }
    }
}
