//! Text of strangers on a terminal: shown, never obeyed.
//!
//! A terminal obeys escape sequences: they set colours and titles, move the cursor, and make some
//! terminals answer on standard input. Marks of direction change what a line seems to say. So each such
//! character is replaced by a picture or by its number. A message is one line: a line break in it is
//! shown, too.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with every control character, mark of direction and other invisible character replaced.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(is_replaced) else {
        return Cow::Borrowed(text);
    };
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(&text[..first]);
    for character in text[first..].chars() {
        match character {
            // The pictures of C0 stand in the same order as what they show.
            '\0'..='\u{1f}' => {
                out.extend(char::from_u32(0x2400 + u32::from(character)));
            }
            '\u{7f}' => out.push('\u{2421}'),
            _ if is_replaced(character) => {
                let _ = write!(out, "<U+{:04X}>", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    Cow::Owned(out)
}

fn is_replaced(character: char) -> bool {
    character.is_control()
        || matches!(character,
            // Marks, embeddings, overrides and isolates of direction (UAX #9).
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Separators of lines and paragraphs.
            | '\u{2028}' | '\u{2029}'
            // What nobody sees and terminals count differently; the joiners of emoji and scripts stay.
            | '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text as it is shown, cut behind this many characters with a word on the rest.
pub(super) fn shown_within(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        None => shown(text),
        Some((at, _)) => {
            let all = text.len();
            Cow::Owned(format!("{}… ({all} bytes)", shown(&text[..at])))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_of_all_scripts_stays_as_it_is() {
        for text in ["", "plain", "안녕하세요", "👩‍👩‍👧 naïve", "नमस्ते", "שלום"]
        {
            assert!(matches!(shown(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        for (text, wanted) in [
            ("\u{1b}[31mred", "␛[31mred"),
            ("\u{1b}]0;title\u{7}", "␛]0;title␇"),
            ("a\nb\r\tc\0", "a␊b␍␉c␀"),
            ("\u{7f}\u{9b}31m", "␡<U+009B>31m"),
            ("evil\u{202e}txt", "evil<U+202E>txt"),
            ("\u{2066}a\u{2069}", "<U+2066>a<U+2069>"),
            ("a\u{2028}b\u{feff}", "a<U+2028>b<U+FEFF>"),
            ("\u{e0041}", "<U+E0041>"),
        ] {
            assert_eq!(shown(text), wanted);
        }
    }

    #[test]
    fn no_character_of_any_kind_passes_as_a_control() {
        let all: String = ('\0'..=char::MAX).collect();
        assert!(!shown(&all).chars().any(is_replaced));
    }

    #[test]
    fn a_long_text_is_cut_on_a_character_border() {
        assert_eq!(shown_within("한국어", 3), "한국어");
        assert_eq!(shown_within("한국\u{1b}어", 3), "한국␛… (10 bytes)");
    }
}
