//! Rooms whose engine does not answer: everything that is asked for is refused, and says when to ask again.

use super::tcp;
use crate::wire_client::WireClient;
use dunlin::config::RoomLimits;
use dunlin::rooms::{Cluster, Rooms};
use dunlin::{App, Server, ServerThread, apps};
use std::net::TcpListener;

const ROOM: &str = "dd8e4018-1ca8-4fb1-bd57-fd3de4c47a61";

/// A server whose engine is a socket that never accepts.
fn serve() -> (ServerThread, TcpListener) {
    let engine = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = format!("redis://{}", engine.local_addr().expect("an address"));
    let server = Server::spawn(move || {
        let cluster = Cluster::new(address.parse()?);
        let rooms = Rooms::in_cluster(cluster, RoomLimits::default())?;
        Server::bind(apps::rooms::mount_with(App::new(), &rooms), "127.0.0.1:0")
    });
    (server.expect("it starts"), engine)
}

#[test]
fn while_the_engine_is_away_every_request_is_503_and_says_when_to_ask_again() {
    let (server, _engine) = serve();
    let address = tcp(&server.addresses()[0]);
    let of_room = |behind: &str| format!("/chat/{ROOM}{behind}");
    for (method, path) in [
        ("POST", "/chat?name=tea".to_owned()),
        ("GET", "/chat".to_owned()),
        ("GET", of_room("")),
        ("DELETE", of_room("")),
        ("GET", of_room("/members")),
        ("GET", of_room("/messages")),
        ("GET", of_room("/events")),
    ] {
        let (head, body) = WireClient::connect(address).request(method, &path, &[]);
        assert_eq!(head.status, 503, "{method} {path}");
        assert_eq!(head.field("retry-after"), Some("1"), "{method} {path}");
        let body = String::from_utf8(body).expect("text");
        assert!(!body.starts_with('['), "{method} {path}: {body}");
    }
}
