//! The one-room chat of SPEC 2.2, with a record of what it did.

use dunlin::{CloseReason, Event, Handler, Message, Open, Request, Session};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// From where to where in the record a member was in the room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stay {
    pub(crate) from: usize,
    pub(crate) until: Option<usize>,
}

/// What the chat did.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Everything that was published, in order.
    pub(crate) published: Vec<String>,
    /// Every member that ever was, by its token.
    pub(crate) stays: HashMap<String, Stay>,
    pub(crate) members: usize,
}

pub(crate) type Shared = Rc<RefCell<Record>>;

pub(crate) struct Chat {
    next: u64,
    record: Shared,
}

impl Chat {
    pub(crate) fn new(record: Shared) -> Self {
        Self { next: 0, record }
    }
}

pub(crate) struct Member {
    name: String,
    token: String,
}

impl Handler for Chat {
    type Data = Member;

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<Member> {
        let name = format!("user{}", self.next);
        self.next += 1;
        session.join("chat");
        let mut record = self.record.borrow_mut();
        record.members += 1;
        let users = record.members;
        let _ = session.send(format!("You are connected! There are {users} users here."));
        let token = request.query("token").unwrap_or_default().into_owned();
        let stay = Stay {
            from: record.published.len(),
            until: None,
        };
        let before = record.stays.insert(token.clone(), stay);
        assert!(before.is_none(), "{token} opened twice");
        Open::Accept(Member { name, token })
    }

    fn message(&mut self, member: &mut Member, session: &mut Session<'_>, message: Message<'_>) {
        let Some(text) = message.text() else { return };
        let line = format!("[{}]: {text}", member.name);
        let published = &mut self.record.borrow_mut().published;
        session.publish("chat", Event::new(&line).id(published.len().to_string()));
        published.push(line);
    }

    fn close(&mut self, member: Member, _: &mut Session<'_>, _: &CloseReason) {
        let mut record = self.record.borrow_mut();
        record.members -= 1;
        let end = record.published.len();
        let stay = record.stays.get_mut(&member.token);
        let stay = stay.expect("who closes has opened");
        assert_eq!(stay.until.replace(end), None, "a second close event");
    }
}
