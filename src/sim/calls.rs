//! The other server of an outgoing session, which the test plays.

use super::conversation::{Conversation, Line};
use crate::app::Peer;
use crate::wire::extension::Offer;
use crate::wire::head::{HeadLimits, parse_request};
use crate::wire::response::{Status, http_date, write_field, write_status_line};
use crate::wire::upgrade::{accept_key, check_upgrade, wants_upgrade};
use std::ops::Deref;

/// The date of every refusal: what the simulation's clock starts with.
const DATE: u64 = 1_700_000_000;

/// A call of the program to another server, which the test plays: it waits for an answer.
///
/// What was asked for is read and checked already, and its bytes are still there for
/// [`Line::receive_raw`]. Everything that a [`Line`] can suffer it can suffer too: to answer with bytes of
/// one's own, send them with [`Line::send_raw`]; to break off, [`Line::cut`]. A call that is dropped
/// stays open without an answer.
#[derive(Clone, Debug)]
pub struct IncomingCall {
    line: Line,
    address: Peer,
    target: String,
    fields: Vec<(String, String)>,
    key: String,
    protocols: Vec<String>,
    extensions: Vec<Offer>,
}

impl Deref for IncomingCall {
    type Target = Line;

    fn deref(&self) -> &Line {
        &self.line
    }
}

impl IncomingCall {
    /// Reads the request on a line that the server made; `None` when it gave up before it had asked.
    ///
    /// # Panics
    /// When it is no whole and valid upgrade.
    #[track_caller]
    pub(super) fn read(line: Line, address: Peer) -> Option<Self> {
        let world = line.world.borrow();
        let state = &world.turn.io.lines[line.line];
        let bytes = state.client.raw();
        let (head, _) = match parse_request(bytes, &mut 0, &HeadLimits::default()) {
            Ok(Some(parsed)) => parsed,
            Ok(None) if state.end.is_some() => return None,
            Ok(None) => panic!("the request of a call to {address} is not complete"),
            Err(refusal) => panic!(
                "the request of a call to {address} would be refused with {}",
                refusal.status
            ),
        };
        assert!(
            wants_upgrade(&head),
            "the request of a call to {address} asks for no upgrade"
        );
        let upgrade = match check_upgrade(&head) {
            Ok(upgrade) => upgrade,
            Err(refusal) => panic!(
                "the upgrade of a call to {address} would be refused with {}",
                refusal.status
            ),
        };
        let query = head.query.map(|query| format!("?{query}"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let fields = head.fields.iter();
        let call = Self {
            address,
            target: head.path.to_owned() + &query.unwrap_or_default(),
            fields: fields
                .map(|(name, value)| ((*name).to_owned(), text(value)))
                .collect(),
            key: upgrade.key.to_owned(),
            protocols: upgrade.protocols.iter().map(ToString::to_string).collect(),
            extensions: upgrade.extensions.clone(),
            line: line.clone(),
        };
        drop(world);
        Some(call)
    }

    /// The address that the program calls.
    pub fn address(&self) -> Peer {
        self.address
    }

    /// Path and query, as they came: `/news?all`.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The first value of a header field of the request, in any case of its name.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| &**value)
    }

    /// All header fields of the request, in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The subprotocols that the program offers, its favourite first.
    pub fn protocols(&self) -> impl Iterator<Item = &str> {
        self.protocols.iter().map(String::as_str)
    }

    /// The extensions that the program offers, its favourite first.
    pub fn extensions(&self) -> &[Offer] {
        &self.extensions
    }

    /// Answers with a 101: neither subprotocol nor extension. The session opens when the simulation
    /// runs.
    pub fn accept(self) -> Conversation {
        self.accept_with(&[])
    }

    /// Answers with a 101 and further fields, such as `Sec-WebSocket-Protocol` or `Set-Cookie`, right
    /// or wrong. In the conversation the test is the server: its frames are not masked, those of the
    /// program must be, and it ends the connection first when Closes were exchanged.
    /// Extensions are not spoken here: one that is accepted fails the test with its first frame.
    pub fn accept_with(self, fields: &[(&str, &str)]) -> Conversation {
        let mut answer = Vec::new();
        write_status_line(&mut answer, Status::SWITCHING_PROTOCOLS);
        write_field(&mut answer, "Upgrade", "websocket");
        write_field(&mut answer, "Connection", "Upgrade");
        let accept = accept_key(&self.key);
        write_field(
            &mut answer,
            "Sec-WebSocket-Accept",
            &String::from_utf8_lossy(&accept),
        );
        write_fields(&mut answer, fields);
        self.line.send_raw(&answer);
        self.line.world.borrow_mut().turn.io.lines[self.line.line]
            .client
            .serve();
        Conversation(self.line)
    }

    /// Answers with another status than 101 and this body, and ends the connection.
    pub fn refuse(self, status: Status, body: &str) -> Line {
        self.refuse_with(status, &[], body)
    }

    /// The same with further header fields, such as `Retry-After`.
    pub fn refuse_with(self, status: Status, fields: &[(&str, &str)], body: &str) -> Line {
        let mut answer = Vec::new();
        write_status_line(&mut answer, status);
        write_field(&mut answer, "Date", &http_date(DATE));
        write_field(&mut answer, "Content-Length", &body.len().to_string());
        write_field(&mut answer, "Connection", "close");
        write_fields(&mut answer, fields);
        answer.extend_from_slice(body.as_bytes());
        self.line.send_raw(&answer);
        self.line.half_close();
        self.line
    }
}

/// Ends a head with these fields.
fn write_fields(answer: &mut Vec<u8>, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        write_field(answer, name, value);
    }
    answer.extend_from_slice(b"\r\n");
}
