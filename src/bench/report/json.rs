//! The summary as JSON, for other programs, and back.

use super::super::summary::Summary;

/// One JSON document, indented, with a line end behind it.
///
/// # Errors
///
/// None that is known: a summary holds nothing that JSON cannot. A figure that is not finite becomes `null`.
pub fn json(run: &Summary) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(run)?;
    text.push('\n');
    Ok(text)
}

/// Reads what [`json`] wrote.
///
/// # Errors
///
/// The text is not JSON, or not a summary: the line and column, and the field that is missing or wrong.
pub fn from_json(text: &str) -> serde_json::Result<Summary> {
    serde_json::from_str(text)
}
