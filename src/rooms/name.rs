//! Names that people give themselves and their rooms: trimmed, in one form, and with nothing in
//! them that a reader cannot see.

use super::RoomError;
use super::composed::composed;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// Marks in a row on one letter; scripts that are written need three at most.
const MARKS: usize = 4;

/// The name as everybody sees it: without spaces around it and in Unicode's form C, so that two that
/// look alike by composition are one.
///
/// # Errors
/// `BadName` for an empty one, for control, format and bidi characters, for unassigned and private
/// ones, and for marks without a letter or more than four on one; `TooLong` past `most` bytes.
pub(super) fn name_of(what: &'static str, given: &str, most: usize) -> Result<String, RoomError> {
    let given = given.trim();
    let bad = |problem: &str| Err(RoomError::BadName(problem.to_owned()));
    // Form C may be longer or shorter, but not by as much as this: nobody makes us compose a megabyte.
    if given.len() > 4 * most {
        let given = given.len();
        return Err(RoomError::TooLong { what, given, most });
    }
    let name = composed(given);
    if name.is_empty() {
        return bad("it is empty");
    }
    if name.len() > most {
        let given = name.len();
        return Err(RoomError::TooLong { what, given, most });
    }
    let (mut marks, mut is_visible) = (MARKS, false);
    for letter in name.chars() {
        match letter.general_category_group() {
            GeneralCategoryGroup::Mark => {
                marks += 1;
                if marks > MARKS {
                    return bad("it has accents without a letter, or too many on one");
                }
            }
            GeneralCategoryGroup::Other => {
                return bad("it has a control, format or unassigned character");
            }
            group => {
                // Line and paragraph separators are as invisible as control characters.
                if matches!(letter, '\u{2028}' | '\u{2029}') {
                    return bad("it has a line separator");
                }
                marks = 0;
                is_visible |= group != GeneralCategoryGroup::Separator && !is_blank(letter);
            }
        }
    }
    if is_visible {
        Ok(name)
    } else {
        bad("nothing of it can be seen")
    }
}

/// Letters and symbols that show nothing: the fillers of Hangul, and the blank of Braille.
fn is_blank(letter: char) -> bool {
    matches!(
        letter,
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(given: &str) -> Result<String, RoomError> {
        name_of("a name", given, 64)
    }

    #[test]
    fn a_name_is_trimmed_and_composed() {
        assert_eq!(name("  kim \n").unwrap(), "kim");
        assert_eq!(name("e\u{301}").unwrap(), "é");
        assert_eq!(name("\u{1112}\u{1161}\u{11ab}").unwrap(), "한");
        assert_eq!(name("👋 اسم שם").unwrap(), "👋 اسم שם");
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        for given in [
            "",
            "  ",
            "a\u{202e}b",
            "a\0",
            "\u{200b}",
            "a\u{2028}b",
            "\u{301}",
            "\u{3164}",
            "a\u{e000}",
            "\u{1b}[31m",
            "\u{a0}\u{2003}",
        ] {
            assert!(
                matches!(name(given), Err(RoomError::BadName(_))),
                "{given:?}"
            );
        }
    }

    #[test]
    fn a_pile_of_accents_is_refused() {
        let pile = |marks| format!("z{}", "\u{336}".repeat(marks));
        assert!(name(&pile(4)).is_ok());
        assert!(matches!(name(&pile(5)), Err(RoomError::BadName(_))));
        assert!(matches!(name(&pile(5000)), Err(RoomError::TooLong { .. })));
    }

    #[test]
    fn a_name_has_at_most_its_bytes_in_its_composed_form() {
        assert!(name(&"a".repeat(64)).is_ok());
        let longer = name(&"a".repeat(65));
        assert!(matches!(
            longer,
            Err(RoomError::TooLong {
                given: 65,
                most: 64,
                ..
            })
        ));
        assert_eq!(name(&"e\u{301}".repeat(32)).unwrap().len(), 64);
    }
}
