//! Strings, sets and sorted sets of the modelled engine, with times at which they go.

use super::super::request::decimal;
use super::reply::Reply;
use sha1::{Digest, Sha1};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Text(Vec<u8>),
    Set(BTreeSet<Vec<u8>>),
    Sorted(BTreeMap<Vec<u8>, f64>),
}

/// Everything but rooms.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Store {
    values: BTreeMap<Vec<u8>, (Value, Option<u64>)>,
}

fn wrong_type() -> Reply {
    Reply::error("WRONGTYPE Operation against a key holding the wrong kind of value")
}

pub(super) fn wrong_number(command: &str) -> Reply {
    Reply::Error(format!(
        "ERR wrong number of arguments for '{}' command",
        command.to_lowercase()
    ))
}

fn syntax() -> Reply {
    Reply::error("ERR syntax error")
}

fn number(word: &[u8]) -> Option<u64> {
    decimal(std::str::from_utf8(word).ok()?)
}

/// A bound of a range of scores: the score, and whether it belongs to the range itself.
fn bound(word: &[u8]) -> Option<(f64, bool)> {
    let text = std::str::from_utf8(word).ok()?;
    let (text, is_in) = match text.strip_prefix('(') {
        Some(rest) => (rest, false),
        None => (text, true),
    };
    let score: f64 = text.parse().ok()?;
    (!score.is_nan()).then_some((score, is_in))
}

impl Store {
    /// Whether a command changes something.
    pub(super) fn is_write(command: &str) -> bool {
        [
            "SET", "DEL", "INCR", "SADD", "SREM", "ZADD", "ZREM", "PEXPIRE",
        ]
        .contains(&command)
    }

    /// Does a command; `None` when there is none of this name. `random` is a number that nobody knows.
    pub(super) fn run(
        &mut self,
        command: &str,
        words: &[Vec<u8>],
        now: u64,
        random: u64,
    ) -> Option<Reply> {
        let is_alive = |(_, expires): &(Value, Option<u64>)| expires.is_none_or(|at| at >= now);
        self.values.retain(|_, value| is_alive(value));
        Some(match (command, words) {
            ("GET", [key]) => self.get(key),
            ("SET", [key, value, options @ ..]) => self.set(key, value, options, now),
            ("EXISTS", [_, ..]) => self.count(words, |values, key| values.contains_key(key)),
            ("DEL", [_, ..]) => self.count(words, |values, key| values.remove(key).is_some()),
            ("INCR", [key]) => self.increase(key),
            ("PEXPIRE", [key, after]) => match (number(after), self.values.get_mut(key)) {
                (None, _) => Reply::error("ERR value is not an integer or out of range"),
                (Some(_), None) => Reply::Number(0),
                (Some(after), Some((_, expires))) => {
                    *expires = Some(now + after);
                    Reply::Number(1)
                }
            },
            ("SADD", [key, members @ ..]) if !members.is_empty() => self.with_set(key, |set| {
                count(members, |member| set.insert(member.clone()))
            }),
            ("SREM", [key, members @ ..]) if !members.is_empty() => {
                self.with_set(key, |set| count(members, |member| set.remove(member)))
            }
            ("SMEMBERS", [key]) => self.with_set(key, |set| Reply::bulks(set.iter().cloned())),
            ("SSCAN", [key, cursor, word, most]) if word.eq_ignore_ascii_case(b"COUNT") => {
                match (number(cursor), number(most)) {
                    (Some(cursor), Some(most)) => {
                        self.with_set(key, |set| scan(set, cursor, most as usize))
                    }
                    (None, _) => Reply::error("ERR invalid cursor"),
                    _ => Reply::error("ERR value is not an integer or out of range"),
                }
            }
            ("SRANDMEMBER", [key, most]) => {
                let Some(most) = number(most) else {
                    return Some(Reply::error("ERR value is not an integer or out of range"));
                };
                self.with_set(key, |set| {
                    let from = random as usize % set.len().max(1);
                    let all = set.iter().cycle().skip(from).take(set.len());
                    Reply::bulks(all.take(most as usize).cloned())
                })
            }
            ("ZADD", [key, score, member]) => match bound(score) {
                Some((score, true)) => self.with_sorted(key, |sorted| {
                    Reply::Number(i64::from(sorted.insert(member.clone(), score).is_none()))
                }),
                _ => Reply::error("ERR value is not a valid float"),
            },
            ("ZREM", [key, members @ ..]) if !members.is_empty() => self
                .with_sorted(key, |sorted| {
                    count(members, |member| sorted.remove(member).is_some())
                }),
            ("ZCARD", [key]) => self.with_sorted(key, |sorted| Reply::number(sorted.len())),
            ("ZRANGEBYSCORE", [key, least, most, options @ ..]) => {
                self.by_score(key, least, most, options)
            }
            (
                "GET" | "SET" | "EXISTS" | "DEL" | "INCR" | "PEXPIRE" | "SADD" | "SREM"
                | "SMEMBERS" | "SSCAN" | "SRANDMEMBER" | "ZADD" | "ZREM" | "ZCARD"
                | "ZRANGEBYSCORE",
                _,
            ) => wrong_number(command),
            _ => return None,
        })
    }

    fn get(&self, key: &[u8]) -> Reply {
        match self.values.get(key) {
            None => Reply::Null,
            Some((Value::Text(text), _)) => Reply::Bulk(text.clone()),
            Some(_) => wrong_type(),
        }
    }

