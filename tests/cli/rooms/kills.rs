//! `kill -9` in the middle of a conversation, again and again: what was receipted is there.
//!
//! `cargo test` does this 3 times. `DUNLIN_KILLS=50 cargo test -p dunlin-cli --test cli kill_nine -- --nocapture`
//! does it 50 times in the middle of 10 000 messages and prints figures; `kills.md` has those of one run.

use super::session::Session;
use super::{Folder, create, request};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Messages of each life of the server.
const MESSAGES: usize = 200;

/// What was receipted longer before the kill than this must be there.
const PROMISED: Duration = Duration::from_secs(1);

/// A text that the client has a receipt for.
struct Receipt {
    id: u64,
    at: Instant,
}

/// What the client knows, and what it has found out.
#[derive(Default)]
struct Witness {
    /// Every position that was told to anybody, and its text.
    given: HashMap<(String, u64), String>,
    receipts: BTreeMap<usize, Receipt>,
    /// Sent, and without a receipt.
    unsure: BTreeSet<usize>,
    /// Receipted, and lost with the process: not more than a second before the kill.
    lost: BTreeSet<usize>,
    oldest_lost: Duration,
    /// Sent again, and how many of those got the receipt that they had got before.
    again: usize,
    known: usize,
    /// Pages of the history whose `recovered` was judged, and how many said `true`.
    pages: usize,
    recovered: usize,
}

impl Witness {
    /// Takes what a session was told: `is_own` for the one that speaks.
    fn heard(&mut self, epoch: &str, heard: (Instant, Value), is_own: bool) {
        let (at, told) = heard;
        if told["type"] != "TALK" {
            assert_ne!(told["type"], "ERROR", "{told}");
            return;
        }
        self.position(epoch, &told);
        if is_own && let Some(mark) = told["ref"].as_str() {
            let number = mark.parse().expect("our mark");
            let id = told["id"].as_u64().expect("an id");
            if self.unsure.remove(&number) {
                self.receipts.insert(number, Receipt { id, at });
            } else {
                assert_eq!(self.receipts[&number].id, id, "two messages for one mark");
                self.known += 1;
            }
        }
    }

    /// One position is one text, for ever.
    fn position(&mut self, epoch: &str, told: &Value) {
        let (id, text) = (told["id"].as_u64().expect("an id"), text_of(told));
        let known = self.given.entry((epoch.to_owned(), id));
        let known = known.or_insert_with(|| text.clone());
        assert_eq!(*known, text, "{epoch}:{id} was given twice");
    }

    /// Reads the whole history page by page, each of which must be honest.
    fn read(&mut self, address: SocketAddr, room: &str, epoch: &str) -> BTreeMap<u64, String> {
        let newest = self.given.keys().map(|(_, id)| *id).max().unwrap_or(0);
        let (mut all, mut after) = (BTreeMap::new(), 0);
        loop {
            let path = format!("/chat/{room}/messages?after={after}&epoch={epoch}");
            let page = request(address, "GET", &path);
            assert_eq!(page["epoch"], epoch, "the epoch is kept");
            let top = page["id"].as_u64().expect("an id");
            assert!(
                top >= newest,
                "{newest} was given, and the room is at {top}"
            );
            let messages = page["messages"].as_array().expect("messages");
            let ids: Vec<u64> = messages
                .iter()
                .filter_map(|told| told["id"].as_u64())
                .collect();
            self.pages += 1;
            if page["recovered"] == true {
                self.recovered += 1;
                assert_eq!(ids, (after + 1..=top).collect::<Vec<_>>(), "not recovered");
            }
            for told in messages {
                self.position(epoch, told);
                let is_new = all.insert(told["id"].as_u64().unwrap(), text_of(told));
                assert_eq!(is_new, None);
            }
            match ids.last() {
                Some(last) => after = *last,
                None => return all,
            }
        }
    }

    /// What it sends again in a new life: all that may not have arrived, and some that has.
    fn to_send_again(&self) -> Vec<usize> {
        let newest = self.receipts.keys().rev();
        let known = newest.filter(|number| !self.lost.contains(number)).take(5);
        self.unsure.iter().chain(known).copied().collect()
    }

    /// Judges what a new life has of the one that was killed.
    fn judge(&mut self, history: &BTreeMap<u64, String>, killed: Instant) {
        for (number, receipt) in &self.receipts {
            if self.lost.contains(number) || history.get(&receipt.id) == Some(&text(*number)) {
                continue;
            }
            let age = killed.saturating_duration_since(receipt.at);
            assert!(
                age <= PROMISED,
                "{number} was receipted {age:?} before the kill, and is lost"
            );
            self.lost.insert(*number);
            self.oldest_lost = self.oldest_lost.max(age);
        }
    }
}

