//! What two sides agree on: extensions, subprotocols, origins.

use super::bytes::Bytes;
use crate::wire::authority::Authority;
use crate::wire::deflate::Deflate;
use crate::wire::extension::{Extension, Offer};
use crate::wire::fields;
use crate::wire::head::{HeadLimits, parse_request};
use crate::wire::upgrade::{
    self, accept_key, check_response, origin_is_same, origin_matches, parse_offers, parse_response,
    write_switching_protocols,
};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A byte of settings for each side, then lines: Origin, Host, a pattern of origins,
/// subprotocols, and any number of lines with extensions.
///
/// # Panics
/// When a list means something else written anew, when more is agreed on than was offered, when
/// the other side would not take an answer, or when a foreign origin passes.
pub fn negotiation(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let (client, server) = (settings(bytes.byte()), settings(bytes.byte()));
    let mut lines = bytes.rest().split(|byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let [origin, host, pattern, protocols] = [line(), line(), line(), line()];
    let extensions: Vec<&[u8]> = lines.collect();
    sides_agree(&client, &server);
    if let Some(offers) = offers(&extensions) {
        for offer in &offers {
            answered(&server, offer);
            confirmed(&client, offer);
        }
    }
    upgraded(origin, host, protocols, &extensions);
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    origins(&text(origin), &text(host), &text(pattern));
}

/// Settings with the takeover they were made with: windows of 9 to 15 both ways.
struct Side {
    deflate: Deflate,
    takeover: bool,
    server_bits: u8,
    client_bits: u8,
}

fn settings(byte: u8) -> Side {
    let server_bits = 9 + (byte & 7) % 7;
    let client_bits = 9 + (byte >> 3 & 7) % 7;
    let takeover = byte & 0x40 != 0;
    let deflate = Deflate::new()
        .context_takeover(takeover)
        .server_max_window_bits(server_bits)
        .client_max_window_bits(client_bits);
    Side {
        deflate,
        takeover,
        server_bits,
        client_bits,
    }
}

/// Any two sides of ours come to terms.
fn sides_agree(client: &Side, server: &Side) {
    for offer in client.deflate.offers() {
        let agreement = server.deflate.accept(&offer).expect("an offer of ours");
        let confirmed = client.deflate.confirm(&agreement.response);
        assert!(confirmed.is_ok(), "{confirmed:?} to {offer}");
    }
}

/// The list, which says the same on one line, and written anew.
fn offers(lines: &[&[u8]]) -> Option<Vec<Offer>> {
    let offers = parse_offers(lines.iter().copied());
    let joined = lines.join(&b", "[..]);
    assert_eq!(offers, parse_offers([&joined[..]].into_iter()), "joined");
    let offers = offers?;
    let anew: Vec<String> = offers.iter().map(Offer::to_string).collect();
    let anew = anew.join(",");
    let again = parse_offers([anew.as_bytes()].into_iter());
    assert_eq!(again.as_ref(), Some(&offers), "{anew:?}");
    for offer in &offers {
        let values = offer.params.iter().filter_map(|(_, value)| value.as_ref());
        let names = offer.params.iter().map(|(name, _)| name);
        for token in values.chain(names).chain([&offer.name]) {
            assert!(fields::token(token.as_bytes()).is_some(), "{offer:?}");
        }
    }
    Some(offers)
}

/// An element, read by the letter of RFC 7692 §7.1; `None` is to be declined.
#[derive(Debug, Default)]
struct Element {
    server_no_takeover: bool,
    client_no_takeover: bool,
    server_bits: Option<u8>,
    client_bits: Option<Option<u8>>,
}

fn element(offer: &Offer) -> Option<Element> {
    let mut element = Element::default();
    for (at, (name, value)) in offer.params.iter().enumerate() {
        if offer.params[..at].iter().any(|(other, _)| other == name) {
            return None;
        }
        let bits = value
            .as_ref()
            .map(|value| (8..=15).find(|bits| bits.to_string() == *value));
        match (name.as_str(), bits) {
            ("server_no_context_takeover", None) => element.server_no_takeover = true,
            ("client_no_context_takeover", None) => element.client_no_takeover = true,
            ("server_max_window_bits", Some(Some(bits))) => element.server_bits = Some(bits),
            ("client_max_window_bits", None) => element.client_bits = Some(None),
            ("client_max_window_bits", Some(Some(bits))) => element.client_bits = Some(Some(bits)),
            _ => return None,
        }
    }
    (offer.name == "permessage-deflate").then_some(element)
}

/// The server's answer to one offer says nothing that was not in it, and the client takes it.
fn answered(server: &Side, offer: &Offer) {
    let asked = element(offer);
    let agreement = server.deflate.accept(offer);
    assert_eq!(agreement.is_some(), asked.is_some(), "{offer}");
    let (Some(agreement), Some(asked)) = (agreement, asked) else {
        return;
    };
    let response = agreement.response;
    let given = element(&response).expect("an answer in good form");
    assert!(given.server_no_takeover || !asked.server_no_takeover);
    assert!(given.client_no_takeover || server.takeover);
    let most = asked.server_bits.unwrap_or(15).min(server.server_bits);
    assert_eq!(given.server_bits.unwrap_or(15), most, "{response}");
    match (asked.client_bits, given.client_bits) {
        (None, None) => {}
        (Some(asked), Some(Some(given))) => {
            assert_eq!(given, asked.unwrap_or(15).min(server.client_bits));
        }
        _ => panic!("{response} to {offer}"),
    }
    let mut out = Vec::new();
    let protocol = Some("chat");
    write_switching_protocols(&mut out, &accept_key(KEY), protocol, Some(&response), &[]);
    let head = parse_response(&out, &mut 0, &HeadLimits::default());
    let (head, len) = head.expect("an answer").expect("a whole one");
    assert_eq!(len, out.len());
    let accepted = check_response(&head, KEY, &["chat"], std::slice::from_ref(offer));
    let accepted = accepted.expect("what was offered");
    assert_eq!(accepted.protocol.as_deref(), protocol);
    assert_eq!(accepted.extensions, [response]);
}

/// A client takes an answer only within what it offered.
fn confirmed(client: &Side, response: &Offer) {
    if client.deflate.confirm(response).is_err() {
        return;
    }
    let given = element(response).expect("an answer in good form");
    assert!(given.server_no_takeover || client.takeover, "{response}");
    assert!(given.server_bits.unwrap_or(15) <= client.server_bits);
    assert_ne!(given.client_bits, Some(None), "{response}");
    let bits = given.client_bits.flatten();
    assert!(bits.unwrap_or(9) <= client.client_bits, "{response}");
}

/// The same lines in a request.
fn upgraded(origin: &[u8], host: &[u8], protocols: &[u8], extensions: &[&[u8]]) {
    let mut request = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        .to_vec();
    let mut field = |name: &str, value: &[u8]| {
        request.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    };
    field("Host", host);
    field("Origin", origin);
    field("Sec-WebSocket-Protocol", protocols);
    for line in extensions {
        field("Sec-WebSocket-Extensions", line);
    }
    request.extend_from_slice(b"\r\n");
    let limits = HeadLimits {
        max_head: request.len(),
        max_fields: 8 + extensions.len(),
        ..HeadLimits::default()
    };
    let Ok(Some((head, _))) = parse_request(&request, &mut 0, &limits) else {
        return;
    };
    assert!(upgrade::wants_upgrade(&head), "{head:?}");
    if let Ok(asked) = upgrade::check_upgrade(&head) {
        assert_eq!(asked.key, KEY);
        assert_eq!(asked.origin.map(str::as_bytes), Some(fields::trim(origin)));
        let offers = parse_offers(extensions.iter().copied());
        assert_eq!(Some(asked.extensions), offers);
        for name in asked.protocols {
            let name = fields::token(name.as_bytes()).expect("a token");
            assert!(head.has_token("sec-websocket-protocol", name));
        }
    }
}

/// Nothing but the very same scheme, host and port passes.
fn origins(origin: &str, host: &str, pattern: &str) {
    let text = origin.to_ascii_lowercase();
    let known = text.split_once("://");
    for tls in [None, Some(false), Some(true)] {
        if !origin_is_same(origin, host, tls) {
            continue;
        }
        let (scheme, rest) = known.expect("a scheme and more");
        let port = match scheme {
            "http" => 80,
            "https" => 443,
            other => panic!("the scheme {other} passed"),
        };
        assert!(tls.is_none_or(|tls| tls == (port == 443)));
        assert_eq!(place(rest, port), place(&host.to_ascii_lowercase(), port));
        assert!(origin_matches(origin, &format!("{scheme}://{host}")));
    }
    if !origin_matches(origin, pattern) {
        return;
    }
    let (scheme, rest) = known.expect("a scheme and more");
    let pattern = pattern.to_ascii_lowercase();
    let (wanted, domain) = pattern.split_once("://").expect("the same");
    assert_eq!(scheme, wanted);
    let (host, _) = place(rest, 0);
    match domain.strip_prefix("*.") {
        Some(domain) => {
            let (domain, _) = place(domain, 0);
            assert!(host.len() > domain.len() + 1, "{origin} {pattern}");
            assert!(host.ends_with(&format!(".{domain}")), "{origin} {pattern}");
        }
        None => assert_eq!(host, place(domain, 0).0),
    }
}

/// Host and port of an authority that was taken.
fn place(authority: &str, default: u16) -> (&str, u16) {
    let known = Authority::parse(authority).expect("an authority");
    (known.host, known.port.unwrap_or(default))
}
