//! The rules of the protocol and of the limits, one by one.

use super::*;

#[test]
fn a_masked_text_is_delivered() {
    let heard = listen(RULES, &frame(0x81, "안녕".as_bytes()));
    assert_eq!(heard.seen, [text("안녕")]);
}

#[test]
fn a_short_text_behind_others_is_checked_as_if_it_were_alone() {
    let before = frame(0x82, &[0xE2; 100]);
    for len in 0..70 {
        let good = "é".repeat(len / 2) + &"x".repeat(len % 2);
        let stream = [&before[..], &frame(0x81, good.as_bytes())].concat();
        assert_eq!(listen(RULES, &stream).seen[1..], [text(&good)]);
        for (at, byte) in [(0, 0x82), (len / 2, 0xFF), (len.saturating_sub(1), 0xC3)] {
            let mut wrong = good.clone().into_bytes();
            if let Some(place) = wrong.get_mut(at) {
                *place = byte;
                let expected = std::str::from_utf8(&wrong).err().map(|_| 1007);
                let stream = [&before[..], &frame(0x81, &wrong)].concat();
                assert_eq!(code(RULES, &stream), expected, "{len} bytes, {at}");
            }
        }
    }
}

#[test]
fn several_frames_of_one_read_are_delivered_in_order() {
    let stream = [
        frame(0x81, b"one"),
        frame(0x82, b"two"),
        frame(0x81, b""),
        frame(0x82, &[7; 300]),
    ];
    let heard = listen(RULES, &stream.concat());
    let two = SeenEvent::Binary(b"two".to_vec());
    let big = SeenEvent::Binary(vec![7; 300]);
    assert_eq!(heard.seen, [text("one"), two, text(""), big]);
}

#[test]
fn an_unmasked_client_frame_is_refused_after_two_bytes() {
    fails_at_the_last_byte(RULES, &[0x81, 0x05], 1002);
}

#[test]
fn a_masked_server_frame_is_refused_by_a_client() {
    let rules = ReceiveRules {
        role: Role::Client,
        ..RULES
    };
    fails_at_the_last_byte(rules, &[0x81, 0x85], 1002);
    assert_eq!(listen(rules, b"\x81\x02hi").seen, [text("hi")]);
}

#[test]
fn reserved_bits_are_refused_after_one_byte() {
    for bits in [0x40, 0x20, 0x10, 0x70] {
        for first in [0x81, 0x02, 0x88, 0x89, 0x8A] {
            fails_at_the_last_byte(RULES, &[first | bits], 1002);
        }
    }
    let mut stream = frame(0x01, b"a");
    stream.push(0xC0);
    fails_at_the_last_byte(RULES, &stream, 1002);
}

#[test]
fn reserved_opcodes_are_refused_after_one_byte() {
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        fails_at_the_last_byte(RULES, &[0x80 | opcode], 1002);
    }
}

#[test]
fn fragmented_control_frames_are_refused_after_one_byte() {
    for first in [0x08, 0x09, 0x0A] {
        fails_at_the_last_byte(RULES, &[first], 1002);
    }
}

#[test]
fn control_frames_over_125_bytes_are_refused_before_their_payload() {
    for first in [0x88, 0x89, 0x8A] {
        fails_at_the_last_byte(RULES, &[first, 0xFE, 0, 126], 1002);
    }
    assert_eq!(code(RULES, &frame(0x89, &[0; 125])), None);
}

#[test]
fn a_stray_continuation_is_refused_after_one_byte() {
    fails_at_the_last_byte(RULES, &[0x80], 1002);
    fails_at_the_last_byte(RULES, &[0x00], 1002);
    let mut stream = [frame(0x01, b"a"), frame(0x80, b"b")].concat();
    stream.push(0x80);
    fails_at_the_last_byte(RULES, &stream, 1002);
}

#[test]
fn a_new_message_amid_fragments_is_refused_after_one_byte() {
    for first in [0x81, 0x82, 0x01, 0x02] {
        let mut stream = frame(0x01, b"a");
        stream.push(first);
        fails_at_the_last_byte(RULES, &stream, 1002);
    }
}

#[test]
fn a_length_with_its_top_bit_set_is_a_protocol_error() {
    let stream = [0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0];
    fails_at_the_last_byte(RULES, &stream, 1002);
}

#[test]
fn absurd_lengths_are_too_big_from_the_header_alone() {
    let mut longest = vec![0x82, 0xFF, 0x7F];
    longest.extend([0xFF; 7]);
    fails_at_the_last_byte(RULES, &longest, 1009);
    // 2^32 + 5 must not become 5 anywhere.
    fails_at_the_last_byte(RULES, &[0x82, 0xFF, 0, 0, 0, 1, 0, 0, 0, 5], 1009);
}

