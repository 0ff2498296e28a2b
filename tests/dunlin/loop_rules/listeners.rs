//! Where a server listens: several addresses at once, files of Unix sockets, addresses in use.

use super::{Seen, program};
use crate::running::{Running, assert_echo, start_server};
use crate::wire_client::{Frame, WireClient};
use dunlin::{App, ErrorKind, Server};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A directory of a test's own, gone with its value. Its path is short: that of a socket must be.
struct TempDir(PathBuf);

impl TempDir {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("dunlin-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a directory");
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn unix(path: &Path) -> String {
    format!("unix:{}", path.display())
}

/// A server that listens at these addresses and at the usual one.
fn listening(addresses: Vec<String>) -> (Running, Receiver<Seen>) {
    let (tell, seen) = channel();
    let server = start_server(move || {
        let server = Server::new(program(tell));
        addresses.iter().fold(server, |server, address| {
            server.listen(address).expect("a free address")
        })
    });
    (server, seen)
}

/// An upgraded connection to a Unix socket.
#[track_caller]
fn open_unix(path: &Path, target: &str) -> UnixStream {
    let mut stream = UnixStream::connect(path).expect("the server listens");
    let wait = Some(Duration::from_secs(20));
    stream.set_read_timeout(wait).expect("a time limit");
    let head = WireClient::upgrade_head(target, &[]);
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head");
        answer.extend(byte);
    }
    assert!(
        answer.starts_with(b"HTTP/1.1 101 "),
        "{}",
        answer.escape_ascii()
    );
    stream
}

#[track_caller]
fn write_text(stream: &mut UnixStream, text: &str) {
    let frame = Frame::text(text).mask([1, 2, 3, 4]).bytes();
    stream.write_all(&frame).expect("the server reads");
}

#[track_caller]
fn assert_text(stream: &mut UnixStream, text: &str) {
    let wanted = Frame::text(text).bytes();
    let mut bytes = vec![0; wanted.len()];
    stream.read_exact(&mut bytes).expect("a frame");
    assert_eq!(bytes, wanted);
}

#[test]
fn clients_of_all_listeners_are_in_one_room() {
    let directory = TempDir::new();
    let path = directory.file("dunlin.sock");
    let spare = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let other = spare.local_addr().expect("an address");
    drop(spare);
    let (server, _seen) = listening(vec![unix(&path), other.to_string()]);
    let mut first = server.open("/room");
    let mut second = WireClient::connect(other);
    second.upgrade("/room", &[]);
    let mut third = open_unix(&path, "/room");
    write_text(&mut third, "all: from a file");
    for client in [&mut first, &mut second] {
        assert_eq!(client.read_text(), "all: from a file");
        assert_echo(client);
    }
    assert_text(&mut third, "all: from a file");
    first.send_text("all: from a port");
    assert_eq!(second.read_text(), "all: from a port");
    assert_text(&mut third, "all: from a port");
}

#[test]
fn the_file_of_a_socket_goes_with_its_server_and_a_stale_one_is_taken_over() {
    let directory = TempDir::new();
    let path = directory.file("dunlin.sock");
    // A listener that ends without removing its file is what a killed process leaves.
    drop(UnixListener::bind(&path).expect("a new file"));
    assert!(path.exists());
    let (server, _seen) = listening(vec![unix(&path)]);
    let mut client = open_unix(&path, "/echo");
    write_text(&mut client, "hello");
    assert_text(&mut client, "hello");
    drop(client);
    server.stop().expect("it ends well");
    assert!(!path.exists());
}

#[test]
fn a_socket_that_somebody_listens_on_is_in_use() {
    let directory = TempDir::new();
    let path = directory.file("dunlin.sock");
    let (_server, _seen) = listening(vec![unix(&path)]);
    let error = Server::new(App::new()).listen(&unix(&path));
    let error = error.err().expect("it is taken");
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(
        error.to_string().contains("another program has it"),
        "{error}"
    );
    let mut client = open_unix(&path, "/echo");
    write_text(&mut client, "still here");
    assert_text(&mut client, "still here");
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let directory = TempDir::new();
    let path = directory.file("notes.txt");
    fs::write(&path, "precious").expect("a new file");
    let error = Server::new(App::new()).listen(&unix(&path));
    let error = error.err().expect("it is taken");
    let text = error.to_string();
    for part in ["notes.txt", "no socket has that path", "remove it"] {
        assert!(text.contains(part), "{part:?} is missing in {text:?}");
    }
    assert_eq!(
        fs::read_to_string(&path).expect("it is still there"),
        "precious"
    );
}

fn mode_of(path: &Path) -> u32 {
    let file = fs::metadata(path).expect("a file");
    file.permissions().mode() & 0o777
}

#[test]
fn the_mode_of_socket_files_holds_for_addresses_before_and_after_it() {
    let directory = TempDir::new();
    let [before, after] = ["before", "after"].map(|name| directory.file(name));
    let server = Server::bind(App::new(), &unix(&before)).expect("a new file");
    let server = server.unix_mode(0o640).expect("a good mode");
    let server = server.listen(&unix(&after)).expect("a new file");
    assert_eq!((mode_of(&before), mode_of(&after)), (0o640, 0o640));
    drop(server);
    assert!(!before.exists() && !after.exists());
}

