//! What the lanes cost: memory at rest, buffers, pools, and where bytes lie.

use super::super::collect::Collected;
use super::super::context::ContextPool;
use super::super::lanes::{Arriving, Pending};
use super::*;
use crate::wire::message::Message;

/// What a receiver that is not at rest holds beside its buffers.
const STATE: usize = size_of::<Pending>();

/// The buffer of the half frame.
fn spilled(receiver: Receiver) -> Vec<u8> {
    match receiver.0.unwrap().frame.unwrap() {
        Arriving::Whole(spill) => spill.into_bytes(),
        Arriving::Pieces(_) => panic!("it goes on in pieces"),
    }
}

#[test]
fn a_receiver_at_rest_is_one_pointer() {
    assert_eq!(size_of::<Receiver>(), size_of::<usize>());
    assert!(Receiver::default().is_at_rest());
    assert_eq!(Receiver::default().held(), 0);
}

#[test]
fn a_whole_message_is_borrowed_from_the_input() {
    let (mut lanes, mut receiver) = (Lanes::new(), Receiver::default());
    let mut bytes = frame(0x81, b"in place");
    let range = bytes.as_ptr_range();
    let mut input = Input::new(&mut bytes);
    let event = next(&mut lanes, &mut receiver, &RULES, &mut input);
    let Ok(Some(Event::Message(Message::Text(text)))) = event else {
        panic!("{event:?}");
    };
    assert_eq!(text, "in place");
    assert!(range.contains(&text.as_ptr()));
    assert!(receiver.is_at_rest());
}

#[test]
fn a_receiver_rests_again_when_its_half_frame_is_complete() {
    let (mut lanes, mut receiver) = (Lanes::new(), Receiver::default());
    let mut bytes = frame(0x82, &[1; 100]);
    feed(&mut lanes, &mut receiver, &bytes[..1]);
    assert_eq!(receiver.held(), STATE);
    feed(&mut lanes, &mut receiver, &bytes[1..50]);
    assert_eq!(receiver.held(), STATE + 100);
    assert!(!receiver.is_at_rest());
    let mut input = Input::new(&mut bytes[50..]);
    let event = next(&mut lanes, &mut receiver, &RULES, &mut input);
    let expected = Event::Message(Message::Binary(&[1; 100]));
    assert_eq!(event, Ok(Some(expected)));
    assert!(receiver.is_at_rest());
    assert_eq!(receiver.held(), 0);
}

#[test]
fn open_fragments_count_as_held() {
    let (mut lanes, mut receiver) = (Lanes::new(), Receiver::default());
    feed(&mut lanes, &mut receiver, &frame(0x02, &[1; 100]));
    feed(&mut lanes, &mut receiver, &frame(0x00, &[1; 20]));
    feed(&mut lanes, &mut receiver, &frame(0x80, &[1; 9])[..10]);
    // What lane 3 keeps of 124 bytes is a vector that doubled once.
    let context = ContextPool::default().take(Role::Server).held();
    assert_eq!(receiver.held(), STATE + context + 200);
    assert!(!receiver.is_at_rest());
}

#[test]
fn an_announced_length_alone_costs_no_memory() {
    let (mut lanes, mut receiver) = (Lanes::new(), Receiver::default());
    let mut bytes = head(0x82, 1 << 20);
    bytes.push(0);
    feed(&mut lanes, &mut receiver, &bytes);
    assert_eq!(receiver.held(), STATE + 256);
    let held = spilled(receiver);
    assert!(held.capacity() <= 256, "{}", held.capacity());
}

#[test]
fn the_next_read_may_go_straight_behind_the_half_frame() {
    let (mut lanes, mut receiver) = (Lanes::new(), Receiver::default());
    assert_eq!(receiver.target(), None);
    let stream = frame(0x81, "웹".repeat(50_000).as_bytes());
    let mut at = 1000;
    feed(&mut lanes, &mut receiver, &stream[..at]);
    let mut reads = 0;
    while let Some(target) = receiver.target() {
        assert!(target.len() >= 16 * 1024 || target.len() == stream.len() - at);
        let n = target.len().min(60_000);
        target[..n].copy_from_slice(&stream[at..at + n]);
        receiver.filled(n);
        at += n;
        reads += 1;
        if at < stream.len() {
            feed(&mut lanes, &mut receiver, &[]);
        }
    }
    assert!(reads < 8, "{reads} reads");
    let mut rest = stream[at..].to_vec();
    let mut input = Input::new(&mut rest);
    let event = next(&mut lanes, &mut receiver, &RULES, &mut input);
    let expected = Event::Message(Message::Text(&"웹".repeat(50_000)));
    assert_eq!(event, Ok(Some(expected)));
}

