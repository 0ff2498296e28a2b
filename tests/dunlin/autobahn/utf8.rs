//! Section 6: text is UTF-8 (RFC 3629), and what is not fails at its first wrong byte.

mod sequences;

use super::*;

/// κόσμε, the word that the suite cuts up.
pub(super) const WORD: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
const GREETING: &str = "Hello-µ@ßöäüàá-UTF-8!!";

/// A text frame of any bytes.
fn text(bytes: &[u8]) -> Frame {
    Frame::new(0x1, bytes)
}

/// A text in fragments of one byte.
fn in_single_bytes(bytes: &[u8]) -> Vec<Frame> {
    let (end, begin) = bytes.split_last().expect("not empty");
    let mut frames: Vec<Frame> = begin
        .iter()
        .map(|byte| Frame::continuation([*byte]).more())
        .collect();
    frames.push(Frame::continuation([*end]));
    frames[0].opcode = 0x1;
    frames
}

/// The number of the byte, from 1, with which no text can go on; `None` when only the end is missing.
fn first_wrong_byte(bytes: &[u8]) -> Option<usize> {
    (1..=bytes.len()).find(|end| {
        let begin = std::str::from_utf8(&bytes[..*end]);
        begin.is_err_and(|error| error.error_len().is_some())
    })
}

#[test]
fn empty_texts_and_empty_fragments_come_back() {
    let server = server();
    // 6.1
    answered(&server, &[text(b"")], &[text(b"")]);
    for payload in ["", "middle frame payload"] {
        let frames = [
            text(b"").more(),
            Frame::continuation(payload).more(),
            Frame::continuation(""),
        ];
        answered(&server, &frames, &[Frame::text(payload)]);
    }
}

#[test]
fn text_may_be_cut_between_and_within_characters() {
    let server = server();
    // 6.2
    let whole = [Frame::text(GREETING)];
    answered(&server, &whole, &whole);
    for cut in 0..=GREETING.len() {
        let (begin, end) = GREETING.as_bytes().split_at(cut);
        let frames = [text(begin).more(), Frame::continuation(end)];
        let mut client = server.open("/echo-raw");
        send(&mut client, Pace::AtOnce, &frames);
        expect(&mut client, &whole);
    }
    let single = in_single_bytes(GREETING.as_bytes());
    answered(&server, &single, &whole);
    answered(&server, &in_single_bytes(WORD), &[text(WORD)]);
}

#[test]
fn a_surrogate_fails_in_one_frame_and_in_single_bytes() {
    let server = server();
    // 6.3
    let bad = [WORD, b"\xed\xa0\x80edited"].concat();
    refused(&server, &[text(&bad)], &[], 1007);
    refused(&server, &in_single_bytes(&bad), &[], 1007);
}

/// A code point above U+10FFFF: wrong with its second byte.
const BEYOND: &[u8] = b"\xf4\x90\x80\x80";

#[test]
fn a_wrong_fragment_fails_before_the_next_one_is_sent() {
    let server = server();
    // 6.4.1 cuts in front of the sequence, 6.4.2 in front of its wrong byte.
    let cuts = [
        (WORD.to_vec(), BEYOND),
        ([WORD, &BEYOND[..1]].concat(), &BEYOND[1..2]),
    ];
    for (good, bad) in cuts {
        let mut client = server.open("/echo-raw");
        // The pong says that the first fragment was read and taken.
        let frames = [text(&good).more(), Frame::ping(b"still there?")];
        send(&mut client, Pace::AtOnce, &frames);
        expect(&mut client, &[Frame::pong(b"still there?")]);
        client.send(Frame::continuation(bad).more());
        expect_failure(&mut client, 1007);
    }
}

#[test]
fn a_wrong_byte_fails_while_its_frame_is_not_complete() {
    let server = server();
    // 6.4.3, 6.4.4: the frame announces more than is ever sent.
    let bytes = masked(&text(&[WORD, BEYOND, b"edited"].concat()));
    for end in [2, 4] {
        let mut client = server.open("/echo-raw");
        client.write(&bytes[..bytes.len() - b"edited".len() - BEYOND.len() + end]);
        expect_failure(&mut client, 1007);
    }
}

#[test]
fn no_byte_before_the_wrong_one_fails() {
    for bad in sequences::invalid() {
        let framed = masked(&text(&bad));
        let header = framed.len() - bad.len();
        let wrong = header + first_wrong_byte(&bad).unwrap_or(bad.len());
        assert_eq!(
            verdict(&framed),
            Verdict::Failed(wrong, 1007),
            "{bad:02x?} in one frame"
        );
        // Seven bytes of header in front of every byte.
        let wrong = 7 * first_wrong_byte(&bad).unwrap_or(bad.len());
        let fragments = stream(&in_single_bytes(&bad));
        assert_eq!(
            verdict(&fragments),
            Verdict::Failed(wrong, 1007),
            "{bad:02x?} in single bytes"
        );
    }
}

#[test]
fn valid_sequences_come_back() {
    let server = server();
    // 6.5 to 6.23
    for good in sequences::valid() {
        let mut client = server.open("/echo-raw");
        for frames in [vec![text(&good)], in_single_bytes(&good)] {
            for pace in [Pace::AtOnce, Pace::ByOctet] {
                send(&mut client, pace, &frames);
                expect(&mut client, &[text(&good)]);
            }
        }
    }
}

#[test]
fn invalid_sequences_fail() {
    let server = server();
    // 6.6 to 6.21
    for bad in sequences::invalid() {
        let mut client = server.open("/echo-raw");
        client.send(text(&bad));
        expect_failure(&mut client, 1007);
    }
}

#[test]
fn the_same_sequences_are_welcome_as_binary() {
    let server = server();
    let mut client = server.open("/echo-raw");
    for bad in sequences::invalid() {
        let frame = Frame::binary(bad);
        client.send(frame.clone());
        expect(&mut client, &[frame]);
    }
    client.leave();
}
