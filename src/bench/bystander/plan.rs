//! What `dunlin bench bystander` is to do.

use super::super::flood::{self, Kind};
use super::super::plan::Believed;
use dunlin::client::Url;
use std::time::Duration;

/// Without a wish, floods have their usual numbers of connections up to this.
const USUAL: usize = 100;

/// What is flooded, and with what.
#[derive(Clone)]
pub struct Plan {
    /// A path that echoes.
    pub url: Url,
    /// Whom to believe, where the URL is `wss://`.
    pub believed: Believed,
    /// Further fields of every request.
    pub fields: Vec<(String, String)>,
    /// The floods, in this order; all of them when empty.
    pub floods: Vec<&'static Kind>,
    /// Connections of each flood; its usual numbers up to 100 without.
    pub connections: Option<usize>,
    /// How long new bystanders are watched alone. A server may serve those first who have been there and quiet for a
    /// while, as dunlin does: bystanders are such, and stay from flood to flood. Default 2.5 s.
    pub alone: Duration,
    /// Length of each flood. Default 3 s.
    pub span: Duration,
    /// Most bytes of each flood, both ways together. Default 1 GiB.
    pub bytes: u64,
    /// The user's word that the server is theirs: without it only near addresses are flooded.
    pub mine: bool,
}

impl Plan {
    /// All floods of a URL, with the defaults.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            believed: Believed::default(),
            fields: Vec::new(),
            floods: Vec::new(),
            connections: None,
            alone: Duration::from_millis(2_500),
            span: Duration::from_secs(3),
            bytes: 1 << 30,
            mine: false,
        }
    }

    /// The floods, in their order.
    pub(super) fn floods(&self) -> Vec<&'static Kind> {
        match &*self.floods {
            [] => flood::all().collect(),
            chosen => chosen.to_vec(),
        }
    }

    /// Numbers of connections of a flood, one row each.
    pub fn counts(&self, kind: &Kind) -> Vec<usize> {
        if let Some(connections) = self.connections {
            return vec![connections];
        }
        let usual = kind.counts.iter().copied();
        let usual: Vec<usize> = usual.filter(|&count| count <= USUAL).collect();
        if usual.is_empty() { vec![USUAL] } else { usual }
    }
}
