//! What a file refers to: every `a::b::c` of its code, `use` trees taken apart.

use crate::code::is_word;

/// A path of at least two names and the byte where it begins.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) at: usize,
    pub(crate) names: Vec<String>,
}

/// All paths of a text without comments and strings, in order.
pub(crate) fn references(code: &str) -> Vec<Reference> {
    let mut reader = Reader {
        code: code.as_bytes(),
        at: 0,
        found: Vec::new(),
    };
    while reader.at < reader.code.len() {
        if !is_word(reader.code[reader.at]) {
            reader.at += 1;
            continue;
        }
        reader.path(Vec::new());
    }
    reader.found.retain(|reference| reference.names.len() > 1);
    reader.found
}

/// How many inline modules (`mod x { … }`) a byte stands in: each takes one `super` to leave.
pub(crate) fn inline_depth(code: &str, at: usize) -> usize {
    let mut open = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    let mut word_start = None;
    for (here, byte) in code.as_bytes()[..at].iter().enumerate() {
        if is_word(*byte) {
            word_start.get_or_insert(here);
            continue;
        }
        if let Some(start) = word_start.take() {
            words.push(&code[start..here]);
        }
        match byte {
            b'{' => open.push(words.len() >= 2 && words[words.len() - 2] == "mod"),
            b'}' => drop(open.pop()),
            b' ' | b'\n' => continue,
            _ => {}
        }
        words.clear();
    }
    open.into_iter().filter(|is_module| *is_module).count()
}

struct Reader<'c> {
    code: &'c [u8],
    at: usize,
    found: Vec<Reference>,
}

impl Reader<'_> {
    /// Reads one path behind these names; a group is read once for each of its members.
    fn path(&mut self, mut names: Vec<String>) {
        let at = self.at;
        loop {
            names.push(self.word());
            let behind_name = self.at;
            self.blanks();
            if !self.code[self.at..].starts_with(b"::") {
                self.at = behind_name;
                break;
            }
            self.at += 2;
            self.blanks();
            match self.code.get(self.at) {
                Some(byte) if is_word(*byte) => {}
                Some(b'{') => return self.group(&names),
                Some(b'*') => {
                    self.at += 1;
                    names.push("*".to_owned());
                    break;
                }
                _ => break, // generics: `Vec::<u8>`
            }
        }
        self.found.push(Reference { at, names });
    }

    fn group(&mut self, names: &[String]) {
        self.at += 1;
        while let Some(byte) = self.code.get(self.at) {
            match byte {
                b'}' => {
                    self.at += 1;
                    return;
                }
                byte if is_word(*byte) => {
                    self.path(names.to_vec());
                    self.skip_alias();
                }
                _ => self.at += 1,
            }
        }
    }

    /// `as name` renames a member and is none itself.
    fn skip_alias(&mut self) {
        let behind = self.at;
        self.blanks();
        if self.word() == "as" {
            self.blanks();
            self.word();
        } else {
            self.at = behind;
        }
    }

    fn word(&mut self) -> String {
        let rest = &self.code[self.at..];
        let length = rest.iter().take_while(|byte| is_word(**byte)).count();
        self.at += length;
        String::from_utf8_lossy(&rest[..length]).into_owned()
    }

    fn blanks(&mut self) {
        while self.code.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(code: &str) -> Vec<String> {
        references(code)
            .iter()
            .map(|reference| reference.names.join("::"))
            .collect()
    }

    #[test]
    fn trees_are_taken_apart() {
        assert_eq!(
            paths("use crate::{wire::{close::CloseCode, frame::*}, app as b, hub};\nuse a::b;"),
            [
                "crate::wire::close::CloseCode",
                "crate::wire::frame::*",
                "crate::app",
                "crate::hub",
                "a::b"
            ]
        );
    }

    #[test]
    fn paths_in_expressions_and_types_are_found() {
        assert_eq!(
            paths("fn f(x: std::net::IpAddr) -> u8 { crate::net::go(Vec::<u8>::new()); a.b }"),
            ["std::net::IpAddr", "crate::net::go"]
        );
        assert_eq!(paths("pub(in crate::hub) fn f() {}"), ["crate::hub"]);
        assert_eq!(
            paths("std\n  :: net\n  ::TcpStream"),
            ["std::net::TcpStream"]
        );
    }

    #[test]
    fn inline_modules_are_counted() {
        let code = "mod a { fn b() { mod c {} x } pub mod d { y } } z";
        for (part, depth) in [("x", 1), ("y", 2), ("z", 0), ("fn", 1)] {
            assert_eq!(
                inline_depth(code, code.find(part).unwrap()),
                depth,
                "{part}"
            );
        }
    }
}
