//! Several servers on one port.

use super::{echo, tcp};
use crate::running::assert_echo;
use crate::wire_client::WireClient;
use dunlin::{ErrorKind, Server, ServerThread};

fn serve(address: String) -> ServerThread {
    let server = Server::spawn(move || Server::new(echo()).reuse_port(true).listen(&address));
    server.expect("it starts")
}

#[test]
fn two_servers_accept_on_one_port_and_one_goes_on_alone() {
    let first = serve("127.0.0.1:0".to_owned());
    let address = first.addresses()[0].clone();
    let second = serve(address.to_string());
    assert_eq!(second.addresses(), first.addresses());
    let open = || {
        let mut client = WireClient::connect(tcp(&address));
        client.upgrade("/echo", &[]);
        assert_echo(&mut client);
        client
    };
    let sessions = |server: &ServerThread| server.remote().stats().connections;
    // The system spreads by ports: a hundred all fall to one side once in 2^99 runs.
    let clients: Vec<_> = (0..100).map(|_| open()).collect();
    let (one, two) = (sessions(&first), sessions(&second));
    assert!(one > 0 && two > 0, "{one} and {two}");
    drop(clients);
    first.stop().expect("it stops");
    assert_echo(&mut open());
}

#[test]
fn a_port_is_not_shared_with_who_does_not_ask_for_it() {
    let first = Server::new(echo()).listen("127.0.0.1:0").expect("a port");
    let address = first.addresses()[0].to_string();
    let error = Server::new(echo()).reuse_port(true).listen(&address).err();
    let error = error.expect("the port is taken");
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(
        error.to_string().contains("another program has it"),
        "{error}"
    );
}
