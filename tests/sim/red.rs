//! What turns a test of a program red: a panic in any callback, and a wrong expectation; with the line
//! of the user's code that it was in.

use crate::offered::Offered;
use crate::puppet::{failure, secs, stage};
use dunlin::RawFrame;
use dunlin::testing::Sim;
use dunlin::wire::extension::{DecodeError, FrameInfo, Transform};
use dunlin::wire::work::Work;
use dunlin::{
    App, Call, CloseCode, CloseReason, Context, Error, Handle, Handler, Message, Open, Request,
    Response, Route, Session, SessionId, Settings,
};
use dunlin::{OpCode, Reserved};
use std::ffi::OsString;
use std::process::Command;

/// Fails in the callback of this name.
#[derive(Clone, Debug)]
struct Failing(&'static str);

impl Failing {
    #[track_caller]
    fn reached(&self, callback: &str) {
        assert_ne!(self.0, callback, "in a callback of the program");
    }
}

impl Handler for Failing {
    type Data = ();

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        self.reached("open");
        session.set_timer(secs(1), 1);
        session.context().set_timer(secs(2), 2);
        if request.path() == "/drain" {
            session.send(&*"x".repeat(100_000));
        }
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        self.reached("message");
        session.send(message);
    }

    fn drain(&mut self, (): &mut (), _: &mut Session<'_>, _: u64) {
        self.reached("drain");
    }

    fn pong(&mut self, (): &mut (), _: &mut Session<'_>, _: &[u8]) {
        self.reached("pong");
    }

    fn timer(&mut self, (): &mut (), _: &mut Session<'_>, _: u64) {
        self.reached("timer");
    }

    fn program_timer(&mut self, _: &mut Context<'_>, _: u64) {
        self.reached("program timer");
    }

    fn failed(&mut self, _: &mut Context<'_>, _: SessionId, _: &Call, _: &Error) {
        self.reached("failed");
    }

    fn close(&mut self, (): (), _: &mut Session<'_>, _: &CloseReason) {
        self.reached("close");
    }
}

impl Transform for Failing {
    fn reserved(&self) -> Reserved {
        Reserved::RSV2
    }

    fn wants(&self, first: Reserved) -> bool {
        first.intersects(Reserved::RSV2)
    }

    fn decode(
        &mut self,
        _: FrameInfo,
        _: &[u8],
        _: usize,
        _: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        self.reached("decode");
        Ok(())
    }

    fn encode(&mut self, _: OpCode, _: &[u8], _: &mut Work, _: &mut Vec<u8>) -> Option<Reserved> {
        self.reached("encode");
        None
    }

    fn share_key(&self) -> Option<u32> {
        None
    }
}

fn stage_of(failing: &Failing) -> (Sim, Handle<Failing>) {
    let settings = Settings::default().backlog_mark(1000);
    let extension = Offered::new("x-failing", failing.clone());
    let route = Route::new(failing.clone()).settings(settings.clone().extension(extension));
    let handle = route.handle();
    let (raw, page) = (failing.clone(), failing.clone());
    let app = App::new()
        .route("/", route)
        .ws_with("/drain", settings.clone(), failing.clone())
        .ws_raw(
            "/raw",
            settings.clone(),
            move |_: &mut Session<'_>, _: RawFrame<'_>| {
                raw.reached("raw frame");
            },
        )
        .get("/page", move |_, _| {
            page.reached("page");
            Response::no_content()
        })
        .outgoing("there", settings, failing.clone());
    (Sim::new(app).expect("the program is right"), handle)
}

const OFFER: [(&str, &str); 1] = [("Sec-WebSocket-Extensions", "x-failing")];

