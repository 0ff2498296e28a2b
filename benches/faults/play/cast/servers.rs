//! The servers that the program calls: they accept, refuse, lie, break off or say nothing.

use dunlin::testing::{Conversation, Line, Sim};
use dunlin::{CloseCode, Status};
use rand::RngExt;
use rand::rngs::StdRng;

/// All servers that were called and are still there.
#[derive(Default)]
pub(crate) struct Servers {
    sessions: Vec<Conversation>,
    /// They say nothing, or have said all.
    silent: Vec<Line>,
    pub(crate) called: u64,
}

impl Servers {
    /// Answers the calls that have come, and talks.
    pub(crate) fn act(&mut self, sim: &Sim, random: &mut StdRng) {
        while let Some(call) = sim.take_call() {
            self.called += 1;
            match random.random_range(0..10) {
                0 => self.silent.push(Line::clone(&call)),
                1 => self
                    .silent
                    .push(call.refuse(Status::SERVICE_UNAVAILABLE, "no")),
                2 => call.cut(),
                3 => {
                    call.send_raw(b"SMTP here\r\n");
                    self.silent.push(Line::clone(&call));
                }
                4 => {
                    let wrong = [("Sec-WebSocket-Protocol", "nobody-asked")];
                    self.sessions.push(call.accept_with(&wrong));
                }
                _ => self.sessions.push(call.accept()),
            }
        }
        for session in &self.sessions {
            match random.random_range(0..60) {
                0 => session.close(CloseCode::NORMAL, "bye"),
                1 => session.cut(),
                2 => session.half_close(),
                3 => session.send_raw(b"\x81\x80\0\0\0\0"),
                4 => session.stall(),
                5..8 => session.resume(),
                8..20 => session.send("s".repeat(random.random_range(0..600))),
                _ => {}
            }
            session.arrived();
        }
        self.sessions.retain(|session| !session.is_over());
    }

    /// All of them are gone.
    pub(crate) fn leave(&mut self, sim: &Sim) {
        while let Some(call) = sim.take_call() {
            call.cut();
        }
        self.sessions.drain(..).for_each(|session| session.cut());
        self.silent.drain(..).for_each(|line| line.cut());
    }

    /// They read again.
    pub(crate) fn resume(&self) {
        self.sessions.iter().for_each(|session| session.resume());
    }
}
