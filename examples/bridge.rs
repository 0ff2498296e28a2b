//! A bridge: each WebSocket session here is carried to another server and back.
//!
//! `cargo run --example bridge -- 127.0.0.1:9000 127.0.0.1:8080` carries what comes to 9000.
//!
//! The client's 101 waits for that of the other server and carries its subprotocol and cookies on; a
//! refusal goes on with its status, 502 stands for no answer. Neither side is read faster than the
//! other one takes it, so a peer that never reads costs a backlog and no more. Close codes pass, also none.

use dunlin::{
    App, Call, CloseCode, CloseReason, Context, Error, Handler, Message, Open, OpenTicket, Request,
    Response, SendOutcome, Server, Session, SessionId, Settings, Status,
};
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;

/// Both sides of every pair. What is kept for a session is the other one's name.
struct Bridge {
    upstream: SocketAddr,
    /// Clients by the call that is made for them.
    waiting: HashMap<SessionId, (SessionId, OpenTicket<SessionId>)>,
    /// What the other server answered, until its client gets it.
    agreed: HashMap<SessionId, (Option<String>, Vec<String>)>,
}

impl Handler for Bridge {
    type Data = SessionId;

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<SessionId> {
        let id = session.id();
        if let Some((client, ticket)) = self.waiting.remove(&id) {
            // The other server has accepted. It is not read before its client is there.
            if !ticket.accept(id) {
                return Open::Refuse(Response::no_content());
            }
            let cookies = request.headers("set-cookie").map(String::from).collect();
            let protocol = session.protocol().map(String::from);
            self.agreed.insert(id, (protocol, cookies));
            session.pause();
            return Open::Accept(client);
        }
        let target = format!("{}?{}", request.path(), request.query_string());
        let mut call = Call::new(self.upstream, self.upstream.to_string(), target);
        call = call.protocols(
            request
                .headers("sec-websocket-protocol")
                .flat_map(|line| line.split(',').map(|name| name.trim().to_owned())),
        );
        for cookie in request.headers("cookie") {
            call = call.field("Cookie", cookie);
        }
        let Ok(call) = session.connect("upstream", call) else {
            return Open::Refuse(Response::refusal(Status::SERVICE_UNAVAILABLE));
        };
        let (open, ticket) = Open::later(session);
        self.waiting.insert(call, (id, ticket));
        open
    }

    fn accepted(&mut self, upstream: &mut SessionId, session: &mut Session<'_>) {
        let (protocol, cookies) = self.agreed.remove(upstream).unwrap_or_default();
        if let Some(protocol) = protocol {
            session.choose_protocol(&protocol);
        }
        for cookie in cookies {
            session.add_answer_field("Set-Cookie", &cookie);
        }
        session.context().resume(*upstream);
    }

    fn abandoned(&mut self, upstream: SessionId, context: &mut Context<'_>) {
        self.agreed.remove(&upstream);
        context.close(upstream, CloseCode::GOING_AWAY, "the client has left");
    }

    fn message(&mut self, other: &mut SessionId, session: &mut Session<'_>, message: Message<'_>) {
        match session.send_to(*other, message) {
            SendOutcome::Queued | SendOutcome::Skipped => {}
            SendOutcome::AboveMark => drop(session.pause_until_drained(*other)),
            // The other side ends; its close event ends this one, and nothing more is read for it.
            SendOutcome::Full | SendOutcome::Closed => drop(session.pause()),
        }
    }

    fn close(&mut self, other: SessionId, session: &mut Session<'_>, reason: &CloseReason) {
        self.agreed.remove(&session.id());
        let code = match reason.code {
            CloseCode::ABNORMAL => CloseCode::GOING_AWAY,
            code => code,
        };
        session.close_other(other, code, &reason.reason);
    }

    fn failed(&mut self, _: &mut Context<'_>, call: SessionId, _: &Call, error: &Error) {
        if let Some((_, ticket)) = self.waiting.remove(&call) {
            let status = error.status().filter(|status| status.code() >= 400);
            ticket.refuse(Response::refusal(status.unwrap_or(Status::BAD_GATEWAY)));
        }
    }
}

fn app(upstream: SocketAddr) -> App {
    let bridge = Rc::new(RefCell::new(Bridge {
        upstream,
        waiting: HashMap::new(),
        agreed: HashMap::new(),
    }));
    App::new().ws("/{path...}", Rc::clone(&bridge)).outgoing(
        "upstream",
        Settings::default(),
        bridge,
    )
}

