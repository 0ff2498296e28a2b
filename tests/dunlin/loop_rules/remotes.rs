//! Other threads: what they ask for happens in order, and an id that is old harms nobody.

use super::{closed, connections, opened, room};
use crate::running::{Running, assert_echo, assert_silent, start, until};
use crate::wire_client::WireClient;
use dunlin::app::remote::{MAX_COMMAND_BYTES, MAX_WAITING_BYTES, MAX_WAITING_COMMANDS};
use dunlin::{App, CloseCode, CloseReason, ErrorKind, Handler, Message, Open, Request, Session};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

#[test]
fn another_thread_publishes_sends_and_closes_in_the_order_of_its_calls() {
    let (server, seen) = room();
    let mut first = server.open("/room");
    let first_id = opened(&seen);
    let mut second = server.open("/room");
    let second_id = opened(&seen);
    let remote = server.remote().clone();
    thread::spawn(move || {
        remote.publish("room", "one").expect("it runs");
        remote.send(first_id, "two").expect("it runs");
        remote.publish("room", &b"three"[..]).expect("it runs");
        let code = CloseCode::new(4000);
        remote.close(first_id, code, "enough").expect("it runs");
        remote.publish("room", "four").expect("it runs");
        remote.publish("nobody is here", "five").expect("it runs");
        remote.send(second_id, "six").expect("it runs");
    })
    .join()
    .expect("no panic");
    assert_eq!(first.read_text(), "one");
    assert_eq!(first.read_text(), "two");
    assert_eq!(first.read_frame().payload, b"three");
    first.expect_close(4000, "enough");
    assert_eq!(closed(&seen), (first_id, 4000));
    assert_eq!(second.read_text(), "one");
    assert_eq!(second.read_frame().payload, b"three");
    assert_eq!(second.read_text(), "four");
    assert_eq!(second.read_text(), "six");
    assert_silent(&mut second);
}

#[test]
fn a_sleeping_server_wakes_for_a_command() {
    let (server, _seen) = room();
    let mut client = server.open("/room");
    for at in 0..100 {
        let text = format!("number {at}");
        server.remote().publish("room", &*text).expect("it runs");
        assert_eq!(client.read_text(), text);
    }
}

/// A server whose loop stands still until the sender says go on, and a member of its room.
fn held() -> (Running, WireClient, Sender<()>) {
    let (begin, begun) = channel();
    let (go_on, wait) = channel::<()>();
    let server = start(move || {
        App::new()
            .ws("/room", super::Room(channel().0))
            .on_message("/busy", move |_, _| {
                begin.send(()).expect("the test waits");
                wait.recv().expect("the test goes on");
            })
    });
    let member = server.open("/room");
    server.open("/busy").send_text("");
    begun.recv().expect("the handler runs");
    (server, member, go_on)
}

#[test]
fn many_commands_that_came_while_the_loop_was_busy_are_all_done() {
    let (server, mut member, go_on) = held();
    let count = 10_000;
    for at in 0..count {
        let text = at.to_string();
        server
            .remote()
            .publish("room", &*text)
            .expect("there is room");
    }
    go_on.send(()).expect("the handler waits");
    for at in 0..count {
        assert_eq!(member.read_text(), at.to_string());
    }
}

