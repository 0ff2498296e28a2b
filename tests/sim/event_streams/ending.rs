//! Every way a stream ends, and the one close event of each.

use super::{room, room_with, secs};
use dunlin::testing::End;
use dunlin::{Limits, Settings};

#[test]
fn a_close_ends_the_stream_behind_what_was_sent_and_writes_no_frame() {
    let (sim, notes) = room();
    let (reader, socket) = (sim.connect(), sim.open("/ws"));
    reader.send_raw(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    sim.drive();
    socket.send("last words");
    socket.send("close enough");
    let answer = reader.receive_http();
    assert!(answer.ends_with("\r\n\r\ndata: last words\n\n"), "{answer}");
    assert_eq!(reader.end(), Some(End::Finished));
    assert_eq!(*notes.borrow(), ["closed 4001 enough by Us"]);
    sim.drive();
    assert!(reader.is_over());
}

#[test]
fn a_stream_can_be_closed_in_its_open_event() {
    let (sim, notes) = room();
    let reader = sim.follow("/events?greet=hi&close");
    assert_eq!(reader.next_data(), "hi");
    sim.drive();
    assert!(reader.is_over());
    assert_eq!(*notes.borrow(), ["closed 4000 at once by Us"]);
    assert_eq!(sim.topics(), 0);
}

#[test]
fn a_reader_that_leaves_is_told_from_one_that_is_lost() {
    let (sim, notes) = room();
    let (left, lost) = (sim.follow("/events"), sim.follow("/events"));
    left.half_close();
    sim.drive();
    assert!(left.is_over());
    lost.cut();
    sim.drive();
    let notes = notes.borrow();
    assert!(notes[0].starts_with("closed 1005"), "{notes:?}");
    assert!(notes[0].ends_with("by Peer"), "{notes:?}");
    assert!(notes[1].starts_with("closed 1006"), "{notes:?}");
    assert_eq!((notes.len(), sim.topics()), (2, 0));
}

#[test]
fn what_a_reader_sends_is_thrown_away_and_too_much_of_it_ends_the_stream() {
    let (sim, notes) = room();
    let (reader, socket) = (sim.follow("/events"), sim.open("/ws"));
    reader.send_raw(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    reader.send_raw(&[0x81; 60_000]);
    socket.send("still there");
    assert_eq!(reader.next_data(), "still there");
    assert_eq!(sim.stats().received, 1, "only what the WebSocket sent");
    reader.send_raw(&[0; 6_000]);
    socket.send("gone");
    assert_eq!(reader.next_event(), None);
    assert_eq!(*notes.borrow(), ["closed 1008 Too much was sent by Us"]);
    // Whoever goes on regardless is cut.
    reader.manual();
    reader.send_raw(&[0; 70_000]);
    sim.drive();
    assert!(sim.stats().connections == 1);
}

#[test]
fn a_shutdown_ends_streams_as_it_ends_all_sessions() {
    let (sim, notes) = room();
    let readers: Vec<_> = (0..3).map(|_| sim.follow("/events")).collect();
    let stuck = sim.follow("/events");
    stuck.manual();
    let socket = sim.open("/ws");
    socket.send("before");
    sim.drive();
    sim.remote().shutdown().expect("it runs");
    sim.drive();
    for reader in &readers {
        assert_eq!(reader.next_data(), "before");
        assert!(reader.is_over());
    }
    assert_eq!(*notes.borrow(), ["closed 1001 Server stopping by Us"; 4]);
    assert!(!sim.is_empty(), "one has not ended its side");
    sim.advance(secs(3));
    assert!(sim.is_empty());
}

#[test]
fn a_stopping_server_opens_no_stream() {
    let (sim, _) = room();
    let waiting = sim.http();
    sim.drive();
    sim.remote().shutdown().expect("it runs");
    sim.drive();
    assert!(sim.follow_with("/events", &[]).is_err());
    assert!(waiting.is_over());
}

#[test]
fn a_panic_ends_the_stream_that_it_came_from_and_no_other() {
    struct Fragile;
    impl dunlin::Handler for Fragile {
        type Data = ();
        fn open(
            &mut self,
            request: &dunlin::Request<'_>,
            session: &mut dunlin::Session<'_>,
        ) -> dunlin::Open<()> {
            if request.query("timer").is_some() {
                session.set_timer(secs(1), 0);
            }
            session.send("open");
            assert!(request.query("panic").is_none(), "in open");
            dunlin::Open::Accept(())
        }
        fn message(&mut self, (): &mut (), _: &mut dunlin::Session<'_>, _: dunlin::Message<'_>) {}
        fn timer(&mut self, (): &mut (), _: &mut dunlin::Session<'_>, _: u64) {
            panic!("in a timer");
        }
    }
    let app = dunlin::App::new().sse("/", Settings::default(), Fragile);
    let sim = dunlin::testing::Sim::new(app).unwrap();
    sim.expect_panics();
    let (other, timed) = (sim.follow("/"), sim.follow("/?timer"));
    let opening = sim.connect().follow("/?panic", &[]);
    sim.advance(secs(2));
    assert_eq!(sim.take_panics(), ["in open", "in a timer"]);
    assert!(opening.is_over() && timed.is_over() && !other.is_over());
    assert_eq!((sim.stats().opened, sim.stats().closed), (2, 1));
}

#[test]
fn streams_count_against_the_limit_of_connections() {
    let limits = Limits::default().max_connections(2);
    let (sim, _) = room_with(Settings::default(), limits);
    let readers = [sim.follow("/events"), sim.follow("/events")];
    let refused = sim.follow_with("/events", &[]).expect_err("a full server");
    assert!(refused.to_string().contains("503"), "{refused}");
    readers[0].cut();
    sim.drive();
    sim.advance(secs(3));
    assert!(sim.follow_with("/events", &[]).is_ok());
}
