//! What lines of the log have in common, whatever their format: how a time is written, and which
//! characters are shown as escapes.

use dunlin::civil;
use std::fmt::{self, Write as _};
use std::time::Duration;

/// `2026-01-31T23:59:59.999Z` (RFC 3339).
pub(super) fn write_time(line: &mut String, since_epoch: Duration) -> fmt::Result {
    let seconds = since_epoch.as_secs();
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let milliseconds = since_epoch.subsec_millis();
    write!(
        line,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z"
    )
}

/// Whether a terminal or a log reader might obey this character instead of showing it: C0, C1,
/// line separators, and the bidirectional controls of Unicode.
pub(super) fn obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
