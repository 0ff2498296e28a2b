//! All checks, in the order in which they are run.

#[cfg(feature = "deflate")]
use super::deflate;
use super::finding::Checked;
use super::run_state::Run;
use super::{closing, failing, opening, talking};

/// One thing to try.
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) expected: &'static str,
    pub(super) run: fn(&mut Run<'_>) -> Checked,
}

macro_rules! checks {
    ($($(#[$when:meta])* $name:literal, $expected:literal, $run:expr;)*) => {
        /// The first is the handshake without which there is nothing to try; the echo of a text
        /// comes before everything that needs to know whether there is one.
        pub(super) const CHECKS: &[Check] = &[$(
            $(#[$when])*
            Check { name: $name, expected: $expected, run: $run },
        )*];
    };
}

checks! {
    "handshake", "101, right Accept", opening::handshake;
    "handshake, unknown extension", "101 without it", opening::unknown_extension;
    "handshake, version 12", "426, names version 13", opening::wrong_version;
    "handshake, no key", "400", opening::missing_key;
    "handshake, key of 5 bytes", "400", opening::short_key;
    "echo, text", "the same text", talking::echo_text;
    "echo, binary", "the same bytes", talking::echo_binary;
    "echo, 125 B to 64 KiB", "all come back", talking::echo_lengths;
    "fragments, ping between", "pong and message", talking::fragments;
    "ping, 125 bytes", "pong, same payload", talking::ping;
    "ping, empty", "pong, same payload", talking::empty_ping;
    "ping, byte by byte", "pong, same payload", talking::single_bytes;
    "pong nobody asked for", "passed over", talking::unasked_pong;
    #[cfg(feature = "deflate")]
    "deflate", "agreed, if it has it", deflate::agreed;
    #[cfg(feature = "deflate")]
    "deflate, no takeover", "agreed as offered", deflate::no_takeover;
    #[cfg(feature = "deflate")]
    "deflate, echo", "the same text", deflate::echo;
    #[cfg(feature = "deflate")]
    "deflate, bad data", "Close 1007 or 1002", deflate::bad_data;
    "unmasked frame", "Close 1002", failing::unmasked;
    "reserved bit 1", "Close 1002", failing::reserved_1;
    "reserved bits 2 and 3", "Close 1002", failing::reserved_2_3;
    "reserved opcode", "Close 1002", failing::reserved_opcode;
    "ping of 126 bytes", "Close 1002", failing::long_ping;
    "fragmented ping", "Close 1002", failing::fragmented_ping;
    "continuation of nothing", "Close 1002", failing::stray_continuation;
    "message in a message", "Close 1002", failing::message_in_message;
    "bad UTF-8", "Close 1007", failing::bad_utf8;
    "bad UTF-8 over fragments", "Close 1007", failing::bad_utf8_in_fragments;
    "length 2^63", "Close 1002 or 1009", failing::length_2_63;
    "length 2^62", "Close 1009 or 1002", failing::length_2_62;
    "close 1000", "Close 1000, the end", closing::normal;
    "close 4001", "Close 4001, the end", closing::private_code;
    "close, empty", "empty Close, the end", closing::empty;
    "close of one byte", "Close 1002", failing::close_of_one_byte;
    "close 1005", "Close 1002", failing::close_1005;
    "close, reason not UTF-8", "Close 1007 or 1002", failing::bad_utf8_in_close;
}

/// The names of all checks, in the order in which they are run.
pub fn names() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|check| check.name)
}
