//! The examples of RFC 7692 §7.2.3, byte for byte, and messages made by another zlib.

use super::*;

const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

#[test]
fn one_compressed_block_7_2_3_1() {
    assert_eq!(
        decode(&mut *server(&Deflate::new(), ""), &HELLO).unwrap(),
        b"Hello"
    );
    // Only with takeover does a message go out that is not shorter than plain.
    let deflate = Deflate::new().min_size(0).context_takeover(true);
    for level in [1, 6] {
        let mut transform = server(&deflate.clone().level(level), "");
        assert_eq!(encode(&mut *transform, b"Hello"), HELLO, "level {level}");
    }
}

#[test]
fn one_compressed_block_in_two_fragments_7_2_3_1() {
    let mut transform = server(&Deflate::new(), "");
    let mut out = Vec::new();
    frame(&mut *transform, true, false, &HELLO[..3], &mut out).unwrap();
    frame(&mut *transform, false, true, &HELLO[3..], &mut out).unwrap();
    assert_eq!(out, b"Hello");
}

#[test]
fn a_second_hello_refers_to_the_first_7_2_3_2() {
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let deflate = Deflate::new().min_size(0).level(6).context_takeover(true);
    let mut transform = server(&deflate, "");
    assert_eq!(encode(&mut *transform, b"Hello"), HELLO);
    assert_eq!(encode(&mut *transform, b"Hello"), again);
    for payload in [&HELLO[..], &again, &HELLO, &again] {
        assert_eq!(decode(&mut *transform, payload).unwrap(), b"Hello");
    }
}

#[test]
fn without_takeover_nothing_is_there_to_refer_to_7_2_3_2() {
    let mut transform = server(&Deflate::new(), "");
    decode(&mut *transform, &HELLO).unwrap();
    let error = decode(&mut *transform, &[0xf2, 0x00, 0x11, 0x00, 0x00]).unwrap_err();
    assert_eq!(error.code.get(), 1007);
}

#[test]
fn a_block_with_no_compression_7_2_3_3() {
    let stored = b"\x00\x05\x00\xfa\xffHello\x00";
    assert_eq!(
        decode(&mut *server(&Deflate::new(), ""), stored).unwrap(),
        b"Hello"
    );
}

#[test]
fn a_final_block_7_2_3_4() {
    let payload = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    for mut transform in [server(&Deflate::new(), ""), with_takeover()] {
        assert_eq!(decode(&mut *transform, &payload).unwrap(), b"Hello");
        assert_eq!(decode(&mut *transform, &HELLO).unwrap(), b"Hello");
    }
}

#[test]
fn two_blocks_in_one_message_7_2_3_5() {
    let payload = [
        0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
    ];
    assert_eq!(
        decode(&mut *server(&Deflate::new(), ""), &payload).unwrap(),
        b"Hello"
    );
}

#[test]
fn an_empty_fragment_made_by_hand_7_2_3_6() {
    for mut transform in [server(&Deflate::new(), ""), with_takeover()] {
        assert_eq!(decode(&mut *transform, &[0x00]).unwrap(), b"");
        let mut out = Vec::new();
        frame(&mut *transform, true, false, &HELLO[..6], &mut out).unwrap();
        frame(&mut *transform, false, true, &HELLO[6..], &mut out).unwrap();
        assert_eq!(out, b"Hello");
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.split_whitespace().collect();
    let digits = digits.concat();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn a_message_of_zlib_at_level_6_with_a_small_window() {
    let plain: String = (0..12)
        .map(|n| {
            let room = n * n;
            format!(r#"{{"type":"TALK","roomId":"{room}","sender":"누구","message":"안녕 {n}"}}"#)
        })
        .collect();
    let payload = bytes(
        "aa562aa92c4855b2520a71f4f156d2512acacfcff54c01f20d809ce2d4bc94d42220e77547cbabad6b8022b9a9
         c5c589e920f56fa676bc6e9daa60a0545b8dcb0843e28c30c4638409714618e131c29238238cf179c48c383
         34cf09861644a9c19a678cc3026d21d6678cc30b124ce0c733c669899106786051e332c0c8933c3128f1986
         0606c419626880cf1423229d6268a8540b00",
    );
    let mut transform = server(&Deflate::new(), "; client_max_window_bits=9");
    assert_eq!(decode(&mut *transform, &payload).unwrap(), plain.as_bytes());
}

#[test]
fn three_messages_of_zlib_that_refer_to_each_other() {
    let mut transform = with_takeover();
    for (hex, plain) in [
        (
            "cacf4b552829cf5728c9284a4dd551c847e60200",
            "one two three, one two three",
        ),
        ("0213602e50184d0e00", "three two one, one two three"),
        ("cac7a30f00", "one two three, one two three"),
    ] {
        assert_eq!(
            decode(&mut *transform, &bytes(hex)).unwrap(),
            plain.as_bytes()
        );
    }
}
