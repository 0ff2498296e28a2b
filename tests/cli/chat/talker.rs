//! A running `dunlin chat` and the server that it talks to, spoken by the test.

use crate::binary::{Ended, dunlin};
use crate::wire_frame::Frame;
use crate::wire_server::{Accepted, WireServer};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long the child may keep us waiting. Never reached when all is well.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A URL of this server.
pub(crate) fn url(address: SocketAddr, path: &str) -> String {
    format!("ws://{address}{path}")
}

/// Runs it to its end with this input.
#[track_caller]
pub(crate) fn chat(arguments: &[&str], input: impl AsRef<[u8]>) -> Ended {
    let mut talker = Talker::start(arguments);
    talker.write(input);
    talker.end()
}

/// A child that is killed when this goes.
pub(crate) struct Talker {
    child: Child,
    input: Option<ChildStdin>,
    out: Receiver<String>,
    err: Option<JoinHandle<String>>,
}

impl Talker {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_command(dunlin(&["chat"]).args(arguments))
    }

    fn start_command(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let (tell, out) = channel();
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .try_for_each(|line| tell.send(line))
        });
        let mut err = child.stderr.take().expect("piped");
        let err = thread::spawn(move || {
            let mut text = String::new();
            let _ = err.read_to_string(&mut text);
            text
        });
        Self {
            input: child.stdin.take(),
            child,
            out,
            err: Some(err),
        }
    }

    #[track_caller]
    pub(crate) fn write(&mut self, input: impl AsRef<[u8]>) {
        let pipe = self.input.as_mut().expect("open");
        // It may have ended by itself: then its exit code tells.
        let _ = pipe.write_all(input.as_ref());
    }

    /// The end of its input.
    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    /// The next line that it prints.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.out.recv_timeout(LONGEST_WAIT).expect("a line")
    }

    /// The next line that is an object of this type, of this state.
    #[track_caller]
    pub(crate) fn object(&self, kind: &str) -> serde_json::Value {
        loop {
            let line = self.line();
            let object: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            if object["type"] == kind || object["state"] == kind {
                return object;
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let line = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &line]).status();
        assert!(sent.expect("a shell").success(), "{line}");
    }

    /// Ends its input and waits for its end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        self.close_input();
        self.ended()
    }

    /// Waits for its end while its input stays open.
    #[track_caller]
    pub(crate) fn ended(mut self) -> Ended {
        let mut out = String::new();
        loop {
            match self.out.recv_timeout(LONGEST_WAIT) {
                Ok(line) => {
                    out.push_str(&line);
                    out.push('\n');
                }
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(error) => panic!("it does not end: {error}; it printed {out}"),
            }
        }
        let code = self.child.wait().expect("a child").code();
        let err = self.err.take().expect("once").join().expect("text");
        Ended { code, out, err }
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The next text of a client; its pings are answered.
#[track_caller]
pub(crate) fn next_text(peer: &mut Accepted) -> String {
    loop {
        let frame = peer.read_frame();
        match frame.opcode {
            0x9 => peer.send(Frame::pong(&frame.payload)),
            _ => return frame.into_text(),
        }
    }
}

/// Answers pings until its Close, which is answered, too: its code.
#[track_caller]
pub(crate) fn until_close(peer: &mut Accepted) -> u16 {
    loop {
        let frame = peer.read_frame();
        match frame.opcode {
            0x9 => peer.send(Frame::pong(&frame.payload)),
            0x8 => {
                let code = frame.close_parts().0;
                peer.send(Frame::close(code, ""));
                return code;
            }
            _ => panic!("wanted a Close, got {frame:?}"),
        }
    }
}

/// A server of the test, and a client with this input open that is connected to it.
#[track_caller]
pub(crate) fn connected(more: &[&str]) -> (WireServer, Talker, Accepted) {
    let server = WireServer::bind();
    let url = url(server.address(), "/");
    let talker = Talker::start(&[&[&*url, "--no-deflate"], more].concat());
    let peer = server.accept_session();
    (server, talker, peer)
}
