//! Files that are read whole: settings, keys and certificates.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The most bytes of such a file. A configuration has some thousand, all authorities of a system have some 200 KiB.
const LONGEST: u64 = 1 << 20;

/// What is in a file of at most 1 MiB: a device would never end.
///
/// # Errors
/// The file cannot be read, or is longer.
pub fn read_small_file(path: &Path) -> io::Result<Vec<u8>> {
    read_small(File::open(path)?)
}

fn read_small(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::other("it is longer than 1 MiB"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_bound_and_not_past_it() {
        let read = |length| read_small(io::repeat(b'a').take(length));
        assert_eq!(read(LONGEST).expect("it fits").len() as u64, LONGEST);
        let error = read(LONGEST + 1).expect_err("one byte too many");
        assert!(error.to_string().contains("1 MiB"), "{error}");
    }
}
