//! Code of the program that encodes and agrees, and panics: that ends a session with 1011, and
//! nothing else.

use crate::offered::Offered;
use crate::puppet::{Diary, TOLD_TO, stage_with};
use dunlin::Limits;
use dunlin::testing::{Conversation, Received, Sim};
use dunlin::wire::extension::{DecodeError, FrameInfo, Offer, Transform};
use dunlin::wire::work::Work;
use dunlin::{CloseCode, Settings};
use dunlin::{OpCode, Reserved};

/// Panics at a message with `boom` in it.
#[derive(Debug, Clone)]
struct Fragile {
    share: Option<u32>,
}

fn check(bytes: &[u8]) {
    let is_fatal = bytes.windows(4).any(|four| four == b"boom");
    assert!(!is_fatal, "{TOLD_TO}");
}

/// Panics at an offer with such a parameter.
fn check_offer(offer: &Offer) {
    let names = offer.params.iter().map(|(name, _)| name.as_bytes());
    names.for_each(check);
}

impl Transform for Fragile {
    fn reserved(&self) -> Reserved {
        Reserved::RSV2
    }

    fn wants(&self, first: Reserved) -> bool {
        first.intersects(Reserved::RSV2)
    }

    fn decode(
        &mut self,
        _: FrameInfo,
        payload: &[u8],
        _: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        out.extend_from_slice(payload);
        Ok(())
    }

    fn encode(
        &mut self,
        _: OpCode,
        payload: &[u8],
        _: &mut Work,
        out: &mut Vec<u8>,
    ) -> Option<Reserved> {
        check(payload);
        out.extend_from_slice(payload);
        Some(Reserved::NONE)
    }

    fn share_key(&self) -> Option<u32> {
        self.share
    }
}

const OFFER: [(&str, &str); 1] = [("Sec-WebSocket-Extensions", "x-fragile")];

fn stage(share: Option<u32>) -> (Sim, Diary) {
    let fragile = Offered::new("x-fragile", Fragile { share }).looking(check_offer);
    let (sim, diary) = stage_with(Settings::default().extension(fragile), Limits::default());
    sim.expect_panics();
    (sim, diary)
}

fn open(sim: &Sim) -> Conversation {
    let opened = sim.open_with("/?do=join+room", &OFFER);
    opened.expect("the extension is known")
}

#[track_caller]
fn assert_ends_with_1011(peer: &Conversation) {
    let close = Received::close(1011, "Internal error");
    assert_eq!(peer.receive_all().last(), Some(&close));
}

#[track_caller]
fn assert_goes_on(peer: &Conversation) {
    peer.send("echo alive");
    let received = peer.receive_all();
    assert_eq!(received.last(), Some(&Received::text("alive")));
}

#[test]
fn an_encoder_that_panics_at_an_answer_ends_that_session_only() {
    for share in [None, Some(0)] {
        let (sim, diary) = stage(share);
        let (peer, other) = (open(&sim), open(&sim));
        peer.send("echo one; say me boom; echo two");
        assert_ends_with_1011(&peer);
        assert_goes_on(&other);
        assert_eq!(diary.read(), ["0 closed 1011 Internal error by Us"]);
        assert_eq!(sim.stats().buffered, 0);
    }
}

#[test]
fn an_encoder_that_panics_at_a_message_of_another_session_ends_the_receiver_only() {
    for share in [None, Some(0)] {
        let (sim, diary) = stage(share);
        let (peer, other) = (open(&sim), open(&sim));
        other.send("tell 0 boom; tell 0 more; echo told");
        assert_eq!(other.receive_text(), "told");
        assert_ends_with_1011(&peer);
        assert_goes_on(&other);
        let events = diary.read();
        assert_eq!(events[..2], ["tell 0: Closed"; 2]);
        assert_eq!(events[2..], ["0 closed 1011 Internal error by Us"]);
    }
}

#[test]
fn a_shared_encoder_that_panics_at_a_broadcast_ends_one_session_and_the_others_get_it_plain() {
    let (sim, _) = stage(Some(0));
    let members: Vec<_> = (0..4).map(|_| open(&sim)).collect();
    let plain = sim.open("/?do=join+room");
    plain.send("publish room boom; publish room next");
    assert_ends_with_1011(&members[0]);
    for member in members[1..].iter().chain([&plain]) {
        let texts = ["boom", "next"].map(Received::text);
        assert_eq!(member.receive_all(), texts);
    }
    assert_eq!(sim.stats().closed, 1);
}

#[test]
fn encoders_of_their_own_that_panic_at_a_broadcast_end_their_sessions_only() {
    let (sim, _) = stage(None);
    let members: Vec<_> = (0..4).map(|_| open(&sim)).collect();
    let plain = sim.open("/?do=join+room");
    plain.send("publish room boom; publish room next");
    members.iter().for_each(assert_ends_with_1011);
    assert_eq!(plain.receive_all(), ["boom", "next"].map(Received::text));
    assert_eq!((sim.stats().closed, sim.stats().buffered), (4, 0));
}

#[test]
fn an_encoder_that_panics_at_a_shutdown_does_not_stop_it() {
    for share in [None, Some(0)] {
        let (sim, _) = stage(share);
        let members: Vec<_> = (0..4).map(|_| open(&sim)).collect();
        sim.remote().publish("room", "boom").expect("it runs");
        sim.remote().shutdown().expect("it runs");
        sim.drive();
        assert!(sim.is_empty());
        for member in &members {
            let codes: Vec<_> = member.arrived();
            let ends = [1001, 1011].map(CloseCode::new);
            let is_end = |last: &Received| matches!(last, Received::Close { code, .. } if ends.contains(code));
            assert!(codes.last().is_some_and(is_end), "{codes:?}");
        }
    }
}

#[test]
fn an_offer_at_which_the_extension_panics_is_declined() {
    let (sim, _) = stage(None);
    let fields = [("Sec-WebSocket-Extensions", "x-fragile; boom")];
    let peer = sim.open_with("/", &fields).expect("without it");
    peer.send("say me boom");
    assert_eq!(peer.receive_text(), "boom", "nothing was agreed on");
    let fields = [("Sec-WebSocket-Extensions", "x-fragile; boom, x-fragile")];
    let peer = sim.open_with("/", &fields).expect("with the second");
    peer.send("say me boom");
    assert_ends_with_1011(&peer);
}

#[cfg(feature = "deflate")]
#[test]
fn a_predicate_of_deflate_that_panics_ends_that_session_only() {
    for takeover in [false, true] {
        let deflate = dunlin::Deflate::new()
            .min_size(1)
            .context_takeover(takeover)
            .compress_if(|_, payload| {
                check(payload);
                false
            });
        let settings = Settings::default().extension(deflate);
        let (sim, _) = stage_with(settings, Limits::default());
        sim.expect_panics();
        let fields = [("Sec-WebSocket-Extensions", "permessage-deflate")];
        let open = || sim.open_with("/?do=join+room", &fields).expect("it agrees");
        let (peer, other) = (open(), open());
        peer.send("echo one; say me boom");
        assert_ends_with_1011(&peer);
        assert_goes_on(&other);
        let plain = sim.open("/?do=join+room");
        plain.send("publish room boom");
        assert_ends_with_1011(&other);
        assert_eq!(plain.receive_text(), "boom");
    }
}
