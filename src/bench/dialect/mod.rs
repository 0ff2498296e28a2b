//! How messages are written for a server, and how they are known again when they come back.

mod opening;
mod payload;
mod template;
pub(crate) mod token;

use crate::plan::{DialectChoice, Plan};
use dunlin::Message;
pub(crate) use opening::Early;
use opening::Opening;
use template::Template;
use token::{Kind, Token};

/// What a message that arrived is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// One of this run.
    Token(Token),
    /// One of this run that is not as it was sent.
    Altered,
    /// Something else.
    Other,
}

/// The dialect of a run.
#[derive(Clone, Debug)]
pub(crate) struct Dialect {
    template: Template,
    text: bool,
    /// What stands before the number in what comes back; empty: the payload comes back as it was.
    before: Vec<u8>,
    opening: Opening,
}

/// Sets the size of payloads: what was asked for, or 64 bytes, or as many as the dialect needs.
///
/// # Errors
/// In words: what was asked for is too short, or the plan fits in no other way.
pub fn settle_size(plan: &mut Plan, asked: Option<usize>) -> Result<(), String> {
    /// What has room for a number and a little more.
    const USUAL: usize = 64;
    let (message, _) = written(plan);
    let least = Template::least(&message, plan.scenario.is_fan_out());
    plan.size = asked.unwrap_or(USUAL.max(least));
    Dialect::new(plan).map(|_| ())
}

/// The message of a plan's dialect, and what stands before its number when it comes back.
fn written(plan: &Plan) -> (String, &str) {
    match &plan.dialect {
        DialectChoice::Plain => ("{n}{pad}".to_owned(), ""),
        DialectChoice::Template {
            message, before, ..
        } => (message.clone(), before),
        DialectChoice::Rooms { room } => {
            let talk = r#"{"type":"TALK","roomId":"ROOM","message":"{n}{pad}"}"#;
            (talk.replace("ROOM", room), r#""message":""#)
        }
        DialectChoice::Pusher { channel, .. } => {
            let event = r#"{"event":"client-bench","channel":"CHANNEL","data":"{n}{pad}"}"#;
            (event.replace("CHANNEL", channel), r#""data":""#)
        }
    }
}

impl Dialect {
    /// The dialect of a plan.
    ///
    /// # Errors
    /// In words: what of the plan does not fit.
    pub(crate) fn new(plan: &Plan) -> Result<Self, String> {
        let fan_out = plan.scenario.is_fan_out();
        let (message, before) = written(plan);
        let is_json = matches!(
            plan.dialect,
            DialectChoice::Rooms { .. } | DialectChoice::Pusher { .. }
        );
        if is_json && !plan.text {
            return Err(format!(
                "the dialect {} is text\nwanted: no --binary",
                plan.dialect.name()
            ));
        }
        let template = Template::new(&message, plan.size, fan_out)?;
        let room = template.kind().modulus() / 2;
        if u64::from(plan.window) > room {
            return Err(format!(
                "{} messages in flight cannot be told apart by a number of {} digits\n\
                 wanted: --window {room} or less, or a larger --size",
                plan.window,
                template.kind().len()
            ));
        }
        Ok(Self {
            template,
            text: plan.text,
            before: before.as_bytes().to_vec(),
            opening: Opening::of(&plan.dialect),
        })
    }

    /// Which tokens it writes.
    pub(crate) fn kind(&self) -> Kind {
        self.template.kind()
    }

    /// Bytes of each payload.
    pub(crate) fn len(&self) -> usize {
        self.template.len()
    }

    /// The message of this connection with this token.
    #[inline]
    pub(crate) fn compose(&mut self, index: u32, token: Token) -> Message<'_> {
        let text = self.text;
        let payload = self.template.fill(index, token);
        if text {
            Message::Text(payload.text())
        } else {
            Message::Binary(payload.bytes())
        }
    }

    /// What this is.
    #[inline]
    pub(crate) fn find(&self, message: Message<'_>) -> Found {
        let (payload, is_text) = match message {
            Message::Text(text) => (text.as_bytes(), true),
            Message::Binary(bytes) => (bytes, false),
        };
        let at = if self.before.is_empty() {
            if self.template.fits(payload) && is_text == self.text {
                self.template.token_at()
            } else {
                return self.strange(payload);
            }
        } else {
            match memchr::memmem::find(payload, &self.before) {
                Some(at) => at + self.before.len(),
                None => return Found::Other,
            }
        };
        match self.kind().read(&payload[at..]) {
            Some(token) => Found::Token(token),
            None => Found::Other,
        }
    }

    /// A payload that is none of ours as it is; one of our length may be one that was changed.
    #[cold]
    fn strange(&self, payload: &[u8]) -> Found {
        let token = payload.get(self.template.token_at()..);
        match token.and_then(|bytes| self.kind().read(bytes)) {
            Some(_) if payload.len() == self.len() => Found::Altered,
            _ => Found::Other,
        }
    }

    /// What a connection says first.
    pub(crate) fn hello(&self, index: u32) -> Option<String> {
        self.opening.hello(index)
    }

    /// Whether a connection may begin as soon as it is open.
    pub(crate) fn is_ready_at_once(&self) -> bool {
        self.opening.is_ready_at_once()
    }

    /// A message that came before the connection was ready.
    pub(crate) fn early(&self, message: Message<'_>) -> Early {
        self.opening.early(message)
    }

    /// What the server wants an answer to, whatever else happens: the answer.
    pub(crate) fn reply(&self, message: Message<'_>) -> Option<&'static str> {
        self.opening.reply(message)
    }

    /// What the server complains of in a message, if it does.
    pub(crate) fn complaint(&self, message: Message<'_>) -> Option<String> {
        self.opening.complaint(message)
    }
}
