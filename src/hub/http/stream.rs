//! Responses in pieces. A stream is asked for its next piece when its peer has taken all of the last
//! one, so that it never holds more than a piece.

use crate::app::Context;
use crate::app::stream::{Piece, Pieces, Stream};
use crate::hub::conn::exchange::Exchange;
use crate::hub::conn::flags::Flags;
use crate::hub::conn::phase::Phase;
use crate::hub::conn::streaming::StreamingResponse;
use crate::hub::core::{Core, Hub, NO_ROUTE};
use crate::hub::transport::Transport;
use crate::hub::ws::events::guarded;
use crate::wire::date::http_date;
use crate::wire::head::{Method, RequestHead};
use crate::wire::response::{
    BodyFraming, ResponseParts, chunk_ends, write_chunk, write_stream_head,
};
use crate::wire::work::price;
use bytes::Bytes;

/// The end of a chunked body (RFC 9112 §7.1).
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

impl Core {
    /// Answers with the head of a stream; its pieces follow.
    pub(crate) fn begin_stream(&mut self, key: u32, stream: Stream, head: &RequestHead<'_>) {
        let Stream {
            response,
            length,
            pieces,
        } = stream;
        if !response.status().has_body() || response.fault().is_some() {
            // There is nothing to stream.
            let delivery = super::respond::delivery(head, head.keep_alive);
            return self.respond(key, response, delivery);
        }
        self.count_answer(response.status());
        let framing = match length {
            Some(length) => BodyFraming::Length(length),
            None if head.http11 => BodyFraming::Chunked,
            None => BodyFraming::UntilEnd,
        };
        let keep_alive = head.keep_alive && framing != BodyFraming::UntilEnd;
        let parts = ResponseParts {
            status: response.status,
            content_type: &response.content_type,
            fields: &response.fields,
            body: &[],
        };
        let mut answer = Vec::with_capacity(256);
        write_stream_head(
            &mut answer,
            &parts,
            &http_date(self.now.unix),
            keep_alive,
            framing,
        );
        if head.method == Method::Head {
            self.push_ready(key, &answer);
            if !keep_alive {
                self.finish_http(key);
            }
            return;
        }
        if !response.body.is_empty() {
            write_chunk(&mut answer, &response.body, framing);
        }
        self.push_ready(key, &answer);
        let streaming = StreamingResponse {
            pieces: Some(pieces),
            framing,
            keep_alive,
            waits: false,
            has_ended: false,
            exchange: Exchange::new(),
        };
        self.keep(key, |slot| {
            slot.phase = Phase::Streaming(Box::new(streaming));
        });
        let id = self.slot(key).id(key);
        self.streams.push_back(id);
        self.arm_stream(key);
    }

    /// A piece is on its way: the peer has as long for it as for any answer.
    fn arm_stream(&mut self, key: u32) {
        let wait = self.http_rules.close_timeout;
        self.deadlines.set(key, self.tick + wait, self.tick);
    }

    /// All of a piece is taken: the stream is asked for the next, if it had one.
    pub(crate) fn ask_stream(&mut self, key: u32) {
        let slot = &self.slots[key as usize];
        if let Phase::Streaming(streaming) = &slot.phase {
            if streaming.waits {
                // Nothing is owed to the peer, however long that takes.
                self.deadlines.clear(key);
            } else {
                self.streams.push_back(slot.id(key));
            }
        }
    }

    /// A stream that had nothing to say may have something; whether there is one.
    pub(crate) fn resume_stream(&mut self, key: u32) -> bool {
        let slot = self.slot(key);
        let id = slot.id(key);
        let Phase::Streaming(streaming) = &mut slot.phase else {
            return false;
        };
        let has_waited = std::mem::replace(&mut streaming.waits, false);
        if has_waited {
            self.streams.push_back(id);
        }
        has_waited
    }

    /// The deadline of a stream has come: its peer took too little, or nothing is owed to it.
    pub(crate) fn stream_is_due(&mut self, key: u32) {
        if self.slot(key).backlog() > 0 {
            self.lost(key);
        }
    }

