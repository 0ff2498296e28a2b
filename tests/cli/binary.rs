//! The built command as a child process, killed when its value goes.

use crate::wire_client::WireClient;
use std::io::{BufRead, BufReader, Lines};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// How long the child may keep us waiting. Never reached when all is well.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The command with these arguments and no settings from outside.
pub(crate) fn dunlin(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dunlin"));
    command
        .args(arguments)
        .env_remove("GLIBC_TUNABLES")
        .env_remove("LD_PRELOAD")
        .stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("DUNLIN_") {
            command.env_remove(name);
        }
    }
    command
}

/// What a command that ends by itself has said.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Ended {
    let output = command.output().expect("the command starts");
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// A running `dunlin serve`.
pub(crate) struct Serving {
    child: Child,
    out: Option<Lines<BufReader<ChildStdout>>>,
    /// Standard error, as long as nobody reads it.
    unread: Option<ChildStderr>,
    log: Receiver<String>,
}

impl Serving {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut serving = Self::start_unread(command);
        serving.read_log();
        serving
    }

    /// Starts it with a pipe as standard error that nobody reads.
    pub(crate) fn start_unread(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let out = BufReader::new(child.stdout.take().expect("piped")).lines();
        let unread = child.stderr.take();
        let (_, log) = channel();
        Self {
            child,
            out: Some(out),
            unread,
            log,
        }
    }

    /// From now on its standard error is read.
    pub(crate) fn read_log(&mut self) {
        let err = BufReader::new(self.unread.take().expect("piped and not read yet"));
        let (tell, log) = channel();
        thread::spawn(move || {
            // Ends with the child, or with the test that no longer listens.
            err.lines()
                .map_while(Result::ok)
                .try_for_each(|line| tell.send(line))
        });
        self.log = log;
    }

    /// `dunlin serve` on a free port, and the address that it printed.
    pub(crate) fn on_free_port(more: &[&str]) -> (Self, SocketAddr) {
        let (mut serving, address) = Self::on_free_port_unread(more);
        serving.read_log();
        (serving, address)
    }

    /// The same with a pipe as standard error that nobody reads.
    pub(crate) fn on_free_port_unread(more: &[&str]) -> (Self, SocketAddr) {
        let mut command = dunlin(&["serve", "--listen", "127.0.0.1:0"]);
        let mut serving = Self::start_unread(command.args(more));
        let line = serving.out_line();
        let address = address_in(&line);
        (serving, address)
    }

    /// Waits for its end while nobody reads its standard error: how it ended.
    pub(crate) fn end_unread(mut self) -> ExitStatus {
        assert!(self.unread.is_some(), "somebody reads");
        let (tell, ended) = channel();
        // Standard output ends when the process does.
        let out = self.out.take().expect("not ended yet");
        thread::spawn(move || {
            out.for_each(drop);
            tell.send(())
        });
        ended.recv_timeout(LONGEST_WAIT).expect("it ends");
        self.child.wait().expect("a child")
    }

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of standard output.
    pub(crate) fn out_line(&mut self) -> String {
        match self.out.as_mut().expect("it runs").next() {
            Some(line) => line.expect("text"),
            None => panic!(
                "no line came; the log: {:#?}",
                self.log.iter().collect::<Vec<_>>()
            ),
        }
    }

    /// The next line of the log that contains this.
    #[track_caller]
    pub(crate) fn log_line(&self, part: &str) -> String {
        loop {
            match self.log.recv_timeout(LONGEST_WAIT) {
                Ok(line) if line.contains(part) => return line,
                Ok(_) => {}
                Err(error) => panic!("no log line with {part:?}: {error}"),
            }
        }
    }

    /// Sends a signal by its name: `TERM`, `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let line = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &line]).status();
        assert!(sent.expect("a shell").success(), "{line}");
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
    }

    /// Waits for its end: how it ended, the rest of standard output, and the rest of the log.
    pub(crate) fn end(mut self) -> (ExitStatus, String, Vec<String>) {
        let mut log = Vec::new();
        // The log ends when the process does.
        loop {
            match self.log.recv_timeout(LONGEST_WAIT) {
                Ok(line) => log.push(line),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(error) => panic!("the command did not end: {error}; its log: {log:#?}"),
            }
        }
        let status = self.child.wait().expect("a child");
        let out = self.out.take().expect("not ended yet");
        let out = out.map_while(Result::ok).collect::<Vec<_>>();
        (status, out.join("\n"), log)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in `dunlin is listening on http://127.0.0.1:8080/ …`.
#[track_caller]
pub(crate) fn address_in(line: &str) -> SocketAddr {
    let url = line.split(' ').find_map(|word| {
        word.strip_prefix("http://")
            .or(word.strip_prefix("https://"))
    });
    let address = url.and_then(|rest| rest.strip_suffix('/')?.parse().ok());
    address.unwrap_or_else(|| panic!("no address in {line:?}"))
}

/// A client of the path of a running command.
pub(crate) fn open(address: SocketAddr, path: &str) -> WireClient {
    let mut client = WireClient::connect(address);
    client.upgrade(path, &[]);
    client
}