#[test]
fn lengths_written_longer_than_needed_are_accepted() {
    let mut stream = vec![0x82, 0xFE, 0, 2, 0, 0, 0, 0];
    stream.extend(b"hi");
    stream.extend([0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]);
    stream.extend(b"ho");
    let heard = listen(RULES, &stream);
    assert_eq!(heard.seen, [SeenEvent::Binary(b"hi".to_vec()), text("ho")]);
}

#[test]
fn a_frame_over_its_limit_is_refused_from_the_header_alone() {
    let rules = ReceiveRules {
        max_frame: 300,
        ..RULES
    };
    fails_at_the_last_byte(rules, &head(0x82, 301)[..4], 1009);
    assert_eq!(code(rules, &frame(0x82, &[0; 300])), None);
}

#[test]
fn a_message_over_its_limit_is_refused_from_the_header_alone() {
    let rules = ReceiveRules {
        max_message: 10,
        ..RULES
    };
    fails_at_the_last_byte(rules, &head(0x82, 11)[..2], 1009);
    assert_eq!(code(rules, &frame(0x82, &[0; 10])), None);
    let mut stream = [frame(0x02, &[0; 6]), frame(0x00, &[0; 4])].concat();
    assert_eq!(code(rules, &stream), None);
    stream.extend(&head(0x80, 1)[..2]);
    fails_at_the_last_byte(rules, &stream, 1009);
}

#[test]
fn a_whole_frame_over_a_limit_is_refused_too() {
    let by_frame = ReceiveRules {
        max_frame: 10,
        ..RULES
    };
    let by_message = ReceiveRules {
        max_message: 10,
        ..RULES
    };
    for rules in [by_frame, by_message] {
        let heard = listen(rules, &frame(0x82, &[0; 11]));
        assert_eq!(heard.seen, []);
        assert_eq!(heard.failure.map(|failure| failure.code.get()), Some(1009));
    }
}

#[test]
fn control_frames_do_not_count_for_the_message_limit() {
    let rules = ReceiveRules {
        max_message: 4,
        ..RULES
    };
    let stream = [
        frame(0x01, b"ab"),
        frame(0x8A, b"12345"),
        frame(0x80, b"cd"),
    ];
    let heard = listen(rules, &stream.concat());
    assert_eq!(
        heard.seen,
        [SeenEvent::Pong(b"12345".to_vec()), text("abcd")]
    );
}

#[test]
fn wrong_text_fails_at_its_first_wrong_byte() {
    // U+110000 in the middle of a frame of which more is to come (Autobahn 6.4).
    let whole = frame(0x81, b"\xce\xba\xf4\x90\x80\x80edited");
    fails_at_the_last_byte(RULES, &whole[..6 + 4], 1007);
    let mut stream = frame(0x01, b"\xf0\x9f");
    stream.extend(&frame(0x80, b"aaaa")[..7]);
    fails_at_the_last_byte(RULES, &stream, 1007);
}

#[test]
fn characters_may_be_cut_between_fragments() {
    let bytes = "a😀웹".as_bytes();
    for cut in 0..=bytes.len() {
        let (left, right) = bytes.split_at(cut);
        let stream = [frame(0x01, left), frame(0x00, b""), frame(0x80, right)];
        assert_eq!(listen(RULES, &stream.concat()).seen, [text("a😀웹")]);
    }
}

#[test]
fn an_unfinished_character_may_not_end_a_message() {
    fails_at_the_last_byte(RULES, &frame(0x81, b"abc\xf0\x9f"), 1007);
    let stream = [frame(0x01, b"abc\xf0"), frame(0x80, b"\x9f")].concat();
    fails_at_the_last_byte(RULES, &stream, 1007);
}

#[test]
fn the_check_of_one_text_leaves_nothing_for_the_next() {
    let stream = [
        frame(0x01, "é".as_bytes()),
        frame(0x89, b"\xff"),
        frame(0x80, b""),
        frame(0x02, b"\xff\xc3"),
        frame(0x80, b"\xff"),
        frame(0x01, b"a"),
        frame(0x80, b"b"),
    ];
    let heard = listen(RULES, &stream.concat());
    assert_eq!(heard.failure, None);
    assert_eq!(heard.seen.last(), Some(&text("ab")));
}

#[test]
fn floods_of_empty_fragments_are_refused() {
    let mut stream = frame(0x01, b"");
    for _ in 1..1024 {
        stream.extend(frame(0x00, b""));
    }
    stream.extend(&head(0x80, 0)[..2]);
    fails_at_the_last_byte(RULES, &stream, 1008);
}

