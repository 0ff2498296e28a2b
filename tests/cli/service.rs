//! The server under a service manager: the test plays the manager.

use crate::binary::{Serving, dunlin, open};
use crate::running::assert_echo;
use crate::wire_client::WireClient;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Never reached when all is well.
const LONG: Duration = Duration::from_secs(30);

/// The socket that the service tells how it is.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    fn new(name: &str) -> Self {
        // The path of a socket must be short.
        let name = format!("dunlin-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(LONG)).expect("a time limit");
        Self { socket, path }
    }

    /// The next thing that the service tells.
    #[track_caller]
    fn told(&self) -> String {
        let mut datagram = [0; 4096];
        let length = self.socket.recv(&mut datagram).expect("the service tells");
        String::from_utf8(datagram[..length].to_vec()).expect("text")
    }

    /// The next thing with this in it.
    #[track_caller]
    fn told_of(&self, part: &str) -> String {
        loop {
            let told = self.told();
            if told.lines().any(|line| line.starts_with(part)) {
                return told;
            }
        }
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[test]
fn the_manager_hears_of_readiness_reloads_and_the_end() {
    let manager = Manager::new("states");
    let mut command = dunlin(&["serve", "--listen", "127.0.0.1:0", "--drain", "3s"]);
    let mut serving = Serving::start(command.env("NOTIFY_SOCKET", &manager.path));
    let told = manager.told();
    assert!(told.starts_with("READY=1\nSTATUS=0 connections"), "{told}");
    let address = crate::binary::address_in(&serving.out_line());
    let mut client = open(address, "/echo-raw");
    assert_echo(&mut client);
    serving.signal("HUP");
    let told = manager.told();
    let time = told
        .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
        .expect("a reload");
    assert!(time.parse::<u64>().is_ok_and(|time| time > 0), "{told}");
    assert_eq!(manager.told(), "READY=1");
    serving.signal("TERM");
    let told = manager.told();
    assert!(
        told.starts_with("STOPPING=1\nEXTEND_TIMEOUT_USEC=8000000\n"),
        "{told}"
    );
    assert_eq!(client.read_close().0, 1001);
    drop(client);
    assert_eq!(serving.end().0.code(), Some(0));
}

#[test]
fn a_reload_that_fails_leaves_the_service_ready() {
    let manager = Manager::new("broken");
    let path = format!("{}/broken.toml", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&path, "").expect("a file");
    let mut command = dunlin(&["serve", "--listen", "127.0.0.1:0", "--config", &path]);
    let serving = Serving::start(command.env("NOTIFY_SOCKET", &manager.path));
    manager.told_of("READY=1");
    std::fs::write(&path, "nonsense = 1\n").expect("a file");
    serving.signal("HUP");
    manager.told_of("RELOADING=1");
    manager.told_of("READY=1");
    serving.log_line("the configuration stays as it was");
}

#[test]
fn the_loop_feeds_the_watchdog_until_the_end() {
    let manager = Manager::new("watchdog");
    let mut command = dunlin(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("NOTIFY_SOCKET", &manager.path)
        .env("WATCHDOG_USEC", "100000");
    let mut serving = Serving::start(&mut command);
    manager.told_of("READY=1");
    for _ in 0..3 {
        let told = manager.told();
        assert!(told.starts_with("WATCHDOG=1\nSTATUS="), "{told}");
    }
    // While it drains it is alive as well.
    let address = crate::binary::address_in(&serving.out_line());
    let mut client = open(address, "/echo-raw");
    serving.signal("TERM");
    assert_eq!(client.read_close().0, 1001);
    manager.told_of("STOPPING=1");
    manager.told_of("WATCHDOG=1");
    drop(client);
    assert_eq!(serving.end().0.code(), Some(0));
}

#[test]
fn a_process_that_is_stopped_does_not_feed_the_watchdog() {
    let manager = Manager::new("stuck");
    let mut command = dunlin(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("NOTIFY_SOCKET", &manager.path)
        .env("WATCHDOG_USEC", "20000");
    let serving = Serving::start(&mut command);
    manager.told_of("WATCHDOG=1");
    serving.signal("STOP");
    let limit = |time| {
        manager
            .socket
            .set_read_timeout(Some(time))
            .expect("a time limit")
    };
    limit(Duration::from_millis(300));
    // What was told before is there; then it is quiet.
    let mut datagram = [0; 4096];
    while manager.socket.recv(&mut datagram).is_ok() {}
    limit(LONG);
    serving.signal("CONT");
    manager.told_of("WATCHDOG=1");
}

#[test]
fn a_manager_for_another_process_and_one_that_is_gone_change_nothing() {
    let manager = Manager::new("other");
    let mut command = dunlin(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("NOTIFY_SOCKET", "/nowhere/notify")
        .env("WATCHDOG_USEC", "20000")
        .env("WATCHDOG_PID", "1")
        .env("LISTEN_FDS", "1")
        .env("LISTEN_PID", "1");
    let mut serving = Serving::start(&mut command);
    let address = crate::binary::address_in(&serving.out_line());
    assert_echo(&mut open(address, "/echo-raw"));
    drop(manager);
}

/// The command with these sockets as descriptors from 3 on, as a manager gives them.
fn activated(sockets: Vec<TcpListener>, names: &str, more: &[&str]) -> Command {
    let mut sockets = sockets.into_iter().map(OwnedFd::from);
    let first = sockets.next().expect("one at least");
    let second = sockets.next();
    let mut line = "exec 3<&0 0</dev/null; ".to_owned();
    if second.is_some() {
        line.push_str("exec 4<&2 2>/dev/null; ");
    }
    line.push_str("LISTEN_PID=$$ exec \"$0\" serve \"$@\"");
    let mut command = Command::new("sh");
    command
        .args(["-c", &line, env!("CARGO_BIN_EXE_dunlin")])
        .args(more)
        .env("LISTEN_FDS", if second.is_some() { "2" } else { "1" })
        .env("LISTEN_FDNAMES", names)
        .env_remove("DUNLIN_LISTEN")
        .stdin(Stdio::from(first))
        .stdout(Stdio::piped())
        .stderr(second.map_or_else(Stdio::null, Stdio::from));
    command
}

fn bound() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// Runs a command while a test looks at it.
fn while_running(mut command: Command, test: impl FnOnce()) {
    let mut child = command.spawn().expect("it starts");
    // Both ends of the sockets that the test would hold open are the child's alone now.
    drop(command);
    let tested = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
    child.kill().expect("it ran until now");
    child.wait().expect("a child");
    if let Err(panic) = tested {
        std::panic::resume_unwind(panic);
    }
}

fn status(address: SocketAddr, path: &str) -> u16 {
    let mut client = WireClient::connect(address);
    client.request("GET", path, &["Connection: close"]).0.status
}

#[test]
fn a_socket_of_the_manager_stands_for_the_default_address() {
    let (socket, address) = bound();
    while_running(activated(vec![socket], "dunlin.socket", &[]), || {
        assert_echo(&mut open(address, "/echo-raw"));
        assert_eq!(
            status(address, "/readyz"),
            200,
            "there is no other place for it"
        );
    });
}

#[test]
fn a_socket_named_admin_is_for_operators() {
    let ((public, public_address), (admin, admin_address)) = (bound(), bound());
    let command = activated(vec![public, admin], "public:admin", &[]);
    while_running(command, || {
        assert_eq!(status(admin_address, "/metrics"), 200);
        assert_eq!(status(admin_address, "/chatt"), 404);
        assert_eq!(status(public_address, "/readyz"), 404);
        assert_echo(&mut open(public_address, "/echo-raw"));
    });
}

#[test]
fn the_address_for_operators_is_not_announced_as_one_for_browsers() {
    let ((admin, admin_address), (public, public_address)) = (bound(), bound());
    let mut child = activated(vec![admin, public], "admin:public", &[])
        .spawn()
        .expect("it starts");
    let out = BufReader::new(child.stdout.take().expect("piped"));
    let lines: Vec<String> = out
        .lines()
        .take(2)
        .map(|line| line.expect("text"))
        .collect();
    child.kill().expect("it ran until now");
    child.wait().expect("a child");
    assert!(
        lines[0].contains(&format!("listening on http://{public_address}/")),
        "{lines:?}"
    );
    assert!(
        lines[1].contains(&format!("operators ask at http://{admin_address}/")),
        "{lines:?}"
    );
}

#[test]
fn an_address_that_was_asked_for_is_served_beside_the_socket_of_the_manager() {
    let (socket, address) = bound();
    let other = {
        let (free, address) = bound();
        drop(free);
        address
    };
    let command = activated(vec![socket], "", &["--listen", &other.to_string()]);
    while_running(command, || {
        assert_echo(&mut open(address, "/echo-raw"));
        assert_echo(&mut open(other, "/echo-raw"));
    });
}

#[test]
fn a_descriptor_that_is_no_listening_socket_is_bad_configuration() {
    let line = "exec 3</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" serve";
    let output = Command::new("sh")
        .args(["-c", line, env!("CARGO_BIN_EXE_dunlin")])
        .output()
        .expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(
        said.contains("fd 3") && said.contains("ListenStream="),
        "{said}"
    );
}
