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
            let cookies = request.headers("set-cookie").map(String::from).collect();
            let protocol = session.protocol().map(String::from);
            self.agreed.insert(id, (protocol, cookies));
            session.pause();
            ticket.accept(id);
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

    fn message(&mut self, other: &mut SessionId, session: &mut Session<'_>, message: Message<'_>) {
        match session.send_to(*other, message) {
            SendOutcome::Queued => {}
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