fn main() -> dunlin::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(Ok(upstream))) =
        (arguments.next(), arguments.next().map(|text| text.parse()))
    else {
        eprintln!("usage: bridge LISTEN UPSTREAM, such as: bridge 127.0.0.1:9000 127.0.0.1:8080");
        std::process::exit(2);
    };
    Server::new(app(upstream)).listen(&listen)?.run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::testing::{Conversation, IncomingCall, Received, Sim};
    use std::time::Duration;

    const OFFER: [(&str, &str); 2] = [
        ("Sec-WebSocket-Protocol", "v1, v2"),
        ("Cookie", "session=7"),
    ];

    fn sim() -> Sim {
        Sim::new(app(([10, 0, 0, 1], 80).into())).expect("the program is right")
    }

    /// A client that asks for a session, and the call that is made for it.
    fn asked(sim: &Sim) -> (Conversation, IncomingCall) {
        let client = sim.connect().upgrade("/news?all", &OFFER);
        let call = sim.next_call().expect("a call");
        (client, call)
    }

    #[test]
    fn subprotocol_and_cookies_pass_and_what_comes_early_is_not_lost() {
        let sim = sim();
        let (client, call) = asked(&sim);
        assert_eq!(call.target(), "/news?all");
        assert!(call.protocols().eq(["v1", "v2"]));
        assert_eq!(call.field("Cookie"), Some("session=7"));
        let fields = [
            ("Sec-WebSocket-Protocol", "v2"),
            ("Set-Cookie", "theme=dark"),
        ];
        let server = call.accept_with(&fields);
        server.send("early");
        assert_eq!(client.receive_text(), "early");
        assert_eq!(client.protocol().as_deref(), Some("v2"));
        assert_eq!(client.field("Set-Cookie").as_deref(), Some("theme=dark"));
        client.send([1, 2, 3]);
        assert_eq!(server.receive(), Some(Received::Binary(vec![1, 2, 3])));
    }

    #[test]
    fn close_codes_pass_both_ways_and_an_empty_one_stays_empty() {
        for (code, passed) in [(4321, 4321), (1005, 1005)] {
            for from_client in [true, false] {
                let sim = sim();
                let (client, call) = asked(&sim);
                let server = call.accept();
                sim.drive();
                let (one, other) = if from_client {
                    (&client, &server)
                } else {
                    (&server, &client)
                };
                match code {
                    1005 => one.close_empty(),
                    code => one.close(code, "why"),
                }
                let reason = if code == 1005 { "" } else { "why" };
                assert_eq!(other.receive(), Some(Received::close(passed, reason)));
                sim.advance(Duration::from_secs(20));
                assert!(sim.is_empty());
            }
        }
    }

    #[test]
    fn a_refusal_keeps_its_status_and_no_answer_is_502() {
        let sim = sim();
        let (client, call) = asked(&sim);
        call.refuse(Status::FORBIDDEN, "members only");
        let status = |client: Conversation| client.opened().unwrap_err().status();
        sim.drive();
        assert_eq!(status(client), Some(Status::FORBIDDEN));
        let (client, call) = asked(&sim);
        call.cut();
        sim.drive();
        assert_eq!(status(client), Some(Status::BAD_GATEWAY));
    }

    #[test]
    fn a_client_that_leaves_before_the_answer_leaves_nothing_behind() {
        let sim = sim();
        let (client, call) = asked(&sim);
        client.cut();
        sim.drive();
        let server = call.accept();
        assert_eq!(server.receive(), Some(Received::close(1000, "")));
        sim.advance(Duration::from_secs(20));
        assert!(sim.is_empty());
    }

    #[test]
    fn a_server_that_never_reads_costs_less_than_2_mib_of_300() {
        let sim = sim();
        let (client, call) = asked(&sim);
        let server = call.accept();
        sim.drive();
        server.stall();
        let piece = vec![7; 60_000];
        let mut sent = 0;
        while sent < 300 << 20 && client.unread() < 10 << 20 {
            client.send(&piece);
            sent += piece.len();
            sim.drive();
            let buffered = sim.stats().buffered;
            assert!(buffered < 2 << 20, "{buffered} bytes wait");
        }
        // What the bridge does not read waits with the client.
        assert!(client.unread() > 9 << 20, "{} unread", client.unread());
    }
}
