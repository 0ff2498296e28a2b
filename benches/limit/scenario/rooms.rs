//! One room, 1000 who listen to it in one of three ways, and one who talks over HTTP.
//!
//! Measured per delivery: members by `dunlin.v1`, the same with permessage-deflate, and followers by
//! Server-Sent Events. Each way is written once for all, so none may cost much more than the plain one.

use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream as Blocking};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::proc::Server;
use crate::report::{Row, median, nanoseconds, spread};
use crate::scenario::Plan;

const LISTENERS: usize = 1_000;
const LENGTH: usize = 512;
/// Cost of a delivery against one to a plain member.
const HOLD: f64 = 1.1;
/// Longest time that a message may take to reach everybody.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

const DEFLATE: &str = "one room, 1000 members, 512 B, deflate against plain";
const EVENTS: &str = "the same with followers by events, against plain";

#[derive(Clone, Copy)]
enum Way {
    Plain,
    Deflate,
    Events,
}

pub(super) fn run(plan: &Plan) -> io::Result<Vec<Row>> {
    [(DEFLATE, Way::Deflate), (EVENTS, Way::Events)]
        .into_iter()
        .map(|(name, way)| {
            if plan.bare_only {
                return Ok(Row::without_bare(name, &format!("≤ {HOLD:.2}")));
            }
            compare(plan, name, way)
        })
        .collect()
}

fn compare(plan: &Plan, name: &str, way: Way) -> io::Result<Row> {
    let (mut ratios, mut costs) = (Vec::new(), Vec::new());
    for round in 0..plan.rounds {
        let (plain, other) = if round % 2 == 0 {
            let plain = cost(plan, Way::Plain)?;
            (plain, cost(plan, way)?)
        } else {
            let other = cost(plan, way)?;
            (cost(plan, Way::Plain)?, other)
        };
        eprintln!(
            "{name}, round {} of {}: plain {}, this {}",
            round + 1,
            plan.rounds,
            nanoseconds(plain),
            nanoseconds(other)
        );
        ratios.push(other / plain);
        costs.push(other);
    }
    let ratio = median(&ratios);
    Ok(Row {
        name: name.to_owned(),
        bare: "–".to_owned(),
        subject: nanoseconds(median(&costs)),
        ratio: Some(ratio),
        hold: format!("≤ {HOLD:.2}"),
        held: Some(ratio <= HOLD),
        note: format!(
            "ratios to plain {}",
            spread(&ratios, |ratio| format!("{ratio:.3}"))
        ),
    })
}

/// Server CPU per delivery, nanoseconds.
fn cost(plan: &Plan, way: Way) -> io::Result<f64> {
    let server = plan.dunlin()?;
    let mut talker = Talker::new(&server)?;
    let mut listeners = Listeners::new(server.address, &talker.room, way)?;
    let mut run = |span: Duration| -> io::Result<u64> {
        let (begun, mut said) = (Instant::now(), 0);
        while begun.elapsed() < span {
            let marks = talker.say()?;
            listeners.wait_for(&marks)?;
            said += 1;
        }
        Ok(said)
    };
    run(plan.warm)?;
    let before = server.cpu()?;
    let said = run(plan.span)?;
    let spent = server.cpu()?.since(before);
    Ok(spent.nanoseconds as f64 / (said * LISTENERS as u64).max(1) as f64)
}

/// Makes the room and talks in it.
struct Talker {
    stream: Blocking,
    room: String,
    said: u64,
}

impl Talker {
    fn new(server: &Server) -> io::Result<Self> {
        let mut stream = Blocking::connect(server.address)?;
        stream.set_read_timeout(Some(LONGEST_WAIT))?;
        stream.set_nodelay(true)?;
        stream.write_all(b"POST /chat?name=bench HTTP/1.1\r\nHost: bench\r\n\r\n")?;
        let answer = answer(&mut stream)?;
        let (_, room) = answer
            .split_once("\"roomId\":\"")
            .ok_or_else(|| Error::other(format!("no room: {answer}")))?;
        Ok(Self {
            stream,
            room: room[..36].to_owned(),
            said: 0,
        })
    }

    /// Says something; how everybody knows that it has arrived.
    fn say(&mut self) -> io::Result<String> {
        self.said += 1;
        let mark = format!("number {:08} ", self.said);
        let text = mark.clone() + &"the tide is out and the flock is on the flat ".repeat(12);
        let text = &text[..LENGTH];
        write!(
            self.stream,
            "POST /chat/{}/messages HTTP/1.1\r\nHost: bench\r\nContent-Length: {LENGTH}\r\n\r\n{text}",
            self.room
        )?;
        answer(&mut self.stream)?;
        Ok(mark)
    }
}

