//! What a token says, and how that is written as JSON.

use super::{LEEWAY, TokenError};
use serde::de::{IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Stands for every room.
const EVERY_ROOM: &str = "*";

/// What a token says of its bearer.
///
/// ```
/// use dunlin::tokens::Claims;
///
/// let claims = Claims::new("ann", 1_800_000_000).rooms(["6f9619ff-8b86-4d01-b42d-00cf4fc964ff"]);
/// assert_eq!(claims.subject, "ann");
/// assert!(!claims.allows_room("another"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims {
    /// `sub`: who it is; in rooms, the name.
    pub subject: String,
    /// `exp`: until when it is good, seconds since 1970. A token without it is refused.
    pub expires: u64,
    /// `nbf`: from when on it is good, seconds since 1970.
    pub not_before: Option<u64>,
    /// `rooms`: which rooms may be entered; `None` for all, as without that claim and as with `"*"` in it.
    pub rooms: Option<Vec<String>>,
    /// `publish`: whether its bearer may say something in rooms; yes without that claim.
    pub may_publish: bool,
}

impl Claims {
    /// For every room, until this second since 1970.
    pub fn new(subject: impl Into<String>, expires: u64) -> Self {
        Self {
            subject: subject.into(),
            expires,
            not_before: None,
            rooms: None,
            may_publish: true,
        }
    }

    /// For these rooms alone; `*` stands for every one.
    #[must_use]
    pub fn rooms<S: Into<String>>(mut self, rooms: impl IntoIterator<Item = S>) -> Self {
        let rooms: Vec<String> = rooms.into_iter().map(Into::into).collect();
        self.rooms = (!rooms.iter().any(|room| room == EVERY_ROOM)).then_some(rooms);
        self
    }

    /// For listening alone.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.may_publish = false;
        self
    }

    /// Not before this second since 1970.
    #[must_use]
    pub fn not_before(mut self, second: u64) -> Self {
        self.not_before = Some(second);
        self
    }

    /// Whether this room may be entered.
    pub fn allows_room(&self, room: &str) -> bool {
        let rooms = self.rooms.as_ref();
        rooms.is_none_or(|rooms| rooms.iter().any(|known| known == room))
    }

    /// How many seconds from `unix` on it is still good, the leeway included.
    pub fn seconds_left(&self, unix: u64) -> u64 {
        self.expires.saturating_add(LEEWAY).saturating_sub(unix)
    }

    /// Whether it is good at this second since 1970, give or take the leeway.
    ///
    /// # Errors
    /// `Expired` or `NotYet`.
    pub fn check_time(&self, unix: u64) -> Result<(), TokenError> {
        if self.seconds_left(unix) == 0 {
            return Err(TokenError::Expired);
        }
        match self.not_before {
            Some(begins) if begins > unix.saturating_add(LEEWAY) => Err(TokenError::NotYet),
            _ => Ok(()),
        }
    }

    pub(super) fn parse(json: &[u8]) -> Result<Self, TokenError> {
        let wrong = TokenError::Malformed(
            "the claims of the token are not understood; wanted: sub, exp, and perhaps nbf, rooms, publish",
        );
        let said: Said = object(json).ok_or(wrong)?;
        if said.aud.is_some() {
            // RFC 7519 §4.1.3: who is none of them must refuse it.
            return Err(TokenError::Malformed(
                "the token is for somebody else: it has an aud",
            ));
        }
        let subject = said.sub.filter(|sub| !sub.is_empty());
        let subject = subject.ok_or(TokenError::Malformed("the token has no sub"))?;
        let expires = said
            .exp
            .ok_or(TokenError::Malformed("the token has no exp"))?
            .0;
        let claims = Self {
            not_before: said.nbf.map(|date| date.0),
            may_publish: said.publish.unwrap_or(true),
            ..Self::new(subject, expires)
        };
        Ok(match said.rooms {
            Some(rooms) => claims.rooms(rooms),
            None => claims,
        })
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        let written = Written {
            sub: &self.subject,
            exp: self.expires,
            nbf: self.not_before,
            rooms: self.rooms.as_deref(),
            publish: (!self.may_publish).then_some(false),
        };
        serde_json::to_vec(&written).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Written<'a> {
    sub: &'a str,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rooms: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    publish: Option<bool>,
}

/// Reads an object; a list is none, though it could be read as the values of one.
fn object<'j, T: Deserialize<'j>>(json: &'j [u8]) -> Option<T> {
    let is_object = json.trim_ascii_start().starts_with(b"{");
    is_object.then(|| serde_json::from_slice(json).ok())?
}

/// A claim that is there is what it must be: `null` is not as good as none.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

#[derive(Deserialize)]
struct Said {
    #[serde(default, deserialize_with = "given")]
    sub: Option<String>,
    #[serde(default, deserialize_with = "given")]
    exp: Option<Date>,
    #[serde(default, deserialize_with = "given")]
    nbf: Option<Date>,
    #[serde(default, deserialize_with = "given")]
    rooms: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    publish: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    aud: Option<IgnoredAny>,
}

/// Seconds since 1970, perhaps with a fraction (RFC 7519 §2, NumericDate).
struct Date(u64);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(DateVisitor)
    }
}

struct DateVisitor;

impl Visitor<'_> for DateVisitor {
    type Value = Date;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds since 1970")
    }

    fn visit_u64<E>(self, seconds: u64) -> Result<Date, E> {
        Ok(Date(seconds))
    }

    fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<Date, E> {
        if (0.0..1e15).contains(&seconds) {
            Ok(Date(seconds as u64))
        } else {
            Err(E::custom("no date"))
        }
    }
}

/// The head of a token.
#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) alg: String,
    #[serde(default, deserialize_with = "given")]
    pub(super) kid: Option<String>,
    #[serde(default, deserialize_with = "given")]
    crit: Option<IgnoredAny>,
}

impl Head {
    pub(super) fn parse(json: &[u8]) -> Result<Self, TokenError> {
        let wrong = TokenError::Malformed("the head of the token is not understood");
        let head: Self = object(json).ok_or(wrong)?;
        if head.crit.is_some() {
            // RFC 7515 §4.1.11: what is critical and not understood makes it invalid.
            return Err(TokenError::Malformed("the token has critical extensions"));
        }
        Ok(head)
    }
}
