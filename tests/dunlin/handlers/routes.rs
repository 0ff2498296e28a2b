//! Routes: closures, plain HTTP beside WebSockets, static content.

use crate::running::{Running, start};
use crate::wire_client::WireClient;
use dunlin::Status;
use dunlin::{App, ErrorKind, Method, Response, Server, Settings};

#[test]
fn closures_are_handlers() {
    let server = start(|| {
        let mut count = 0;
        App::new()
            .on_message("/echo", |session, message| {
                let _ = session.send(message);
            })
            .on_message("/count", move |session, _| {
                count += 1;
                let _ = session.send(count.to_string());
            })
    });
    let mut client = server.open("/echo");
    client.send_text("안녕");
    assert_eq!(client.read_text(), "안녕");
    // One value serves all sessions of its route.
    for wanted in ["1", "2"] {
        let mut client = server.open("/count");
        client.send_text("");
        assert_eq!(client.read_text(), wanted);
    }
}

#[test]
fn a_path_serves_websockets_and_plain_requests() {
    let server = start(|| {
        App::new()
            .on_message("/talk", |session, message| {
                let _ = session.send(message);
            })
            .get("/talk", |_, _| Response::ok("text/html", b"<p>a page"))
            .post("/talk", |request, _| {
                Response::ok("text/plain", request.body().to_vec())
            })
    });
    let mut client = server.connect();
    let (head, body) = client.request("GET", "/talk", &[]);
    assert_eq!((head.status, &*body), (200, &b"<p>a page"[..]));
    client.write("POST /talk HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    let head = client.read_head();
    assert_eq!(client.read_body(&head), b"body");
    // The same connection goes on as a WebSocket.
    client.upgrade("/talk", &[]);
    client.send_text("hello");
    assert_eq!(client.read_text(), "hello");
    let (head, _) = server.connect().request("DELETE", "/talk", &[]);
    assert_eq!(head.status, 405);
    assert_eq!(head.field("allow"), Some("GET, HEAD, POST"));
}

#[test]
fn a_handler_answers_each_method_and_its_own_404() {
    let server = start(|| {
        let methods = [
            Method::Get,
            Method::Post,
            Method::Put,
            Method::Patch,
            Method::Delete,
            Method::Options,
        ];
        methods.into_iter().fold(App::new(), |app, method| {
            app.http(method, "/room/{id}", |request, _| {
                match request.param("id") {
                    Some("7") => {
                        Response::ok("text/plain", format!("{:?}", request.method()).into_bytes())
                    }
                    _ => Response::refusal(Status::NOT_FOUND).field("X-From", "the handler"),
                }
            })
        })
    });
    let mut client = server.connect();
    for (method, wanted) in [
        ("GET", "Get"),
        ("POST", "Post"),
        ("PUT", "Put"),
        ("PATCH", "Patch"),
        ("DELETE", "Delete"),
        ("OPTIONS", "Options"),
    ] {
        let (head, body) = client.request(method, "/room/7", &[]);
        assert_eq!((head.status, body), (200, wanted.as_bytes().to_vec()));
    }
    let (head, _) = client.request("GET", "/room/8", &[]);
    assert_eq!(head.status, 404);
    assert_eq!(head.field("x-from"), Some("the handler"));
    // It was an answer like any other: the connection lives on.
    assert_eq!(client.request("GET", "/room/7", &[]).0.status, 200);
    assert_eq!(
        client.request("GET", "/elsewhere", &[]).0.field("x-from"),
        None
    );
}

fn content() -> Running {
    start(|| {
        App::new().content(
            "/style.css",
            "text/css; charset=utf-8",
            b"body { color: red }",
        )
    })
}

#[test]
fn content_has_a_validator_and_is_not_sent_twice() {
    let server = content();
    let mut client = server.connect();
    let (head, body) = client.request("GET", "/style.css", &[]);
    assert_eq!((head.status, &*body), (200, &b"body { color: red }"[..]));
    assert_eq!(head.field("content-type"), Some("text/css; charset=utf-8"));
    let etag = head.field("etag").expect("a validator").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    for known in [
        &*etag,
        &format!("W/{etag}"),
        &format!("\"other\", {etag}"),
        "*",
    ] {
        let field = format!("If-None-Match: {known}");
        let (head, body) = client.request("GET", "/style.css", &[&field]);
        assert_eq!((head.status, body.len()), (304, 0), "{known}");
        assert_eq!(head.field("etag"), Some(&*etag));
        assert_eq!(head.field("content-length"), None);
    }
    let (head, _) = client.request("GET", "/style.css", &["If-None-Match: \"other\""]);
    assert_eq!(head.status, 200);
}

#[test]
fn head_is_answered_like_get_without_the_body() {
    let server = content();
    let mut client = server.connect();
    let (get, body) = client.request("GET", "/style.css", &[]);
    let (head, _) = client.request("HEAD", "/style.css", &[]);
    assert_eq!(head.status, 200);
    assert_eq!(head.field("content-length"), Some(&*body.len().to_string()));
    assert_eq!(head.field("etag"), get.field("etag"));
    // Nothing of a body came: the next answer follows at once.
    assert_eq!(client.request("GET", "/style.css", &[]).0.status, 200);
}

#[test]
fn a_panic_in_an_http_route_is_500_and_the_server_goes_on() {
    let server = start(|| {
        App::new()
            .get("/panic", |_, _| -> Response { panic!("on purpose") })
            .get("/", |_, _| Response::ok("text/plain", b"here"))
    });
    assert_eq!(server.connect().request("GET", "/panic", &[]).0.status, 500);
    assert_eq!(server.connect().request("GET", "/", &[]).1, b"here");
}

#[test]
fn a_field_value_cannot_end_its_line() {
    let server = start(|| {
        App::new().get("/", |request, _| {
            let name = request.query("name").unwrap_or_default();
            Response::ok("text/plain", b"").field("X-Name", name)
        })
    });
    let mut client = server.connect();
    let (head, _) = client.request("GET", "/?name=a%0d%0aX-Evil:%201", &[]);
    assert_eq!(head.status, 500);
    assert_eq!(head.field("x-name"), None);
    assert_eq!(head.field("x-evil"), None);
}

#[test]
fn routes_that_cannot_be_are_errors_at_start() {
    let on = |pattern: &str| App::new().on_message(pattern, |_, _| {});
    let page =
        |_: &dunlin::Request<'_>, _: &mut dunlin::Context<'_>| Response::ok("text/plain", b"");
    for (app, part) in [
        (on("no/slash"), "no/slash"),
        (on("/a").on_message("/a", |_, _| {}), "/a"),
        (on("/{x}").on_message("/{y}", |_, _| {}), "/{y}"),
        (App::new().get("/a", page).get("/a", page), "/a"),
        (
            App::new().on_message_with("/", Settings::default().max_message_size(0), |_, _| {}),
            "max_frame_size",
        ),
    ] {
        let server = Server::new(app).listen("127.0.0.1:0").expect("a free port");
        let error = server.run().expect_err("it must not start");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(part), "{error}");
    }
    let error = Server::new(App::new())
        .run()
        .expect_err("it listens nowhere");
    assert!(error.to_string().contains("listen"), "{error}");
}

#[test]
fn an_upgrade_of_a_path_without_a_websocket_is_a_plain_request() {
    let server = content();
    let mut client = server.connect();
    client.write(WireClient::upgrade_head("/style.css", &[]));
    let head = client.read_head();
    assert_eq!(head.status, 200);
    assert_eq!(client.read_body(&head), b"body { color: red }");
}
