//! Headers of both versions, right and wrong, whole and byte by byte.

use super::*;

fn address(text: &str) -> Proxied {
    Proxied::Address(text.parse().expect(text))
}

fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let len = (rest.len() as u16).to_be_bytes();
    [&SIGNATURE[..], &[command, family], &len, rest].concat()
}

const V4: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 1, 0x12, 0x34, 0, 80];

fn v6(first: [u8; 16]) -> Vec<u8> {
    [&first[..], &[0; 16], &[0x12, 0x34, 0, 80]].concat()
}

/// Reads bytes in every way in which they can arrive: whole, one by one, and as they are wanted.
#[track_caller]
fn read(bytes: &[u8]) -> Result<(usize, Option<Proxied>), BadHeader> {
    let whole = ProxyHeader::default().feed(bytes);
    let mut header = ProxyHeader::default();
    let mut at = 0;
    let mut single = Ok((0, None));
    while at < bytes.len() {
        let wants = header.wants();
        assert!(wants > 0, "it wants nothing and is not complete");
        single = header.feed(&bytes[at..=at]);
        at += 1;
        match &single {
            Ok((1, None)) => {}
            Ok((taken, told)) => {
                assert_eq!(
                    (*taken, wants),
                    (1, 1),
                    "the last byte is one that it wants"
                );
                single = Ok((at, *told));
                break;
            }
            Err(_) => break,
        }
    }
    if let Ok((_, None)) = single {
        single = Ok((at, None));
    }
    assert_eq!(whole, single, "{}", bytes.escape_ascii());
    let mut header = ProxyHeader::default();
    let mut at = 0;
    while let Ok((taken, Some(_))) = whole
        && at < taken
    {
        let wants = header.wants();
        assert!(at + wants <= taken, "it wants what follows the header");
        let fed = header.feed(&bytes[at..at + wants]);
        assert!(fed.is_ok(), "{fed:?}");
        at += wants;
    }
    whole
}

#[track_caller]
fn told(bytes: &[u8], wanted: Proxied) {
    let with_more = [bytes, b"GET / HTTP/1.1\r\n\r\n\xff"].concat();
    let read = read(&with_more);
    assert_eq!(
        read,
        Ok((bytes.len(), Some(wanted))),
        "{}",
        bytes.escape_ascii()
    );
}

#[track_caller]
fn refused(bytes: &[u8]) {
    assert!(read(bytes).is_err(), "{}", bytes.escape_ascii());
}

#[test]
fn version_1_tells_the_source() {
    for (line, wanted) in [
        ("TCP4 192.0.2.1 198.51.100.1 4660 80", "192.0.2.1:4660"),
        (
            "TCP4 255.255.255.255 255.255.255.255 65535 65535",
            "255.255.255.255:65535",
        ),
        ("TCP4 1.1.1.1 1.1.1.1 0 0", "1.1.1.1:0"),
        ("TCP6 2001:db8::1 ::1 4660 80", "[2001:db8::1]:4660"),
        ("TCP6 ::ffff:192.0.2.1 ::1 4660 80", "192.0.2.1:4660"),
        ("TCP6 :: :: 0 0", "[::]:0"),
        (
            "TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535",
            "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
        ),
    ] {
        told(format!("PROXY {line}\r\n").as_bytes(), address(wanted));
    }
    told(b"PROXY UNKNOWN\r\n", Proxied::Unknown);
    told(b"PROXY UNKNOWN ff whatever\r\n", Proxied::Unknown);
}

#[test]
fn version_1_has_one_form() {
    for line in [
        "TCP4 192.0.2.1 198.51.100.1 4660",
        "TCP4 192.0.2.1 198.51.100.1 4660 80 1",
        "TCP4 192.0.2.1 198.51.100.1  4660 80",
        "TCP4 192.0.2.01 198.51.100.1 4660 80",
        "TCP4 192.0.2.1 198.51.100.1 04660 80",
        "TCP4 192.0.2.1 198.51.100.1 +4660 80",
        "TCP4 192.0.2.1 198.51.100.1 65536 80",
        "TCP4 ::1 ::1 4660 80",
        "TCP6 192.0.2.1 ::1 4660 80",
        "TCP6 [::1] [::1] 4660 80",
        "TCP5 192.0.2.1 198.51.100.1 4660 80",
        "tcp4 192.0.2.1 198.51.100.1 4660 80",
        "",
        "TCP4",
        "UNKNOWNS",
        "TCP4 192.0.2.1 198.51.100.1 4660 80\r",
    ] {
        refused(format!("PROXY {line}\r\n").as_bytes());
    }
    refused(b"PROXY UNKNOWN\n");
    refused(b"PROXY \xff\r\n");
}

