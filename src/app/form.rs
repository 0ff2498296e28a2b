//! Names and values as forms and queries carry them.

use super::body_error::BodyError;
use super::percent::percent_decode;
use std::borrow::Cow;

/// A name with its value, both decoded.
type Pair<'f> = (Cow<'f, str>, Cow<'f, str>);

/// The pairs of `a=1&b=2`, decoded: `+` is a space, escaped bytes that are not UTF-8 become U+FFFD,
/// a broken escape stays as it is. Empty pairs are none.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = Pair<'_>> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decode(name, true), percent_decode(value, true))
    })
}

/// A form that a page sent: names and values in their order, decoded (`+` is a space). Escaped
/// bytes that are not UTF-8 become U+FFFD, a broken escape stays as it is.
/// [`Request::form`](super::Request::form) reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form<'f> {
    pairs: Vec<Pair<'f>>,
}

impl<'f> Form<'f> {
    /// Pairs that a form may have.
    pub const MAX_PAIRS: usize = 1000;

    /// Reads the body of a request.
    pub(super) fn parse(body: &'f [u8]) -> Result<Self, BodyError> {
        let text = std::str::from_utf8(body).map_err(|_| BodyError::FormText)?;
        // Counted before anything is decoded or kept.
        let count = text.split('&').filter(|pair| !pair.is_empty()).count();
        if count > Self::MAX_PAIRS {
            return Err(BodyError::FormPairs);
        }
        let pairs = pairs(text).collect();
        Ok(Self { pairs })
    }

    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of this name, in order: what a field that may be chosen several times sends.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.iter()
            .filter(move |(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// All names with their values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (&**name, &**value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let form = Form::parse(text.as_bytes()).expect("a form");
        let pairs = form.iter();
        pairs
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    #[test]
    fn pairs_are_decoded_in_their_order_and_empty_ones_left_out() {
        for (text, wanted) in [
            ("", &[][..]),
            ("&&", &[]),
            ("a", &[("a", "")]),
            ("=b", &[("", "b")]),
            ("a=b=c", &[("a", "b=c")]),
            (
                "a=1&b=x+y&&a=%EB%8B%98",
                &[("a", "1"), ("b", "x y"), ("a", "님")],
            ),
            ("a%3Db=%26%2B", &[("a=b", "&+")]),
            ("a=%FF%zz%4", &[("a", "\u{FFFD}%zz%4")]),
        ] {
            let wanted: Vec<_> = wanted
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            assert_eq!(read(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn the_first_value_of_a_name_counts_and_all_can_be_had() {
        let form = Form::parse(b"a=1&b=2&a=3&A=4").expect("a form");
        assert_eq!(form.get("a"), Some("1"));
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "3"]);
        assert_eq!(form.get("c"), None);
    }

    #[test]
    fn as_many_pairs_as_allowed_are_read_and_no_more() {
        let most = vec!["a=b"; Form::MAX_PAIRS].join("&&");
        assert_eq!(read(&most).len(), Form::MAX_PAIRS);
        let more = format!("{most}&a");
        assert_eq!(Form::parse(more.as_bytes()), Err(BodyError::FormPairs));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert_eq!(Form::parse(b"a=\xff"), Err(BodyError::FormText));
    }
}
