//! A listener with routes of its own.

use super::{echo, tcp};
use crate::wire_client::WireClient;
use dunlin::{App, ErrorKind, Response, Server, Settings};

const LOCAL: &str = "127.0.0.1:0";

fn get(address: &dunlin::Address, path: &str) -> (u16, Vec<u8>) {
    let (head, body) = WireClient::connect(tcp(address)).request("GET", path, &[]);
    (head.status, body)
}

#[test]
fn each_listener_answers_its_own_routes_and_shares_topics_with_the_others() {
    let server = Server::spawn(|| {
        let public = echo().get("/", |_, _| Response::ok("text/plain", b"public"));
        let server = Server::bind(public, LOCAL)?;
        let remote = server.remote();
        let admin = App::new()
            .get("/", |_, _| Response::ok("text/plain", b"admin"))
            .get("/tell", move |_, _| {
                remote.publish("news", "from the admin").expect("it runs");
                Response::ok("text/plain", b"told")
            })
            .on_message("/admin-echo", |session, message| {
                let _ = session.send(message);
            });
        server.listen_for(LOCAL, admin)?.listen(LOCAL)
    });
    let server = server.expect("it starts");
    let [public, admin, other] = server.addresses() else {
        panic!("three addresses");
    };
    assert_eq!(get(public, "/"), (200, b"public".to_vec()));
    assert_eq!(get(other, "/"), (200, b"public".to_vec()));
    assert_eq!(get(admin, "/"), (200, b"admin".to_vec()));
    assert_eq!(get(public, "/tell").0, 404);
    assert_eq!(get(admin, "/echo").0, 404);
    let mut client = WireClient::connect(tcp(other));
    client.upgrade("/echo", &[]);
    assert_eq!(get(admin, "/tell").0, 200);
    assert_eq!(client.read_text(), "from the admin");
    let mut client = WireClient::connect(tcp(admin));
    client.upgrade("/admin-echo", &[]);
    crate::running::assert_echo(&mut client);
}

#[test]
fn mistakes_of_the_second_program_are_errors_of_the_start() {
    let start = |first: App, second: App| {
        let server = Server::bind(first, LOCAL).expect("a free port");
        let server = server.listen_for(LOCAL, second).expect("a free port");
        server.start().err().expect("a mistake")
    };
    let error = start(
        App::new(),
        App::new().get("no slash", |_, _| Response::ok("", b"")),
    );
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("no slash"), "{error}");
    let calls = || {
        App::new().outgoing(
            "upstream",
            Settings::default(),
            |_: &mut dunlin::Session<'_>, _: dunlin::Message<'_>| {},
        )
    };
    let error = start(calls(), calls());
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("upstream"), "{error}");
}
