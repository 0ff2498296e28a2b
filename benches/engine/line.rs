//! Two blocking connections to a real engine.

use dunlin::rooms::side_by_side::{Line, bytes};
use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::OwnedFrame;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// No engine for tests takes so long.
const TIMEOUT: Duration = Duration::from_secs(20);

struct Connection {
    socket: TcpStream,
    input: Vec<u8>,
}

impl Connection {
    fn open(address: &str) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        let input = Vec::new();
        Ok(Self { socket, input })
    }

    fn send(&mut self, words: &[Vec<u8>]) -> io::Result<()> {
        self.socket.write_all(&bytes(words))
    }

    fn frame(&mut self) -> io::Result<OwnedFrame> {
        let mut part = vec![0; 64 << 10];
        loop {
            let read = decode(&self.input).map_err(io::Error::other)?;
            if let Some((frame, length)) = read {
                self.input.drain(..length);
                return Ok(frame);
            }
            let count = self.socket.read(&mut part)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.input.extend(&part[..count]);
        }
    }
}

/// One connection for commands and one that listens.
pub(crate) struct Connections {
    commands: Connection,
    listener: Connection,
    /// A channel of its own: what is said there comes behind all that was said before.
    mark: Vec<u8>,
}

fn word(word: &str) -> Vec<u8> {
    word.into()
}

fn three(frame: OwnedFrame) -> Option<[Vec<u8>; 3]> {
    let OwnedFrame::Array(items) = frame else {
        return None;
    };
    let items = items.into_iter().map(|item| match item {
        OwnedFrame::BulkString(bytes) => Some(bytes),
        OwnedFrame::Integer(number) => Some(number.to_string().into_bytes()),
        _ => None,
    });
    items.collect::<Option<Vec<_>>>()?.try_into().ok()
}

impl Connections {
    pub(crate) fn open(address: &str) -> io::Result<Self> {
        let mut connections = Self {
            commands: Connection::open(address)?,
            listener: Connection::open(address)?,
            mark: format!("dunlin-mark-{:016x}", rand::random::<u64>()).into_bytes(),
        };
        connections.try_listen(connections.mark.clone())?;
        Ok(connections)
    }

    fn try_listen(&mut self, channel: Vec<u8>) -> io::Result<()> {
        self.listener.send(&[word("SUBSCRIBE"), channel])?;
        let said = self.listener.frame()?;
        match three(said.clone()) {
            Some([what, ..]) if what == b"subscribe" => Ok(()),
            _ => Err(io::Error::other(format!("to SUBSCRIBE it says {said:?}"))),
        }
    }

    /// What runs there.
    pub(crate) fn version(&mut self) -> String {
        let said = self.call(&[word("INFO"), word("server")]);
        let OwnedFrame::BulkString(info) = said else {
            return format!("{said:?}");
        };
        let info = String::from_utf8_lossy(&info).into_owned();
        let line = |name: &str| info.lines().find_map(|line| line.strip_prefix(name));
        let redis = || line("redis_version:").map(|version| format!("Redis {version}"));
        let valkey = line("valkey_version:").map(|version| format!("Valkey {version}"));
        valkey.or_else(redis).unwrap_or_default()
    }

    fn try_call(&mut self, words: &[Vec<u8>]) -> io::Result<OwnedFrame> {
        self.commands.send(words)?;
        self.commands.frame()
    }

    fn try_pushes(&mut self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.try_call(&[word("PUBLISH"), self.mark.clone(), Vec::new()])?;
        let mut pushes = Vec::new();
        loop {
            let said = self.listener.frame()?;
            let Some([_, channel, payload]) = three(said) else {
                return Err(io::Error::other("this is no push"));
            };
            if channel == self.mark {
                return Ok(pushes);
            }
            pushes.push((channel, payload));
        }
    }
}

impl Line for Connections {
    fn call(&mut self, words: &[Vec<u8>]) -> OwnedFrame {
        let said = self.try_call(words);
        said.unwrap_or_else(|error| OwnedFrame::Error(format!("no answer: {error}")))
    }

    fn listen(&mut self, channel: Vec<u8>) {
        // A connection that is gone shows in what comes next.
        if let Err(error) = self.try_listen(channel) {
            eprintln!("engine: {error}");
        }
    }

    fn pushes(&mut self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.try_pushes().unwrap_or_else(|error| {
            // Compared with what the model tells, this is one push too many.
            vec![(format!("no pushes: {error}").into_bytes(), Vec::new())]
        })
    }
}
