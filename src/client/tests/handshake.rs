//! The handshake without a stream: any pieces, and extensions that object.

use super::*;
use crate::wire::extension::{Agreement, Extension, Offer, Transform};

/// An extension that is offered and never does anything.
#[derive(Debug)]
struct Named(&'static str);

impl Extension for Named {
    fn name(&self) -> &str {
        self.0
    }
    fn reserved(&self) -> Reserved {
        Reserved::NONE
    }
    fn accept(&self, _: &Offer) -> Option<Agreement> {
        None
    }
    fn offers(&self) -> Vec<Offer> {
        vec![Offer {
            name: self.0.to_owned(),
            params: Vec::new(),
        }]
    }
    fn confirm(&self, response: &Offer) -> std::result::Result<Box<dyn Transform>, String> {
        Err(format!("{response} is not wanted"))
    }
}

fn begun() -> (Handshake, String) {
    let url = Url::parse(URL).unwrap();
    let options = Options::new().extension(Named("x")).extension(Named("y"));
    let mut request = Vec::new();
    let handshake = Handshake::new(&url, &options, [7; 16], &mut request).unwrap();
    let request = String::from_utf8(request).unwrap();
    assert!(request.contains("Sec-WebSocket-Extensions: x, y\r\n"));
    let (_, key) = request.split_once("Sec-WebSocket-Key: ").unwrap();
    let accept = accept_key(&key[..24]);
    let accept = std::str::from_utf8(&accept).unwrap();
    let answer = format!(
        "HTTP/1.1 101 A\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n"
    );
    (handshake, answer)
}

#[test]
fn interim_answers_are_passed_over_and_what_follows_is_kept() {
    let (mut handshake, answer) = begun();
    let bytes = format!("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n{answer}\r\nrest");
    let (last, bytes) = bytes.as_bytes().split_last().unwrap();
    // The head may come in any pieces; what is behind it only with its last one.
    let (head, rest) = bytes.split_at(bytes.len() - 4);
    for byte in head {
        assert!(handshake.receive(&[*byte]).unwrap().is_none());
    }
    let established = handshake.receive(&[rest, &[*last]].concat());
    assert_eq!(established.unwrap().unwrap().rest, b"rest");
}

#[test]
fn an_extension_may_refuse_the_servers_parameters() {
    let (mut handshake, answer) = begun();
    let bytes = format!("{answer}Sec-WebSocket-Extensions: x; a=1\r\n\r\n");
    let result = handshake.receive(bytes.as_bytes());
    refused(result, ErrorKind::Protocol, "x: x; a=1 is not wanted");
}

#[test]
fn two_extensions_at_once_are_told_apart_from_one() {
    let (mut handshake, answer) = begun();
    let bytes = format!("{answer}Sec-WebSocket-Extensions: y, x\r\n\r\n");
    let result = handshake.receive(bytes.as_bytes());
    refused(result, ErrorKind::Protocol, "y, x together");
}
