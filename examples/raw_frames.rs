//! Raw frames: a message is summed up fragment by fragment and never put together, so that one of 1 GiB
//! costs no more memory than a frame of it.
//!
//! `cargo run --example raw_frames`, then `cargo run -- chat ws://127.0.0.1:8080/measure` and type a line.
//!
//! A raw handler sees every frame as it came and answers for itself: pings and Closes, too. UTF-8 is not
//! checked. A peer that breaks the rules of framing is still failed by the server.

use dunlin::{App, OpCode, Open, RawFrame, RawHandler, Request, Server, Session, Settings};

/// What is known of the message that is under way.
#[derive(Default)]
struct Measured {
    frames: u64,
    bytes: u64,
    zeros: u64,
}

struct Measure;

impl RawHandler for Measure {
    type Data = Measured;

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<Measured> {
        Open::Accept(Measured::default())
    }

    fn frame(&mut self, message: &mut Measured, session: &mut Session<'_>, frame: RawFrame<'_>) {
        match frame.opcode {
            OpCode::Text | OpCode::Binary | OpCode::Continuation => {
                let zeros = frame.payload.iter().filter(|byte| **byte == 0).count();
                message.frames += 1;
                message.bytes += frame.payload.len() as u64;
                message.zeros += zeros as u64;
                if frame.fin {
                    let Measured {
                        frames,
                        bytes,
                        zeros,
                    } = std::mem::take(message);
                    session.send(format!("{bytes} bytes in {frames} frames, {zeros} zeros"));
                }
            }
            // The same payload goes back: as a pong (RFC 6455 §5.5.3), or as the answer to a Close (§5.5.1).
            OpCode::Ping => drop(session.send_frame(RawFrame {
                opcode: OpCode::Pong,
                ..frame
            })),
            OpCode::Close => drop(session.send_frame(frame)),
            OpCode::Pong => {}
        }
    }
}

fn app() -> App {
    // The frame last: the size of a message sets that of a frame, too.
    let settings = Settings::default()
        .max_message_size(1 << 30)
        .max_frame_size(64 << 10);
    App::new().ws_raw("/measure", settings, Measure)
}

fn main() -> dunlin::Result<()> {
    Server::new(app()).listen("127.0.0.1:8080")?.run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::Reserved;
    use dunlin::testing::{Received, Sim};

    #[test]
    fn a_long_message_costs_no_more_memory_than_a_frame() {
        let sim = Sim::new(app()).expect("the program is right");
        let client = sim.open("/measure");
        let mut opcode = OpCode::Binary;
        for frame in 1..=200 {
            client.send_frame(frame == 200, Reserved::NONE, opcode, &[0; 60_000]);
            opcode = OpCode::Continuation;
            sim.drive();
            assert!(sim.stats().buffered < 200_000, "{:?}", sim.stats());
        }
        let wanted = "12000000 bytes in 200 frames, 12000000 zeros";
        assert_eq!(client.receive_text(), wanted);
    }

    #[test]
    fn a_ping_between_two_fragments_is_answered_with_its_payload() {
        let sim = Sim::new(app()).expect("the program is right");
        let client = sim.open("/measure");
        client.send_frame(false, Reserved::NONE, OpCode::Text, b"hel");
        client.ping(b"anyone?");
        client.send_frame(true, Reserved::NONE, OpCode::Continuation, b"lo");
        let pong = Received::Pong(b"anyone?".to_vec());
        let answer = Received::text("5 bytes in 2 frames, 0 zeros");
        assert_eq!(client.receive_all(), [pong, answer]);
    }

    #[test]
    fn a_close_is_answered_with_the_same_code() {
        let sim = Sim::new(app()).expect("the program is right");
        let client = sim.open("/measure");
        client.close(4321, "enough");
        assert_eq!(client.receive(), Some(Received::close(4321, "enough")));
        sim.drive();
        assert!(sim.is_empty());
    }

    #[test]
    fn a_frame_over_64_kib_closes_with_1009() {
        let sim = Sim::new(app()).expect("the program is right");
        let client = sim.open("/measure");
        client.send(vec![1; (64 << 10) + 1]);
        assert!(
            matches!(client.receive(), Some(Received::Close { code, .. }) if code.get() == 1009)
        );
    }
}
