//! Long answers over HTTP: whoever takes them, if not fast, gets all; who does not is cut.

use crate::puppet::{millis, secs};
use dunlin::Limits;
use dunlin::testing::{Line, Sim};
use dunlin::{App, Response};

const BODY: usize = 300 << 10;

/// A connection that asked for a long answer and has an empty line of so many bytes.
fn download(bytes: usize, field: &str) -> (Sim, Line) {
    let app = App::new().get("/big", |_, _| Response::ok("text/plain", vec![b'x'; BODY]));
    let sim = Sim::with(app, Limits::default(), 0).expect("the program is right");
    let line = sim.connect();
    line.set_capacity(bytes);
    line.stall();
    let request = format!("GET /big HTTP/1.1\r\nHost: localhost\r\n{field}\r\n");
    line.send_raw(request.as_bytes());
    sim.drive();
    (sim, line)
}

/// Takes what is on the line, once.
fn read_once(sim: &Sim, line: &Line) {
    line.resume();
    sim.step();
    line.stall();
}

/// Takes what is on the line once a second, until the answer is there or the connection ends; how
/// many seconds that took.
fn read_on(sim: &Sim, line: &Line) -> u64 {
    let begun = sim.now();
    while sim.stats().buffered > 0 && line.end().is_none() {
        read_once(sim, line);
        sim.advance(secs(1));
    }
    (sim.now() - begun).as_secs()
}

#[test]
fn a_download_that_makes_progress_goes_on_for_as_long_as_it_takes() {
    for field in ["", "Connection: close\r\n"] {
        let (sim, line) = download(2 << 10, field);
        let took = read_on(&sim, &line);
        assert!(took > 140, "{field:?}: it took {took} s");
        line.resume();
        let answer = line.receive_raw();
        assert!(
            answer.len() > BODY,
            "{field:?}: {} bytes came",
            answer.len()
        );
    }
}

#[test]
fn a_download_of_less_than_a_kibibyte_a_second_is_cut() {
    // The time of a connection that rests, then twice that of an answer; or just that of an answer.
    for (field, least, most) in [("", 60, 81), ("Connection: close\r\n", 10, 21)] {
        let (sim, line) = download(500, field);
        let took = read_on(&sim, &line);
        assert!(line.end().is_some(), "{field:?}: it lives");
        assert!((least..=most).contains(&took), "{field:?}: {took} s");
        assert_eq!((sim.is_empty(), sim.stats().buffered), (true, 0));
    }
}

#[test]
fn ten_kibibytes_in_ten_seconds_are_progress_and_a_byte_less_is_none() {
    for (second, is_progress) in [(5 << 10, true), ((5 << 10) - 1, false)] {
        // What fits at first does not count: nobody needs to take it.
        let (sim, line) = download(5 << 10, "Connection: close\r\n");
        for capacity in [5 << 10, second] {
            sim.advance(secs(4));
            line.set_capacity(capacity);
            read_once(&sim, &line);
        }
        sim.advance(secs(2) - millis(1));
        assert_eq!(line.end(), None, "{second} bytes at last: cut early");
        sim.advance(millis(1));
        let lives = line.end().is_none();
        assert_eq!(lives, is_progress, "{second} bytes at last");
        // Nothing is taken in the next ten seconds.
        sim.advance(secs(10) - millis(1));
        assert_eq!(line.end().is_none(), is_progress);
        sim.advance(millis(1));
        assert_eq!((sim.is_empty(), sim.stats().buffered), (true, 0));
    }
}

#[test]
fn a_download_of_which_nothing_is_taken_is_cut() {
    for (field, seconds) in [("", 70), ("Connection: close\r\n", 10)] {
        let (sim, line) = download(500, field);
        sim.advance(secs(seconds - 1));
        assert!(!sim.is_empty(), "{field:?}: cut early");
        sim.advance(secs(1));
        assert_eq!((sim.is_empty(), sim.stats().buffered), (true, 0));
        assert!(line.end().is_some());
    }
}
