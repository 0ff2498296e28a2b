//! What handlers read of a request: tokens, values as JSON, forms, and the errors that say no.

use super::MAX_BODY;
use crate::running::{Running, start_server};
use dunlin::{App, BodyError, Limits, Request, Response, Server};

fn form(request: &Request<'_>) -> Result<Response, BodyError> {
    let form = request.form()?;
    let lines = form.iter().map(|(name, value)| format!("{name}={value};"));
    Ok(Response::text(lines.collect::<String>()))
}

#[cfg(feature = "json")]
fn sum(request: &Request<'_>) -> Result<Response, BodyError> {
    let numbers: Vec<i32> = request.json()?;
    Ok(Response::json(&numbers.iter().sum::<i32>()))
}

fn server() -> Running {
    start_server(|| {
        let app = App::new()
            .get("/token", |request, _| {
                Response::text(request.bearer_token().unwrap_or("none").to_owned())
            })
            .get("/queries", |request, _| {
                Response::text(request.queries("a").collect::<Vec<_>>().join(";"))
            })
            .post("/form", |request, _| form(request));
        #[cfg(feature = "json")]
        let app = app.post("/sum", |request, _| sum(request));
        Server::new(app).limits(Limits::default().max_body(MAX_BODY))
    })
}

/// Sends a body under these types; the status, the text and what `Accept` says.
fn post(
    server: &Running,
    path: &str,
    types: &[&str],
    body: &[u8],
) -> (u16, String, Option<String>) {
    let types: String = types
        .iter()
        .map(|kind| format!("Content-Type: {kind}\r\n"))
        .collect();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\n{types}Content-Length: {length}\r\n\r\n"
    );
    let mut client = server.connect();
    client.write([head.as_bytes(), body].concat());
    let head = client.read_head();
    let body = client.read_body(&head);
    let accept = head.field("accept").map(str::to_owned);
    (head.status, String::from_utf8(body).expect("UTF-8"), accept)
}

#[test]
fn a_bearer_token_is_read_in_any_case_of_its_scheme_and_in_no_other_form() {
    let server = server();
    for (fields, wanted) in [
        (
            &["Authorization: Bearer mF_9.B5f-4.1JqM"][..],
            "mF_9.B5f-4.1JqM",
        ),
        (&["AUTHORIZATION: bEARER a~+/=="], "a~+/=="),
        (&["Authorization: Bearer   a"], "a"),
        (&[], "none"),
        (&["Authorization: Bearer"], "none"),
        (&["Authorization: Bearer "], "none"),
        (&["Authorization: Bearer\ta"], "none"),
        (&["Authorization: Bearera"], "none"),
        (&["Authorization: Basic YTpi"], "none"),
        (&["Authorization: Bearer a b"], "none"),
        (&["Authorization: Bearer a, Bearer b"], "none"),
        (&["Authorization: Bearer a=b"], "none"),
        (&["Authorization: Bearer ä"], "none"),
        (
            &["Authorization: Bearer a", "Authorization: Bearer a"],
            "none",
        ),
        (
            &["Authorization: Bearer a", "authorization: Basic YTpi"],
            "none",
        ),
    ] {
        let (head, body) = server.connect().request("GET", "/token", fields);
        assert_eq!(
            (head.status, &*body),
            (200, wanted.as_bytes()),
            "{fields:?}"
        );
    }
}

#[test]
fn every_value_of_a_name_in_the_query_is_there_in_order() {
    let server = server();
    let (_, body) = server
        .connect()
        .request("GET", "/queries?a=1&b=2&a=x+y&&%61", &[]);
    assert_eq!(body, b"1;x y;");
}

#[test]
fn a_form_is_read_under_its_own_type_only() {
    const FORM: &str = "application/x-www-form-urlencoded";
    let server = server();
    let body = "a=1&b=x+y%21&a=님".as_bytes();
    for kind in [FORM, "Application/X-WWW-Form-URLencoded ; charset=utf-8"] {
        let wanted = (200, "a=1;b=x y!;a=님;".to_owned(), None);
        assert_eq!(post(&server, "/form", &[kind], body), wanted, "{kind}");
    }
    for types in [
        &[][..],
        &[""],
        &["text/plain"],
        &["multipart/form-data"],
        &["application/x-www-form-urlencodedx"],
        &[FORM, FORM],
    ] {
        let (status, text, accept) = post(&server, "/form", types, body);
        assert_eq!(status, 415, "{types:?}");
        assert_eq!(text, format!("the body must be {FORM}\n"));
        assert_eq!(accept.as_deref(), Some(FORM));
    }
    let (status, text, _) = post(&server, "/form", &[FORM], b"a=\xff");
    assert_eq!((status, &*text), (400, "the form is not UTF-8\n"));
    assert_eq!(post(&server, "/form", &[FORM], b"").0, 200);
}

#[cfg(feature = "json")]
#[test]
fn a_value_is_read_from_json_under_a_type_of_json_only() {
    let server = server();
    for kind in [
        "application/json",
        "APPLICATION/JSON;charset=utf-8",
        "application/vnd.a.b+json",
    ] {
        let (status, text, _) = post(&server, "/sum", &[kind], b" [1,2]\n");
        assert_eq!((status, &*text), (200, "3"), "{kind}");
    }
    for types in [
        &[][..],
        &["text/json"],
        &["application/jsonx"],
        &["application/json, text/plain"],
        &["+json"],
        &["application/+json"],
        &["text/plain; a=application/json"],
        &["application/json", "application/json"],
    ] {
        let (status, text, accept) = post(&server, "/sum", types, b"[1]");
        assert_eq!(status, 415, "{types:?}");
        assert_eq!(text, "the body must be application/json\n");
        assert_eq!(accept.as_deref(), Some("application/json"));
    }
}

#[cfg(feature = "json")]
#[test]
fn json_that_is_wrong_is_answered_with_its_place_and_never_with_itself() {
    let server = server();
    let deep = "[".repeat(500);
    for (body, place) in [
        ("", "line 1, column 0"),
        ("[1,\n  x]", "line 2, column 3"),
        ("[\"secret\"]", "line 1, column 9"),
        ("{\"secret\":1}", "line 1, column 0"),
        ("[1] secret", "line 1, column 5"),
        (&deep, "line 1, column 1"),
    ] {
        let (status, text, accept) = post(&server, "/sum", &["application/json"], body.as_bytes());
        let wanted = format!("the body is not the JSON that is wanted, at {place}\n");
        assert_eq!((status, text, accept), (400, wanted, None), "{body:?}");
    }
    let (status, ..) = post(&server, "/sum", &["application/json"], b"[\"\xff\"]");
    assert_eq!(status, 400);
}

#[cfg(feature = "json")]
#[test]
fn a_body_of_the_greatest_size_is_read_and_a_longer_one_is_not() {
    let server = server();
    for (length, wanted) in [(MAX_BODY, 200), (MAX_BODY + 1, 413)] {
        let mut body = b"[1]".to_vec();
        body.resize(length, b' ');
        assert_eq!(
            post(&server, "/sum", &["application/json"], &body).0,
            wanted
        );
    }
}
