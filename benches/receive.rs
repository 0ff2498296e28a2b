//! What receiving one message costs: `cargo bench --bench receive [-- --record]`.
//!
//! The receive lanes against a plain tungstenite `WebSocketContext` over the same
//! masked bytes, from a socket that is a slice: all copy what they read, as they
//! would out of the kernel, and are asked for messages until there are none. The
//! lanes read as the server's loop does: into one buffer of 64 KiB, or straight
//! behind half a message. tungstenite stands here twice, because it clears its
//! buffer before every read: with the 128 KiB of its default, and with 4 KiB. The
//! three take turns, their order changes, and the medians of the rounds are shown;
//! the ratio is that to the faster of the two.

mod record;

use dunlin::wire::receive::{Event, Input, Lanes, ReceiveRules, Receiver, Role};
use dunlin::wire::work::Work;
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tungstenite::Message;
use tungstenite::protocol::{Role as TungsteniteRole, WebSocketConfig, WebSocketContext};

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(30);
/// The receive buffer of the server's loop.
const BUFFER: usize = 64 << 10;
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const RULES: ReceiveRules = ReceiveRules {
    role: Role::Server,
    max_frame: 1 << 20,
    max_message: 1 << 20,
    raw: false,
    closing: false,
};

fn main() -> ExitCode {
    record::main("receive", run)
}

fn run() -> String {
    let sizes = [
        (5, "5 B"),
        (20, "20 B"),
        (125, "125 B"),
        (1 << 10, "1 KiB"),
        (16 << 10, "16 KiB"),
        (256 << 10, "256 KiB"),
    ];
    let mut rows = Vec::new();
    for (size, name) in sizes {
        for (opcode, kind) in [(0x1, "text"), (0x2, "binary")] {
            let message = frame(0x80 | opcode, size);
            rows.extend(both_rates(&format!("{kind} {name}"), &message, size));
        }
    }
    for (size, name) in [(125, "125 B"), (16 << 10, "16 KiB")] {
        let part = size / 4;
        let message = [
            frame(0x01, part),
            frame(0x00, part),
            frame(0x00, part),
            frame(0x80, part),
        ];
        let name = format!("text {name} in 4 fragments");
        rows.extend(both_rates(&name, &message.concat(), size));
    }
    rows.extend(both_rates("ping 5 B, answered", &frame(0x89, 5), 5));
    let head = [
        "message",
        "a read",
        "dunlin",
        "tungstenite",
        "with 4 KiB",
        "ratio",
        "ratios",
    ];
    format!(
        "Time per message, medians of {ROUNDS} rounds of {ROUND:?}; text is ASCII. The ratio is that \
         to the faster tungstenite: its default clears 128 KiB before every read.\n\n{}",
        record::table(head, &rows)
    )
}

/// One message a read, and 64 where they would come in few reads.
fn both_rates(name: &str, message: &[u8], size: usize) -> Vec<[String; 7]> {
    let counts: &[usize] = if size > BUFFER { &[1] } else { &[1, 64] };
    let row = |count: &usize| compare(name, &message.repeat(*count), *count);
    counts.iter().map(row).collect()
}

