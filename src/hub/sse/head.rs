//! How an event stream begins: who may have one, and its head.

use crate::hub::core::Hub;
use crate::hub::http::upgrade::Agreed;
use crate::wire::date::http_date;
use crate::wire::event::write_event_stream_head;
use crate::wire::head::RequestHead;
use crate::wire::response::Status;

impl Hub {
    /// Answers a HEAD with the head that a GET would get. No handler is asked, and there is no session.
    pub(crate) fn head_of_event_stream(&mut self, key: u32, route: u16, head: &RequestHead<'_>) {
        match self.agree(key, route, head) {
            Ok(Agreed::Events { origin }) => {
                let mut answer = Vec::with_capacity(256);
                let date = http_date(self.core.now.unix);
                write_event_stream_head(&mut answer, &date, origin.as_deref(), &[]);
                self.core.count_answer(Status::OK);
                self.core.push_ready(key, &answer);
                self.core.finish_http(key);
            }
            Ok(Agreed::WebSocket { .. }) => {}
            Err(refusal) => self.core.refuse_request(key, &refusal, head),
        }
    }
}
