//! The keys that sign tokens, and the check of a token by them.

use super::claims::Head;
use super::{Claims, MOST_BYTES, TokenError};
use crate::wire::error::{Error, ErrorKind, Result};
use crate::wire::work::price;
use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// The fewest bytes of a key: as many as the hash has (RFC 7518 §3.2).
const LEAST_BYTES: usize = 32;
/// The most keys: each may be tried for a token that names none, and all of that is one step of a turn.
const MOST_KEYS: usize = 4;

struct Key {
    id: Option<String>,
    mac: Hmac<Sha256>,
}

/// Keys that tokens are signed with: the first one signs, each of them is taken.
///
/// To change a key, put the new one before the old one, and take the old one out when the last token that
/// it has signed has expired.
///
/// ```
/// use dunlin::tokens::{Claims, Keys};
///
/// let keys = Keys::parse("2f6d1c0c8a9c4d6cb0a2f1f4c7f0b1de")?;
/// let token = keys.sign(&Claims::new("ann", 1_800_000_000));
/// let claims = keys.check(&token, 1_799_999_000)?;
/// assert_eq!(claims.subject, "ann");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Keys(Vec<Key>);

impl Keys {
    /// Reads keys, one a line: `SECRET`, or `NAME SECRET` where tokens are to name their key (`kid`). A
    /// secret is at least 32 bytes without white space and is taken as it stands, so other makers of tokens
    /// use the same text. Empty lines, and those that begin with `#`, are passed over.
    ///
    /// # Errors
    /// Kind `Config`: the first line that is none, without its content; no key, too many, a name twice.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |line: usize, problem: &str| {
            let message = format!(
                "line {line} of the token keys {problem}; wanted: SECRET or NAME SECRET, with a secret of at \
                 least {LEAST_BYTES} bytes; `dunlin token key FILE` makes one"
            );
            Error::new(ErrorKind::Config, message)
        };
        let mut keys: Vec<Key> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let number = number + 1;
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace();
            let (id, secret) = match (words.next(), words.next(), words.next()) {
                (Some(secret), None, _) => (None, secret),
                (Some(id), Some(secret), None) => (Some(id.to_owned()), secret),
                _ => return Err(wrong(number, "has more than two words")),
            };
            if secret.len() < LEAST_BYTES {
                return Err(wrong(number, "has a secret that is too short"));
            }
            if id.is_some() && keys.iter().any(|known| known.id == id) {
                return Err(wrong(number, "has the name of another key"));
            }
            if keys.len() == MOST_KEYS {
                return Err(wrong(number, "is one key too many; 4 are taken"));
            }
            let mac = Hmac::new_from_slice(secret.as_bytes());
            let mac = mac.map_err(|_| wrong(number, "is no key"))?;
            keys.push(Key { id, mac });
        }
        if keys.is_empty() {
            return Err(wrong(1, "and those behind it hold no key"));
        }
        Ok(Self(keys))
    }

    /// What a look at a token costs at most, in units of work.
    pub(crate) fn price_of(&self, token: &str) -> u32 {
        let bytes = token.len().min(MOST_BYTES) as u32;
        price::TOKEN + bytes * price::HASHED * self.0.len() as u32
    }

    /// Makes a token that says this, signed with the first key.
    pub fn sign(&self, claims: &Claims) -> String {
        let key = &self.0[0];
        let head = match &key.id {
            None => r#"{"alg":"HS256","typ":"JWT"}"#.to_owned(),
            Some(id) => {
                let id = serde_json::to_string(id).unwrap_or_default();
                format!(r#"{{"alg":"HS256","typ":"JWT","kid":{id}}}"#)
            }
        };
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let signed = format!("{}.{}", encode(head.as_bytes()), encode(&claims.to_json()));
        let mac = key.mac.clone().chain_update(signed.as_bytes());
        format!("{signed}.{}", encode(&mac.finalize().into_bytes()))
    }

    /// What a token says, if one of these keys has signed it and it is good at this second since 1970,
    /// give or take 10 s. Signatures are compared in constant time.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check(&self, token: &str, unix: u64) -> std::result::Result<Claims, TokenError> {
        let claims = self.check_signature(token)?;
        claims.check_time(unix).map(|()| claims)
    }

    /// The same without a look at the time.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check_signature(&self, token: &str) -> std::result::Result<Claims, TokenError> {
        let parts = Parts::split(token)?;
        let signature = decode(parts.signature)?;
        let kid = parts.head.kid.as_deref();
        let is_named = |key: &&Key| key.id.is_some() && key.id.as_deref() == kid;
        let named = self.0.iter().find(is_named);
        // A key without a name is tried for every token: other makers name theirs as they like.
        let unnamed = self
            .0
            .iter()
            .filter(|key| key.id.is_none() || kid.is_none());
        let tried: Vec<&Key> = match named {
            Some(key) => vec![key],
            None => unnamed.collect(),
        };
        if tried.is_empty() {
            return Err(TokenError::UnknownKey);
        }
        let is_signed = |key: &&Key| {
            let mac = key.mac.clone().chain_update(parts.signed.as_bytes());
            mac.verify_slice(&signature).is_ok()
        };
        if !tried.iter().any(is_signed) {
            return Err(TokenError::Signature);
        }
        Claims::parse(&decode(parts.claims)?)
    }
}

impl Claims {
    /// What a token says, believed without a look at who has signed it: to show it, and for nothing else.
    ///
    /// # Errors
    /// It is no token.
    pub fn unverified(token: &str) -> std::result::Result<Self, TokenError> {
        Self::parse(&decode(Parts::split(token)?.claims)?)
    }
}

/// A token in its three parts, of which the head is read.
struct Parts<'t> {
    head: Head,
    claims: &'t str,
    signature: &'t str,
    /// What is signed: head and claims as they stand.
    signed: &'t str,
}

impl<'t> Parts<'t> {
    fn split(token: &'t str) -> std::result::Result<Self, TokenError> {
        let malformed =
            TokenError::Malformed("it is no token: wanted are three parts with dots between them");
        if token.len() > MOST_BYTES {
            return Err(TokenError::Malformed("the token has more than 4096 bytes"));
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(malformed)?;
        let (head, claims) = signed.split_once('.').ok_or(malformed)?;
        if claims.contains('.') {
            return Err(malformed);
        }
        let head = Head::parse(&decode(head)?)?;
        if head.alg != "HS256" {
            return Err(TokenError::Algorithm);
        }
        Ok(Self {
            head,
            claims,
            signature,
            signed,
        })
    }
}

fn decode(part: &str) -> std::result::Result<Vec<u8>, TokenError> {
    let wrong = TokenError::Malformed("it is no token: a part of it is no base64url");
    URL_SAFE_NO_PAD.decode(part).map_err(|_| wrong)
}

/// Without the secrets.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.0.iter().map(|key| &key.id);
        f.debug_list().entries(ids).finish()
    }
}
