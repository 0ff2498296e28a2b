//! Unicode's form C of a short text (UAX #15).
//!
//! The iterator of the crate whose tables these are serves four forms and keeps the tables of all: the mappings of
//! the compatibility forms, which nobody here asks for, would be 62 KB of the program.

use unicode_normalization::char::{canonical_combining_class, compose, decompose_canonical};

/// The text with every letter and its marks in their one order, and composed as far as there is a character for
/// both. Time and memory grow with the text; who calls bounds it.
pub(super) fn composed(text: &str) -> String {
    let mut letters = Vec::with_capacity(text.len());
    for letter in text.chars() {
        decompose_canonical(letter, |part| letters.push(part));
    }
    // What has a class follows what it belongs to, and stays in order among its like (D109).
    for run in letters.chunk_by_mut(|_, next| canonical_combining_class(*next) != 0) {
        run.sort_by_key(|letter| canonical_combining_class(*letter));
    }
    let mut out: Vec<char> = Vec::with_capacity(letters.len());
    // Where the last letter without a class is, and the class of what was written last.
    let (mut starter, mut last) = (None, 0);
    for letter in letters {
        let class = canonical_combining_class(letter);
        // Something of the same class or of none between the two keeps them apart (D115).
        let reached = starter.filter(|at| at + 1 == out.len() || last < class);
        if let Some(at) = reached
            && let Some(both) = compose(out[at], letter)
        {
            out[at] = both;
            continue;
        }
        if class == 0 {
            starter = Some(out.len());
        }
        last = class;
        out.push(letter);
    }
    out.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};
    use unicode_normalization::UnicodeNormalization;

    /// As the crate composes it.
    fn wanted(text: &str) -> String {
        text.nfc().collect()
    }

    #[test]
    fn every_character_alone_and_under_a_mark_is_composed_as_the_tables_say() {
        for letter in '\0'..=char::MAX {
            for text in [format!("{letter}"), format!("e{letter}\u{301}\u{327}a")] {
                assert_eq!(composed(&text), wanted(&text), "{text:?}");
            }
        }
    }

    #[test]
    fn texts_of_letters_and_marks_are_composed_as_the_tables_say() {
        // Latin, Vietnamese, Hangul and Indic letters, marks of several classes, and what blocks them.
        let letters: Vec<char> = "aeoAEO \u{1ea5}\u{1112}\u{1161}\u{11ab}\u{ac00}\u{300}\u{301}\u{302}\u{307}\u{323}\
            \u{327}\u{31b}\u{345}\u{338}\u{9c7}\u{9be}\u{9d7}\u{b47}\u{b56}\u{fb1d}\u{2126}\u{1d15e}\u{34f}\u{f73}"
            .chars()
            .collect();
        let mut random = StdRng::seed_from_u64(10);
        for _ in 0..20_000 {
            let length = random.random_range(0..12);
            let text: String = (0..length)
                .map(|_| letters[random.random_range(0..letters.len())])
                .collect();
            assert_eq!(composed(&text), wanted(&text), "{text:?}");
        }
    }
}