    /// Puts a piece behind what waits.
    fn push_piece(&mut self, key: u32, piece: Vec<u8>, framing: BodyFraming) {
        // Whoever made it has copied it from somewhere.
        self.work.charge_bytes(piece.len(), price::BYTES_COPIED);
        let (before, after) = chunk_ends(piece.len(), framing);
        self.push_backlog(key, |outbox| {
            outbox.push_opaque(before.as_bytes());
            outbox.push_opaque_shared(Bytes::from(piece));
            outbox.push_opaque(after.as_bytes());
        });
        self.mark_dirty(key);
        self.arm_stream(key);
    }

    /// All pieces have come: the next request may follow.
    fn end_stream(&mut self, key: u32) {
        let phase = self.keep(key, |slot| {
            std::mem::replace(&mut slot.phase, Phase::Head(None))
        });
        let Phase::Streaming(streaming) = phase else {
            return;
        };
        if streaming.framing == BodyFraming::Chunked {
            self.push_ready(key, LAST_CHUNK);
        }
        let mut exchange = streaming.exchange;
        exchange.has_more = !exchange.waiting.is_empty();
        if !streaming.keep_alive {
            return self.finish_http(key);
        }
        self.next_request(key, &mut exchange);
        self.keep_exchange(key, exchange);
        let id = self.slot(key).id(key);
        self.resumed.push_back(id);
    }
}

impl Hub {
    /// Asks streams for their next piece, while the work lasts.
    pub(crate) fn run_streams(&mut self, io: &mut dyn Transport) {
        // Whoever is asked in this turn is not asked again in it.
        for _ in 0..self.core.streams.len() {
            if self.core.work.is_spent() {
                return;
            }
            let Some(id) = self.core.streams.pop_front() else {
                return;
            };
            let Some(key) = self.core.key_of(id) else {
                continue;
            };
            let slot = self.core.slot(key);
            // It is asked again when what waits is taken.
            let is_ready = slot.backlog() == 0 && !slot.flags.has(Flags::BLOCKED);
            if is_ready && let Phase::Streaming(streaming) = &mut slot.phase {
                let Some(mut pieces) = streaming.pieces.take() else {
                    continue;
                };
                self.core.work.charge(price::EVENT);
                let asked = guarded(&mut self.core, io, |context| {
                    pieces(&mut Context::new(context, NO_ROUTE, id))
                });
                if self.core.key_of(id).is_some() {
                    self.core.asked_stream(key, pieces, asked);
                }
            }
        }
    }
}

impl Core {
    /// What a stream has said; `None`: it panicked.
    fn asked_stream(&mut self, key: u32, pieces: Pieces, asked: Option<Piece>) {
        let slot = self.slot(key);
        let id = slot.id(key);
        let Phase::Streaming(streaming) = &mut slot.phase else {
            return;
        };
        streaming.pieces = Some(pieces);
        match asked {
            Some(Piece::Bytes(piece)) if piece.is_empty() => self.streams.push_back(id),
            Some(Piece::Bytes(piece)) => {
                if let BodyFraming::Length(left) = &mut streaming.framing {
                    let Some(rest) = left.checked_sub(piece.len() as u64) else {
                        return self.wrong_length(key);
                    };
                    *left = rest;
                }
                let framing = streaming.framing;
                self.push_piece(key, piece, framing);
                if framing == BodyFraming::Length(0) {
                    self.end_stream(key);
                }
            }
            // Nothing else would ever tell that nobody is there any more.
            Some(Piece::Wait) if streaming.has_ended => self.lost(key),
            Some(Piece::Wait) => {
                streaming.waits = true;
                self.deadlines.clear(key);
            }
            Some(Piece::End) => match streaming.framing {
                BodyFraming::Length(1..) => self.wrong_length(key),
                _ => self.end_stream(key),
            },
            None => {
                log::error!(connection:% = id; "a stream to connection {id} panicked; the connection is cut");
                self.lost(key);
            }
        }
    }

    /// The pieces are not as many bytes as was told.
    fn wrong_length(&mut self, key: u32) {
        let id = self.slot(key).id(key);
        log::error!(connection:% = id; "a stream to connection {id} has another length than was told; it is cut");
        self.lost(key);
    }
}
