//! An honest client to whom nothing goes wrong by itself: whatever the others do, it is answered soon.

use dunlin::testing::{Conversation, Received, Sim};

/// Turns within which it is answered, ...
const FEW: u64 = 6;
/// ... and one more for each so many others.
const OTHERS_A_TURN: u64 = 8;

pub(crate) struct Bystander {
    conversation: Conversation,
    /// When it said what, in turns.
    said: Option<u64>,
    number: u64,
    is_closed: bool,
    pub(crate) longest: u64,
}

impl Bystander {
    pub(crate) fn new(sim: &Sim) -> Self {
        let line = sim.connect();
        line.spare();
        let conversation = line.upgrade("/echo", &[]);
        sim.drive();
        Self {
            conversation: conversation.opened().expect("it is the first one"),
            said: None,
            number: 0,
            is_closed: false,
            longest: 0,
        }
    }

    /// Looks for its answer, and says the next thing. `rests`: the server has nothing left to do.
    pub(crate) fn look(&mut self, sim: &Sim, rests: bool) {
        for received in self.conversation.arrived() {
            match received {
                Received::Text(text) => {
                    let wanted = format!("bystander {}", self.number);
                    assert_eq!(text, wanted, "the bystander");
                    assert!(self.said.take().is_some(), "it got its answer twice");
                }
                Received::Close { code, reason } => {
                    assert_eq!(code.get(), 1001, "the bystander was closed: {reason}");
                    self.is_closed = true;
                }
                other => panic!("the bystander got {other:?}"),
            }
        }
        if self.is_closed {
            return;
        }
        let end = self.conversation.end();
        assert!(end.is_none(), "the bystander was cut: {end:?}");
        let turns = sim.turns();
        match &mut self.said {
            // Past the cap of all bytes that are held nobody is read.
            Some(said) if sim.is_over_memory() => *said = turns,
            Some(said) => {
                assert!(!rests, "the server rests and owes the bystander an answer");
                let waited = turns - *said;
                let most = FEW + sim.stats().connections / OTHERS_A_TURN;
                self.longest = self.longest.max(waited);
                assert!(waited <= most, "the bystander waits for {waited} turns");
            }
            None => {
                self.number += 1;
                self.conversation.send(format!("bystander {}", self.number));
                self.said = Some(turns);
            }
        }
    }

    /// How often it was answered.
    pub(crate) fn answers(&self) -> u64 {
        self.number
    }

    /// Cut by a second shutdown, which is not its fault.
    pub(crate) fn expect_to_be_cut(&mut self) {
        self.is_closed = true;
    }

    pub(crate) fn leave(&self) {
        self.conversation.close(1000, "");
    }
}
