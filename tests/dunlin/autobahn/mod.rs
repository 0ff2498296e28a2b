//! The cases of the Autobahn TestSuite as raw bytes, so that no Python is needed to keep them.
//!
//! One file per group of sections, with the suite's numbers in the comments. What the suite checks by
//! waiting for a second is asked here with a ping, or byte by byte of the receive lanes themselves:
//! nothing sleeps. `tests/autobahn/run` runs the suite itself.

mod closing;
#[cfg(feature = "deflate")]
mod compression;
mod fragmentation;
mod framing;
mod limits;
mod opcodes;
mod pings;
mod reserved_bits;
mod utf8;

use crate::running::{Running, start};
use crate::wire_client::{Frame, WireClient};
use dunlin::wire::receive::{Event, Input, Lanes, ReceiveRules, Receiver, Role};
use dunlin::wire::work::Work;
use dunlin::{App, apps};
use std::net::Shutdown;

const MASK: [u8; 4] = [0xA3, 0x05, 0x6C, 0x9F];

/// The server of all these tests; the route is `/echo-raw`, as for the suite.
fn server() -> Running {
    start(|| apps::echo::mount(App::new()))
}

/// How a stream is cut into writes.
#[derive(Clone, Copy, Debug)]
enum Pace {
    AtOnce,
    /// One write per frame.
    ByFrame,
    /// One write per byte.
    ByOctet,
}

const PACES: [Pace; 3] = [Pace::AtOnce, Pace::ByFrame, Pace::ByOctet];

/// The frames as a client sends them.
fn stream(frames: &[Frame]) -> Vec<u8> {
    frames.iter().flat_map(masked).collect()
}

fn masked(frame: &Frame) -> Vec<u8> {
    frame.clone().mask(MASK).bytes()
}

/// Writes frames at this pace.
#[track_caller]
fn send(client: &mut WireClient, pace: Pace, frames: &[Frame]) {
    match pace {
        Pace::AtOnce => client.write(stream(frames)),
        Pace::ByFrame => frames.iter().for_each(|frame| client.write(masked(frame))),
        Pace::ByOctet => chopped(client, &stream(frames), 1),
    }
}

/// Writes bytes in chops of this size.
#[track_caller]
fn chopped(client: &mut WireClient, bytes: &[u8], size: usize) {
    bytes.chunks(size).for_each(|chop| client.write(chop));
}

/// Reads these frames, in this order.
#[track_caller]
fn expect(client: &mut WireClient, frames: &[Frame]) {
    for frame in frames {
        assert_eq!(&client.read_frame(), frame);
    }
}

/// Reads the server's Close with this code, and the end behind it: nothing else is said.
#[track_caller]
fn expect_failure(client: &mut WireClient, code: u16) {
    assert_eq!(client.read_close().0, code);
    // The server waits for the end of this side; it may have seen enough already.
    let _ = client.stream().shutdown(Shutdown::Write);
    client.expect_end();
}

/// Sends frames on a connection of their own, at every pace: these answers come, then the
/// connection fails with this code.
#[track_caller]
fn refused(server: &Running, frames: &[Frame], answers: &[Frame], code: u16) {
    for pace in PACES {
        let mut client = server.open("/echo-raw");
        send(&mut client, pace, frames);
        expect(&mut client, answers);
        expect_failure(&mut client, code);
    }
}

/// Sends frames on one connection, at every pace: these answers come and nothing else, and the
/// connection ends with 1000 from both sides.
#[track_caller]
fn answered(server: &Running, frames: &[Frame], answers: &[Frame]) {
    let mut client = server.open("/echo-raw");
    for pace in PACES {
        send(&mut client, pace, frames);
        expect(&mut client, answers);
    }
    client.leave();
}

/// What the receive lanes made of a stream that came byte by byte.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// No failure; this many events.
    Taken(usize),
    /// The number of the byte that failed it, from 1, and the code.
    Failed(usize, u16),
}

/// Feeds the lanes of a server byte by byte.
fn verdict(stream: &[u8]) -> Verdict {
    let (mut lanes, mut receiver) = (Lanes::new(), Receiver::default());
    let rules = ReceiveRules {
        role: Role::Server,
        max_frame: 1 << 20,
        max_message: 1 << 20,
        raw: false,
        closing: false,
    };
    let mut events = 0;
    for (at, byte) in stream.iter().enumerate() {
        let mut byte = [*byte];
        let mut input = Input::new(&mut byte);
        loop {
            match lanes.next(
                &mut receiver,
                None,
                &rules,
                &mut input,
                &mut Work::unlimited(),
            ) {
                Ok(Some(Event::Close(_))) => return Verdict::Taken(events + 1),
                Ok(Some(_)) => events += 1,
                Ok(None) => break,
                Err(failure) => return Verdict::Failed(at + 1, failure.code.get()),
            }
        }
    }
    Verdict::Taken(events)
}