/// One HTTP answer with a length, as text.
fn answer(stream: &mut Blocking) -> io::Result<String> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        });
        if length.is_none_or(|length: usize| body.len() >= length) {
            return Ok(text.into_owned());
        }
    }
}

/// Those who listen, and how many bytes each has got.
struct Listeners {
    poll: Poll,
    events: Events,
    streams: Vec<TcpStream>,
    /// What a plain message takes; a deflated one is counted by what the first listener got.
    got: Vec<u64>,
    buffer: Vec<u8>,
    way: Way,
    /// The last bytes of the first listener, to look for a mark.
    tail: Vec<u8>,
}

impl Listeners {
    fn new(address: SocketAddr, room: &str, way: Way) -> io::Result<Self> {
        let mut listeners = Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            streams: Vec::new(),
            got: vec![0; LISTENERS],
            buffer: vec![0; 256 << 10],
            way,
            tail: Vec::new(),
        };
        for number in 0..LISTENERS {
            let mut stream = Blocking::connect(address)?;
            stream.set_read_timeout(Some(LONGEST_WAIT))?;
            stream.write_all(request(room, way).as_bytes())?;
            if !matches!(way, Way::Events) {
                stream.write_all(&enter(room, number))?;
            }
            listeners.streams.push({
                stream.set_nonblocking(true)?;
                let mut stream = TcpStream::from_std(stream);
                let registry = listeners.poll.registry();
                registry.register(&mut stream, Token(number), Interest::READABLE)?;
                stream
            });
        }
        // Heads, answers, and who else came in; presence is told for a while after the last.
        listeners.settle(Duration::from_millis(2500))?;
        Ok(listeners)
    }

    /// Reads whatever comes until nothing has come for this long.
    fn settle(&mut self, rest: Duration) -> io::Result<()> {
        let mut last = Instant::now();
        while last.elapsed() < rest {
            if self.read(Duration::from_millis(50))? > 0 {
                last = Instant::now();
            }
        }
        Ok(())
    }

    fn read(&mut self, wait: Duration) -> io::Result<u64> {
        self.poll.poll(&mut self.events, Some(wait))?;
        let mut total = 0;
        for event in &self.events {
            let at = event.token().0;
            loop {
                match self.streams[at].read(&mut self.buffer) {
                    Ok(0) => return Err(Error::other("the server closed a listener")),
                    Ok(count) => {
                        self.got[at] += count as u64;
                        total += count as u64;
                        if at == 0 {
                            self.tail.extend_from_slice(&self.buffer[..count]);
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(total)
    }

    /// Waits until everybody has as many bytes as the first, and that one has the message.
    fn wait_for(&mut self, mark: &str) -> io::Result<()> {
        let begun = Instant::now();
        let before = self.got.clone();
        loop {
            let first = self.got[0] - before[0];
            let has_it = match self.way {
                Way::Deflate => first > 0,
                _ => {
                    let mark = mark.as_bytes();
                    self.tail.windows(mark.len()).any(|part| part == mark)
                }
            };
            let is_level = before
                .iter()
                .zip(&self.got)
                .all(|(before, now)| now - before == first);
            if has_it && is_level {
                self.tail.clear();
                return Ok(());
            }
            if begun.elapsed() > LONGEST_WAIT {
                return Err(Error::other("a message did not reach everybody"));
            }
            self.read(Duration::from_millis(100))?;
        }
    }
}

fn request(room: &str, way: Way) -> String {
    let offer = match way {
        Way::Events => {
            return format!("GET /chat/{room}/events HTTP/1.1\r\nHost: bench\r\n\r\n");
        }
        Way::Plain => "",
        Way::Deflate => "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    };
    format!(
        "GET /ws/chat HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: dunlin.v1\r\n{offer}\r\n"
    )
}

/// An ENTER as a masked frame; a mask of zeros changes nothing.
fn enter(room: &str, number: usize) -> Vec<u8> {
    let text = format!(r#"{{"type":"ENTER","roomId":"{room}","sender":"user{number}"}}"#);
    let mut frame = vec![0x81, 0x80 | text.len() as u8, 0, 0, 0, 0];
    assert!(text.len() < 126, "a short frame");
    frame.extend_from_slice(text.as_bytes());
    frame
}
