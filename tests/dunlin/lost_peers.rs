//! Peers that vanish in the middle of something: nothing of them stays, however they go.

use crate::running::{Running, start, until};
use crate::wire_client::{Frame, WireClient};
use dunlin::{App, CloseCode, Handler, Message, Open, Request, Response, Session, Settings};

/// How often everything happens.
const ROUNDS: usize = 200;

/// A room that does what texts ask for.
struct Room;

impl Handler for Room {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join("room");
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, message: Message<'_>) {
        match message {
            Message::Text("say") => {
                session.publish("room", "somebody says");
            }
            Message::Text("bye") => session.close(CloseCode::NORMAL, "bye"),
            // More than the kernel keeps for a narrow client.
            Message::Text("flood") => {
                let drop = vec![7; 64 << 10];
                for _ in 0..64 {
                    let _ = session.send(&drop[..]);
                }
            }
            _ => {
                let id = session.id().to_string();
                let _ = session.send(&id);
            }
        }
    }
}

/// Nobody publishes to it: what it is sent tells how many are in the room.
fn clock(session: &mut Session<'_>, _: Message<'_>) {
    let count = session.subscribers("room").to_string();
    let _ = session.send(&count);
}

fn server() -> Running {
    start(|| {
        let settings = Settings::default().backlog_limit(8 << 20);
        App::new()
            .ws_with("/room", settings, Room)
            .on_message("/clock", clock)
            .post("/body", |_, _| Response::new(dunlin::Status::NO_CONTENT))
    })
}

/// How far a client comes before it vanishes.
type Stage = (&'static str, fn(&Running) -> WireClient);

fn masked(frame: Frame) -> Vec<u8> {
    frame.mask([1, 2, 3, 4]).bytes()
}

/// A connection on which this was written.
fn said(server: &Running, bytes: &[u8]) -> WireClient {
    let mut client = server.connect();
    client.write(bytes);
    client
}

/// A member of the room that has written this.
fn member(server: &Running, bytes: &[u8]) -> WireClient {
    let mut client = server.open("/room");
    client.write(bytes);
    client
}

const STAGES: [Stage; 15] = [
    ("before a word", Running::connect),
    ("in a head", |server| said(server, b"GET /room HTT")),
    ("in a body", |server| {
        said(
            server,
            b"POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nbody",
        )
    }),
    ("behind an answer", |server| {
        let mut client = server.connect();
        client.request("GET", "/nowhere", &[]);
        client
    }),
    ("in a handshake", |server| {
        said(server, WireClient::upgrade_head("/room", &[]).as_bytes())
    }),
    ("behind a handshake", |server| server.open("/room")),
    ("in a header", |server| member(server, &[0x81])),
    ("in a frame", |server| {
        member(server, &masked(Frame::text(&"a".repeat(1000)))[..500])
    }),
    ("in a long frame", |server| {
        member(server, &masked(Frame::binary([1; 200_000]))[..50_000])
    }),
    ("between fragments", |server| {
        member(server, &masked(Frame::text(&"a".repeat(1000)).more()))
    }),
    ("in a fragment", |server| {
        let first = masked(Frame::text(&"a".repeat(1000)).more());
        let rest = masked(Frame::continuation([b'a'; 1000]));
        member(server, &[&first, &rest[..100]].concat())
    }),
    ("while it says something", |server| {
        member(server, &masked(Frame::text("say")).repeat(20))
    }),
    ("in its close handshake", |server| {
        member(server, &masked(Frame::close(1000, "")))
    }),
    ("in the server's close handshake", |server| {
        let mut client = member(server, &masked(Frame::text("bye")));
        // What an earlier one said before it vanished may still come: those that live go first.
        while client.read_frame().opcode != 0x8 {}
        client
    }),
    ("with a backlog", |server| {
        let mut client = WireClient::narrow(server.address());
        client.upgrade("/room", &[]);
        client.send_text("flood");
        client.take(1);
        client
    }),
];

/// How a client vanishes.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// A reset.
    Reset,
    /// The process is gone.
    Close,
    /// Its direction ends; the server lets go first.
    End,
}

impl Way {
    fn go(self, mut client: WireClient) {
        match self {
            Self::Reset => client.reset(),
            Self::Close => drop(client),
            Self::End => {
                client.shut_write();
                client.read_to_end();
            }
        }
    }
}

#[test]
fn nothing_stays_of_peers_that_vanish_in_the_middle_of_anything() {
    let server = server();
    let mut clock = server.open("/clock");
    let mut came = 1;
    for round in 0..ROUNDS {
        for (at, (stage, reach)) in STAGES.iter().enumerate() {
            let way = [Way::Reset, Way::Close, Way::End][(round + at) % 3];
            way.go(reach(&server));
            came += 1;
            if round < 3 {
                // At first one by one, so that a failure names its stage.
                assert_clean(&server, &mut clock, came, &format!("{stage}, {way:?}"));
            }
        }
        assert_clean(&server, &mut clock, came, &format!("round {round}"));
    }
    // The places are used again: no more were ever needed than lived at a time.
    let mut members: Vec<WireClient> = STAGES.iter().map(|_| server.open("/room")).collect();
    for member in &mut members {
        member.send_text("who am I?");
        let id = member.read_text();
        let place = id.split('.').next().and_then(|place| place.parse().ok());
        assert!(
            place.is_some_and(|place: usize| place <= 2 * STAGES.len()),
            "{id}"
        );
    }
}

/// So many have come, only the clock is left, and nothing waits.
#[track_caller]
fn assert_clean(server: &Running, clock: &mut WireClient, came: u64, what: &str) {
    let remote = server.remote();
    until(clock, what, || {
        let stats = remote.stats();
        stats.accepted == came && stats.connections == 1
    });
    let stats = remote.stats();
    assert_eq!(stats.opened - stats.closed, 1, "sessions, {what}");
    assert_eq!(stats.buffered, 0, "bytes, {what}");
    clock.send_text("how many?");
    assert_eq!(clock.read_text(), "0", "members, {what}");
}
