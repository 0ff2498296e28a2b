//! What programs answer: names and values of their own, and what never reaches the wire.

use crate::running::start;
use dunlin::{App, Response, Status};

#[test]
fn names_types_and_numbers_made_at_run_time_reach_the_client() {
    let server = start(|| {
        App::new().get("/made/{name}", |request, _| {
            let name = request.param("name").unwrap_or_default();
            Response::text(format!("for {name}"))
                .with_status(Status::new(299).expect("a status"))
                .content_type(format!("text/{name}"))
                .field(format!("X-{name}"), "1")
                .field("Set-Cookie", "a=1")
                .field("Set-Cookie", "b=2")
        })
    });
    let (head, body) = server.connect().request("GET", "/made/css", &[]);
    assert_eq!((head.status, &*body), (299, &b"for css"[..]));
    assert_eq!(head.field("content-type"), Some("text/css"));
    assert_eq!(head.field("x-css"), Some("1"));
    let cookies = head.fields.iter().filter(|(name, _)| name == "set-cookie");
    let cookies: Vec<_> = cookies.map(|(_, value)| &**value).collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
}

#[test]
fn what_would_end_a_line_is_answered_500_and_the_connection_goes_on() {
    let server = start(|| {
        App::new()
            .get("/value/{text}", |request, _| {
                let text = request.param("text").unwrap_or_default();
                Response::text("secret").field("X-Text", text)
            })
            .get("/name/{text}", |request, _| {
                let text = request.param("text").unwrap_or_default().to_owned();
                Response::text("secret").field(text, "1")
            })
            .get("/type/{text}", |request, _| {
                let text = request.param("text").unwrap_or_default().to_owned();
                Response::ok(text, b"secret")
            })
            .get("/switch", |_, _| Response::new(Status::SWITCHING_PROTOCOLS))
    });
    let mut client = server.connect();
    for path in [
        "/value/a%0D%0ASet-Cookie:%20b",
        "/value/%00",
        "/name/a%0D%0Ab",
        "/name/a%20b",
        "/name/%C3%A4",
        "/type/a%0D%0A%0D%0A%3Cscript%3E",
        "/switch",
    ] {
        let (head, body) = client.request("GET", path, &[]);
        let wanted = (500, &b"500 Internal Server Error\n"[..]);
        assert_eq!((head.status, &*body), wanted, "{path}");
        assert_eq!(head.fields.len(), 4, "{path}: {head:?}");
    }
    assert_eq!(client.request("GET", "/value/fine", &[]).0.status, 200);
}

#[test]
fn a_program_cannot_override_what_frames_its_answer() {
    let server = start(|| {
        App::new().get("/", |_, _| {
            Response::text("body")
                .field("Content-Length", "999")
                .field("transfer-encoding", "chunked")
                .field("Connection", "close")
                .field("Date", "never")
        })
    });
    let mut client = server.connect();
    for _ in 0..2 {
        let (head, body) = client.request("GET", "/", &[]);
        assert_eq!(&*body, b"body");
        assert_eq!(head.field("connection"), Some("keep-alive"));
        assert_eq!(head.field("transfer-encoding"), None);
        assert_ne!(head.field("date"), Some("never"));
    }
}

#[test]
fn a_long_answer_is_whole_between_short_ones() {
    const LONG: usize = 5 << 20;
    let server = start(|| {
        App::new()
            .get("/short", |_, _| Response::text("short"))
            .get("/long", |_, _| Response::ok("a/b", vec![b'x'; LONG]))
    });
    let mut client = server.connect();
    let ask = |path| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.write([ask("/short"), ask("/long"), ask("/long"), ask("/short")].concat());
    for length in [5, LONG, LONG, 5] {
        let head = client.read_head();
        assert_eq!(client.read_body(&head).len(), length);
    }
}

#[cfg(feature = "json")]
#[test]
fn a_value_goes_out_as_json() {
    let server = start(|| App::new().get("/", |_, _| Response::json(&["a", "b"])));
    let (head, body) = server.connect().request("GET", "/", &[]);
    assert_eq!(head.field("content-type"), Some("application/json"));
    assert_eq!(body, br#"["a","b"]"#);
}