fn text(number: usize) -> String {
    format!("message {number}.")
}

fn text_of(told: &Value) -> String {
    told["message"].as_str().expect("a text").to_owned()
}

/// A number below this one, the next of a series that is the same in each run.
fn next_below(state: &mut u64, below: usize) -> usize {
    *state = state
        .wrapping_mul(6364136223846793005)
        .wrapping_add(1442695040888963407);
    (*state >> 33) as usize % below
}

#[test]
fn kill_nine_loses_nothing_that_was_receipted_a_second_before_and_gives_no_id_twice() {
    let kills = std::env::var("DUNLIN_KILLS")
        .ok()
        .and_then(|kills| kills.parse().ok());
    // Few of them, and slower, so that there is something older than a second.
    let (kills, messages, pace) = match kills {
        Some(kills) => (kills, MESSAGES, 6),
        None => (3, MESSAGES / 2, 11),
    };
    let folder = Folder::new("kills");
    let (mut serving, mut address) = folder.serve();
    let room = create(address);
    let epoch = request(address, "GET", &format!("/chat/{room}/messages"));
    let epoch = epoch["epoch"].as_str().expect("an epoch").to_owned();
    let (mut witness, mut sent, mut random) = (Witness::default(), 0, 9);
    let (mut starts, begun) = (Duration::ZERO, Instant::now());
    for life in 1..=kills + 1 {
        let mut lee = Session::open(address);
        lee.enter(&room, "lee", &json!({"client": "lee's secret 0123"}));
        let mut kim = Session::open(address);
        kim.enter(&room, "kim", &json!({"client": "0123456789abcdef"}));
        let resent = witness.to_send_again();
        for number in &resent {
            kim.talk(&room, &text(*number), &number.to_string());
        }
        witness.again += resent.len();
        let is_last = life > kills;
        let upto = match is_last {
            true => (kills + 1) * messages,
            false => life * messages - messages / 4 + next_below(&mut random, messages / 2),
        };
        while sent < upto {
            // Now and then many at once, so that a kill meets some on their way.
            for _ in 0..=next_below(&mut random, 3) {
                sent += 1;
                witness.unsure.insert(sent);
                kim.talk(&room, &text(sent), &sent.to_string());
            }
            let next = Instant::now() + Duration::from_millis(2 * pace);
            while let Some(left) = next.checked_duration_since(Instant::now()) {
                if let Some(heard) = kim.hear_within(left).expect("it runs") {
                    witness.heard(&epoch, heard, true);
                }
            }
        }
        while is_last && !witness.unsure.is_empty() {
            let heard = kim.hear_within(Duration::from_secs(20)).expect("it runs");
            witness.heard(&epoch, heard.expect("a receipt"), true);
        }
        if !is_last {
            // Some more in the very moment: what is on its way when the process dies.
            for _ in 0..next_below(&mut random, 40) {
                sent += 1;
                witness.unsure.insert(sent);
                kim.talk(&room, &text(sent), &sent.to_string());
            }
        }
        let killed = Instant::now();
        if is_last {
            serving.signal("TERM");
        } else {
            serving.kill();
        }
        for heard in kim.rest() {
            witness.heard(&epoch, heard, true);
        }
        for heard in lee.rest() {
            witness.heard(&epoch, heard, false);
        }
        serving.end();
        let from = Instant::now();
        (serving, address) = folder.serve();
        starts += from.elapsed();
        let history = witness.read(address, &room, &epoch);
        witness.judge(&history, killed);
        let mut texts: Vec<&String> = history.values().collect();
        texts.sort_unstable();
        assert!(
            texts.windows(2).all(|two| two[0] != two[1]),
            "a message stands twice"
        );
    }
    let history = witness.read(address, &room, &epoch);
    assert_eq!(
        history.len() + witness.lost.len(),
        sent,
        "each message is there once, or was lost"
    );
    println!(
        "{kills} kills in {sent} messages, {:.1?}, a start took {:.0?}: {} positions given, none twice; \
         {} receipted messages lost, the oldest {:.1?} before its kill; {} sent again, {} of them known and told so; \
         {} of {} pages of history recovered, each rightly",
        begun.elapsed(),
        starts / (kills as u32 + 1),
        witness.given.len(),
        witness.lost.len(),
        witness.oldest_lost,
        witness.again,
        witness.known,
        witness.recovered,
        witness.pages,
    );
}