    fn set(&mut self, key: &[u8], value: &[u8], options: &[Vec<u8>], now: u64) -> Reply {
        let (mut only_new, mut only_old, mut tells_old, mut expires) = (false, false, false, None);
        let mut options = options.iter();
        while let Some(option) = options.next() {
            match &*option.to_ascii_uppercase() {
                b"NX" => only_new = true,
                b"XX" => only_old = true,
                b"GET" => tells_old = true,
                b"PX" => match options.next().and_then(|word| number(word)) {
                    Some(0) => return Reply::error("ERR invalid expire time in 'set' command"),
                    Some(after) => expires = Some(now + after),
                    None => return syntax(),
                },
                _ => return syntax(),
            }
        }
        if only_new && only_old {
            return syntax();
        }
        let old = if tells_old {
            match self.get(key) {
                error @ Reply::Error(_) => return error,
                old => Some(old),
            }
        } else {
            None
        };
        let exists = self.values.contains_key(key);
        let is_set = !(only_new && exists || only_old && !exists);
        if is_set {
            let value = (Value::Text(value.to_vec()), expires);
            self.values.insert(key.to_vec(), value);
        }
        old.unwrap_or(if is_set { Reply::OK } else { Reply::Null })
    }

    fn count(
        &mut self,
        keys: &[Vec<u8>],
        mut is_one: impl FnMut(&mut BTreeMap<Vec<u8>, (Value, Option<u64>)>, &[u8]) -> bool,
    ) -> Reply {
        count(keys, |key| is_one(&mut self.values, key))
    }

    fn increase(&mut self, key: &[u8]) -> Reply {
        let zero = || (Value::Text(b"0".to_vec()), None);
        let (value, _) = self.values.entry(key.to_vec()).or_insert_with(zero);
        let Value::Text(text) = value else {
            return wrong_type();
        };
        let known = std::str::from_utf8(text).ok();
        let known: Option<i64> = known.and_then(|text| text.parse().ok());
        let Some(next) = known.and_then(|known| known.checked_add(1)) else {
            return Reply::error("ERR value is not an integer or out of range");
        };
        *text = next.to_string().into_bytes();
        Reply::Number(next)
    }

    fn with_set(&mut self, key: &[u8], act: impl FnOnce(&mut BTreeSet<Vec<u8>>) -> Reply) -> Reply {
        let none = || (Value::Set(BTreeSet::new()), None);
        let (value, _) = self.values.entry(key.to_vec()).or_insert_with(none);
        let Value::Set(set) = value else {
            return wrong_type();
        };
        let reply = act(set);
        if set.is_empty() {
            self.values.remove(key);
        }
        reply
    }

    fn with_sorted(
        &mut self,
        key: &[u8],
        act: impl FnOnce(&mut BTreeMap<Vec<u8>, f64>) -> Reply,
    ) -> Reply {
        let none = || (Value::Sorted(BTreeMap::new()), None);
        let (value, _) = self.values.entry(key.to_vec()).or_insert_with(none);
        let Value::Sorted(sorted) = value else {
            return wrong_type();
        };
        let reply = act(sorted);
        if sorted.is_empty() {
            self.values.remove(key);
        }
        reply
    }

    fn by_score(&mut self, key: &[u8], least: &[u8], most: &[u8], options: &[Vec<u8>]) -> Reply {
        let (Some(least), Some(most)) = (bound(least), bound(most)) else {
            return Reply::error("ERR min or max is not a float");
        };
        let (mut skipped, mut taken, mut tells_scores) = (0, usize::MAX, false);
        let mut rest = options;
        while let [word, options @ ..] = rest {
            rest = match (&*word.to_ascii_uppercase(), options) {
                (b"WITHSCORES", options) => {
                    tells_scores = true;
                    options
                }
                (b"LIMIT", [first, most, options @ ..]) => {
                    let (Some(first), Some(most)) = (number(first), number(most)) else {
                        return Reply::error("ERR value is not an integer or out of range");
                    };
                    (skipped, taken) = (first as usize, most as usize);
                    options
                }
                _ => return syntax(),
            };
        }
        let is_in = |score: f64| {
            (score > least.0 || least.1 && score == least.0)
                && (score < most.0 || most.1 && score == most.0)
        };
        self.with_sorted(key, |sorted| {
            let mut found: Vec<_> = sorted.iter().filter(|(_, score)| is_in(**score)).collect();
            // Stable: those of one score stay in the order of their names.
            found.sort_by(|(_, a), (_, b)| a.total_cmp(b));
            let found = found.into_iter().skip(skipped).take(taken);
            let words = found.flat_map(|(member, score)| {
                let score = tells_scores.then(|| score.to_string().into_bytes());
                std::iter::once(member.clone()).chain(score)
            });
            Reply::bulks(words)
        })
    }
}

/// A part of a set, in the order of hashes: what is there all the time is told once.
fn scan(set: &BTreeSet<Vec<u8>>, cursor: u64, most: usize) -> Reply {
    let place = |member: &[u8]| {
        let [head, ..] = *Sha1::digest(member).as_chunks::<8>().0 else {
            return 0;
        };
        u64::from_be_bytes(head)
    };
    let places = set.iter().map(|member| (place(member), member));
    let mut rest: Vec<_> = places.filter(|(place, _)| *place >= cursor).collect();
    rest.sort_unstable();
    let next = rest.get(most).map_or(0, |(place, _)| *place);
    let page = rest.into_iter().take(most);
    Reply::Array(vec![
        Reply::Bulk(next.to_string().into_bytes()),
        Reply::bulks(page.map(|(_, member)| member.clone())),
    ])
}

fn count(words: &[Vec<u8>], is_one: impl FnMut(&Vec<u8>) -> bool) -> Reply {
    Reply::number(words.iter().map(is_one).filter(|is_one| *is_one).count())
}