#[test]
fn a_mode_with_more_than_permission_bits_is_refused() {
    let error = Server::new(App::new()).unix_mode(0o1777).err();
    let error = error.expect("a bad mode");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("0o1777"), "{error}");
}

#[test]
fn the_owner_of_a_socket_file_is_set_by_number_and_one_who_may_not_be_set_is_an_error() {
    let directory = TempDir::new();
    let path = directory.file("dunlin.sock");
    let own = fs::metadata(&directory.0).expect("a directory");
    // Only root may give files away; giving one to oneself is always allowed.
    let is_root = own.uid() == 0;
    let (user, group) = if is_root {
        (12_345, 23_456)
    } else {
        (own.uid(), own.gid())
    };
    let server = Server::new(App::new());
    let server = server.unix_owner(Some(user), Some(group)).expect("numbers");
    let server = server.listen(&unix(&path)).expect("a new file");
    let file = fs::metadata(&path).expect("a file");
    assert_eq!((file.uid(), file.gid()), (user, group));
    if is_root {
        drop(server);
    } else {
        let error = server.unix_owner(Some(0), None).err();
        assert_eq!(error.expect("no right").kind(), ErrorKind::Io);
    }
    assert!(!path.exists(), "the file goes with its server");
}

#[test]
fn a_file_that_has_taken_the_place_of_the_socket_is_not_removed() {
    let directory = TempDir::new();
    let path = directory.file("dunlin.sock");
    let server = Server::bind(App::new(), &unix(&path)).expect("a new file");
    fs::remove_file(&path).expect("it is there");
    fs::write(&path, "precious").expect("a new file");
    drop(server);
    assert_eq!(fs::read_to_string(&path).expect("still there"), "precious");
}

#[test]
fn a_process_whose_queue_is_full_is_alive_and_keeps_its_file() {
    let directory = TempDir::new();
    let path = directory.file("dunlin.sock");
    let address = socket2::SockAddr::unix(&path).expect("a short path");
    let socket = || {
        let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None);
        let socket = socket.expect("a socket");
        socket.set_nonblocking(true).expect("it can be");
        socket
    };
    let busy = socket();
    busy.bind(&address).expect("a new file");
    busy.listen(0).expect("it listens");
    let mut waiting = Vec::new();
    loop {
        let client = socket();
        if client.connect(&address).is_err() {
            break;
        }
        waiting.push(client);
    }
    let error = Server::bind(App::new(), &unix(&path)).err();
    assert_eq!(error.expect("it is taken").kind(), ErrorKind::Io);
    assert!(path.exists());
}

#[test]
fn one_address_cannot_be_listened_on_twice() {
    let server = Server::bind(App::new(), "127.0.0.1:0").expect("a free port");
    let address = server.addresses()[0].to_string();
    let error = server.listen(&address).err().expect("it is taken");
    assert_eq!(error.kind(), ErrorKind::Io);
}

#[test]
fn an_address_in_use_says_so_and_how_to_mend_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let error = Server::new(App::new()).listen(&address);
    let error = error.err().expect("it is taken");
    assert_eq!(error.kind(), ErrorKind::Io);
    let text = error.to_string();
    for part in [&*address, "another program has it", "another port"] {
        assert!(text.contains(part), "{part:?} is missing in {text:?}");
    }
}

#[test]
fn a_path_that_no_socket_can_have_says_what_can() {
    let directory = TempDir::new();
    fs::write(directory.file("file"), "").expect("a new file");
    for (name, part) in [
        ("missing/d.sock".to_owned(), "its folder is not there"),
        ("file/d.sock".to_owned(), "no folder"),
        ("a".repeat(108), "at most 107 bytes"),
    ] {
        let path = directory.file(&name);
        let error = Server::new(App::new()).listen(&unix(&path));
        let text = error.err().expect("no such path").to_string();
        assert!(text.contains(part), "{part:?} is missing in {text:?}");
    }
    // One byte less than is too long.
    let before = directory.file("").as_os_str().len();
    let longest = directory.file(&"a".repeat(107 - before));
    assert!(Server::new(App::new()).listen(&unix(&longest)).is_ok());
    let longer = directory.file(&"a".repeat(108 - before));
    assert!(Server::new(App::new()).listen(&unix(&longer)).is_err());
}

#[test]
fn a_server_that_listens_nowhere_is_an_error_that_names_the_missing_call() {
    let error = Server::new(App::new()).run().expect_err("nothing to do");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("`listen`"), "{error}");
}

#[test]
fn connections_wait_from_listen_until_run() {
    let server = Server::new(App::new().on_message("/echo", |session, message| {
        let _ = session.send(message);
    }));
    let server = server.listen("127.0.0.1:0").expect("a free port");
    let address = server.addresses()[0].to_string();
    let address = address.parse().expect("a TCP address");
    let early = std::thread::spawn(move || {
        let mut client = WireClient::connect(address);
        client.upgrade("/echo", &[]);
        assert_echo(&mut client);
        client
    });
    let remote = server.remote();
    let waiting = std::thread::spawn(move || {
        early.join().expect("it is served").leave();
        remote.shutdown().expect("it runs");
    });
    server.run().expect("it ends well");
    waiting.join().expect("it was served");
}
