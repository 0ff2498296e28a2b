//! The list of `Sec-WebSocket-Extensions` (RFC 6455 §9.1): names with
//! parameters, values as tokens or quoted tokens, over any number of lines.
//!
//! Only syntax is judged here. A parameter that nobody knows, that stands
//! twice or has a bad value is kept: the extension declines it.

use super::super::extension::Offer;
use super::super::fields::is_token_byte;

/// Names and parameters that are looked at, in all lines together: a head of 16 KiB has room for
/// thousands, and nobody offers that many. What comes behind them counts as declined.
const MOST_TOKENS: usize = 64;

/// Parses all lines of the field as one list; `None` when the syntax is broken.
/// Empty elements are skipped (RFC 9110 §5.6.1). No more than 64 names and parameters are looked at.
pub fn parse_offers<'b>(lines: impl Iterator<Item = &'b [u8]>) -> Option<Vec<Offer>> {
    let mut offers = Vec::new();
    let mut left = MOST_TOKENS;
    for line in lines {
        let mut cursor = Cursor { rest: line, left };
        loop {
            cursor.skip_space();
            if !matches!(cursor.rest.first(), Some(b',') | None) {
                match cursor.offer() {
                    Some(offer) => offers.push(offer),
                    None if cursor.left == 0 => return Some(offers),
                    None => return None,
                }
            }
            match cursor.rest.split_first() {
                Some((b',', rest)) => cursor.rest = rest,
                Some(_) => return None,
                None => break,
            }
        }
        left = cursor.left;
    }
    Some(offers)
}

struct Cursor<'b> {
    rest: &'b [u8],
    /// Names and parameters that may still be looked at.
    left: usize,
}

impl Cursor<'_> {
    fn skip_space(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Takes this byte and the space behind it, if it is the next one.
    fn take(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                self.skip_space();
                true
            }
            _ => false,
        }
    }

    /// One element: a name and its parameters, and the space behind it.
    fn offer(&mut self) -> Option<Offer> {
        self.left = self.left.checked_sub(1)?;
        let name = self.token()?;
        let mut params = Vec::new();
        while self.take(b';') {
            self.left = self.left.checked_sub(1)?;
            let name = self.token()?;
            let value = if self.take(b'=') {
                Some(self.value()?)
            } else {
                None
            };
            params.push((name, value));
        }
        Some(Offer { name, params })
    }

    fn value(&mut self) -> Option<String> {
        if self.rest.first() == Some(&b'"') {
            self.quoted()
        } else {
            self.token()
        }
    }

    fn token(&mut self) -> Option<String> {
        let end = self.rest.iter().position(|byte| !is_token_byte(*byte));
        let (token, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if token.is_empty() {
            return None;
        }
        self.rest = rest;
        self.skip_space();
        String::from_utf8(token.to_vec()).ok()
    }

    /// A quoted string; without its quotes and backslashes it must be a token again.
    fn quoted(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut bytes = self.rest.get(1..)?.iter();
        loop {
            let byte = match bytes.next()? {
                b'"' => break,
                b'\\' => bytes.next()?,
                byte => byte,
            };
            if !is_token_byte(*byte) {
                return None;
            }
            value.push(char::from(*byte));
        }
        self.rest = bytes.as_slice();
        self.skip_space();
        (!value.is_empty()).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &[&str]) -> Option<String> {
        let offers = parse_offers(lines.iter().map(|line| line.as_bytes()))?;
        let texts: Vec<_> = offers.iter().map(ToString::to_string).collect();
        Some(texts.join(", "))
    }

    #[test]
    fn what_comes_behind_64_names_and_parameters_is_declined() {
        let list = |count: usize| vec!["x"; count].join(", ");
        let parsed = |line: &str| parse_offers([line.as_bytes()].into_iter()).unwrap().len();
        assert_eq!((parsed(&list(64)), parsed(&list(65))), (64, 64));
        // The offer that passes the limit is none, and what follows it is not looked at.
        let params = format!("a; {}, b", vec!["p"; 63].join("; "));
        assert_eq!(parsed(&params), 1);
        let params = format!("a, b; {}, c", vec!["p"; 63].join("; "));
        assert_eq!(parsed(&params), 1);
        // All lines share the limit.
        let (first, second) = (list(40), list(40));
        let lines = [first.as_bytes(), second.as_bytes()];
        assert_eq!(parse_offers(lines.into_iter()).unwrap().len(), 64);
    }

    #[test]
    fn names_and_parameters_keep_their_order() {
        let line = "permessage-deflate; client_max_window_bits; server_max_window_bits=10";
        let offers = parse_offers([line.as_bytes()].into_iter()).unwrap();
        let params = vec![
            ("client_max_window_bits".to_owned(), None),
            ("server_max_window_bits".to_owned(), Some("10".to_owned())),
        ];
        let name = "permessage-deflate".to_owned();
        assert_eq!(offers, [Offer { name, params }]);
    }

    #[test]
    fn several_lines_are_one_list() {
        assert_eq!(parse(&["a;x , b", "c"]).as_deref(), Some("a; x, b, c"));
        assert_eq!(parse(&[]).as_deref(), Some(""));
    }

    #[test]
    fn space_and_empty_elements_do_not_matter() {
        assert_eq!(
            parse(&["\ta ;x = 1;y,, b ", "", " , "]).as_deref(),
            Some("a; x=1; y, b")
        );
    }

    #[test]
    fn quoted_values_lose_quotes_and_backslashes() {
        assert_eq!(
            parse(&["a; x=\"10\"; y=\"1\\0\" , b"]).as_deref(),
            Some("a; x=10; y=10, b")
        );
    }

    #[test]
    fn repeated_and_unknown_parameters_are_kept() {
        assert_eq!(
            parse(&["a; x=1; x=1; zzz"]).as_deref(),
            Some("a; x=1; x=1; zzz")
        );
    }

    #[test]
    fn broken_syntax_is_refused() {
        for line in [
            "a b",
            "a;",
            "a;;x",
            "a; =1",
            "a; x=",
            "a; x=,b",
            "=",
            ";x",
            "a; x=\"",
            "a; x=\"\"",
            "a; x=\"1",
            "a; x=\"1\\",
            "a; x=\"1 2\"",
            "a; x=\"1\"2",
            "a; x=\"1,2\"",
            "a/b",
            "a; x=1 2",
            "é",
            "a; x y",
        ] {
            assert_eq!(parse(&[line]), None, "{line:?}");
        }
    }
}
