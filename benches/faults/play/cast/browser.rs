//! Plain HTTP: several requests on one connection, also before the answers to the earlier ones.

use super::super::program::{BIG, PIECES};
use super::{Player, is_alive};
use dunlin::Method;
use dunlin::testing::{HttpClient, Line, PendingAnswer, Sim};
use rand::RngExt;
use rand::rngs::StdRng;
use std::collections::VecDeque;

/// Requests that are under way at most.
const MOST: usize = 3;

pub(super) struct Browser {
    client: HttpClient,
    waiting: VecDeque<(PendingAnswer, Option<String>)>,
    /// An answer that ends the connection has come.
    is_refused: bool,
    checked: u64,
}

impl Browser {
    pub(super) fn new(line: Line, sim: &Sim) -> Self {
        Self {
            client: sim.http_on(line),
            waiting: VecDeque::new(),
            is_refused: false,
            checked: 0,
        }
    }
}

impl Player for Browser {
    fn line(&self) -> &Line {
        &self.client
    }

    fn act(&mut self, random: &mut StdRng) {
        if self.is_refused || self.waiting.len() == MOST || self.client.end().is_some() {
            return;
        }
        let client = &self.client;
        let get = |target| client.request(Method::Get, target).start();
        let asked = match random.random_range(0..12) {
            0 => (get("/big"), Some("b".repeat(BIG))),
            1 => (get("/pieces"), Some("p".repeat(PIECES))),
            // Perhaps nobody answers in time: then it is refused.
            2 => (get("/wait"), None),
            3 => {
                let length = random.random_range(0..3000);
                let request = client.request(Method::Post, "/sum");
                let request = request.body(vec![b's'; length]).start();
                (request, Some(length.to_string()))
            }
            4..7 => return,
            _ => (get("/page"), Some("page".to_owned())),
        };
        self.waiting.push_back(asked);
    }

    fn look(&mut self) {
        // What is under way when a connection ends may be cut anywhere.
        while !self.is_refused
            && self.client.end().is_none()
            && let Some((pending, _)) = self.waiting.front()
            && pending.is_complete()
        {
            let (pending, wanted) = self.waiting.pop_front().expect("it was there");
            let answer = pending.taken();
            match (answer.status().code(), wanted) {
                (200, Some(wanted)) => assert!(answer.text() == wanted, "a body is wrong"),
                (200, None) => assert_eq!(answer.text(), "late"),
                (503, None) => {}
                (408 | 413 | 429 | 503, _) => self.is_refused = true,
                (status, _) => panic!("the answer {status} was not to be expected"),
            }
            self.is_refused |= answer.field("Connection") == Some("close");
            self.checked += 1;
        }
    }

    fn settled(&mut self) {
        let waits = self.waiting.iter().all(|(_, wanted)| wanted.is_some());
        if waits && !self.is_refused && is_alive(self.line()) && self.line().unread() == 0 {
            assert_eq!(self.waiting.len(), 0, "answers are missing");
        }
    }

    fn checked(&self) -> u64 {
        self.checked
    }
}