#[test]
fn the_32_bytes_of_one_more_fragment_may_come_with_it() {
    let mut stream = frame(0x02, b"");
    for _ in 1..1024 {
        stream.extend(frame(0x00, b""));
    }
    fails_at_the_last_byte(RULES, &[&stream, &head(0x80, 31)[..2]].concat(), 1008);
    stream.extend(frame(0x80, &[1; 32]));
    assert_eq!(
        listen(RULES, &stream).seen,
        [SeenEvent::Binary(vec![1; 32])]
    );
}

#[test]
fn fragments_with_32_bytes_each_may_be_any_number() {
    let mut stream = frame(0x02, &[1; 32]);
    for _ in 0..3000 {
        stream.extend(frame(0x00, &[1; 32]));
    }
    stream.extend(frame(0x80, b""));
    let heard = listen(RULES, &stream);
    assert_eq!(heard.seen, [SeenEvent::Binary(vec![1; 32 * 3001])]);
}

#[test]
fn a_ping_comes_with_the_pong_to_answer() {
    let heard = listen(RULES, &[frame(0x89, b"42"), frame(0x89, b"")].concat());
    assert_eq!(
        heard.seen,
        [SeenEvent::Ping(b"42".to_vec()), SeenEvent::Ping(vec![])]
    );
    assert_eq!(heard.pongs, [b"42".to_vec(), vec![]]);
}

#[test]
fn a_ping_after_our_close_gets_no_pong_and_data_is_still_delivered() {
    let rules = ReceiveRules {
        closing: true,
        ..RULES
    };
    let stream = [frame(0x89, b"42"), frame(0x81, b"late"), frame(0x88, b"")];
    let heard = listen(rules, &stream.concat());
    let close = SeenEvent::Close(None);
    assert_eq!(
        heard.seen,
        [SeenEvent::Ping(b"42".to_vec()), text("late"), close]
    );
    assert!(heard.pongs.is_empty());
}

#[test]
fn a_close_gives_its_code_and_reason() {
    let close = |payload: &[u8]| listen(RULES, &frame(0x88, payload));
    assert_eq!(close(b"").seen, [SeenEvent::Close(None)]);
    for code in [1000_u16, 1003, 1007, 1013, 1014, 3000, 4999] {
        let mut payload = code.to_be_bytes().to_vec();
        payload.extend("잘 가".as_bytes());
        let expected = SeenEvent::Close(Some((code, "잘 가".to_owned())));
        assert_eq!(close(&payload).seen, [expected]);
    }
}

#[test]
fn a_close_with_a_bad_payload_is_refused() {
    let close = |payload: &[u8]| code(RULES, &frame(0x88, payload));
    assert_eq!(close(&[3]), Some(1002));
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] {
        assert_eq!(close(&code.to_be_bytes()), Some(1002), "{code}");
    }
    assert_eq!(close(b"\x03\xe8\xff"), Some(1007));
    assert_eq!(close(b"\x03\xe8\xe2\x82"), Some(1007));
}

#[test]
fn a_raw_connection_gets_every_frame_as_it_is() {
    let rules = ReceiveRules { raw: true, ..RULES };
    let stream = [
        frame(0x01, b"\xff"),
        frame(0x89, b"p"),
        frame(0x80, b"b"),
        frame(0x88, b"\x00"),
    ];
    let heard = listen(rules, &stream.concat());
    let expected = [
        SeenEvent::Frame(OpCode::Text, b"\xff".to_vec()),
        SeenEvent::Frame(OpCode::Ping, b"p".to_vec()),
        SeenEvent::Frame(OpCode::Continuation, b"b".to_vec()),
        SeenEvent::Frame(OpCode::Close, b"\x00".to_vec()),
    ];
    assert_eq!(heard.seen, expected);
    assert!(heard.pongs.is_empty());
}

#[test]
fn the_rules_of_the_header_hold_for_raw_connections() {
    let rules = ReceiveRules {
        raw: true,
        max_message: 3,
        ..RULES
    };
    fails_at_the_last_byte(rules, &[0x80], 1002);
    fails_at_the_last_byte(rules, &[0xC1], 1002);
    fails_at_the_last_byte(rules, &[0x81, 0x01], 1002);
    let mut stream = frame(0x01, b"ab");
    stream.extend(&head(0x80, 2)[..2]);
    fails_at_the_last_byte(rules, &stream, 1009);
    let mut stream = frame(0x01, b"a");
    stream.push(0x81);
    fails_at_the_last_byte(rules, &stream, 1002);
}
