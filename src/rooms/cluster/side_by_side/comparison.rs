//! What counts as the same: an engine need not sort, and may choose whom it sweeps first.

use super::super::model::Model;
use super::super::request::{Act, Answer, Push, Request};
use super::super::retention::Retention;
use crate::rooms::RoomId;
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
    // None of them: that begins an epoch if one has to begin, which what follows must not do again.
    let begin = Request {
        act: Act::Sweep { node, most: 0 },
        ..request.clone()
    };
    let (_, mut told) = model.run(&begin, retention, now);
    let with = |act| Request {
        act,
        seen: None,
        ..request.clone()
    };
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
    let none = with(Act::Sweep { node, most: 0 });
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

/// Whether two models differ in nothing but the times at which something goes.
pub(super) fn is_alike(one: &Model, other: &Model, rooms: &[RoomId]) -> bool {
    let messages = |model: &Model, id| model.room(id).map(|room| room.messages.clone());
    let mut rooms = rooms.iter();
    rooms.all(|id| messages(one, *id) == messages(other, *id))
}

/// How the engine keeps a room: facts, number of members, number of messages, and whether it goes with time.
pub(super) fn kept(model: &Model, id: RoomId) -> (OwnedFrame, OwnedFrame, OwnedFrame, bool) {
    let number = |number: usize| OwnedFrame::Integer(number as i64);
    let Some(room) = model.room(id) else {
        let nothing = OwnedFrame::Array(vec![OwnedFrame::Null; 4]);
        return (nothing, number(0), number(0), model.is_deleted(id));
    };
    let facts = [
        text(room.epoch),
        text(room.newest),
        text(room.held()),
        text(room.changes),
    ];
    let facts = OwnedFrame::Array(facts.to_vec());
    let (members, messages) = (room.members.len(), room.messages.len());
    (
        facts,
        number(members),
        number(messages),
        room.expires.is_some(),
    )
}
