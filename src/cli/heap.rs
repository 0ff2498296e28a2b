//! Makes the C library give memory back when a storm of connections is over.
//!
//! Whenever glibc frees an allocation that had pages of its own, it raises the size from which an
//! allocation gets them. Later buffers then lie in one heap, which can only shrink at its end. After
//! 1000 clients that had flooded and left, a server kept 100 to 230 MB of it; with fixed sizes 10 to
//! 12 MB, at the same CPU a message. Under mimalloc and dlmalloc it kept 80 to 400 MB.
//!
//! The sizes are read from the environment when a process starts and could be changed later only by
//! unsafe calls. So the command starts itself once more, in the same process (0.7 ms), with them set;
//! where that fails it goes on without.

use std::env;
use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// From 16 KiB on an allocation has pages of its own, and the heap keeps no more than 64 KiB at its end.
const SIZES: [(&str, &str); 3] = [
    ("MALLOC_MMAP_THRESHOLD_", "16384"),
    ("MALLOC_TRIM_THRESHOLD_", "65536"),
    ("MALLOC_TOP_PAD_", "16384"),
];

/// Starts this command again with the sizes set, unless they are, somebody chose otherwise, or the C
/// library is another that does not have them.
pub(super) fn fix_sizes() {
    let is_glibc = cfg!(all(target_os = "linux", target_env = "gnu"));
    if !is_glibc || env::vars_os().any(|(name, _)| is_a_choice(&name)) {
        return;
    }
    let Ok(program) = env::current_exe() else {
        return;
    };
    let mut arguments = env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // It only comes back when it fails.
    let _ = command.args(arguments).envs(SIZES).exec();
}

/// Whether a variable of the environment says that the allocator is set up already: by a first
/// start, by an operator, or by another allocator or a tool such as valgrind that was preloaded.
fn is_a_choice(name: &OsStr) -> bool {
    name == "LD_PRELOAD"
        || name == "GLIBC_TUNABLES"
        || name.as_encoded_bytes().starts_with(b"MALLOC_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_start_and_the_choice_of_an_operator_are_known() {
        let names = SIZES.map(|(name, _)| name);
        let others = ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES", "LD_PRELOAD"];
        for name in names.into_iter().chain(others) {
            assert!(is_a_choice(OsStr::new(name)), "{name}");
        }
        for name in ["PATH", "LD_LIBRARY_PATH", "DUNLIN_LOG", "MALLOC"] {
            assert!(!is_a_choice(OsStr::new(name)), "{name}");
        }
    }
}
