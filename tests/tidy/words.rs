//! Words that only this project would understand, and what to say instead.

use crate::code::is_word;

/// A word, whole and in any case, and the plain one.
const PRIVATE: [(&str, &str); 15] = [
    ("bury", "reap"),
    ("buries", "reaps"),
    ("buried", "reaped"),
    ("grave", "closing"),
    ("graves", "closing"),
    ("farewell", "close event"),
    ("farewells", "close events"),
    ("seat", "membership"),
    ("seats", "memberships"),
    ("patience", "a time limit"),
    ("the books", "accounts, or the ledger"),
    ("came to nothing", "failed"),
    ("takes back", "cancels, or removes"),
    ("take back", "cancel, or remove"),
    ("taken back", "cancelled, or removed"),
];

/// Words that are private as names of types only; in prose they are ordinary.
const PRIVATE_TYPES: [(&str, &str); 3] = [
    ("Floor", "HubContext, or layer"),
    ("Rare", "ColdState"),
    ("Dialled", "PendingHandshake"),
];

/// Where a text uses them: in code, comments and names with underscores alike.
pub(crate) fn private_words(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        // Parts of a name count as words of their own: `bury_now`, `PATIENCE`.
        let lower = line.to_ascii_lowercase().replace('_', " ");
        let prose = PRIVATE.iter().filter(|(word, _)| has(&lower, word));
        let types = PRIVATE_TYPES.iter().filter(|(word, _)| has(line, word));
        for (word, plain) in prose.chain(types) {
            let at = index + 1;
            problems.push(format!(
                "{path}:{at}: {word:?} is a private word: say {plain}"
            ));
        }
    }
    problems.dedup();
    problems
}

/// Whether a word, or several, stand in a line as whole words.
fn has(line: &str, word: &str) -> bool {
    let bytes = line.as_bytes();
    line.match_indices(word).any(|(at, _)| {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let after = bytes.get(at + word.len()).copied();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_words_are_found_in_code_and_prose() {
        for line in [
            "fn bury(&mut self) {}",
            "self.graves.push(key);",
            "/// Tells the farewells of the turn.",
            "const PATIENCE: Duration = SECOND;",
            "let Seat { topic, .. } = seat;",
            "struct Floor<'f> {}",
            "struct Rare {}",
            "enum Dialled {}",
            "fn take_back(&mut self) {}",
            "// Its timer is taken back.",
            "/// A call that came to nothing.",
            "with its books; the books agree",
        ] {
            let problems = private_words("src/a.rs", &format!("//! Doc.\n{line}"));
            assert!(!problems.is_empty(), "{line}");
            assert!(problems[0].starts_with("src/a.rs:2: "), "{problems:?}");
        }
    }

    #[test]
    fn ordinary_words_pass() {
        for line in [
            "// A rare case: the socket is engraved, unseated and floored.",
            "let rounded = value.flooring();",
            "/// Takes it, and gives it back.",
            "assert!(the_bookshelf);",
        ] {
            assert_eq!(private_words("src/a.rs", line), Vec::<String>::new());
        }
    }
}
