//! Responses and refusals, byte for byte.

use super::*;

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const CLOSE: Delivery = Delivery {
    keep_alive: false,
    head_only: false,
};

fn written(
    status: Status,
    fields: &[(&'static str, &str)],
    body: &str,
    delivery: Delivery,
) -> String {
    let fields = fields
        .iter()
        .map(|(name, value)| (Cow::Borrowed(*name), (*value).to_owned()));
    let parts = ResponseParts {
        status,
        content_type: "text/css",
        fields: &fields.collect::<Vec<_>>(),
        body: body.as_bytes(),
    };
    let mut out = Vec::new();
    write_response(&mut out, &parts, DATE, delivery);
    String::from_utf8(out).unwrap()
}

fn refused(refusal: Refusal) -> String {
    let mut out = Vec::new();
    write_refusal(&mut out, &refusal, DATE, false);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_response_says_date_type_length_and_connection() {
    let extra = [("ETag", "\"1\"")];
    assert_eq!(
        written(Status::OK, &extra, "body", CLOSE),
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/css\r\n\
         Content-Length: 4\r\nConnection: close\r\nETag: \"1\"\r\n\r\nbody"
    );
}

#[test]
fn a_head_response_keeps_the_length_and_drops_the_body() {
    let delivery = Delivery {
        keep_alive: true,
        head_only: true,
    };
    assert_eq!(
        written(Status::OK, &[], "body", delivery),
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/css\r\n\
         Content-Length: 4\r\nConnection: keep-alive\r\n\r\n"
    );
}

#[test]
fn no_content_and_not_modified_have_neither_body_nor_length() {
    for status in [Status::NO_CONTENT, Status::NOT_MODIFIED] {
        let text = written(status, &[], "body", CLOSE);
        assert!(!text.contains("Content-"), "{text}");
        assert!(text.ends_with("Connection: close\r\n\r\n"), "{text}");
    }
}

#[test]
fn reset_content_has_an_empty_body() {
    let text = written(Status::RESET_CONTENT, &[], "body", CLOSE);
    assert!(text.contains("Content-Length: 0\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\n"), "{text}");
}

#[test]
fn no_value_can_end_its_line() {
    let extra = [("X", "a\r\nSet-Cookie: b\0\tc")];
    let text = written(Status::OK, &extra, "", CLOSE);
    assert!(
        text.ends_with("\r\nX: a  Set-Cookie: b \tc\r\n\r\n"),
        "{text}"
    );
}

#[test]
fn a_refusal_is_fixed_text_that_closes_the_connection() {
    assert_eq!(
        refused(Status::NOT_FOUND.into()),
        "HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Length: 14\r\n\
         Connection: close\r\n\r\n404 Not Found\n"
    );
}

#[test]
fn refusals_carry_the_fields_of_their_status() {
    for (refusal, fields) in [
        (Refusal::UPGRADE_REQUIRED, "Upgrade: websocket\r\n"),
        (
            Refusal::WRONG_VERSION,
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
        ),
        (Refusal::GET_ONLY, "Allow: GET\r\n"),
        (Status::TOO_MANY_REQUESTS.into(), "Retry-After: 1\r\n"),
        (Status::SERVICE_UNAVAILABLE.into(), "Retry-After: 5\r\n"),
        (Status::BAD_REQUEST.into(), ""),
    ] {
        let text = refused(refusal);
        assert!(
            text.contains(&format!("Connection: close\r\n{fields}\r\n")),
            "{text}"
        );
    }
}

#[test]
fn a_refused_head_request_gets_no_text() {
    let mut out = Vec::new();
    write_refusal(&mut out, &Status::NOT_FOUND.into(), DATE, true);
    assert!(out.ends_with(b"Connection: close\r\n\r\n"));
}
