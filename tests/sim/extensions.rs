//! Sessions with an extension whose messages build on each other, like deflate with takeover.

use crate::offered::Offered;
use crate::puppet::stage_with;
use dunlin::Limits;
use dunlin::testing::{Conversation, Received, Sim};
use dunlin::wire::extension::{DecodeError, FrameInfo, Transform};
use dunlin::wire::work::Work;
use dunlin::{BacklogPolicy, Settings};
use dunlin::{OpCode, Reserved};

/// Numbers every message: a receiver notices when one is missing.
#[derive(Debug, Clone, Default)]
struct Numbered {
    sent: u64,
    held: usize,
}

impl Transform for Numbered {
    fn reserved(&self) -> Reserved {
        Reserved::RSV2
    }

    fn wants(&self, first: Reserved) -> bool {
        first.intersects(Reserved::RSV2)
    }

    /// Holds fragments back until the last one, which brings all of them.
    fn decode(
        &mut self,
        info: FrameInfo,
        payload: &[u8],
        _: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        if info.fin {
            out.resize(std::mem::take(&mut self.held), b' ');
            out.extend_from_slice(payload);
        } else {
            self.held += payload.len();
        }
        Ok(())
    }

    fn encode(
        &mut self,
        _: OpCode,
        payload: &[u8],
        _: &mut Work,
        out: &mut Vec<u8>,
    ) -> Option<Reserved> {
        self.sent += 1;
        out.extend_from_slice(format!("{} ", self.sent).as_bytes());
        out.extend_from_slice(payload);
        Some(Reserved::NONE)
    }

    fn share_key(&self) -> Option<u32> {
        None
    }

    fn held_bytes(&self) -> usize {
        self.held
    }
}

fn numbered(policy: BacklogPolicy) -> (Sim, Conversation) {
    let settings = Settings::default()
        .backlog(policy)
        .backlog_mark(1000)
        .backlog_limit(2000)
        .extension(Offered::new("x-numbered", Numbered::default()));
    let limits = Limits::default().max_buffered(100_000);
    let (sim, _) = stage_with(settings, limits);
    let offer = [("Sec-WebSocket-Extensions", "x-numbered")];
    let peer = sim.open_with("/?do=join+room", &offer);
    (sim, peer.expect("the extension is known"))
}

#[test]
fn every_way_of_sending_numbers_once_and_in_order() {
    let (sim, peer) = numbered(BacklogPolicy::Close);
    sim.remote().publish("room", "remote").unwrap();
    sim.drive();
    peer.send("echo one; publish room two; tell 0 three; echo four; publish room five");
    let expected = ["1 remote", "2 one", "3 two", "4 three", "5 four", "6 five"];
    assert_eq!(peer.receive_all(), expected.map(Received::text));
}

#[test]
fn a_slow_reader_is_closed_where_nothing_can_be_left_out() {
    for policy in [BacklogPolicy::DropNewest, BacklogPolicy::DropOldest] {
        let (sim, peer) = numbered(policy);
        peer.set_capacity(10);
        peer.stall();
        for _ in 0..6 {
            peer.send("flood 1 500");
            sim.drive();
        }
        peer.resume();
        let received = peer.receive_all();
        let close = Received::close(1008, "Slow reader");
        assert_eq!(received.last(), Some(&close), "{policy:?}");
        assert_eq!(sim.stats().dropped, 0, "{policy:?}");
    }
}

#[test]
fn what_an_extension_holds_back_counts_against_the_cap() {
    let (sim, peer) = numbered(BacklogPolicy::Close);
    let payload = [b' '; 60_000];
    peer.send_frame(false, Reserved::RSV2, OpCode::Text, &payload);
    sim.drive();
    assert!(sim.stats().buffered >= 60_000, "{:?}", sim.stats());
    peer.send_frame(false, Reserved::NONE, OpCode::Continuation, &payload);
    let close = Received::close(1008, "Out of memory");
    assert_eq!(peer.receive(), Some(close));
    assert_eq!(sim.stats().buffered, 0);
}

#[test]
fn a_message_that_was_held_back_is_no_longer_in_the_books() {
    let (sim, peer) = numbered(BacklogPolicy::Close);
    peer.send_frame(false, Reserved::RSV2, OpCode::Text, &[b' '; 60_000]);
    sim.drive();
    peer.send_frame(true, Reserved::NONE, OpCode::Continuation, b"echo done");
    assert_eq!(peer.receive_text(), "1 done");
    assert_eq!(sim.stats().buffered, 0);
}
