//! Answers as they leave: refusals, and the responses of a program.

use crate::app::Response;
use crate::hub::conn::flags::Flags;
use crate::hub::core::Core;
use crate::wire::date::http_date;
use crate::wire::head::{Method, RequestHead};
use crate::wire::refusal::Refusal;
use crate::wire::response::{
    Delivery, ResponseParts, Status, write_refusal, write_response, write_response_head,
};
use bytes::Bytes;
use std::borrow::Cow;

/// From so many bytes on a body is not gathered with other answers.
const LONG_BODY: usize = 64 << 10;

/// What a request decides about its response.
pub(crate) fn delivery(head: &RequestHead<'_>, keep_alive: bool) -> Delivery {
    Delivery {
        keep_alive,
        head_only: head.method == Method::Head,
    }
}

impl Core {
    /// Answers with a fixed text and ends the connection.
    pub(crate) fn refuse(&mut self, key: u32, refusal: &Refusal) {
        self.write_refusal(key, refusal, false);
    }

    /// The same when the request is known: a HEAD gets no text (RFC 9110 §9.3.2).
    pub(crate) fn refuse_request(&mut self, key: u32, refusal: &Refusal, head: &RequestHead<'_>) {
        self.write_refusal(key, refusal, head.method == Method::Head);
    }

    pub(crate) fn write_refusal(&mut self, key: u32, refusal: &Refusal, head_only: bool) {
        log::debug!(
            "{} is refused with {}",
            self.slot(key).peer(),
            refusal.status.code()
        );
        self.count_answer(refusal.status);
        self.slot(key).flags.set(Flags::SPEAKS_HTTP);
        let mut answer = Vec::with_capacity(256);
        write_refusal(&mut answer, refusal, &http_date(self.now.unix), head_only);
        self.push_ready(key, &answer);
        self.finish_http(key);
    }

    /// Counts an answer, as that to a request for a session where it is one.
    pub(crate) fn count_answer(&mut self, status: Status) {
        let is_handshake = self.asks_for_session;
        self.metrics.on_answered(status, is_handshake);
    }

    /// Writes the response of a program.
    pub(crate) fn respond(&mut self, key: u32, response: Response, delivery: Delivery) {
        self.count_answer(response.status);
        let body = &*response.body;
        let is_long = body.len() >= LONG_BODY && response.status.has_body() && !delivery.head_only;
        let parts = ResponseParts {
            status: response.status,
            content_type: &response.content_type,
            fields: &response.fields,
            body,
        };
        let date = http_date(self.now.unix);
        if is_long {
            let mut head = Vec::with_capacity(256);
            write_response_head(&mut head, &parts, &date, delivery);
            self.push_long_response(key, &head, response.body);
        } else {
            let mut answer = Vec::with_capacity(256 + body.len());
            write_response(&mut answer, &parts, &date, delivery);
            self.push_ready(key, &answer);
        }
        if !delivery.keep_alive {
            self.finish_http(key);
        }
    }

    /// Puts a long body behind its head without a copy: it leaves in parts, each within a turn.
    fn push_long_response(&mut self, key: u32, head: &[u8], body: Cow<'static, [u8]>) {
        debug_assert_eq!(self.reply_of, key, "an answer has its turn");
        let body = match body {
            Cow::Borrowed(body) => Bytes::from_static(body),
            Cow::Owned(body) => Bytes::from(body),
        };
        let mut gathered = std::mem::take(&mut self.reply_buffer);
        self.work.charge_kept(gathered.len() + head.len());
        self.push_backlog(key, |outbox| {
            outbox.push_opaque(&gathered);
            outbox.push_opaque(head);
            outbox.push_opaque_shared(body);
        });
        gathered.clear();
        self.reply_buffer = gathered;
        self.mark_dirty(key);
    }
}