#[test]
fn a_full_queue_is_told_and_a_shutdown_is_taken_all_the_same_behind_what_was_queued() {
    let (server, mut member, go_on) = held();
    let remote = server.remote();
    let mut count = 0;
    let error = loop {
        match remote.publish("room", "x") {
            Ok(()) => count += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    assert_eq!(count, MAX_WAITING_COMMANDS);
    remote.shutdown().expect("it is never full for this");
    go_on.send(()).expect("the handler waits");
    for _ in 0..count {
        assert_eq!(member.read_text(), "x");
    }
    member.expect_close(1001, "Server stopping");
}

#[test]
fn what_waits_is_bounded_in_bytes_and_the_rest_goes_when_there_is_room() {
    let (server, mut member, go_on) = held();
    let remote = server.remote();
    let message = "x".repeat(512 << 10);
    let mut bytes = 0;
    while remote.publish("nobody", &*message).is_ok() {
        bytes += "nobody".len() + message.len();
    }
    assert!((MAX_WAITING_BYTES - message.len()..=MAX_WAITING_BYTES).contains(&bytes));
    go_on.send(()).expect("the handler waits");
    let huge = "y".repeat(MAX_COMMAND_BYTES + 1);
    let never = remote.publish("room", &*huge).expect_err("it never fits");
    assert_eq!(never.kind(), ErrorKind::Limit);
    let mut turns = server.open("/room");
    until(&mut turns, "there is room", || {
        remote.publish("room", "y").is_ok()
    });
    assert_eq!(member.read_text(), "y");
}

#[test]
fn an_id_of_a_closed_session_harms_nobody_that_has_its_place_now() {
    let (server, seen) = room();
    let mut clock = server.open("/echo");
    let old = server.open("/room");
    let old_id = opened(&seen);
    old.leave();
    assert_eq!(closed(&seen), (old_id, 1000));
    let remote = server.remote();
    until(&mut clock, "its place is free", || connections(remote) == 1);
    let mut new = server.open("/room");
    let new_id = opened(&seen);
    let place = |id: dunlin::SessionId| id.to_string().split('.').next().map(str::to_owned);
    assert_eq!(place(new_id), place(old_id), "the place is used again");
    assert_ne!(new_id, old_id);
    remote.send(old_id, "for the old one").expect("it runs");
    remote
        .close(old_id, CloseCode::NORMAL, "")
        .expect("it runs");
    remote.send(new_id, "for the new one").expect("it runs");
    assert_eq!(new.read_text(), "for the new one");
    assert_echo(&mut new);
}

/// Sends what it is told to whoever spoke before, and answers how that went.
struct Relay(Option<dunlin::SessionId>);

impl Handler for Relay {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        let before = self.0.replace(session.id());
        if let Some(before) = before {
            let answer = format!("{:?}", session.send_to(before, message));
            session.close_other(before, CloseCode::NORMAL, "relayed");
            let _ = session.send(&answer);
        }
    }
}

#[test]
fn a_handler_that_sends_to_a_closed_session_is_told() {
    let server = start(|| App::new().ws("/relay", Relay(None)));
    let mut first = server.open("/relay");
    first.send_text("hello");
    assert_silent(&mut first);
    let mut second = server.open("/relay");
    second.send_text("to the first");
    assert_eq!(second.read_text(), "Queued");
    assert_eq!(first.read_text(), "to the first");
    first.expect_close(1000, "relayed");
    drop(first);
    second.leave();
    let mut third = server.open("/relay");
    third.send_text("to the second");
    assert_eq!(third.read_text(), "Closed");
    assert_echo_is_gone(&mut third);
}

/// To itself: it is queued, then it closes itself.
#[track_caller]
fn assert_echo_is_gone(client: &mut WireClient) {
    client.send_text("to myself");
    assert_eq!(client.read_text(), "to myself");
    client.expect_close(1000, "relayed");
}

#[test]
fn shutdown_closes_every_session_with_1001_and_run_returns() {
    let (server, seen) = room();
    let mut clients: Vec<WireClient> = (0..200).map(|_| server.open("/room")).collect();
    for _ in &clients {
        opened(&seen);
    }
    let (remote, address) = (server.remote().clone(), server.address());
    remote.shutdown().expect("it runs");
    for client in &mut clients {
        client.expect_close(1001, "Server stopping");
    }
    server.stop().expect("it ends well");
    let codes: Vec<u16> = (0..200).map(|_| closed(&seen).1).collect();
    assert!(codes.iter().all(|code| *code == 1001), "{codes:?}");
    assert!(seen.recv().is_err(), "one close each");
    let refused = std::net::TcpStream::connect(address).expect_err("nobody listens");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    let late = remote
        .publish("room", "too late")
        .expect_err("it has stopped");
    assert_eq!(late.kind(), ErrorKind::Closed);
}

#[test]
fn a_second_shutdown_cuts_clients_that_do_not_answer() {
    let (server, seen) = room();
    let mut client = server.open("/room");
    let id = opened(&seen);
    server.remote().shutdown().expect("it runs");
    assert_eq!(client.read_close().0, 1001);
    let ended = server.stop();
    ended.expect("it ends well");
    assert_eq!(closed(&seen), (id, 1001));
    client.read_to_end();
}

/// Panics in whatever event it is asked to. `resume_unwind` prints nothing.
struct Fragile(std::sync::mpsc::Sender<CloseReason>);

fn fall() -> ! {
    std::panic::resume_unwind(Box::new("on purpose"))
}

impl Handler for Fragile {
    type Data = ();

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join("fragile");
        if request.query("fall").is_some() {
            fall();
        }
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        match message {
            Message::Text("fall") => {
                let _ = session.send("falling");
                fall()
            }
            Message::Text("soon") => session.set_timer(std::time::Duration::ZERO, 1),
            Message::Text("count") => {
                let count = session.subscribers("fragile").to_string();
                let _ = session.send(&count);
            }
            _ => {}
        }
    }

    fn pong(&mut self, (): &mut (), _: &mut Session<'_>, _: &[u8]) {
        fall()
    }

    fn timer(&mut self, (): &mut (), _: &mut Session<'_>, _: u64) {
        fall()
    }

    fn close(&mut self, (): (), _: &mut Session<'_>, reason: &CloseReason) {
        let _ = self.0.send(reason.clone());
        if reason.reason == "fall" {
            fall();
        }
    }
}

