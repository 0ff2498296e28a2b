//! Rooms over plain HTTP: make, list, look at, delete; say something, read what was said, see who is in.

use super::listing::{Room, list};
use super::problem::{JSON, problem, refused};
use crate::rooms::{Pass, Position, RoomError, RoomId, Rooms, parse_object};
use crate::wire::head::Method;
use crate::wire::work::price;
use crate::{Answer, App, Context, Request, Response, Status, Ticket};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

/// Names that a list of members has at most; the number is told of all.
const NAMED: usize = 500;

/// The name of who gives none.
const GUEST: &str = "guest";

/// Adds the routes.
pub(super) fn mount(app: App, rooms: &Rooms) -> App {
    let with = |act: fn(&Rooms, &Request<'_>, &mut Context<'_>) -> Answer| {
        let rooms = rooms.clone();
        move |request: &Request<'_>, context: &mut Context<'_>| act(&rooms, request, context)
    };
    let paths = [
        "/chat",
        "/chat/{roomId}",
        "/chat/{roomId}/messages",
        "/chat/{roomId}/members",
    ];
    let app = paths.into_iter().fold(app, App::refuse_in_json);
    app.get("/chat", with(list))
        .post("/chat", with(create))
        .get("/chat/{roomId}", with(describe))
        .http(Method::Delete, "/chat/{roomId}", with(delete))
        .get("/chat/{roomId}/messages", with(history))
        .post("/chat/{roomId}/messages", with(publish))
        .get("/chat/{roomId}/members", with(members))
}

fn json(value: &impl Serialize) -> Response {
    Response::ok(JSON, serde_json::to_vec(value).unwrap_or_default())
}

/// The room of a request, and the path as an error repeats it: nothing that is no id.
fn room_of(request: &Request<'_>, behind: &str) -> Result<(RoomId, String), Response> {
    let room = request
        .param("roomId")
        .and_then(|room| RoomId::of_client(room).ok());
    let path = |room: &dyn std::fmt::Display| format!("/chat/{room}{behind}");
    let pass = Pass::of_request(request);
    match room {
        Some(room) => match pass.map_or(Ok(()), |pass| pass.check_room(room)) {
            Ok(()) => Ok((room, path(&room))),
            Err(error) => Err(refused(&error, &path(&room))),
        },
        None => Err(refused(&RoomError::UnknownRoom, &path(&"{roomId}"))),
    }
}

/// Whom an answer goes to, when it is known.
enum Waiting {
    NotYet,
    Known(Response),
    Awaited(Ticket),
    Given,
}

/// Takes the answer to a request, once.
struct Reply(Rc<RefCell<Waiting>>);

impl Reply {
    fn answer(self, response: Response) {
        let waiting = std::mem::replace(&mut *self.0.borrow_mut(), Waiting::Given);
        match waiting {
            Waiting::Awaited(ticket) => {
                ticket.answer(response);
            }
            _ => *self.0.borrow_mut() = Waiting::Known(response),
        }
    }
}

/// Asks for something, and answers with what came of it: at once if it is there, later if not.
fn ask(context: &mut Context<'_>, ask: impl FnOnce(&mut Context<'_>, Reply)) -> Answer {
    let waiting = Rc::new(RefCell::new(Waiting::NotYet));
    ask(context, Reply(Rc::clone(&waiting)));
    let mut waiting = waiting.borrow_mut();
    match std::mem::replace(&mut *waiting, Waiting::Given) {
        Waiting::Known(response) => Answer::Now(response),
        _ => {
            let (answer, ticket) = Answer::later(context);
            *waiting = Waiting::Awaited(ticket);
            answer
        }
    }
}

fn create(rooms: &Rooms, request: &Request<'_>, context: &mut Context<'_>) -> Answer {
    let form = request.form();
    let of_form = form.as_ref().ok().and_then(|form| form.get("name"));
    let Some(name) = request.query("name").or(of_form.map(Cow::from)) else {
        let message = "Required parameter 'name' is not present";
        return problem(Status::BAD_REQUEST, message, "/chat").into();
    };
    if let Some(Err(error)) = Pass::of_request(request).map(|pass| pass.check_create()) {
        return refused(&error, "/chat").into();
    }
    context.charge(price::ROOM_MADE);
    ask(context, |context, reply| {
        rooms.create(context, &name, |created, _| {
            reply.answer(match created {
                Ok((info, key)) => json(&Room::new(&info)).field("Room-Key", key.as_str()),
                Err(error) => refused(&error, "/chat"),
            });
        });
    })
}

fn describe(rooms: &Rooms, request: &Request<'_>, context: &mut Context<'_>) -> Answer {
    let (room, path) = match room_of(request, "") {
        Ok(found) => found,
        Err(response) => return response.into(),
    };
    ask(context, |context, reply| {
        rooms.describe(context, room, move |info, _| {
            reply.answer(match info {
                Ok(info) => json(&Room::new(&info)),
                Err(error) => refused(&error, &path),
            });
        });
    })
}

fn delete(rooms: &Rooms, request: &Request<'_>, context: &mut Context<'_>) -> Answer {
    let (room, path) = match room_of(request, "") {
        Ok(found) => found,
        Err(response) => return response.into(),
    };
    let key = request.header("room-key").unwrap_or("");
    ask(context, |context, reply| {
        rooms.delete(context, room, key, move |deleted, _| {
            reply.answer(match deleted {
                Ok(()) => Response::no_content(),
                Err(error) => refused(&error, &path),
            });
        });
    })
}