/// A masked frame of letters.
fn frame(first: u8, size: usize) -> Vec<u8> {
    let mut bytes = match size {
        0..=125 => vec![first, 0x80 | size as u8],
        126..=0xffff => [&[first, 0xfe][..], &(size as u16).to_be_bytes()].concat(),
        _ => [&[first, 0xff][..], &(size as u64).to_be_bytes()].concat(),
    };
    bytes.extend(MASK);
    let letters = (0..size).map(|at| b'a' + (at % 26) as u8);
    bytes.extend(
        letters
            .zip(MASK.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    bytes
}

fn compare(name: &str, stream: &[u8], count: usize) -> [String; 7] {
    let mut ours = Ours::new();
    let mut default = Theirs::new(WebSocketConfig::default());
    let mut small = Theirs::new(WebSocketConfig::default().read_buffer_size(4 << 10));
    let heard = ours.hear(stream);
    assert_eq!(heard.events, count, "{name}");
    for theirs in [&mut default, &mut small] {
        assert_eq!(heard, theirs.hear(stream), "{name}: all must hear the same");
    }
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let mut times = [0.0; 3];
        for turn in 0..3 {
            let side = (round + turn) % 3;
            times[side] = match side {
                0 => measure(count, || ours.hear(stream)),
                1 => measure(count, || default.hear(stream)),
                _ => measure(count, || small.hear(stream)),
            };
        }
        rounds.push(times);
    }
    let of = |side: usize| {
        let values: Vec<f64> = rounds.iter().map(|times| times[side]).collect();
        record::median(&values)
    };
    let faster = if of(1) < of(2) { 1 } else { 2 };
    let ratios: Vec<f64> = rounds
        .iter()
        .map(|times| times[0] / times[faster])
        .collect();
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(0.0, f64::max);
    [
        name.to_owned(),
        count.to_string(),
        record::nanoseconds(of(0)),
        record::nanoseconds(of(1)),
        record::nanoseconds(of(2)),
        format!("{:.2}", record::median(&ratios)),
        format!("{least:.2} to {most:.2}"),
    ]
}

/// Nanoseconds per message.
fn measure(count: usize, mut hear: impl FnMut() -> Heard) -> f64 {
    let (start, mut rounds) = (Instant::now(), 0u32);
    while start.elapsed() < ROUND {
        // The clock costs as much as a small message.
        for _ in 0..(256 / count).max(1) {
            black_box(hear());
            rounds += 1;
        }
    }
    start.elapsed().as_nanos() as f64 / (f64::from(rounds) * count as f64)
}

/// What came out of a stream: enough that nothing can be left out of the work.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    events: usize,
    bytes: usize,
    /// Bytes of pongs.
    replied: usize,
}

/// The lanes of a loop with one connection.
struct Ours {
    lanes: Lanes,
    receiver: Receiver,
    buffer: Vec<u8>,
    replies: Vec<u8>,
}

impl Ours {
    fn new() -> Self {
        Self {
            lanes: Lanes::new(),
            receiver: Receiver::default(),
            buffer: vec![0; BUFFER],
            replies: Vec::new(),
        }
    }

    fn hear(&mut self, mut stream: &[u8]) -> Heard {
        let mut heard = Heard::default();
        self.replies.clear();
        while !stream.is_empty() {
            let mut input = match self.receiver.target() {
                Some(target) => {
                    let read = stream.read(target).unwrap_or_default();
                    self.receiver.filled(read);
                    Input::empty()
                }
                None => {
                    let read = stream.read(&mut self.buffer).unwrap_or_default();
                    Input::new(&mut self.buffer[..read])
                }
            };
            loop {
                let mut work = Work::unlimited();
                let event =
                    self.lanes
                        .next(&mut self.receiver, None, &RULES, &mut input, &mut work);
                match event.expect("a good stream") {
                    Some(Event::Message(message)) => heard.bytes += black_box(message).len(),
                    Some(Event::Ping { payload, pong }) => {
                        self.replies.extend_from_slice(pong);
                        heard.bytes += payload.len();
                    }
                    Some(other) => panic!("nobody sent {other:?}"),
                    None => break,
                }
                heard.events += 1;
            }
        }
        heard.replied = self.replies.len();
        heard
    }
}

/// A context of tungstenite for one connection.
struct Theirs {
    context: WebSocketContext,
    replies: Vec<u8>,
}

impl Theirs {
    fn new(config: WebSocketConfig) -> Self {
        Self {
            context: WebSocketContext::new(TungsteniteRole::Server, Some(config)),
            replies: Vec::new(),
        }
    }

    fn hear(&mut self, stream: &[u8]) -> Heard {
        let mut heard = Heard::default();
        self.replies.clear();
        let mut socket = Socket {
            stream,
            replies: &mut self.replies,
        };
        loop {
            match self.context.read(&mut socket) {
                Ok(message @ (Message::Text(_) | Message::Binary(_) | Message::Ping(_))) => {
                    heard.bytes += black_box(message).len();
                    heard.events += 1;
                }
                Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    break;
                }
                other => panic!("nobody sent {other:?}"),
            }
        }
        heard.replied = self.replies.len();
        heard
    }
}

/// A socket with these bytes to read.
struct Socket<'s> {
    stream: &'s [u8],
    replies: &'s mut Vec<u8>,
}

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.stream.read(buffer) {
            Ok(0) => Err(io::ErrorKind::WouldBlock.into()),
            read => read,
        }
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.replies.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
