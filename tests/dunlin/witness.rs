//! A handler that tells the test what happens to it, event by event.

use dunlin::{
    Call, CloseCode, CloseReason, ClosedBy, Context, Error, ErrorKind, Handler, Message, Open,
    Request, Response, Session, SessionId,
};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How long an event may take. Never reached when all is well.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// One event of a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Opened(SessionId),
    Text(String),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    Timer(u64),
    Closed(CloseReason),
    Failed(ErrorKind, String),
    /// Whatever else a test wants to tell.
    Note(String),
}

type Opens = Box<dyn FnMut(&Request<'_>, &mut Session<'_>) -> Result<(), Response>>;
type Heard = Box<dyn FnMut(&mut Session<'_>, Message<'_>)>;

/// The handler: it accepts, answers nothing and tells everything, unless a test says otherwise.
pub(crate) struct Witness {
    tell: Sender<Told>,
    open: Opens,
    message: Heard,
}

/// Makes witnesses in the server's thread, all of one account.
#[derive(Clone)]
pub(crate) struct Teller(pub(crate) Sender<Told>);

impl Teller {
    pub(crate) fn witness(&self) -> Witness {
        Witness {
            tell: self.0.clone(),
            open: Box::new(|_, _| Ok(())),
            message: Box::new(|_, _| {}),
        }
    }

    /// Tells something that is no event.
    pub(crate) fn note(&self, text: impl Into<String>) {
        let _ = self.0.send(Told::Note(text.into()));
    }
}

impl Witness {
    /// What to do at the open event.
    pub(crate) fn on_open(
        mut self,
        open: impl FnMut(&Request<'_>, &mut Session<'_>) -> Result<(), Response> + 'static,
    ) -> Self {
        self.open = Box::new(open);
        self
    }

    /// What to do at each message.
    pub(crate) fn on_message(
        mut self,
        message: impl FnMut(&mut Session<'_>, Message<'_>) + 'static,
    ) -> Self {
        self.message = Box::new(message);
        self
    }

    fn tell(&self, told: Told) {
        // A test that has seen enough does not listen any more.
        let _ = self.tell.send(told);
    }
}

impl Handler for Witness {
    type Data = SessionId;

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<SessionId> {
        if let Err(refusal) = (self.open)(request, session) {
            return Open::Refuse(refusal);
        }
        self.tell(Told::Opened(session.id()));
        Open::Accept(session.id())
    }

    fn message(&mut self, data: &mut SessionId, session: &mut Session<'_>, message: Message<'_>) {
        assert_eq!(*data, session.id(), "the data of another session");
        self.tell(match message {
            Message::Text(text) => Told::Text(text.to_owned()),
            Message::Binary(bytes) => Told::Binary(bytes.to_vec()),
        });
        (self.message)(session, message);
    }

    fn pong(&mut self, _: &mut SessionId, _: &mut Session<'_>, payload: &[u8]) {
        self.tell(Told::Pong(payload.to_vec()));
    }

    fn timer(&mut self, _: &mut SessionId, _: &mut Session<'_>, token: u64) {
        self.tell(Told::Timer(token));
    }

    fn failed(&mut self, _: &mut Context<'_>, _: SessionId, _: &Call, error: &Error) {
        self.tell(Told::Failed(error.kind(), format!("{error:#}")));
    }

    fn close(&mut self, data: SessionId, session: &mut Session<'_>, reason: &CloseReason) {
        assert_eq!(data, session.id(), "the data of another session");
        self.tell(Told::Closed(reason.clone()));
    }
}

/// What was told, in order.
pub(crate) struct Account(Receiver<Told>);

/// A new account, and who tells it.
pub(crate) fn account() -> (Teller, Account) {
    let (tell, told) = channel();
    (Teller(tell), Account(told))
}

impl Account {
    /// The next event.
    #[track_caller]
    pub(crate) fn next(&self) -> Told {
        match self.0.recv_timeout(LONGEST_WAIT) {
            Ok(told) => told,
            Err(RecvTimeoutError::Timeout) => panic!("nothing was told for {LONGEST_WAIT:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("everything is told already"),
        }
    }

    /// The next event, which is an opening.
    #[track_caller]
    pub(crate) fn opened(&self) -> SessionId {
        match self.next() {
            Told::Opened(id) => id,
            other => panic!("wanted an open event, got {other:?}"),
        }
    }

    /// The next event, which is this end of a session.
    #[track_caller]
    pub(crate) fn closed(&self, code: u16, reason: &str, by: ClosedBy) {
        let wanted = CloseReason::new(CloseCode::new(code), reason, by);
        assert_eq!(self.next(), Told::Closed(wanted));
    }

    /// The next event, which is the failure of a call.
    #[track_caller]
    pub(crate) fn failed(&self) -> (ErrorKind, String) {
        match self.next() {
            Told::Failed(kind, text) => (kind, text),
            other => panic!("wanted the failure of a call, got {other:?}"),
        }
    }

    /// The next event, which is a note.
    #[track_caller]
    pub(crate) fn note(&self) -> String {
        match self.next() {
            Told::Note(text) => text,
            other => panic!("wanted a note, got {other:?}"),
        }
    }

    /// All that is left when everybody who tells is gone: the server has stopped.
    #[track_caller]
    pub(crate) fn rest(&self) -> Vec<Told> {
        let mut rest = Vec::new();
        loop {
            match self.0.recv_timeout(LONGEST_WAIT) {
                Ok(told) => rest.push(told),
                Err(RecvTimeoutError::Disconnected) => return rest,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("somebody may still tell; so far {rest:?}")
                }
            }
        }
    }
}