#[derive(Serialize)]
struct Members<'a> {
    #[serde(rename = "roomId")]
    room: RoomId,
    members: usize,
    names: Vec<&'a str>,
}

fn members(rooms: &Rooms, request: &Request<'_>, context: &mut Context<'_>) -> Answer {
    let (room, path) = match room_of(request, "/members") {
        Ok(found) => found,
        Err(response) => return response.into(),
    };
    ask(context, |context, reply| {
        rooms.names(context, room, NAMED, move |names, context| {
            if let Ok((_, names)) = &names {
                context.charge(price::LISTED * names.len() as u32);
            }
            reply.answer(match names {
                Ok((members, names)) => json(&Members {
                    room,
                    members,
                    names: names.iter().map(|name| &**name).collect(),
                }),
                Err(error) => refused(&error, &path),
            });
        });
    })
}

/// `after` and `epoch`, and `limit`.
fn page_of(request: &Request<'_>) -> Result<(Option<Position>, usize), &'static str> {
    let limit = match request.query("limit") {
        None => usize::MAX,
        Some(limit) => limit.parse().map_err(|_| "limit is a number of messages")?,
    };
    let Some(after) = request.query("after") else {
        return Ok((None, limit));
    };
    let id = after.parse().map_err(|_| "after is the id of a message")?;
    let epoch = request
        .query("epoch")
        .ok_or("after needs the epoch that its id belongs to")?;
    let epoch = epoch
        .parse()
        .map_err(|()| "epoch has 16 hexadecimal digits")?;
    Ok((Some(Position { epoch, id }), limit))
}

fn history(rooms: &Rooms, request: &Request<'_>, context: &mut Context<'_>) -> Answer {
    let (room, path) = match room_of(request, "/messages") {
        Ok(found) => found,
        Err(response) => return response.into(),
    };
    let (since, limit) = match page_of(request) {
        Ok(page) => page,
        Err(message) => return problem(Status::BAD_REQUEST, message, &path).into(),
    };
    ask(context, |context, reply| {
        rooms.history(context, room, since, limit, move |excerpt, context| {
            reply.answer(match excerpt {
                Ok(excerpt) => {
                    let page = excerpt.to_json(room).into_bytes();
                    let listed = price::LISTED * excerpt.messages.len() as u32;
                    context.charge(listed + (page.len() / price::BYTES_FRESH) as u32);
                    Response::ok(JSON, page)
                }
                Err(error) => refused(&error, &path),
            });
        });
    })
}

#[derive(Deserialize)]
struct Said {
    sender: Option<String>,
    message: String,
    #[serde(rename = "ref")]
    reference: Option<String>,
}

/// What a request wants to say: JSON, or the text alone.
fn said_in(request: &Request<'_>) -> Result<Said, (Status, String)> {
    let bad = |message: String| (Status::BAD_REQUEST, message);
    let kind = request.header("content-type").unwrap_or("text/plain");
    let kind = kind
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    match &*kind {
        "application/json" => {
            let text = std::str::from_utf8(request.body());
            let text = text.map_err(|_| bad("the JSON is not UTF-8".to_owned()))?;
            parse_object(text).map_err(|error| {
                let wanted = r#"{"sender":"…","message":"…","ref":"…"}"#;
                bad(format!("no message: {error}; wanted: {wanted}"))
            })
        }
        // What `curl -d` says that it sends is as a rule a text.
        "text/plain" | "application/x-www-form-urlencoded" => {
            let text = std::str::from_utf8(request.body());
            let text = text.map_err(|_| bad("the text is not UTF-8".to_owned()))?;
            Ok(Said {
                sender: request.query("sender").map(Cow::into_owned),
                message: text.to_owned(),
                reference: request.query("ref").map(Cow::into_owned),
            })
        }
        _ => {
            let message = "a message is text/plain or application/json".to_owned();
            Err((Status::UNSUPPORTED_MEDIA_TYPE, message))
        }
    }
}

#[derive(Serialize)]
struct Receipt {
    epoch: String,
    id: u64,
}

fn publish(rooms: &Rooms, request: &Request<'_>, context: &mut Context<'_>) -> Answer {
    let (room, path) = match room_of(request, "/messages") {
        Ok(found) => found,
        Err(response) => return response.into(),
    };
    context.charge(price::ROOM + price::JSON * request.body().len() as u32);
    let said = match said_in(request) {
        Ok(said) => said,
        Err((status, message)) => return problem(status, &message, &path).into(),
    };
    let pass = Pass::of_request(request);
    if let (Some(pass), Some(sender)) = (&pass, &said.sender)
        && rooms.name(sender).ok() != rooms.name(pass.name()).ok()
    {
        let error = RoomError::Forbidden("your token is for another sender");
        return refused(&error, &path).into();
    }
    ask(context, |context, reply| {
        let reference = said.reference.as_deref();
        let done = move |position: Result<Position, RoomError>, _: &mut Context<'_>| {
            reply.answer(match position {
                Ok(Position { epoch, id }) => json(&Receipt {
                    epoch: epoch.to_string(),
                    id,
                }),
                Err(error) => refused(&error, &path),
            });
        };
        match &pass {
            Some(pass) => {
                rooms.publish_as(context, room, pass, &said.message, reference, done);
            }
            None => {
                let sender = said.sender.as_deref().unwrap_or(GUEST);
                rooms.publish(context, room, sender, &said.message, reference, done);
            }
        }
    })
}
