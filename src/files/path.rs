//! The path of a request as names of files. What has another meaning for a file system, or may have
//! one on the way there, is no path: it is never cleaned up, because then two sides could disagree.

/// Names within each other that a path may have.
const MAX_DEPTH: usize = 32;

/// A folder with a name that begins with a dot and is public all the same (RFC 8615): what stands in
/// it was put there to be read. Only as the first name of a path.
const WELL_KNOWN: &[u8] = b".well-known";

/// Where a request wants to go.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Names, decoded, from the folder down.
    pub(super) names: Vec<Vec<u8>>,
    /// The path ends with `/`.
    pub(super) is_folder: bool,
}

/// Reads a path that is still percent-encoded, behind the `/` of the folder it is looked for in.
/// `None`: an empty name within it, `.` or `..`, a name with a dot in front, a slash, backslash or
/// control byte within a name, encoded or not, a broken escape, or more than 32 names.
pub(super) fn wanted(path: &str) -> Option<Wanted> {
    if path.is_empty() {
        let names = Vec::new();
        return Some(Wanted {
            names,
            is_folder: true,
        });
    }
    let (path, is_folder) = match path.strip_suffix('/') {
        Some(folder) => (folder, true),
        None => (path, false),
    };
    let names = path.split('/').enumerate();
    let names = names.map(|(at, raw)| name(raw, at == 0));
    let names = names.take(MAX_DEPTH + 1).collect::<Option<Vec<_>>>()?;
    (names.len() <= MAX_DEPTH).then_some(Wanted { names, is_folder })
}

/// One name, decoded once.
fn name(raw: &str, is_first: bool) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        let decoded = match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                (digit()? * 16 + digit()?) as u8
            }
            byte => byte,
        };
        name.push(decoded);
    }
    let is_wrong = |byte: &u8| matches!(byte, b'/' | b'\\' | 0..=0x1f | 0x7f);
    let is_hidden = name.first() == Some(&b'.') && !(is_first && name == WELL_KNOWN);
    let is_name = !name.is_empty() && !is_hidden && !name.iter().any(is_wrong);
    is_name.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded_once() {
        for (path, names, is_folder) in [
            ("", &[][..], true),
            ("a", &[&b"a"[..]], false),
            ("a/", &[b"a"], true),
            ("a/b.txt", &[b"a", b"b.txt"], false),
            ("%61%20b", &[b"a b"], false),
            ("%252e%252e", &[b"%2e%2e"], false),
            ("a..b/c...", &[b"a..b", b"c..."], false),
            ("%FF", &[b"\xff"], false),
            ("a+b:c", &[b"a+b:c"], false),
            (".well-known/a", &[b".well-known", b"a"], false),
        ] {
            let names = names.iter().map(|name| name.to_vec()).collect();
            assert_eq!(wanted(path), Some(Wanted { names, is_folder }), "{path:?}");
        }
    }

    #[test]
    fn what_may_mean_something_else_is_no_path() {
        for path in [
            "/",
            "//",
            "/a",
            "a//b",
            "a//",
            "//a",
            ".",
            "..",
            "../a",
            "a/..",
            "a/../b",
            "./a",
            "a/.",
            "%2e",
            "%2e%2e/a",
            ".%2E/a",
            "%2e./a",
            "a/%2e%2e/b",
            "..%2fa",
            "a%2fb",
            "a%2Fb",
            "%2f",
            "a\\b",
            "..\\a",
            "a%5cb",
            "%5C",
            "%00",
            "a%00",
            "a%00.txt",
            "%0a",
            "%7f",
            "%1b[0m",
            ".git/config",
            ".env",
            "a/.htaccess",
            "%2eenv",
            "a/.well-known",
            "%",
            "a%",
            "a%4",
            "%zz",
            ".well-known.d",
            "%c3%",
            "+/../a",
        ] {
            assert_eq!(wanted(path), None, "{path:?}");
        }
    }

    #[test]
    fn a_path_is_as_deep_as_allowed_and_no_deeper() {
        let deep = vec!["a"; MAX_DEPTH].join("/");
        assert_eq!(
            wanted(&deep).map(|wanted| wanted.names.len()),
            Some(MAX_DEPTH)
        );
        assert_eq!(wanted(&format!("{deep}/a")), None);
        assert_eq!(wanted(&"a/".repeat(4000)), None);
    }
}
