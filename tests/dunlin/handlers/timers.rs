//! Timers and pings of a handler, over the real clock once; the rest of time is virtual elsewhere.

use crate::running::start;
use crate::wire_client::Frame;
use crate::witness::{Told, account};
use dunlin::App;
use std::time::{Duration, Instant};

const MOMENT: Duration = Duration::from_millis(10);

#[test]
fn a_timer_comes_when_its_time_is_over_and_not_before() {
    let (tell, account) = account();
    let server = start(move || {
        let witness = tell.witness().on_message(|session, _| {
            session.set_timer(2 * MOMENT, 2);
            session.set_timer(MOMENT, 1);
            session.set_timer(Duration::from_secs(3600), 3);
            session.set_timer(MOMENT, 4);
            assert!(session.cancel_timer(4));
            assert!(!session.cancel_timer(5), "nobody set it");
        });
        App::new().ws("/", witness)
    });
    let mut client = server.open("/");
    account.opened();
    let start = Instant::now();
    client.send_text("go");
    assert_eq!(account.next(), Told::Text("go".into()));
    assert_eq!(account.next(), Told::Timer(1));
    assert_eq!(account.next(), Told::Timer(2));
    // The clock of the loop counts whole milliseconds: it may have been set in the middle of one.
    let passed = start.elapsed() + Duration::from_millis(1);
    assert!(passed > 2 * MOMENT, "{passed:?}");
    client.leave();
    drop(server);
    assert_eq!(account.rest().len(), 1, "the close; the hour is not over");
}

#[test]
fn a_pong_that_answers_a_ping_of_the_handler_is_told() {
    let (tell, account) = account();
    let server = start(move || {
        let witness = tell.witness().on_message(|session, _| {
            let _ = session.ping(&[b'p'; 200]);
        });
        App::new().ws("/", witness)
    });
    let mut client = server.open("/");
    account.opened();
    client.send_text("ping me");
    let ping = client.read_frame();
    assert_eq!(ping, Frame::ping(&[b'p'; 125]), "cut at 125 bytes");
    client.send(Frame::pong(&ping.payload));
    assert_eq!(account.next(), Told::Text("ping me".into()));
    assert_eq!(account.next(), Told::Pong(ping.payload));
}
