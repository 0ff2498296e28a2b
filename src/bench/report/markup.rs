//! HTML and SVG as text: the one way in which words come into it.

use super::figures::clean;

/// Words for an element or an attribute in quotes: without what markup is made of, and without control
/// characters, which no document may hold.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A coordinate of a drawing: two digits behind the point are enough for every screen.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_markup_is_left() {
        assert_eq!(
            escape("<script>alert(\"a\" & 'b')</script>\u{1b}[31m\u{202e}"),
            "&lt;script&gt;alert(&quot;a&quot; &amp; &#39;b&#39;)&lt;/script&gt;\u{fffd}[31m\u{fffd}"
        );
    }

    #[test]
    fn coordinates_are_short() {
        for (value, text) in [
            (1.0, "1"),
            (1.005, "1"),
            (1.256, "1.26"),
            (-0.001, "0"),
            (120.5, "120.5"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
