//! What of a history is missing, seen from what was asked for.

use super::request::RawExcerpt;
use crate::rooms::engine::Ask;
use crate::rooms::{Excerpt, RoomMessage};
use std::rc::Rc;

/// Ids that are missing behind one, up to and with another, where these messages are there.
pub(super) fn gaps(behind: u64, messages: &[Rc<RoomMessage>], top: u64) -> Vec<(u64, u64)> {
    let mut gaps = Vec::new();
    let mut next = behind + 1;
    for message in messages {
        if message.id > next {
            gaps.push((next, message.id - 1));
        }
        next = next.max(message.id + 1);
    }
    if next <= top {
        gaps.push((next, top));
    }
    gaps
}

/// An excerpt as those who asked are told it.
pub(super) fn told(raw: RawExcerpt, ask: Ask) -> Excerpt {
    let RawExcerpt {
        epoch,
        top,
        is_here,
        messages,
        ..
    } = raw;
    let messages: Vec<_> = messages.into_iter().map(Rc::new).collect();
    let last = messages.last().map(|message| message.id);
    let (recovered, gaps) = match ask.since {
        None => (true, Vec::new()),
        // Another order of things: all there is may be new to who asks.
        Some(_) if !is_here => (false, Vec::new()),
        Some(since) => {
            // Of a page the rest is asked for later.
            let upto = if ask.is_page {
                last.unwrap_or(top)
            } else {
                top
            };
            let gaps = gaps(since.id, &messages, upto);
            (gaps.is_empty() && last.unwrap_or(since.id) == top, gaps)
        }
    };
    Excerpt {
        epoch,
        top,
        recovered,
        gaps,
        messages,
    }
}