#[test]
fn a_line_of_107_bytes_is_taken_and_one_more_is_not() {
    let line = |len: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(len - 16)).into_bytes();
    told(&line(107), Proxied::Unknown);
    refused(&line(108));
    refused(&[b"PROXY ".as_slice(), &[b'x'; 200]].concat());
}

#[test]
fn version_2_tells_the_source_whatever_carries_it() {
    for family in [0x11, 0x12] {
        told(&v2(0x21, family, &V4), address("192.0.2.1:4660"));
    }
    let mut ip = [0; 16];
    (ip[0], ip[1], ip[15]) = (0x20, 1, 1);
    for family in [0x21, 0x22] {
        told(&v2(0x21, family, &v6(ip)), address("[2001::1]:4660"));
    }
    let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1];
    told(&v2(0x21, 0x21, &v6(mapped)), address("192.0.2.1:4660"));
    told(&v2(0x21, 0x31, &[0; 216]), Proxied::Unix);
    told(&v2(0x21, 0x00, b""), Proxied::Unknown);
    told(&v2(0x21, 0x00, b"anything"), Proxied::Unknown);
}

#[test]
fn a_local_connection_is_the_proxy_s_own_whatever_else_it_says() {
    told(&v2(0x20, 0x00, b""), Proxied::Unknown);
    told(&v2(0x20, 0x11, &V4), Proxied::Unknown);
    told(&v2(0x20, 0xff, b"x"), Proxied::Unknown);
}

#[test]
fn what_version_2_adds_is_passed_over_up_to_its_limit() {
    let more = |len: usize| [&V4[..], &vec![0xee; len - 12]].concat();
    for len in [13, 100, 300, MOST_V2] {
        told(&v2(0x21, 0x11, &more(len)), address("192.0.2.1:4660"));
    }
    refused(&v2(0x21, 0x11, &more(MOST_V2 + 1)));
    refused(&v2(0x20, 0x00, &[0; MOST_V2 + 1]));
}

#[test]
fn version_2_has_one_form() {
    for (command, family, rest) in [
        (0x11, 0x11, &V4[..]),
        (0x31, 0x11, &V4[..]),
        (0x22, 0x11, &V4[..]),
        (0x21, 0x41, &V4[..]),
        (0x21, 0x10, &V4[..]),
        (0x21, 0x13, &V4[..]),
        (0x21, 0x11, &V4[..11]),
        (0x21, 0x21, &V4[..]),
    ] {
        refused(&v2(command, family, rest));
    }
}

#[test]
fn what_is_no_header_is_refused_at_its_first_byte_that_shows_it() {
    for (bytes, shows) in [
        (&b"GET / HTTP/1.1\r\n"[..], 1),
        (b"PRI * HTTP/2.0\r\n", 3),
        (b"\x16\x03\x01\x02\x00", 1),
        (b"PROXYTCP4", 6),
        (b"\r\n\r\nGET", 5),
        (b"proxy TCP4", 1),
    ] {
        let before = ProxyHeader::default().feed(&bytes[..shows - 1]);
        assert_eq!(before, Ok((shows - 1, None)));
        refused(&bytes[..shows]);
    }
}

#[test]
fn a_header_that_is_not_complete_wants_more() {
    let whole = v2(0x21, 0x11, &[&V4[..], &[0; 40]].concat());
    for end in 0..whole.len() {
        let mut header = ProxyHeader::default();
        assert_eq!(header.feed(&whole[..end]), Ok((end, None)));
        assert!(header.wants() > 0 && header.wants() <= whole.len() - end);
    }
}

#[test]
fn it_is_small() {
    assert!(
        size_of::<ProxyHeader>() <= 168,
        "{}",
        size_of::<ProxyHeader>()
    );
}
