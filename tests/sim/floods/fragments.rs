//! Long messages in one frame and in fragments.

use super::{Flood, Stage, frame, whole};
use dunlin::BacklogPolicy;
use dunlin::testing::Received;
use dunlin::{OpCode, Reserved};

/// A text of so many bytes in fragments of so many.
fn fragmented(bytes: usize, fragment: usize) -> Vec<u8> {
    let payload = "안녕 ".repeat(bytes / 7 + 1).into_bytes();
    let pieces: Vec<_> = payload.chunks(fragment).collect();
    let last = pieces.len() - 1;
    let opcode = |at| {
        if at == 0 {
            OpCode::Text
        } else {
            OpCode::Continuation
        }
    };
    let pieces = pieces.iter().enumerate();
    let frames = pieces.map(|(at, piece)| frame(at == last, Reserved::NONE, opcode(at), piece));
    frames.collect::<Vec<_>>().concat()
}

#[test]
fn long_texts_in_fragments() {
    for (count, bytes) in [(1, 4 << 20), (4, 4 << 20), (100, 100 << 10)] {
        for fragment in [64, 4_000, 70_000] {
            let supply = fragmented(bytes, fragment);
            let mut flood =
                Flood::of_sessions(Stage::new(BacklogPolicy::Close), "/deaf", count, supply);
            flood.run(50);
            // A turn works off some 300 KB; a message is heard of when it is there.
            let turns = super::a_round(count) + (count * bytes) as u64 / (100 << 10);
            flood.assert_all_are_served_every(turns);
            assert!(!flood.is_over(), "{count} {fragment}");
            flood.assert_leaves_nothing();
        }
    }
}

#[test]
fn long_texts_in_one_frame() {
    for (count, bytes) in [
        (1, 4 << 20),
        (4, 4 << 20),
        (100, 100 << 10),
        (900, 20 << 10),
    ] {
        let supply = whole(OpCode::Text, &vec![b'x'; bytes]);
        let mut flood =
            Flood::of_sessions(Stage::new(BacklogPolicy::Close), "/deaf", count, supply);
        flood.run(60);
        flood.assert_all_are_served_every(2 * super::a_round(count) + 10);
        assert!(!flood.is_over(), "{count}");
        flood.assert_leaves_nothing();
    }
}

#[test]
fn long_texts_that_come_back_and_are_read() {
    for (count, bytes) in [(1, 1 << 20), (4, 1 << 20), (100, 30 << 10)] {
        let supply = whole(OpCode::Text, &vec![b'x'; bytes]);
        let stage = Stage::new(BacklogPolicy::StopReading);
        let mut flood = Flood::of_sessions(stage, "/echo", count, supply);
        flood.run(60);
        flood.bystander.assert_waited_at_most(super::FEW);
        assert!(!flood.is_over(), "{count}");
        flood.assert_leaves_nothing();
    }
}

#[test]
fn a_long_text_of_which_little_comes_at_a_time() {
    let supply = whole(OpCode::Text, &vec![b'x'; 1 << 20]);
    let mut flood = Flood::of_sessions(Stage::new(BacklogPolicy::Close), "/deaf", 100, supply);
    flood.trickle(100);
    flood.run(100);
    flood.assert_all_are_served();
    flood.assert_leaves_nothing();
}

#[test]
fn empty_fragments_end_with_1008() {
    for count in [1, 4, 100, 900] {
        let empty = frame(false, Reserved::NONE, OpCode::Continuation, b"");
        let first = frame(false, Reserved::NONE, OpCode::Text, b"");
        let supply = [first, empty.repeat(2_000)].concat();
        let stage = Stage::new(BacklogPolicy::Close);
        let one = stage.sim.open("/deaf");
        one.send_raw(&supply);
        let closes = one.receive_all();
        let is_1008 = |received: &Received| matches!(received, Received::Close { code, .. } if code.get() == 1008);
        assert!(closes.last().is_some_and(is_1008), "{closes:?}");
        one.cut();
        let mut flood = Flood::of_sessions(stage, "/deaf", count, supply);
        flood.run(60 + 5 * count as u64);
        flood.bystander.assert_waited_at_most(super::FEW);
        assert!(flood.is_over(), "{count}");
        flood.assert_leaves_nothing();
    }
}

#[test]
fn fragments_as_small_as_they_may_be() {
    for count in [1, 4, 100, 900] {
        let mut frames = vec![frame(false, Reserved::NONE, OpCode::Binary, &[0; 32])];
        frames.resize(
            3_000,
            frame(false, Reserved::NONE, OpCode::Continuation, &[0; 32]),
        );
        frames.push(frame(true, Reserved::NONE, OpCode::Continuation, &[0; 32]));
        let mut flood = Flood::of_sessions(
            Stage::new(BacklogPolicy::Close),
            "/deaf",
            count,
            frames.concat(),
        );
        flood.run(60 + count as u64 / 8);
        flood.assert_all_are_served_every(10 * super::a_round(count));
        assert!(!flood.is_over(), "{count}");
        flood.assert_leaves_nothing();
    }
}