#[test]
fn a_few_missing_bytes_are_not_worth_a_read_of_their_own() {
    let (mut lanes, mut receiver) = (Lanes::new(), Receiver::default());
    feed(&mut lanes, &mut receiver, &frame(0x82, &[1; 100])[..50]);
    assert_eq!(receiver.target(), None);
}

#[test]
fn wrong_text_in_a_direct_read_fails_before_the_frame_is_complete() {
    let (mut lanes, mut receiver) = (Lanes::new(), Receiver::default());
    let mut payload = vec![b'a'; 100_000];
    payload[2000] = 0xFF;
    let stream = frame(0x81, &payload);
    feed(&mut lanes, &mut receiver, &stream[..1000]);
    let target = receiver.target().unwrap();
    target[..5000].copy_from_slice(&stream[1000..6000]);
    receiver.filled(5000);
    let mut nothing = Input::empty();
    let next = next(&mut lanes, &mut receiver, &RULES, &mut nothing);
    assert_eq!(next.unwrap_err().code.get(), 1007);
}

#[test]
#[should_panic(expected = "had room")]
fn more_than_the_target_cannot_have_been_filled() {
    let (mut lanes, mut receiver) = (Lanes::new(), Receiver::default());
    feed(&mut lanes, &mut receiver, &head(0x82, 100_000));
    let room = receiver.target().unwrap().len();
    receiver.filled(room + 1);
}

#[test]
fn buffers_and_contexts_go_back_to_their_pools() {
    let mut lanes = Lanes::new();
    for _ in 0..100 {
        let mut receiver = Receiver::default();
        feed(&mut lanes, &mut receiver, &frame(0x82, &[1; 300])[..200]);
        lanes.release(receiver);
        let stream = [frame(0x01, b"a"), frame(0x89, b"p"), frame(0x80, b"b")];
        assert_eq!(heard_by(&mut lanes, &stream.concat()).seen.len(), 2);
    }
    assert_eq!((lanes.buffers.len(), lanes.contexts.len()), (1, 2));
}

#[test]
fn the_buffer_of_a_delivered_frame_serves_the_next_one() {
    let mut lanes = Lanes::new();
    let setup = Setup {
        rules: RULES,
        direct: false,
        cuts: vec![250],
        meters: Vec::new(),
    };
    let stream = frame(0x82, &[1; 1000]).repeat(20);
    assert_eq!(hear(&mut lanes, &setup, None, &stream).seen.len(), 20);
    assert_eq!(lanes.buffers.len(), 1);
}

#[test]
fn a_buffer_never_outgrows_the_announced_length() {
    let (mut lanes, mut receiver) = (Lanes::new(), Receiver::default());
    let stream = frame(0x82, &[1; 70_000]);
    for piece in stream[..stream.len() - 1].chunks(10_000) {
        feed(&mut lanes, &mut receiver, piece);
    }
    let held = spilled(receiver);
    assert_eq!(held.capacity(), 70_000);
}

#[test]
fn buffers_that_grew_large_are_not_kept() {
    let mut lanes = Lanes::new();
    let rules = ReceiveRules {
        max_frame: 8 << 20,
        max_message: 8 << 20,
        ..RULES
    };
    let setup = Setup {
        rules,
        direct: true,
        cuts: vec![100_000],
        meters: Vec::new(),
    };
    let big = vec![1; 4 << 20];
    let stream = [frame(0x82, &big), frame(0x02, &big), frame(0x80, b"")].concat();
    assert_eq!(hear(&mut lanes, &setup, None, &stream).seen.len(), 2);
    assert_eq!((lanes.buffers.len(), lanes.contexts.len()), (0, 1));
    assert_eq!(lanes.spilled.capacity(), 0);
    assert!(matches!(lanes.collected, Collected::Nothing));
    assert!(lanes.assembled.is_none());
}

/// Feeds a stream at once to lanes that were used before.
fn heard_by(lanes: &mut Lanes, stream: &[u8]) -> Heard {
    let setup = Setup {
        rules: RULES,
        direct: false,
        cuts: Vec::new(),
        meters: Vec::new(),
    };
    hear(lanes, &setup, None, stream)
}