fn fragile() -> (crate::running::Running, Receiver<CloseReason>) {
    let (tell, told) = channel();
    let server = start(move || {
        App::new()
            .ws("/fragile", Fragile(tell))
            .get("/fragile/page", |_, _| -> dunlin::Response { fall() })
    });
    (server, told)
}

#[test]
fn a_handler_that_panics_ends_its_session_with_1011_and_no_other() {
    use crate::wire_client::Frame;
    let (server, told) = fragile();
    let mut bystander = server.open("/fragile");
    for (frame, said) in [
        (Frame::text("fall"), Some("falling")),
        (Frame::text("soon"), None),
        (Frame::pong(b"unasked"), None),
    ] {
        let mut client = server.open("/fragile");
        client.send(frame);
        if let Some(said) = said {
            assert_eq!(client.read_text(), said);
        }
        client.expect_close(1011, "Internal error");
        assert_eq!(told.recv().expect("a close event").code.get(), 1011);
        bystander.send_text("count");
        assert_eq!(bystander.read_text(), "1");
    }
}

#[test]
fn a_panic_in_the_open_or_close_event_or_in_a_page_harms_nobody_else() {
    use crate::wire_client::Frame;
    let (server, told) = fragile();
    let mut bystander = server.open("/fragile");
    let mut client = server.open("/fragile?fall=1");
    client.expect_close(1011, "Internal error");
    client = server.open("/fragile");
    client.send(Frame::close(1000, "fall"));
    client.expect_close(1000, "");
    drop(client);
    assert_eq!(told.recv().expect("a close event").reason, "fall");
    let (head, _) = server.connect().request("GET", "/fragile/page", &[]);
    assert_eq!(head.status, 500);
    let remote = server.remote();
    until(&mut bystander, "all are gone", || connections(remote) == 1);
    let stats = remote.stats();
    assert_eq!(stats.opened - stats.closed, 1);
    bystander.send_text("count");
    assert_eq!(bystander.read_text(), "1");
    assert!(told.try_recv().is_err(), "what never opened does not close");
}
