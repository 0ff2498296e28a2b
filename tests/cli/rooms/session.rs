//! A session of `dunlin.v1` that notes when it heard what, and outlives its server.

use crate::wire_client::WireClient;
use crate::wire_frame::Frame;
use serde_json::{Value, json};
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long the server may keep us waiting. Never reached when all is well.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// A session, read by a thread of its own.
pub(super) struct Session {
    out: TcpStream,
    heard: Receiver<(Instant, Value)>,
}

impl Session {
    #[track_caller]
    pub(super) fn open(address: SocketAddr) -> Self {
        let mut client = WireClient::connect(address);
        client.upgrade("/ws/chat", &["Sec-WebSocket-Protocol: dunlin.v1"]);
        let out = client.stream().try_clone().expect("a socket");
        let mut from = BufReader::new(client.stream().try_clone().expect("a socket"));
        let (tell, heard) = channel();
        thread::spawn(move || {
            // Ends with the server, or with the test that no longer listens.
            while let Ok(text) = read_text(&mut from) {
                let value = serde_json::from_str(&text).expect("JSON");
                if tell.send((Instant::now(), value)).is_err() {
                    break;
                }
            }
            // Fails when the server is gone already.
            let _ = from.get_ref().shutdown(Shutdown::Both);
        });
        Self { out, heard }
    }

    /// Enters with these keys beside the room and the name; the answer.
    #[track_caller]
    pub(super) fn enter(&mut self, room: &str, name: &str, more: &Value) -> Value {
        let mut enter = json!({"type": "ENTER", "roomId": room, "sender": name});
        for (key, value) in more.as_object().expect("keys") {
            enter[key] = value.clone();
        }
        assert!(self.say(&enter), "the server takes an ENTER");
        let entered = self.hear();
        assert_eq!(entered["type"], "ENTERED", "{entered}");
        entered
    }

    /// Speaks; `false`: the connection is lost.
    pub(super) fn talk(&mut self, room: &str, text: &str, mark: &str) -> bool {
        self.say(&json!({"type": "TALK", "roomId": room, "message": text, "ref": mark}))
    }

    fn say(&mut self, value: &Value) -> bool {
        let frame = Frame::text(&value.to_string()).mask([7, 2, 9, 4]);
        self.out.write_all(&frame.bytes()).is_ok()
    }

    /// The next thing that it is told.
    #[track_caller]
    pub(super) fn hear(&self) -> Value {
        self.heard.recv_timeout(LONGEST_WAIT).expect("a text").1
    }

    /// What it hears within this time; `Err`: there is nothing more to hear.
    pub(super) fn hear_within(&self, time: Duration) -> Result<Option<(Instant, Value)>, ()> {
        match self.heard.recv_timeout(time) {
            Ok(heard) => Ok(Some(heard)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(()),
        }
    }

    /// All that it hears to the end of the connection.
    pub(super) fn rest(&self) -> Vec<(Instant, Value)> {
        self.heard.iter().collect()
    }
}

/// The next text of a server; an error at the end, which a kill may put anywhere.
fn read_text(from: &mut impl Read) -> io::Result<String> {
    let mut start = [0; 2];
    from.read_exact(&mut start)?;
    let length = match start[1] {
        126 => {
            let mut length = [0; 2];
            from.read_exact(&mut length)?;
            usize::from(u16::from_be_bytes(length))
        }
        127 => {
            let mut length = [0; 8];
            from.read_exact(&mut length)?;
            u64::from_be_bytes(length) as usize
        }
        length => usize::from(length),
    };
    let mut payload = vec![0; length];
    from.read_exact(&mut payload)?;
    match start[0] {
        0x81 => String::from_utf8(payload).map_err(io::Error::other),
        0x88 => Err(io::ErrorKind::UnexpectedEof.into()),
        // Not even a ping: those come after half a minute of silence.
        first => Err(io::Error::other(format!("a frame that begins {first:#x}"))),
    }
}
