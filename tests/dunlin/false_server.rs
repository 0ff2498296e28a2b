//! A server that does to every upgrade what a test says, right or wrong.

use dunlin::wire::upgrade::accept_key;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What goes behind the status line of a good 101.
pub(crate) const UPGRADE: &str =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";

/// A false server, which ends with its value. It serves one connection after another.
pub(crate) struct FalseServer {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What a false server says.
pub(crate) struct Script {
    /// In answer to any request; `{accept}` is the right `Sec-WebSocket-Accept`.
    pub(crate) answer: String,
    /// Right behind that.
    pub(crate) first: Vec<u8>,
    /// In answer to the first bytes that come then, if any; the server ends the connection with it.
    pub(crate) reply: Option<Vec<u8>>,
}

impl Script {
    /// A right answer, and nothing behind it.
    pub(crate) fn upgrade() -> Self {
        Self::answer(&format!(
            "{UPGRADE}Sec-WebSocket-Accept: {{accept}}\r\n\r\n"
        ))
    }

    /// This answer, and nothing behind it.
    pub(crate) fn answer(text: &str) -> Self {
        Self {
            answer: text.to_owned(),
            first: Vec::new(),
            reply: None,
        }
    }

    /// These bytes right behind the answer.
    pub(crate) fn first(mut self, bytes: &[u8]) -> Self {
        self.first = bytes.to_vec();
        self
    }

    /// These bytes, and the end, in answer to whatever comes.
    pub(crate) fn reply(mut self, bytes: &[u8]) -> Self {
        self.reply = Some(bytes.to_vec());
        self
    }

    pub(crate) fn start(self) -> FalseServer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let ended = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&ended);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes in the middle is no failure of its server.
                let _ = self.serve(stream.expect("a connection"));
            }
        });
        FalseServer {
            address,
            ended,
            thread: Some(thread),
        }
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            request.extend(byte);
        }
        let request = String::from_utf8_lossy(&request);
        let mut lines = request.lines();
        let key = lines.find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        let accept = accept_key(key.unwrap_or_default());
        let accept = String::from_utf8_lossy(&accept);
        stream.write_all(self.answer.replace("{accept}", &accept).as_bytes())?;
        stream.write_all(&self.first)?;
        if let Some(reply) = &self.reply {
            if stream.read(&mut [0; 4096])? > 0 {
                stream.write_all(reply)?;
            }
            stream.shutdown(Shutdown::Write)?;
        }
        // What is unread at the end would become a reset, and destroy what was said.
        while stream.read(&mut [0; 4096]).or_else(again)? > 0 {}
        Ok(())
    }
}

fn again(error: std::io::Error) -> std::io::Result<usize> {
    match error.kind() {
        ErrorKind::Interrupted => Ok(1),
        _ => Err(error),
    }
}

impl FalseServer {
    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("ws://{}/path", self.address)
    }
}

impl Drop for FalseServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the listener up.
        let _ = TcpStream::connect(self.address);
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.expect("a thread").expect("the false server panicked");
        }
    }
}