/// Calls every callback once.
fn call_all(failing: &Failing) {
    let (sim, handle) = stage_of(failing);
    let peer = sim.open_with("/", &OFFER).expect("it is served");
    peer.send("hello");
    peer.pong(b"unasked");
    peer.send_frame(true, Reserved::RSV2, OpCode::Binary, b"encoded");
    let slow = sim.connect().upgrade("/drain", &[]);
    slow.set_capacity(100);
    sim.drive();
    sim.open("/raw").send("a frame");
    sim.drive();
    let line = sim.connect();
    line.send_raw(b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
    line.receive_raw();
    sim.advance(secs(5));
    let call = Call::new(([10, 0, 0, 1], 80).into(), "there", "/");
    sim.remote().connect("there", call).expect("it runs");
    sim.advance(secs(11));
    let called = handle.call(|failing, _| failing.reached("call"));
    called.expect("there is room");
    sim.drive();
    let id = peer.id().expect("it is open");
    let called = handle.call_session(id, |failing, _| failing.reached("call of a session"));
    called.expect("there is room");
    peer.close(CloseCode::NORMAL, "");
    sim.drive();
}

#[test]
fn a_panic_in_any_callback_fails_the_test() {
    call_all(&Failing("nowhere"));
    for callback in [
        "open",
        "message",
        "drain",
        "pong",
        "timer",
        "program timer",
        "failed",
        "close",
        "decode",
        "encode",
        "raw frame",
        "page",
        "call",
        "call of a session",
    ] {
        let (message, at) = failure(|| call_all(&Failing(callback)));
        assert!(
            message.contains("in a callback of the program"),
            "{message}"
        );
        assert!(message.contains(callback), "{message}");
        assert!(at.starts_with("tests/sim/red.rs:"), "{callback}: {at}");
    }
}

#[test]
fn a_panic_at_an_offer_fails_the_test() {
    let look = |_: &_| panic!("the offer is not to my liking");
    let extension = Offered::new("x-failing", Failing("")).looking(look);
    let settings = Settings::default().extension(extension);
    let sim = Sim::new(App::new().ws_with("/", settings, Failing(""))).expect("it is right");
    let (message, _) = failure(|| drop(sim.open_with("/", &OFFER)));
    assert_eq!(message, "the offer is not to my liking");
}

#[test]
fn panics_that_are_expected_are_told_in_order_and_the_test_goes_on() {
    let (sim, _) = stage_of(&Failing("page"));
    sim.expect_panics();
    let line = sim.connect();
    let request = b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n";
    line.send_raw(request);
    assert!(line.receive_http().starts_with("HTTP/1.1 500 "));
    let panics = sim.take_panics();
    assert_eq!(panics.len(), 1);
    assert!(panics[0].contains("\"page\""), "{panics:?}");
    assert_eq!(sim.take_panics(), [""; 0]);
}

/// The line of the user's handler that fails.
const FAILS_AT: u32 = line!() + 5;

/// A test as a user writes it, with a handler that is wrong.
fn wrong_test() {
    let app = App::new().on_message("/", |session, message| {
        assert_eq!(message.text(), Some("hello"));
        session.send("never");
    });
    let sim = Sim::new(app).expect("the program is right");
    let peer = sim.open("/");
    peer.send("goodbye");
    peer.receive();
}

#[test]
fn a_test_process_ends_in_red_and_names_the_line_of_the_handler() {
    const CHILD: &str = "DUNLIN_TEST_IN_RED";
    if std::env::var_os(CHILD).is_some() {
        return wrong_test();
    }
    // Not `current_exe`, which under a loader is the loader.
    let own = std::env::args_os()
        .next()
        .expect("a test process knows its program");
    // A program of another machine is started by an emulator or a loader, with its arguments: `tests/targets/run`.
    let runner = std::env::var("DUNLIN_TEST_RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace().map(OsString::from).chain([own]);
    let child = Command::new(words.next().expect("at least the program"))
        .args(words)
        .args([
            "--exact",
            "red::a_test_process_ends_in_red_and_names_the_line_of_the_handler",
        ])
        .env(CHILD, "1")
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("it can be started");
    let told =
        [child.stdout, child.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let told = told.concat();
    assert_eq!(child.status.code(), Some(101), "{told}");
    let handler = format!("tests/sim/red.rs:{FAILS_AT}:");
    let call = format!("called at tests/sim/red.rs:{}:", FAILS_AT + 6);
    for part in [
        &*handler,
        "Some(\"goodbye\")",
        &*call,
        "seed 0x0",
        "1 failed",
    ] {
        assert!(told.contains(part), "{part:?} is not in:\n{told}");
    }
}

/// Fails unless the test does so at the line that calls this, with this in its message.
#[track_caller]
fn assert_fails_here(test: impl FnOnce(), part: &str) {
    let here = std::panic::Location::caller();
    let (message, at) = failure(test);
    let (file, line) = (here.file(), here.line());
    assert!(
        at.starts_with(&format!("{file}:{line}:")),
        "{at}, not {here}"
    );
    assert!(message.contains(part), "{message}");
}

#[test]
fn an_expectation_that_is_wrong_fails_at_the_line_of_the_test() {
    let (sim, _) = stage();
    assert_fails_here(|| drop(sim.open("/nowhere")), "404");
    let peer = sim.open("/");
    assert_fails_here(|| drop(peer.receive_text()), "nothing arrived");
    peer.send("ping hello");
    assert_fails_here(|| drop(peer.receive_text()), "nothing arrived");
}

/// Sends again whenever its peer has taken what was sent.
struct Restless;

impl Handler for Restless {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.send("0123456789");
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), _: &mut Session<'_>, _: Message<'_>) {}

    fn drain(&mut self, (): &mut (), session: &mut Session<'_>, _: u64) {
        session.send("0123456789");
    }
}

#[test]
fn a_server_that_never_rests_fails_at_the_line_of_the_test() {
    let settings = Settings::default().backlog_mark(1);
    let app = App::new().ws_with("/", settings, Restless);
    let sim = Sim::new(app).expect("the program is right");
    sim.set_capacity(8);
    let _peer = sim.connect().upgrade("/", &[]);
    assert_fails_here(|| sim.drive(), "does not come to rest within 200000 turns");
}

#[test]
fn a_program_that_breaks_the_protocol_fails_at_the_line_of_the_test() {
    let app = App::new().ws_raw(
        "/",
        Settings::default(),
        |session: &mut Session<'_>, frame: RawFrame<'_>| {
            let reserved = Reserved::RSV3;
            session.send_frame(RawFrame { reserved, ..frame });
        },
    );
    let sim = Sim::new(app).expect("the program is right");
    let peer = sim.open("/");
    peer.send("hello");
    assert_fails_here(|| sim.drive(), "a frame with reserved bits");
}
