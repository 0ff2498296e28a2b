//! The meter: no call costs more than what it was given and one step, whatever a peer sends,
//! and stopping anywhere changes nothing.

use super::*;
use crate::wire::extension::Transform;

const BIG: ReceiveRules = ReceiveRules {
    max_frame: 64 << 20,
    max_message: 64 << 20,
    ..RULES
};

/// The streams that a peer may send to make this side work.
fn streams() -> Vec<(&'static str, Vec<u8>)> {
    let ascii = vec![b'a'; 3 << 20];
    let wide = "웹".repeat(300_000).into_bytes();
    let fragments = |payload: &[u8], size: usize| {
        let last = payload.chunks(size).len() - 1;
        let parts = payload.chunks(size).enumerate();
        let frames = parts.map(|(at, part)| {
            let opcode = if at == 0 { 0x01 } else { 0x00 };
            frame(opcode | if at == last { 0x80 } else { 0 }, part)
        });
        frames.collect::<Vec<_>>().concat()
    };
    let empty = [
        frame(0x01, b""),
        frame(0x00, b"").repeat(1000),
        frame(0x80, b""),
    ];
    vec![
        ("a long text", frame(0x81, &ascii)),
        ("a long text of Hangul", frame(0x81, &wide)),
        ("a text of 256 KiB", frame(0x81, &ascii[..256 << 10])),
        ("a text just longer", frame(0x81, &ascii[..(256 << 10) + 1])),
        ("a long binary message", frame(0x82, &ascii)),
        ("two long fragments", fragments(&wide, 500_000)),
        ("fragments of 64 KiB", fragments(&ascii, 64 << 10)),
        ("fragments of 100 bytes", fragments(&ascii[..100_000], 100)),
        ("empty fragments", empty.concat()),
        ("pings", frame(0x89, &[1; 125]).repeat(1000)),
        ("empty texts", frame(0x81, b"").repeat(1000)),
    ]
}

/// Feeds a stream with meters of these units and without.
fn compare(
    name: &str,
    stream: &[u8],
    units: u32,
    transform: impl Fn() -> Option<Box<dyn Transform>>,
) -> Heard {
    let mut lanes = Lanes::new();
    let mut setup = Setup {
        rules: BIG,
        direct: false,
        cuts: vec![64 << 10],
        meters: Vec::new(),
    };
    let free = hear(&mut lanes, &setup, transform().as_deref_mut(), stream);
    setup.meters.push(units);
    for direct in [false, true] {
        setup.direct = direct;
        // Asserts that no call costs more than its meter and one step.
        let metered = hear(&mut lanes, &setup, transform().as_deref_mut(), stream);
        assert!(metered == free, "{name}, {units} units, direct: {direct}");
    }
    free
}

#[test]
fn no_step_over_plain_frames_is_long_and_stopping_changes_nothing() {
    for (name, stream) in streams() {
        for units in [1, 700, 30_000] {
            let heard = compare(name, &stream, units, || None);
            assert_eq!(heard.failure, None, "{name}");
            assert!(!heard.seen.is_empty(), "{name}");
        }
    }
}

#[cfg(feature = "deflate")]
mod deflated {
    use super::*;
    use crate::wire::deflate::Deflate;
    use crate::wire::extension::Extension;
    use flate2::{Compress, Compression, FlushCompress};

    fn transform(takeover: bool) -> Option<Box<dyn Transform>> {
        let deflate = Deflate::new().context_takeover(takeover);
        let agreement = deflate.accept(&deflate.offers()[0]);
        Some(agreement.unwrap().transform)
    }

    fn compressed(plain: &[u8]) -> Vec<u8> {
        let mut stream = Compress::new(Compression::new(6), false);
        let mut out = Vec::with_capacity(plain.len() + 1000);
        stream
            .compress_vec(plain, &mut out, FlushCompress::Sync)
            .unwrap();
        out.truncate(out.len() - 4);
        out
    }

