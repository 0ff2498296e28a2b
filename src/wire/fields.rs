//! Header fields (RFC 9110 §5) as requests and responses share them: splitting
//! a head into fields, and reading lists of tokens. Never allocates per field
//! beyond the one list.

/// The fields of a head, in order; names as they came, values without the space around them.
pub(crate) type Fields<'b> = [(&'b str, &'b [u8])];

/// Heads with at most this many fields are split without a scratch allocation.
const FEW_FIELDS: usize = 32;

/// Why a head could not be split into fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldsError {
    /// More fields than are allowed.
    TooMany,
    /// A line that is no field: obs-fold, a space before the colon, a bad name.
    Malformed,
}

/// Splits field lines that end with the blank line and hold no bare CR or LF.
pub(crate) fn split(lines: &[u8], max: usize) -> Result<Vec<(&str, &[u8])>, FieldsError> {
    let mut few = [httparse::EMPTY_HEADER; FEW_FIELDS];
    match parse(lines, &mut few[..max.min(FEW_FIELDS)]) {
        Some(fields) => Ok(fields),
        None => split_many(lines, max),
    }
}

/// The same with as much scratch as there are lines; it tells too many from malformed.
#[cold]
fn split_many(lines: &[u8], max: usize) -> Result<Vec<(&str, &[u8])>, FieldsError> {
    let ends = lines.iter().filter(|byte| **byte == b'\n').count();
    let count = ends.saturating_sub(1);
    if count > max {
        return Err(FieldsError::TooMany);
    }
    let mut many = vec![httparse::EMPTY_HEADER; count];
    parse(lines, &mut many).ok_or(FieldsError::Malformed)
}

/// All fields; `None` if one is malformed or there are more than this scratch has room for.
fn parse<'b>(
    lines: &'b [u8],
    scratch: &mut [httparse::Header<'b>],
) -> Option<Vec<(&'b str, &'b [u8])>> {
    let Ok(httparse::Status::Complete((_, fields))) = httparse::parse_headers(lines, scratch)
    else {
        return None;
    };
    let fields = fields.iter().map(|field| (field.name, field.value));
    Some(fields.collect())
}

/// The values of all fields of this name, in order.
pub(crate) fn values<'f, 'b>(
    fields: &'f Fields<'b>,
    name: &'f str,
) -> impl Iterator<Item = &'b [u8]> + 'f {
    fields
        .iter()
        .filter(move |(known, _)| is_name(known, name))
        .map(|(_, value)| *value)
}

/// Whether two names are the same; most differ in length.
#[inline]
fn is_name(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.eq_ignore_ascii_case(other)
}

/// The field appears more than once, where it may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Repeated;

/// The value of a field that may appear only once.
pub(crate) fn single<'b>(fields: &Fields<'b>, name: &str) -> Result<Option<&'b [u8]>, Repeated> {
    let mut found = values(fields, name);
    let first = found.next();
    match found.next() {
        Some(_) => Err(Repeated),
        None => Ok(first),
    }
}

/// The elements of a comma-separated list, trimmed; empty ones are kept.
pub(crate) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim)
}

/// Whether a list field, over all its lines, has this element in any case.
pub(crate) fn has_element(fields: &Fields<'_>, name: &str, wanted: &str) -> bool {
    let wanted = wanted.as_bytes();
    values(fields, name).any(|value| {
        // Nearly always it is the only one.
        value.eq_ignore_ascii_case(wanted)
            || value.len() > wanted.len()
                && elements(value).any(|element| element.eq_ignore_ascii_case(wanted))
    })
}

/// Takes optional white space (SP, HTAB) off both ends.
pub(crate) fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// A control byte: below SP, or DEL.
pub(crate) const fn is_control(byte: u8) -> bool {
    byte < b' ' || byte == 0x7f
}

/// Whether a value may stand on a line of its own: no control byte but HTAB.
pub(crate) fn is_value(value: &[u8]) -> bool {
    !value.iter().any(|byte| is_control(*byte) && *byte != b'\t')
}

/// A byte of a token (RFC 9110 §5.6.2).
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// Whether a text is a token (RFC 9110 §5.6.2): the one check of the whole crate.
pub(crate) fn is_token(text: &str) -> bool {
    token(text.as_bytes()).is_some()
}

/// A token (RFC 9110 §5.6.2), as text.
pub(crate) fn token(bytes: &[u8]) -> Option<&str> {
    let good = !bytes.is_empty() && bytes.iter().all(|byte| is_token_byte(*byte));
    good.then(|| std::str::from_utf8(bytes).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_elements_are_found_over_several_lines_in_any_case() {
        let fields: &Fields<'_> = &[
            ("Upgrade", b"foo"),
            ("UPGRADE", b"h2c ,\tWebSocket"),
            ("Connection", b"keep-alive"),
        ];
        assert!(has_element(fields, "upgrade", "websocket"));
        assert!(has_element(fields, "upgrade", "foo"));
        assert!(!has_element(fields, "connection", "upgrade"));
        assert!(!has_element(fields, "upgrade", "web"));
    }

    #[test]
    fn a_single_field_is_refused_when_repeated() {
        let fields: &Fields<'_> = &[("A", b"1"), ("b", b"2"), ("a", b"1")];
        assert_eq!(single(fields, "a"), Err(Repeated));
        assert_eq!(single(fields, "B"), Ok(Some(&b"2"[..])));
        assert_eq!(single(fields, "c"), Ok(None));
    }

    #[test]
    fn as_many_fields_as_allowed_are_split_and_no_more() {
        for count in [0, 1, FEW_FIELDS, FEW_FIELDS + 1, 100] {
            let lines = "a: b \r\n".repeat(count) + "\r\n";
            let fields = split(lines.as_bytes(), count).unwrap();
            assert_eq!(fields, vec![("a", &b"b"[..]); count]);
            let more = "a:b\r\n".repeat(count + 1) + "\r\n";
            assert_eq!(split(more.as_bytes(), count), Err(FieldsError::TooMany));
        }
    }

    #[test]
    fn lines_that_are_no_fields_are_malformed() {
        for lines in [
            "a : b\r\n\r\n",
            "a: b\r\n c\r\n\r\n",
            ": b\r\n\r\n",
            "a\r\n\r\n",
            "a b: c\r\n\r\n",
        ] {
            assert_eq!(
                split(lines.as_bytes(), 9),
                Err(FieldsError::Malformed),
                "{lines:?}"
            );
        }
    }
}
