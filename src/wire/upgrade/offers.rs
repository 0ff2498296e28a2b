//! The list of `Sec-WebSocket-Extensions` (RFC 6455 §9.1): names with
//! parameters, values as tokens or quoted tokens, over any number of lines.
//!
//! Only syntax is judged here. A parameter that nobody knows, that stands
//! twice or has a bad value is kept: the extension declines it.

use super::super::extension::Offer;
use super::super::fields::is_token_byte;

/// Parses all lines of the field as one list; `None` when the syntax is broken.
/// Empty elements are skipped (RFC 9110 §5.6.1).
pub fn parse_offers<'b>(lines: impl Iterator<Item = &'b [u8]>) -> Option<Vec<Offer>> {
    let mut offers = Vec::new();
    for line in lines {
        let mut cursor = Cursor { rest: line };
        loop {
            cursor.skip_space();
            if !matches!(cursor.rest.first(), Some(b',') | None) {
                offers.push(cursor.offer()?);
            }
            match cursor.rest.split_first() {
                Some((b',', rest)) => cursor.rest = rest,
                Some(_) => return None,
                None => break,
            }
        }
    }
    Some(offers)
}

struct Cursor<'b> {
    rest: &'b [u8],
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
        let name = self.token()?;
        let mut params = Vec::new();
        while self.take(b';') {
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