    fn streams() -> Vec<(&'static str, Vec<u8>)> {
        let bomb = compressed(&vec![b'0'; 5 << 20]);
        let noise: Vec<u8> = (0..100_000u32)
            .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let fragments: Vec<u8> = bomb
            .chunks(100)
            .enumerate()
            .flat_map(|(at, part)| frame(if at == 0 { 0x41 } else { 0x00 }, part))
            .chain(frame(0x80, b""))
            .collect();
        vec![
            ("a bomb", frame(0xC1, &bomb)),
            ("a bomb in fragments", fragments),
            ("what does not shrink", frame(0xC2, &compressed(&noise))),
            ("final blocks", frame(0xC1, &[0x03, 0x00].repeat(20_000))),
            (
                "stored blocks",
                frame(
                    0xC1,
                    &[&[0, 0, 0, 0xff, 0xff].repeat(20_000)[..], &[0]].concat(),
                ),
            ),
            (
                "fixed blocks",
                frame(0xC1, &[0x02, 0x08, 0x20, 0x80].repeat(20_000)),
            ),
            ("empty messages", frame(0xC1, b"").repeat(1000)),
            (
                "texts of 1000 bytes",
                frame(0xC1, &compressed(&[b'x'; 1000])).repeat(100),
            ),
        ]
    }

    #[test]
    fn no_step_over_compressed_frames_is_long_and_stopping_changes_nothing() {
        for (name, stream) in streams() {
            for takeover in [false, true] {
                for units in [1, 700, 30_000] {
                    let heard = compare(name, &stream, units, || transform(takeover));
                    let broken = heard.failure.map(|failure| failure.code.get());
                    assert!(broken.is_none_or(|code| code == 1007), "{name}: {broken:?}");
                }
            }
        }
    }

