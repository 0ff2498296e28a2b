//! Sockets that the caller made.

use super::{echo, tcp};
use crate::running::assert_echo;
use crate::wire_client::WireClient;
use dunlin::{App, ErrorKind, Server};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a free port")
}

#[test]
fn a_server_accepts_from_sockets_that_it_is_given_and_from_one_given_twice() {
    let (first, second) = (listener(), listener());
    let again = first.try_clone().expect("a descriptor");
    let path = std::env::temp_dir().join(format!("dunlin-given-{}", std::process::id()));
    let unix = UnixListener::bind(&path).expect("a new file");
    let server = Server::spawn(move || {
        let server = Server::from_listener(echo(), first)?;
        server.listen_on(second)?.listen_on(again)?.listen_on(unix)
    });
    let server = server.expect("it starts");
    let [first, second, again, unix] = server.addresses() else {
        panic!("four addresses");
    };
    assert_eq!(first, again);
    assert_eq!(*unix, dunlin::Address::Unix(path.clone()));
    for address in [first, second, again] {
        let mut client = WireClient::connect(tcp(address));
        client.upgrade("/echo", &[]);
        assert_echo(&mut client);
        client.leave();
    }
    let mut client = UnixStream::connect(&path).expect("it listens");
    client
        .write_all(b"GET / HTTP/1.0\r\n\r\n")
        .expect("it reads");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    drop(client);
    server.stop().expect("it ends well");
    assert!(path.exists(), "the caller made it");
    std::fs::remove_file(&path).expect("it is there");
}

#[test]
fn what_is_no_listening_stream_socket_is_refused_by_name() {
    let listening = listener();
    let address = listening.local_addr().expect("an address");
    let connected = TcpStream::connect(address).expect("it listens");
    let file = std::fs::File::open("/dev/null").expect("a file");
    let datagrams = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let (pair, _other) = UnixStream::pair().expect("a pair");
    let unix_datagrams = UnixDatagram::unbound().expect("a socket");
    let wrong: [(OwnedFd, &str); 5] = [
        (connected.into(), "does not listen"),
        (file.into(), "no socket"),
        (datagrams.into(), "another type"),
        (pair.into(), "does not listen"),
        (unix_datagrams.into(), "another type"),
    ];
    for (socket, what) in wrong {
        let error = Server::from_listener(App::new(), socket).err();
        let error = error.expect("it is refused");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(what), "{what}: {error}");
    }
}
