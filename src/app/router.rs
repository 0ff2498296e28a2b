//! Which target answers which path.
//!
//! A pattern is literal segments, `{name}` for one segment and a last
//! `{name...}` for all that is left. A literal wins over a parameter, a
//! parameter over a tail, whatever the order they were added in.

use super::percent::percent_decode;
use crate::wire::error::{Error, ErrorKind, Result};
use std::borrow::Cow;

/// The parameters of a matched path: names of the pattern, decoded values.
pub(crate) type Params<'r> = Vec<(&'r str, Cow<'r, str>)>;

/// Patterns of paths, each with what was put there.
#[derive(Debug)]
pub struct Router<T> {
    entries: Vec<(Pattern, T)>,
}

impl<T> Default for Router<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
        }
    }
}

impl<T> Router<T> {
    /// The target of this very pattern, put there by `default` when it is new.
    ///
    /// # Errors
    /// A pattern that does not start with `/`, repeats a name, or has a tail that is not last.
    pub fn entry(&mut self, pattern: &str, default: impl FnOnce() -> T) -> Result<&mut T> {
        let pattern = Pattern::parse(pattern)?;
        let found = self
            .entries
            .iter()
            .position(|(known, _)| known.same(&pattern));
        let at = found.unwrap_or_else(|| {
            let at = self
                .entries
                .partition_point(|(known, _)| known.rank() <= pattern.rank());
            self.entries.insert(at, (pattern, default()));
            at
        });
        Ok(&mut self.entries[at].1)
    }

    /// The target of a path, still percent-encoded, and its parameters.
    pub(crate) fn find<'r>(&'r self, path: &'r str) -> Option<(&'r T, Params<'r>)> {
        self.entries
            .iter()
            .find_map(|(pattern, target)| Some((target, pattern.matches(path)?)))
    }

    /// Every target, to be changed.
    pub(crate) fn targets_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.iter_mut().map(|(_, target)| target)
    }

    /// Every pattern with its target, the most literal first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.entries
            .iter()
            .map(|(pattern, target)| (&*pattern.text, target))
    }
}

#[derive(Debug)]
struct Pattern {
    text: String,
    segments: Vec<Segment>,
}

/// In the order of precedence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Param(String),
    Tail(String),
}

impl Segment {
    fn parse(text: &str) -> Option<Self> {
        let Some(name) = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        else {
            let literal = !text.contains(['{', '}', '?', '#', ' ']);
            return literal.then(|| Self::Literal(text.to_owned()));
        };
        let (name, tail) = match name.strip_suffix("...") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let is_name =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        is_name.then(|| {
            if tail {
                Self::Tail(name.to_owned())
            } else {
                Self::Param(name.to_owned())
            }
        })
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Param(name) | Self::Tail(name) => Some(name),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Param(_) => 1,
            Self::Tail(_) => 2,
        }
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| {
            let message =
                format!("route pattern {text:?} {what}; wanted: /literal/{{name}}/{{tail...}}");
            Error::new(ErrorKind::Config, message)
        };
        let path = text
            .strip_prefix('/')
            .ok_or_else(|| wrong("does not start with /"))?;
        let segments = path
            .split('/')
            .map(Segment::parse)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| wrong("has a segment that is neither literal nor {name}"))?;
        let last = segments.len() - 1;
        if segments[..last]
            .iter()
            .any(|segment| matches!(segment, Segment::Tail(_)))
        {
            return Err(wrong("has a tail before its end"));
        }
        let names: Vec<_> = segments.iter().filter_map(Segment::name).collect();
        if (1..names.len()).any(|at| names[..at].contains(&names[at])) {
            return Err(wrong("repeats a name"));
        }
        Ok(Self {
            text: text.to_owned(),
            segments,
        })
    }

    fn rank(&self) -> Vec<u8> {
        self.segments.iter().map(Segment::rank).collect()
    }

    /// Whether both match the very same paths.
    fn same(&self, other: &Self) -> bool {
        self.rank() == other.rank()
            && self
                .segments
                .iter()
                .zip(&other.segments)
                .all(|(a, b)| match (a, b) {
                    (Segment::Literal(a), Segment::Literal(b)) => a == b,
                    _ => true,
                })
    }

    fn matches<'r>(&'r self, path: &'r str) -> Option<Params<'r>> {
        let mut rest = Some(path.strip_prefix('/')?);
        let mut params = Params::new();
        for segment in &self.segments {
            let left = rest?;
            if let Segment::Tail(name) = segment {
                params.push((name, percent_decode(left, false)));
                return Some(params);
            }
            let (head, tail) = match left.split_once('/') {
                Some((head, tail)) => (head, Some(tail)),
                None => (left, None),
            };
            match segment {
                Segment::Literal(literal) if percent_decode(head, false) == **literal => {}
                Segment::Param(name) if !head.is_empty() => {
                    params.push((name, percent_decode(head, false)));
                }
                _ => return None,
            }
            rest = tail;
        }
        rest.is_none().then_some(params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'r>(
        router: &'r Router<&'static str>,
        path: &'r str,
    ) -> Option<(&'static str, Params<'r>)> {
        router.find(path).map(|(target, params)| (*target, params))
    }

    fn router(patterns: &[&'static str]) -> Router<&'static str> {
        let mut router = Router::default();
        for pattern in patterns {
            router.entry(pattern, || *pattern).expect("a good pattern");
        }
        router
    }

    #[test]
    fn literals_win_over_parameters_and_parameters_over_tails() {
        let router = router(&["/{all...}", "/room/{id}", "/room/list", "/"]);
        assert_eq!(found(&router, "/room/list").unwrap().0, "/room/list");
        let (target, params) = found(&router, "/room/a%20b").unwrap();
        assert_eq!((target, &*params[0].1), ("/room/{id}", "a b"));
        let (target, params) = found(&router, "/room/a/b").unwrap();
        assert_eq!((target, &*params[0].1), ("/{all...}", "room/a/b"));
        assert_eq!(found(&router, "/").unwrap().0, "/");
    }

    #[test]
    fn a_parameter_is_one_segment_and_not_empty() {
        let router = router(&["/a/{x}"]);
        assert!(found(&router, "/a/").is_none());
        assert!(found(&router, "/a/1/").is_none());
        assert!(found(&router, "/a").is_none());
        assert!(found(&router, "a/1").is_none());
        assert!(found(&router, "*").is_none());
    }

    #[test]
    fn the_same_pattern_under_other_names_is_one_entry() {
        let mut router = router(&["/a/{x}"]);
        assert_eq!(*router.entry("/a/{y}", || "new").unwrap(), "/a/{x}");
        assert_eq!(router.iter().count(), 1);
    }

    #[test]
    fn bad_patterns_are_refused() {
        for pattern in [
            "",
            "a",
            "/{}",
            "/{x...}/b",
            "/{x}/{x}",
            "/a{x}",
            "/{x y}",
            "/a?b",
        ] {
            let mut router = Router::default();
            assert!(router.entry(pattern, || ()).is_err(), "{pattern}");
        }
    }
}
