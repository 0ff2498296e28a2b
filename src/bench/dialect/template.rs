//! A payload laid out once, in which each message changes a few bytes of fixed places.

use super::payload::Payload;
use super::token::{Kind, Token};

/// Digits of the number of a connection.
const INDEX_DIGITS: usize = 6;
/// What `{pad}` is filled with.
const PAD: u8 = b'x';

/// A laid out payload.
#[derive(Clone, Debug)]
pub(super) struct Template {
    kind: Kind,
    payload: Payload,
    token_at: usize,
    /// Where the number of the connection stands.
    index_at: Vec<usize>,
}

impl Template {
    /// Lays out a text with `{n}` (once), `{i}` and `{pad}` for payloads of so many bytes.
    ///
    /// # Errors
    /// In words: without a place for the number, with two, or when the size is too small for it.
    pub(super) fn new(text: &str, size: usize, fan_out: bool) -> Result<Self, String> {
        let wanted = "wanted: {n} once, where the number goes, such as '{\"text\":\"{n}{pad}\"}'";
        if text.matches("{n}").count() != 1 || text.matches("{pad}").count() > 1 {
            return Err(format!(
                "the message {text:?} has not {{n}} once and {{pad}} at most once\n{wanted}"
            ));
        }
        let fixed = fixed(text);
        let room = size.saturating_sub(fixed);
        let kind = if fan_out {
            Kind::FanOut
        } else {
            Kind::echo(room.max(1))
        };
        let least = fixed + kind.len();
        if size < least {
            let why = if fan_out {
                "a message to all tells its sender, its number and when it left"
            } else {
                "a message tells its number"
            };
            return Err(format!(
                "a payload of {size} bytes is too short: {why}\nwanted: --size {least} or more"
            ));
        }
        let (mut payload, mut token_at, mut index_at) = (Vec::new(), 0, Vec::new());
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            payload.extend_from_slice(&rest.as_bytes()[..at]);
            rest = &rest[at..];
            let known = ["{n}", "{i}", "{pad}", "{"];
            let name = known.into_iter().find(|name| rest.starts_with(name));
            let name = name.unwrap_or("{");
            match name {
                "{n}" => {
                    token_at = payload.len();
                    payload.resize(payload.len() + kind.len(), b'0');
                }
                "{i}" => {
                    index_at.push(payload.len());
                    payload.resize(payload.len() + INDEX_DIGITS, b'0');
                }
                "{pad}" => payload.resize(payload.len() + size - least, PAD),
                _ => payload.push(b'{'),
            }
            rest = &rest[name.len()..];
        }
        payload.extend_from_slice(rest.as_bytes());
        Ok(Self {
            kind,
            payload: Payload::new(payload),
            token_at,
            index_at,
        })
    }

    /// Bytes that a text needs with all digits of its number.
    pub(super) fn least(text: &str, fan_out: bool) -> usize {
        let kind = if fan_out {
            Kind::FanOut
        } else {
            Kind::echo(usize::MAX)
        };
        fixed(text) + kind.len()
    }

    /// The payload of this message.
    #[inline]
    pub(super) fn fill(&mut self, index: u32, token: Token) -> &Payload {
        for at in &self.index_at {
            self.payload.overwrite_number(*at, INDEX_DIGITS, index);
        }
        match self.kind {
            Kind::Echo(digits) => {
                self.payload
                    .overwrite_number(self.token_at, digits, token.number);
            }
            Kind::FanOut => self.payload.overwrite(self.token_at, &token.of_fan_out()),
        }
        &self.payload
    }

    /// Whether a payload is one of these, whatever its numbers are.
    pub(super) fn fits(&self, payload: &[u8]) -> bool {
        let (own, before) = (self.payload.bytes(), self.token_at);
        let behind = before + self.kind.len();
        payload.len() == own.len()
            && payload[..before] == own[..before]
            && payload[behind..] == own[behind..]
    }

    /// Where the token stands.
    pub(super) fn token_at(&self) -> usize {
        self.token_at
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Bytes of each payload.
    pub(super) fn len(&self) -> usize {
        self.payload.bytes().len()
    }
}

/// Bytes of a text without its number and filler.
fn fixed(text: &str) -> usize {
    let text = text.replace("{n}", "").replace("{pad}", "");
    text.replace("{i}", &"0".repeat(INDEX_DIGITS)).len()
}

/// A text with the number of the connection for each `{i}`.
pub(super) fn with_index(text: &str, index: u32) -> String {
    text.replace("{i}", &format!("{index:0INDEX_DIGITS$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: u32) -> Token {
        Token {
            number,
            ..Token::default()
        }
    }

    #[test]
    fn the_number_fills_a_plain_payload_up_to_nine_digits() {
        let mut short = Template::new("{n}{pad}", 5, false).unwrap();
        assert_eq!(short.fill(0, token(42)).text(), "00042");
        let mut long = Template::new("{n}{pad}", 12, false).unwrap();
        assert_eq!(long.fill(0, token(42)).text(), "000000042xxx");
    }

    #[test]
    fn a_text_of_the_user_is_kept_around_the_places() {
        let text = r#"{"who":"{i}","text":"{n}{pad}"}"#;
        let mut template = Template::new(text, 50, false).unwrap();
        let filled = template.fill(7, token(5)).text();
        assert_eq!(filled.len(), 50);
        assert!(
            filled.starts_with(r#"{"who":"000007","text":"000000005x"#),
            "{filled}"
        );
        assert!(filled.ends_with(r#"x"}"#), "{filled}");
        assert_eq!(with_index("u{i}", 12), "u000012");
    }

    #[test]
    fn what_has_no_place_for_its_number_is_refused_with_the_least_size() {
        for (text, size, fan_out, part) in [
            ("hello", 10, false, "wanted: {n} once"),
            ("{n}{n}", 10, false, "wanted: {n} once"),
            ("{n}", 0, false, "--size 1 or more"),
            ("{n}", 27, true, "--size 28 or more"),
            ("ab{n}", 2, false, "--size 3 or more"),
        ] {
            let error = Template::new(text, size, fan_out).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        assert!(Template::new("{n}", 28, true).is_ok());
        assert!(Template::new("ab{n}", 3, false).is_ok());
    }

    #[test]
    fn a_payload_that_came_back_changed_does_not_fit() {
        let template = Template::new("a{n}{pad}", 20, false).unwrap();
        assert!(template.fits(b"a000000001xxxxxxxxxx"));
        for changed in [
            &b"b000000001xxxxxxxxxx"[..],
            b"a000000001xxxxxxxxx",
            b"a000000001xxxxxxxxxy",
        ] {
            assert!(!template.fits(changed));
        }
    }
}
