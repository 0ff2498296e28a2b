//! The client's side: its request, the server's answer, the frames behind it.

use super::bytes::{Bytes, Cuts};
use crate::wire::deflate::Deflate;
use crate::wire::extension::{Extension, Offer};
use crate::wire::head::{HeadLimits, parse_request};
use crate::wire::receive::differential::compare_cuts;
use crate::wire::upgrade::{
    self, ResponseHead, UpgradeCall, check_response, new_key, parse_response, write_request,
};

/// The key of RFC 6455 §1.3; its answer is `s3pPLMBiTxaQ9kYGzzhZRbK+xOo=`.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const PROTOCOLS: &[&str] = &["chat", "v2.chat"];

/// A byte of limits, cuts, then what a server sends: its answer, and frames.
///
/// # Panics
/// When the answer hangs on the cuts, when more is agreed on than was offered, or when a
/// call made of these bytes is no request.
pub fn client(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let flags = bytes.byte();
    let cuts = bytes.cuts();
    let stream = bytes.rest();
    let mut limits = HeadLimits::default();
    if flags & 1 != 0 {
        limits.max_head = 200;
        limits.max_fields = 5;
    }
    let whole = parse_response(stream, &mut 0, &limits);
    let told = format!("{whole:?}");
    for cuts in [cuts.clone(), Cuts::single()] {
        assert_eq!(told, arriving(stream, &limits, &cuts), "cut at {cuts:?}");
    }
    if let Ok(Some((head, len))) = whole {
        assert!(len <= limits.max_head && head.fields.len() <= limits.max_fields);
        assert!((100..1000).contains(&head.status), "{head:?}");
        let deflate = Deflate::new().context_takeover(flags & 2 != 0);
        answered(&head, &deflate, flags, &stream[len..]);
    }
    call(stream);
}

fn arriving(stream: &[u8], limits: &HeadLimits, cuts: &Cuts) -> String {
    let mut scanned = 0;
    for end in cuts.ends(stream.len()) {
        match parse_response(&stream[..end], &mut scanned, limits) {
            Ok(None) => {}
            done => return format!("{done:?}"),
        }
    }
    format!("{:?}", parse_response(stream, &mut scanned, limits))
}

fn answered(head: &ResponseHead<'_>, deflate: &Deflate, flags: u8, frames: &[u8]) {
    let offers = deflate.offers();
    let Ok(accepted) = check_response(head, KEY, PROTOCOLS, &offers) else {
        return;
    };
    assert!(head.status == 101 && head.http11);
    let protocol = accepted.protocol.as_deref();
    assert!(protocol.is_none_or(|name| PROTOCOLS.contains(&name)));
    assert!(accepted.extensions.len() <= offers.len());
    let agreed = accepted.extensions.first();
    if agreed.is_some_and(|answer| deflate.confirm(answer).is_err()) {
        return;
    }
    let mut input = vec![(flags & 0x1C) | 1, flags >> 4];
    input.extend_from_slice(frames);
    compare_cuts(&input, false, || {
        agreed.and_then(|answer| deflate.confirm(answer).ok())
    });
}

/// Whatever a program asks for, the request is one request, and says that.
fn call(stream: &[u8]) {
    let text = String::from_utf8_lossy(stream);
    let mut parts = text.split('\n');
    let mut part = || parts.next().unwrap_or_default();
    let (host, target, protocol, name, value) = (part(), part(), part(), part(), part());
    let (extension, parameter) = (part(), part());
    // Values of these two that no server takes are the program's own affair.
    if ["origin", "expect"].contains(&&*name.to_ascii_lowercase()) {
        return;
    }
    let key = new_key(*b"0123456789abcdef");
    let extensions = [Offer {
        name: extension.to_owned(),
        params: vec![(parameter.to_owned(), None)],
    }];
    let fields = [(name, value)];
    let given = UpgradeCall {
        host,
        target,
        key: &key,
        protocols: &[protocol],
        extensions: &extensions,
        fields: &fields,
    };
    let mut out = Vec::new();
    if write_request(&mut out, &given).is_err() {
        assert!(out.is_empty(), "half a request");
        return;
    }
    let limits = HeadLimits {
        max_target: out.len(),
        max_head: out.len(),
        max_fields: 8,
    };
    let Ok(Some((head, len))) = parse_request(&out, &mut 0, &limits) else {
        panic!("no request: {:?}", String::from_utf8_lossy(&out));
    };
    assert_eq!((len, head.fields.len()), (out.len(), 8));
    assert_eq!(head.host, Some(host));
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    assert_eq!((head.path, head.query), (path, query));
    let asked = upgrade::check_upgrade(&head).expect("an upgrade");
    assert!(upgrade::wants_upgrade(&head));
    assert_eq!((asked.key, &asked.protocols[..]), (&*key, &[protocol][..]));
    assert_eq!(asked.extensions, extensions);
}
