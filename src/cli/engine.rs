//! The engine of `dunlin serve --engine`: the rooms that several servers share.

use dunlin::config::RoomLimits;
use dunlin::rooms::Rooms;
#[cfg(feature = "cluster")]
use dunlin::rooms::{Cluster, EngineAddress};

/// What is wrong with a setting: its key, and a sentence.
type Problem = (&'static str, String);

/// The address of an engine as everybody may read it: without user and password, whatever else is wrong with it.
pub(super) fn shown(address: &str) -> String {
    #[cfg(feature = "cluster")]
    if let Ok(address) = address.parse::<EngineAddress>() {
        return address.to_string();
    }
    match address.rsplit_once('@') {
        Some((before, rest)) => {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            format!("{scheme}://…@{rest}")
        }
        None => address.to_owned(),
    }
}

/// What an operator sets of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted<'a> {
    pub(super) engine: Option<&'a str>,
    #[cfg_attr(not(feature = "cluster"), expect(dead_code))]
    pub(super) engine_prefix: &'a str,
    pub(super) engine_ca: Option<&'a str>,
    pub(super) history_dir: Option<&'a str>,
}

/// What is wrong with the settings of the engine.
pub(super) fn problem(wanted: Wanted<'_>) -> Option<Problem> {
    rooms(wanted, &RoomLimits::default()).err()
}

/// The rooms that are shared by an engine, if one is named. Nothing is connected before the server runs.
///
/// # Errors
/// The key of a setting, and what is wrong with it.
pub(super) fn rooms(wanted: Wanted<'_>, limits: &RoomLimits) -> Result<Option<Rooms>, Problem> {
    let Some(address) = wanted.engine else {
        return match wanted.engine_ca {
            Some(_) => Err(("engine_ca", without_tls())),
            None => Ok(None),
        };
    };
    if wanted.history_dir.is_some() {
        let problem = "rooms are kept by the engine or in a folder, and both are given\n\
            wanted: --engine alone, which keeps them for all servers, or --history-dir alone, for this one";
        return Err(("history_dir", problem.to_owned()));
    }
    shared(wanted, address, limits).map(Some)
}

fn without_tls() -> String {
    "--engine-ca means nothing without TLS\nwanted: an --engine that begins with rediss://"
        .to_owned()
}

#[cfg(feature = "cluster")]
fn shared(wanted: Wanted<'_>, address: &str, limits: &RoomLimits) -> Result<Rooms, Problem> {
    let text = |error: dunlin::Error| format!("{error:#}");
    let is_secure = ["rediss://", "valkeys://"]
        .iter()
        .any(|scheme| address.starts_with(scheme));
    if wanted.engine_ca.is_some() && !is_secure {
        return Err(("engine_ca", without_tls()));
    }
    let parsed = address.parse::<EngineAddress>();
    let cluster = Cluster::new(parsed.map_err(|error| ("engine", text(error)))?);
    #[cfg(feature = "tls")]
    let cluster = match wanted.engine_ca {
        Some(file) => {
            let trust = dunlin::client::Trust::system().and_file(file);
            cluster.trust(trust.map_err(|error| ("engine_ca", text(error)))?)
        }
        None => cluster,
    };
    let rooms = Rooms::in_cluster(cluster.prefix(wanted.engine_prefix), limits.clone());
    rooms.map_err(|error| ("engine_prefix", text(error)))
}

#[cfg(not(feature = "cluster"))]
fn shared(_: Wanted<'_>, _: &str, _: &RoomLimits) -> Result<Rooms, Problem> {
    let problem = "this build has no engine\nwanted: one with the feature `cluster`, or none: rooms in memory";
    Err(("engine", problem.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_an_address_is_shown() {
        for (given, wanted) in [
            ("unix:/run/redis.sock", "unix:/run/redis.sock"),
            ("redis://kim:secret@host:port", "redis://…@host:port"),
            ("http://:secret@host", "http://…@host"),
        ] {
            assert_eq!(shown(given), wanted);
        }
        assert!(!shown("redis://kim:se%40cret@host:6379/2").contains("cret"));
    }

    #[test]
    fn without_an_engine_rooms_are_in_memory() {
        assert!(matches!(
            rooms(Wanted::default(), &RoomLimits::default()),
            Ok(None)
        ));
    }
}
