//! Lines of standard input where no editor is: a pipe, a file, or a terminal that is written past.

use std::io::{self, BufRead};

/// A line may have so many bytes; past it the line is left out, and said.
pub(super) const MAX_LINE: usize = 16 << 20;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// A line without its end.
    Line(String),
    /// A line that cannot be sent: why.
    Bad(String),
}

/// Lines with their numbers, from 1.
pub(super) struct Input<R> {
    reader: R,
    number: u64,
    max: usize,
}

impl<R: BufRead> Input<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            number: 0,
            max: MAX_LINE,
        }
    }

    /// The next line; `None` at the end of the input.
    ///
    /// # Errors
    /// What the input answers.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Read)>> {
        let mut line = Vec::new();
        let mut length: usize = 0;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() && length == 0 {
                return Ok(None);
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(chunk.len(), |end| end + 1);
            length = length.saturating_add(taken);
            // What is too long is read past, not kept.
            if length <= self.max + 2 {
                line.extend_from_slice(&chunk[..taken]);
            }
            let is_end = end.is_some() || chunk.is_empty();
            self.reader.consume(taken);
            if is_end {
                break;
            }
        }
        self.number += 1;
        Ok(Some((self.number, self.line(line, length))))
    }

    fn line(&self, mut line: Vec<u8>, length: usize) -> Read {
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        }
        if length > self.max + 2 || line.len() > self.max {
            let max = self.max;
            return Read::Bad(format!("more than {max} bytes; it is left out"));
        }
        match String::from_utf8(line) {
            Ok(text) => Read::Line(text),
            Err(error) => {
                let at = error.utf8_error().valid_up_to() + 1;
                Read::Bad(format!("no UTF-8 from byte {at} on; it is left out"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    /// All lines, read in pieces of this size.
    fn read(bytes: &[u8], piece: usize) -> Vec<(u64, Read)> {
        let mut input = Input::new(BufReader::with_capacity(piece, bytes));
        input.max = 10;
        std::iter::from_fn(|| input.next().expect("bytes")).collect()
    }

    #[test]
    fn lines_are_numbered_and_lose_only_their_ends() {
        let wanted = [(1, " a"), (2, ""), (3, "b\r c"), (4, "한"), (5, "last")];
        let wanted = wanted.map(|(number, text)| (number, Read::Line(text.to_owned())));
        for piece in [1, 2, 3, 100] {
            assert_eq!(read(" a\r\n\nb\r c\n한\nlast".as_bytes(), piece), wanted);
        }
        assert_eq!(read(b"", 8), []);
        assert_eq!(read(b"\n", 8), [(1, Read::Line(String::new()))]);
    }

    #[test]
    fn a_bad_line_is_named_and_nothing_else_is_lost() {
        for piece in [1, 3, 100] {
            let lines = read(b"a\nb\xff\nc\n0123456789a\n0123456789\r\nd", piece);
            let kinds: Vec<_> = lines
                .iter()
                .map(|(_, read)| match read {
                    Read::Line(text) => text,
                    Read::Bad(why) => why,
                })
                .collect();
            assert_eq!(kinds[0], "a");
            assert!(kinds[1].contains("UTF-8 from byte 2"), "{kinds:?}");
            assert_eq!(kinds[2], "c");
            assert!(kinds[3].contains("more than 10 bytes"), "{kinds:?}");
            assert_eq!(kinds[4..], ["0123456789", "d"]);
        }
    }
}
