//! Where a call leaves from, and the moment when its connection is made.

use super::{call, caller, to};
use crate::running::start;
use crate::wire_server::WireServer;
use dunlin::{
    App, Call, CloseReason, Context, ErrorKind, Handler, Message, Open, Request, Server, Session,
    SessionId,
};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::mpsc::{Sender, channel};

#[test]
fn a_call_comes_from_the_address_that_it_names() {
    let (server, _account) = caller(|tell| tell.witness());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    for last in [1, 2, 200] {
        let source = IpAddr::from([127, 3, 0, last]);
        call(&server, to(address).source(source));
        let (_stream, peer) = listener.accept().expect("somebody calls");
        assert_eq!(peer.ip(), source);
    }
}

#[test]
fn an_address_that_the_machine_does_not_have_makes_the_call_fail() {
    let (server, account) = caller(|tell| tell.witness());
    let peer = WireServer::bind();
    // Of TEST-NET-1 (RFC 5737): nobody's.
    let source = Ipv4Addr::new(192, 0, 2, 1).into();
    call(&server, to(peer.address()).source(source));
    let (kind, text) = account.failed();
    assert_eq!(kind, ErrorKind::Io);
    assert!(text.contains("cannot be made"), "{text}");
}

#[test]
fn an_address_of_the_other_family_makes_the_call_fail() {
    let (server, account) = caller(|tell| tell.witness());
    let peer = WireServer::bind();
    let source = "::1".parse().expect("an address");
    call(&server, to(peer.address()).source(source));
    assert_eq!(account.failed().0, ErrorKind::Io);
}

/// Notes its events, and cancels its call as soon as it is connected if it is told to.
struct Noting {
    tell: Sender<String>,
    cancels: bool,
}

impl Noting {
    fn note(&self, text: &str, id: Option<SessionId>) {
        // The test may have seen enough.
        let _ = self.tell.send(format!("{text} {id:?}"));
    }
}

impl Handler for Noting {
    type Data = ();

    fn connected(&mut self, context: &mut Context<'_>, id: SessionId) {
        self.note("connected", Some(id));
        assert_eq!(context.caller(), Some(id));
        if self.cancels {
            context.close(id, 1000, "");
        }
    }

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        self.note("open", Some(session.id()));
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), _: &mut Session<'_>, _: Message<'_>) {}

    fn failed(&mut self, _: &mut Context<'_>, id: SessionId, _: &Call, error: &dunlin::Error) {
        self.note(&format!("failed {:?}", error.kind()), Some(id));
    }

    fn close(&mut self, (): (), session: &mut Session<'_>, _: &CloseReason) {
        self.note("close", Some(session.id()));
    }
}

fn noted(cancels: bool) -> Vec<String> {
    let upstream = start(|| App::new().on_message("/", |session, message| session.send(message)));
    let (tell, told) = channel();
    let app = App::new().outgoing("up", dunlin::Settings::default(), Noting { tell, cancels });
    let server = Server::new(app).listen("127.0.0.1:0").expect("a port");
    let mut running = server.start().expect("it starts");
    let remote = running.remote();
    remote
        .connect("up", to(upstream.address()))
        .expect("it runs");
    let mut notes = Vec::new();
    while notes.len() < 2 {
        running.step(None).expect("it runs");
        notes.extend(told.try_iter());
    }
    notes
}

#[test]
fn a_handler_is_told_when_its_connection_is_made_and_then_of_the_session() {
    let notes = noted(false);
    let id = notes[0].strip_prefix("connected ").expect("it comes first");
    assert_eq!(notes[1], format!("open {id}"));
}

#[test]
fn a_call_may_be_cancelled_as_soon_as_it_is_connected() {
    let notes = noted(true);
    let id = notes[0].strip_prefix("connected ").expect("it comes first");
    assert_eq!(notes[1], format!("failed Closed {id}"));
}
