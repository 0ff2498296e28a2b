//! Files of a page without what only their reader needs: comments, indentation and idle spaces.
//!
//! The page at `/` promises to be small, its sources are to be readable; both hold because the compiler packs them.
//! It is no minifier and knows no grammar. It relies on these habits of our sources, which the tests of
//! the browser would find broken: a statement ends in `;`, a template has no other template inside, a regular
//! expression has no quote and no `;` or `,` before a closing bracket, and no selector has a space before a colon.

/// The packed bytes of a file beside the caller, at no cost while the server runs.
macro_rules! packed {
    ($file:literal) => {{
        const SOURCE: &str = include_str!($file);
        const PACKED: ([u8; SOURCE.len()], usize) = $crate::apps::pack::pack(SOURCE);
        const LENGTH: usize = PACKED.1;
        static BYTES: [u8; LENGTH] = match PACKED.0.first_chunk() {
            Some(bytes) => *bytes,
            None => unreachable!(),
        };
        &BYTES
    }};
}
pub(super) use packed;

/// A space beside one of these says nothing, in a script and in a style alike.
const fn is_mark(byte: u8) -> bool {
    matches!(
        byte,
        b'{' | b'}' | b';' | b':' | b',' | b'=' | b'>' | b'?' | b'|' | b'&' | b'!' | b'+'
    )
}

/// Packs a script, a style or a page; the length behind which nothing is left comes second.
pub(super) const fn pack<const N: usize>(source: &str) -> ([u8; N], usize) {
    let source = source.as_bytes();
    let mut packed = [0; N];
    let mut length = 0;
    let mut at = 0;
    // The quote of the text that `at` is in.
    let mut quote = 0;
    while at < source.len() {
        let byte = source[at];
        let next = if at + 1 < source.len() {
            source[at + 1]
        } else {
            b'\n'
        };
        let last = if length > 0 {
            packed[length - 1]
        } else {
            b'\n'
        };
        let mut keep = true;
        if quote != 0 {
            if byte == b'\\' {
                packed[length] = byte;
                length += 1;
                at += 1;
            } else if byte == quote {
                quote = 0;
            }
        } else if byte == b'/' && next == b'*' {
            at += 2;
            while !(source[at] == b'*' && source[at + 1] == b'/') {
                at += 1;
            }
            at += 1;
            keep = false;
        } else if byte == b'/' && next == b'/' && (at == 0 || is_blank(source[at - 1])) {
            while at + 1 < source.len() && source[at + 1] != b'\n' {
                at += 1;
            }
            keep = false;
        } else if byte == b'\n' {
            if last == b' ' {
                length -= 1;
            }
            let last = if length > 0 {
                packed[length - 1]
            } else {
                b'\n'
            };
            keep = !matches!(last, b'{' | b';' | b',' | b'>' | b'\n');
        } else if is_blank(byte) {
            keep = !is_blank(last) && !is_mark(last) && !is_mark(next) && next != b'(';
        } else if matches!(byte, b'}' | b')' | b']') {
            if matches!(last, b';' | b',') {
                length -= 1;
            }
        } else if matches!(byte, b'"' | b'\'' | b'`') {
            quote = byte;
        }
        if keep {
            packed[length] = source[at];
            length += 1;
        }
        at += 1;
    }
    (packed, length)
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::pack;

    #[track_caller]
    fn becomes(source: &str, wanted: &str) {
        let (bytes, length) = pack::<1000>(source);
        assert_eq!(std::str::from_utf8(&bytes[..length]), Ok(wanted));
    }

    #[test]
    fn comments_and_indentation_go() {
        becomes(
            "// first\n\n/**\n * A.\n */\nlet a;\n\tlet b; // why\nlet c\n",
            "let a;let b;let c\n",
        );
    }

    #[test]
    fn spaces_go_only_where_they_say_nothing() {
        becomes("if (a && b) {\n\tx = [c, -d];\n}\n", "if(a&&b){x=[c,-d]}\n");
        becomes(
            "a b { width: calc(1px - 2px) 3px; }",
            "a b{width:calc(1px - 2px) 3px}",
        );
        becomes("const f = ({ a }) => a\nf()\n", "const f=({a})=>a\nf()\n");
    }

    #[test]
    fn texts_stay_as_they_are() {
        for text in [
            "'a ; // b'",
            "`${ a } : b\n  c`",
            "\"d \\\" , e\"",
            "'한 글 = {}'",
        ] {
            becomes(&format!("f({text});"), &format!("f({text});"));
        }
    }

    #[test]
    fn a_page_keeps_its_attributes_apart() {
        becomes(
            "<p id=a hidden>\n<a href=\"/b, c\">d e</a>\n",
            "<p id=a hidden><a href=\"/b, c\">d e</a>",
        );
    }
}
