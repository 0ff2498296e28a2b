//! Request heads.

use super::bytes::{Bytes, Cuts};
use crate::wire::head::{HeadLimits, Method, RequestHead, parse_request};
use crate::wire::refusal::Refusal;
use crate::wire::response::{http_date, write_refusal};
use crate::wire::upgrade;

type Parsed<'b> = Result<Option<(RequestHead<'b>, usize)>, Refusal>;

/// A byte of limits, cuts, then the bytes of a connection.
///
/// # Panics
/// When the answer hangs on the cuts or on what follows the head, when an accepted head is not
/// the same after it was written anew, when httparse would not take it, or when a refusal is no answer.
pub fn head(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let limits = limits(bytes.byte());
    let cuts = bytes.cuts();
    let stream = bytes.rest();
    let whole = parse_request(stream, &mut 0, &limits);
    let told = format!("{whole:?}");
    for cuts in [cuts, Cuts::single()] {
        assert_eq!(told, arriving(stream, &limits, &cuts), "cut at {cuts:?}");
    }
    match whole {
        Ok(Some((head, len))) => accepted(stream, &limits, &head, len),
        Ok(None) => assert!(stream.len() <= limits.max_head, "a head without an end"),
        Err(refusal) => is_an_answer(&refusal),
    }
}

fn limits(byte: u8) -> HeadLimits {
    let usual = HeadLimits::default();
    match byte & 3 {
        0 => usual,
        1 => HeadLimits {
            max_target: 16,
            ..usual
        },
        2 => HeadLimits {
            max_fields: 3,
            ..usual
        },
        _ => HeadLimits {
            max_head: usize::from(byte),
            max_target: usize::from(byte / 2),
            ..usual
        },
    }
}

/// What is told of a head that arrives in pieces.
fn arriving(stream: &[u8], limits: &HeadLimits, cuts: &Cuts) -> String {
    let mut scanned = 0;
    let empty = parse_request(&[], &mut scanned, limits);
    assert!(matches!(empty, Ok(None)), "nothing is refused");
    for end in cuts.ends(stream.len()) {
        match parse_request(&stream[..end], &mut scanned, limits) {
            Ok(None) => assert!(scanned <= end, "searched what is not there"),
            done => return format!("{done:?}"),
        }
    }
    format!("{:?}", Parsed::Ok(None))
}

fn accepted(stream: &[u8], limits: &HeadLimits, head: &RequestHead<'_>, len: usize) {
    let bytes = &stream[..len];
    assert!(len <= limits.max_head && bytes.ends_with(b"\r\n\r\n"));
    assert!(head.fields.len() <= limits.max_fields);
    assert!(head.path.starts_with('/') || head.path == "*", "{head:?}");
    assert!(!head.http11 || head.host.is_some(), "{head:?}");
    for (name, value) in &head.fields {
        let bad = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
        assert!(!name.is_empty() && !value.iter().any(bad), "{head:?}");
    }
    let alone = parse_request(bytes, &mut 0, limits);
    let told = format!("{:?}", Parsed::Ok(Some((head.clone(), len))));
    assert_eq!(told, format!("{alone:?}"), "what follows had a say");
    assert!(matches!(
        parse_request(&bytes[..len - 1], &mut 0, limits),
        Ok(None)
    ));
    agrees_with_httparse(bytes, head);
    written_anew(head);
    let wants = upgrade::wants_upgrade(head);
    if let Ok(request) = upgrade::check_upgrade(head)
        && wants
    {
        assert!(head.method == Method::Get && head.http11 && request.key.len() == 24);
    }
}

/// A parser that takes more than ours must take this, and understand the same.
fn agrees_with_httparse(bytes: &[u8], head: &RequestHead<'_>) {
    let mut fields = vec![httparse::EMPTY_HEADER; head.fields.len() + 1];
    let mut request = httparse::Request::new(&mut fields);
    let parsed = request.parse(bytes);
    if parsed == Err(httparse::Error::Version) {
        // A minor version above 1 is served as 1.1 here (RFC 9110 §2.5), and unknown there.
        assert!(head.http11);
        return;
    }
    assert_eq!(parsed, Ok(httparse::Status::Complete(bytes.len())));
    assert_eq!(request.version, Some(u8::from(head.http11)));
    let theirs = request
        .headers
        .iter()
        .map(|field| (field.name, field.value));
    assert!(theirs.eq(head.fields.iter().copied()), "{head:?}");
    if head.method != Method::Other {
        assert_eq!(request.method, Some(head.method.name()));
    }
}

/// Written in the plainest way, a head means what it meant.
fn written_anew(head: &RequestHead<'_>) {
    let method = match head.method {
        Method::Other => "BREW",
        method => method.name(),
    };
    let mut text = format!("{method} {}", head.path).into_bytes();
    if let Some(query) = head.query {
        text.extend([b"?", query.as_bytes()].concat());
    }
    text.extend_from_slice(if head.http11 {
        b" HTTP/1.1\r\n"
    } else {
        b" HTTP/1.0\r\n"
    });
    for (name, value) in &head.fields {
        text.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    text.extend_from_slice(b"\r\n");
    let limits = HeadLimits {
        max_head: text.len(),
        max_target: text.len(),
        max_fields: head.fields.len(),
    };
    let again = parse_request(&text, &mut 0, &limits);
    let Ok(Some((again, len))) = again else {
        panic!("{again:?} for {:?}", String::from_utf8_lossy(&text));
    };
    assert_eq!(len, text.len());
    // The authority of an absolute target stands above Host, and is gone now.
    let again = RequestHead {
        host: head.host,
        ..again
    };
    assert_eq!(format!("{again:?}"), format!("{head:?}"));
}

/// A refusal is an answer that our own client understands.
fn is_an_answer(refusal: &Refusal) {
    let mut out = Vec::new();
    write_refusal(&mut out, refusal, &http_date(0), false);
    let parsed = upgrade::parse_response(&out, &mut 0, &HeadLimits::default());
    let Ok(Some((answer, len))) = parsed else {
        panic!("{parsed:?} for {refusal:?}");
    };
    assert_eq!(answer.status, refusal.status.code());
    let body = (out.len() - len).to_string();
    assert!(answer.fields.contains(&("Content-Length", body.as_bytes())));
}
