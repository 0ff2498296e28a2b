//! What a page names as the test of a promise is there: a file, and a function in it.

use std::path::Path;

/// The first folders of paths that can be meant; anything else in code marks is another word.
const ROOTS: [&str; 4] = ["src/", "tests/", "benches/", "fuzz/"];

/// What a page names and the package does not have, in sentences.
pub(crate) fn missing(page: &str, text: &str, root: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let at = format!("{page}:{}", index + 1);
        let mut file: Option<(&str, String)> = None;
        for word in marked(line) {
            if ROOTS.iter().any(|root| word.starts_with(root)) {
                let path = root.join(word);
                if !path.exists() {
                    problems.push(format!("{at}: there is no {word}"));
                }
                file = Some((word, std::fs::read_to_string(path).unwrap_or_default()));
            } else if let Some((path, code)) = &file
                && path.ends_with(".rs")
                && is_name_of_test(word)
                && !code.contains(&format!("fn {word}("))
            {
                problems.push(format!("{at}: {path} has no test {word}"));
            }
        }
    }
    problems
}

/// The words of a line in code marks.
fn marked(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn is_name_of_test(word: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    word.contains('_') && word.bytes().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_there_is_found_and_one_that_is_not_is_named() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let page = |text: &str| missing("PAGE.md", text, root);
        let own = "a_test_that_is_there_is_found_and_one_that_is_not_is_named";
        assert!(page(&format!("`tests/tidy/proofs.rs` `{own}`")).is_empty());
        assert_eq!(
            page("x\n`tests/tidy/proofs.rs` `no_such_test`"),
            ["PAGE.md:2: tests/tidy/proofs.rs has no test no_such_test"]
        );
        assert_eq!(
            page("`tests/no.rs`"),
            ["PAGE.md:1: there is no tests/no.rs"]
        );
        assert!(page("`max_buffered` and `cargo test`").is_empty());
    }
}