    /// What a whole stream costs.
    fn cost(stream: &[u8], transform: &mut (dyn Transform + 'static)) -> i64 {
        let (mut lanes, mut receiver) = (Lanes::new(), Receiver::default());
        let mut bytes = stream.to_vec();
        let mut input = Input::new(&mut bytes);
        let mut work = Work::unlimited();
        let before = work.left();
        while let Ok(Some(_)) =
            lanes.next(&mut receiver, Some(transform), &BIG, &mut input, &mut work)
        {}
        before - work.left()
    }

    #[test]
    fn a_bomb_is_charged_by_what_it_grows_to_and_blocks_by_their_number() {
        let mut transform = transform(false).unwrap();
        let bomb = frame(0xC1, &compressed(&vec![b'0'; 4 << 20]));
        assert!(cost(&bomb, &mut *transform) >= (4 << 20) / 2);
        let blocks = frame(0xC1, &[0x03, 0x00].repeat(10_000));
        let price = i64::from(crate::wire::work::price::FINAL_BLOCK);
        assert!(cost(&blocks, &mut *transform) >= 10_000 * price);
        let empty = frame(0xC1, b"").repeat(100);
        let price = i64::from(crate::wire::work::price::RESET);
        assert!(cost(&empty, &mut *transform) >= 100 * price);
    }
}

#[test]
fn a_paused_receiver_says_so_and_goes_on_without_input() {
    let (mut lanes, mut receiver) = (Lanes::new(), Receiver::default());
    let bytes = frame(0x81, &[b'a'; 200_000]);
    feed(&mut lanes, &mut receiver, &bytes[..1000]);
    assert!(!receiver.is_paused());
    let mut at = 1000;
    while let Some(target) = receiver.target() {
        let n = target.len().min(bytes.len() - at);
        target[..n].copy_from_slice(&bytes[at..at + n]);
        receiver.filled(n);
        at += n;
    }
    assert!(receiver.is_paused());
    let mut calls = 0;
    loop {
        let mut nothing = Input::empty();
        let mut work = Work::new(1);
        calls += 1;
        let next = lanes.next(&mut receiver, None, &RULES, &mut nothing, &mut work);
        if next.unwrap().is_some() {
            break;
        }
        assert!(work.is_spent() && receiver.is_paused());
    }
    assert!(calls > 2, "{calls} calls");
    assert!(receiver.is_at_rest() && !receiver.is_paused());
}

#[test]
fn a_spent_meter_stops_the_slower_lanes_before_anything_is_taken() {
    let (mut lanes, mut receiver) = (Lanes::new(), Receiver::default());
    let mut bytes = frame(0x89, b"ping");
    let before = bytes.clone();
    let mut input = Input::new(&mut bytes);
    let mut work = Work::new(0);
    let next = lanes.next(&mut receiver, None, &RULES, &mut input, &mut work);
    assert_eq!(next, Ok(None));
    assert_eq!(input.remaining(), before.len());
    assert_eq!(bytes, before);
}

#[test]
fn a_long_message_can_be_kept_without_a_copy() {
    let mut lanes = Lanes::new();
    let lent = lanes.lent_message();
    for (first, long) in [(0x81, true), (0x82, true), (0x81, false)] {
        let mut receiver = Receiver::default();
        let size = if long { 300_000 } else { 1000 };
        let mut bytes = frame(first, &vec![b'a'; size]);
        let (start, end) = bytes.split_at_mut(500);
        for part in [start, end] {
            let mut input = Input::new(part);
            let next = next(&mut lanes, &mut receiver, &RULES, &mut input);
            if let Some(Event::Message(message)) = next.unwrap() {
                let payload = &message.bytes()[10..];
                let kept = lent.share(payload);
                assert_eq!(kept.is_some(), long);
                if let Some(kept) = kept {
                    assert_eq!(kept.as_ptr_range(), payload.as_ptr_range());
                }
                assert!(lent.share(b"elsewhere").is_none());
            }
        }
        feed(&mut lanes, &mut receiver, b"");
        assert!(lent.0.borrow().is_none(), "it is forgotten with its event");
    }
}

#[test]
fn what_a_long_message_left_is_freed_in_slices() {
    let (mut lanes, mut receiver) = (Lanes::new(), Receiver::default());
    let mut bytes = frame(0x81, &[b'a'; 1 << 20]);
    let mut input = Input::new(&mut bytes);
    let mut work = Work::unlimited();
    let next = lanes.next(&mut receiver, None, &BIG, &mut input, &mut work);
    assert!(next.unwrap().is_some());
    assert!(!lanes.free_some(&mut work), "it is being delivered");
    // The next one to come has no long message, and pays for none.
    let mut spent = |receiver: &mut Receiver, bytes: &mut [u8]| {
        let mut work = Work::unlimited();
        let before = work.left();
        let mut input = Input::new(bytes);
        while let Ok(Some(_)) = lanes.next(receiver, None, &BIG, &mut input, &mut work) {}
        before - work.left()
    };
    let mut other = Receiver::default();
    assert!(spent(&mut other, &mut frame(0x81, b"hello")) < 1_000);
    assert!(spent(&mut other, &mut []) < 1_000);
    // A call that is in the middle of a message frees as much as its work allows.
    let mut long = frame(0x81, &[b'a'; 1 << 20]);
    let (begin, _) = long.split_at_mut(20_000);
    assert!(spent(&mut receiver, begin) < 20_000);
    let (mut nothing, mut work) = (Input::empty(), Work::new(1));
    let next = lanes.next(&mut receiver, None, &BIG, &mut nothing, &mut work);
    assert_eq!(next, Ok(None));
    // One of its four slices went with that call, one goes with each of these.
    let more = [(); 3].map(|()| lanes.free_some(&mut Work::new(1)));
    assert_eq!(more, [true, true, false]);
}

#[test]
fn pools_keep_little_after_a_storm_and_nothing_when_shrunk() {
    let mut lanes = Lanes::new();
    let receivers: Vec<_> = (0..100)
        .map(|_| {
            let mut receiver = Receiver::default();
            let bytes = frame(0x82, &[1; 200_000]);
            feed(&mut lanes, &mut receiver, &bytes[..150_000]);
            receiver
        })
        .collect();
    receivers
        .into_iter()
        .for_each(|receiver| lanes.release(receiver));
    assert!((1..=4 << 20).contains(&lanes.buffers.held()));
    lanes.shrink();
    assert_eq!((lanes.buffers.held(), lanes.contexts.len()), (0, 0));
}
