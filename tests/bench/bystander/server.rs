//! A WebSocket server of one thread that goes round among its connections, one message of each at a time, and
//! misbehaves as it is told.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What it does beside its echo. It upgrades any path.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Manner {
    Echoes,
    /// Computes this long for each message that is not the bystanders'.
    Stalls(Duration),
    /// Goes away with the first such message.
    Dies,
    /// Greets, and sends a text and a ping before each answer.
    Chatters,
}

type Hook = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    pongs: AtomicU64,
    /// What is called after so many messages of a flood.
    hook: Mutex<Option<(u64, Hook)>>,
}

/// Stopped when dropped.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let seen = Arc::clone(&shared);
        let thread = thread::spawn(move || serve(&listener, manner, &seen));
        Self {
            address,
            shared,
            thread: Some(thread),
        }
    }

    pub(crate) fn pongs(&self) -> u64 {
        self.shared.pongs.load(Ordering::Relaxed)
    }

    pub(crate) fn after_flood_messages(&self, count: u64, hook: impl FnOnce() + Send + 'static) {
        let mut place = self.shared.hook.lock().expect("no panic before");
        *place = Some((count, Box::new(hook)));
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Peer {
    stream: TcpStream,
    inbound: Vec<u8>,
    outbound: Vec<u8>,
    is_open: bool,
}

fn serve(listener: &TcpListener, manner: Manner, shared: &Shared) {
    listener.set_nonblocking(true).expect("nonblocking");
    let mut peers: Vec<Peer> = Vec::new();
    let mut flooded = 0;
    while !shared.stop.load(Ordering::Relaxed) {
        let mut is_idle = true;
        while let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(true).expect("nonblocking");
            stream.set_nodelay(true).expect("nodelay");
            peers.push(Peer {
                stream,
                inbound: Vec::new(),
                outbound: Vec::new(),
                is_open: false,
            });
        }
        let mut is_over = false;
        peers.retain_mut(|peer| {
            let Some(message) = peer.turn(manner, &mut is_idle, shared) else {
                return false;
            };
            if let Some((opcode, payload)) = message {
                is_idle = false;
                let bystanders = [&b"round trip"[..], b"the stream", b"probe"];
                if !bystanders.iter().any(|name| payload.starts_with(name)) {
                    flooded += 1;
                    match manner {
                        Manner::Stalls(time) => thread::sleep(time),
                        Manner::Dies => is_over = true,
                        Manner::Echoes | Manner::Chatters => {}
                    }
                }
                if manner == Manner::Chatters {
                    peer.frame(1, b"tick");
                    peer.frame(9, b"there?");
                }
                peer.frame(opcode, &payload);
            }
            true
        });
        if is_over {
            return;
        }
        let mut hook = shared.hook.lock().expect("no panic before");
        if let Some((_, hook)) = hook.take_if(|(count, _)| flooded >= *count) {
            hook();
        }
        drop(hook);
        if is_idle {
            thread::sleep(Duration::from_micros(200));
        }
    }
}

impl Peer {
    /// Nothing when it is gone; otherwise the next message, if one is there.
    #[allow(clippy::option_option)]
    fn turn(
        &mut self,
        manner: Manner,
        is_idle: &mut bool,
        shared: &Shared,
    ) -> Option<Option<(u8, Vec<u8>)>> {
        if !self.outbound.is_empty() {
            match self.stream.write(&self.outbound) {
                Ok(written) => drop(self.outbound.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return None,
            }
        }
        let mut buffer = [0; 4096];
        if self.inbound.len() < buffer.len() && self.outbound.len() < 1 << 20 {
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(read) => {
                    *is_idle = false;
                    self.inbound.extend_from_slice(&buffer[..read]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return None,
            }
        }
        if !self.is_open {
            let end = self.inbound.windows(4).position(|four| four == b"\r\n\r\n");
            let Some(end) = end else { return Some(None) };
            self.inbound.drain(..end + 4);
            self.is_open = true;
            let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
            self.outbound.extend_from_slice(head.as_bytes());
            if manner == Manner::Chatters {
                self.frame(1, b"welcome");
            }
        }
        loop {
            match self.next_frame() {
                Some((10, _)) => drop(shared.pongs.fetch_add(1, Ordering::Relaxed)),
                Some((8, _)) => return None,
                Some((9, payload)) => self.frame(10, &payload),
                Some(message) => return Some(Some(message)),
                None => return Some(None),
            }
        }
    }

    /// A masked frame of less than 126 bytes: no others are sent here.
    fn next_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (&first, &second) = (self.inbound.first()?, self.inbound.get(1)?);
        let length = usize::from(second & 0x7f);
        assert!(length < 126, "a longer frame than this server knows");
        let mask: [u8; 4] = self.inbound.get(2..6)?.try_into().ok()?;
        let payload = self.inbound.get(6..6 + length)?;
        let masks = mask.iter().cycle();
        let payload = payload.iter().zip(masks).map(|(byte, mask)| byte ^ mask);
        let payload = payload.collect();
        self.inbound.drain(..6 + length);
        Some((first & 0x0f, payload))
    }

    fn frame(&mut self, opcode: u8, payload: &[u8]) {
        self.outbound.extend([0x80 | opcode, payload.len() as u8]);
        self.outbound.extend_from_slice(payload);
    }
}
