//! Plain HTTP in a test: requests are written and answers read, whole and strictly.

use crate::puppet::{failure, secs};
use dunlin::testing::Sim;
use dunlin::{App, Method, Response, Status};

fn stage() -> Sim {
    let app = App::new()
        .get("/hello/{name}", |request, _| {
            let name = request.param("name").unwrap_or_default();
            Response::text(format!("hello {name}")).field("X-Seen", "yes")
        })
        .get("/nothing", |_, _| Response::no_content())
        .get("/bytes", |_, _| {
            Response::ok("application/octet-stream", vec![0xFF, 0xFE])
        })
        .post("/echo", |request, _| {
            let kind = request.header("content-type").unwrap_or("none").to_owned();
            Response::ok(kind, request.body().to_vec())
        })
        .http(Method::Delete, "/method", |_, _| Response::text("deleted"));
    Sim::new(app).expect("the program is right")
}

#[test]
fn an_answer_is_typed() {
    let sim = stage();
    let answer = sim.get("/hello/ann");
    assert_eq!(answer.status(), Status::OK);
    assert_eq!(answer.text(), "hello ann");
    assert_eq!(answer.field("x-seen"), Some("yes"));
    assert_eq!(answer.field("Connection"), Some("close"));
    assert_eq!(answer.field("x-other"), None);
    assert!(answer.fields().any(|field| field == ("X-Seen", "yes")));
    assert_eq!(sim.get("/nowhere").status(), Status::NOT_FOUND);
    let nothing = sim.get("/nothing");
    assert_eq!(
        (nothing.status(), nothing.body()),
        (Status::NO_CONTENT, &[][..])
    );
    assert!(sim.is_empty(), "no connection is left");
}

#[test]
fn a_body_and_fields_are_sent_as_they_were_given() {
    let sim = stage();
    let answer = sim
        .request(Method::Post, "/echo")
        .header("Content-Type", "text/csv")
        .body("a,b")
        .send();
    assert_eq!(
        (answer.field("content-type"), answer.text()),
        (Some("text/csv"), "a,b")
    );
    let empty = sim.request(Method::Post, "/echo").send();
    assert_eq!((empty.status(), empty.body()), (Status::OK, &[][..]));
    let chunked = sim
        .request(Method::Post, "/echo")
        .header("Transfer-Encoding", "chunked");
    let answer = chunked.body("3\r\nabc\r\n0\r\n\r\n").send();
    assert_eq!(answer.text(), "abc");
    let answer = sim.request(Method::Delete, "/method").send();
    assert_eq!(answer.text(), "deleted");
}

#[test]
fn a_head_has_the_length_and_no_body() {
    let sim = stage();
    let client = sim.http();
    let answer = client.request(Method::Head, "/hello/ann").send();
    assert_eq!(
        (answer.field("content-length"), answer.body()),
        (Some("9"), &[][..])
    );
    assert_eq!(client.get("/hello/bob").text(), "hello bob");
}

#[test]
fn requests_on_one_connection_are_answered_in_order() {
    let sim = stage();
    let client = sim.http();
    assert_eq!(client.get("/hello/ann").text(), "hello ann");
    assert_eq!(
        client.get("/hello/bob").field("connection"),
        Some("keep-alive")
    );
    let both =
        ["/hello/1", "/nothing", "/hello/2"].map(|path| client.request(Method::Get, path).start());
    assert!(!both[0].is_complete());
    sim.drive();
    assert!(both[0].is_complete());
    let texts = both.map(|pending| pending.receive().text().to_owned());
    assert_eq!(texts, ["hello 1", "", "hello 2"]);
    assert_eq!(sim.stats().accepted, 1);
    sim.advance(secs(60));
    assert!(client.is_over(), "the server ends it after a while");
}

#[test]
fn an_expected_continue_is_passed_over() {
    let sim = stage();
    let request = sim
        .request(Method::Post, "/echo")
        .header("Expect", "100-continue");
    assert_eq!(request.body("abc").send().text(), "abc");
}

#[cfg(feature = "json")]
#[test]
fn json_goes_both_ways() {
    let sim = stage();
    let answer = sim.request(Method::Post, "/echo").json(&[1, 2, 3]).send();
    assert_eq!(answer.field("content-type"), Some("application/json"));
    assert_eq!(answer.json::<Vec<u32>>(), [1, 2, 3]);
    let (message, at) = failure(|| drop(answer.json::<String>()));
    assert!(at.starts_with("tests/sim/http.rs:"), "{at}");
    assert!(message.contains("[1,2,3]"), "{message}");
}

#[test]
fn what_is_no_answer_fails_at_the_line_of_the_test() {
    let sim = stage();
    let cases: [(&str, &dyn Fn()); 3] = [
        (
            "no whole answer to GET /hello/ann arrived, only \"\"",
            &|| {
                let client = sim.http();
                client.trickle(1);
                client.stall();
                client.get("/hello/ann");
            },
        ),
        ("the body is no text", &|| {
            assert_eq!(sim.get("/bytes").text(), "never")
        }),
        ("the answer to GET /upgrade is no valid HTTP", &|| {
            let app = App::new().on_message("/upgrade", |_, _| {});
            let sim = Sim::new(app).expect("the program is right");
            let client = sim.http();
            client.manual();
            let upgrade = client
                .request(Method::Get, "/upgrade")
                .header("Upgrade", "websocket");
            let upgrade = upgrade
                .header("Connection", "Upgrade")
                .header("Sec-WebSocket-Version", "13");
            let upgrade = upgrade.header("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==");
            assert_eq!(upgrade.send().status(), Status::SWITCHING_PROTOCOLS);
            client.send_raw(b"\x88\x80\0\0\0\0");
            client.request(Method::Get, "/upgrade").send();
        }),
    ];
    for (part, case) in cases {
        let (message, at) = failure(case);
        assert!(message.contains(part), "{message}");
        assert!(at.starts_with("tests/sim/http.rs:"), "{at}");
    }
}
