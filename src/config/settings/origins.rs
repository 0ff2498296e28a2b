//! Which pages may open a session.

use crate::config::bounds::out_of_bounds;
use crate::wire::error::Result;
use crate::wire::upgrade::pattern_problem;

/// Which `Origin` of a browser may open a session (exact scheme, host and port).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// The origin whose host and port are those of `Host`: the default.
    Same,
    /// Every origin.
    Any,
    /// These, written as a browser does: `https://example.org`, `http://localhost:3000`. One
    /// leading label may be `*`: `https://*.example.org`.
    List(Vec<String>),
}

impl Origins {
    pub(super) fn list(&self) -> Vec<String> {
        match self {
            Self::Same => vec!["same".to_owned()],
            Self::Any => vec!["*".to_owned()],
            Self::List(list) => list.clone(),
        }
    }

    pub(super) fn of_list(list: Vec<String>) -> Self {
        match list.first().map(String::as_str) {
            _ if list.iter().any(|origin| origin == "*") => Self::Any,
            Some("same") if list.len() == 1 => Self::Same,
            _ => Self::List(list),
        }
    }

    /// Checks that every one of a list is what a browser can send.
    pub(super) fn check(&self) -> Result<()> {
        let Self::List(list) = self else {
            return Ok(());
        };
        let mut list = list.iter();
        let problem = list.find_map(|origin| Some((origin, pattern_problem(origin)?)));
        match problem {
            None => Ok(()),
            Some((origin, wanted)) => {
                let given = format!("{origin:?}");
                Err(out_of_bounds("setting", "origins", given, wanted))
            }
        }
    }
}
