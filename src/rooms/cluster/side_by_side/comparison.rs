//! What counts as the same: an engine need not sort, and may choose whom it sweeps first.

use super::super::model::{Model, Room};
use super::super::request::{Act, Answer, Push, Request};
use super::super::retention::Retention;
use redis_protocol::resp2::types::OwnedFrame;

/// Whether the engine said what the model says, as far as it has no choice.
pub(super) fn is_same_answer(
    model: &Model,
    request: &Request,
    wanted: &Answer,
    said: &Answer,
) -> bool {
    match (wanted, said) {
        (
            Answer::Names { members, names },
            Answer::Names {
                members: found,
                names: given,
            },
        ) => {
            let Some(room) = model.room(request.room) else {
                return false;
            };
            let mut distinct = given.clone();
            distinct.sort_unstable();
            distinct.dedup();
            members == found
                && names.len() == given.len()
                && distinct.len() == given.len()
                && given.iter().all(|name| room.members.contains_key(name))
        }
        (Answer::Audited { members: wanted }, Answer::Audited { members: given }) => {
            let mut given = given.clone();
            given.sort_unstable();
            *wanted == given
        }
        _ => wanted == said,
    }
}

/// Lets those go in the model whom the engine chose: what a sweep answers, and what is told.
pub(super) fn sweep(
    model: &mut Model,
    request: &Request,
    most: usize,
    retention: &Retention,
    now: u64,
    chosen: &[Push],
) -> (Answer, Vec<Push>) {
    let Act::Sweep { node, .. } = request.act else {
        return model.run(request, retention, now);
    };
    let with = |act| Request {
        act,
        ..request.clone()
    };
    // None of them: that begins an epoch if one has to begin.
    let none = with(Act::Sweep { node, most: 0 });
    let (_, mut told) = model.run(&none, retention, now);
    let mut count = 0;
    for push in chosen {
        if let Push::Left { name, at, .. } = push
            && at.node == node
        {
            let (name, at) = (name.clone(), *at);
            told.extend(model.run(&with(Act::Leave { name, at }), retention, now).1);
            count += 1;
        }
    }
    let (answer, more) = model.run(&none, retention, now);
    told.extend(more);
    let is_enough = match answer {
        Answer::Swept { has_more } => count == most || count < most && !has_more,
        _ => true,
    };
    if is_enough {
        (answer, told)
    } else {
        // So many more should have gone: the model says whom it had chosen.
        model.run(request, retention, now)
    }
}

fn text(text: impl ToString) -> OwnedFrame {
    OwnedFrame::BulkString(text.to_string().into_bytes())
}

/// How the engine keeps a room: facts, number of members, number of messages.
pub(super) fn kept(room: Option<&Room>) -> (OwnedFrame, OwnedFrame, OwnedFrame) {
    let number = |number: usize| OwnedFrame::Integer(number as i64);
    let Some(room) = room else {
        let nothing = vec![OwnedFrame::Null; 3];
        return (OwnedFrame::Array(nothing), number(0), number(0));
    };
    let facts = vec![text(room.epoch), text(room.newest), text(room.held())];
    let (members, messages) = (room.members.len(), room.messages.len());
    (OwnedFrame::Array(facts), number(members), number(messages))
}
