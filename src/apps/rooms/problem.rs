//! What the answers of rooms are, and how one says that something is refused.

use crate::rooms::RoomError;
use crate::{Response, Status};
use serde::Serialize;

/// What the answers of rooms are.
pub(super) const JSON: &str = "application/json;charset=UTF-8";

/// Seconds after which somebody may try again where the server has too many rooms, and where those who come too
/// fast or while the engine is away may.
const RETRY_FULL: &str = "5";
const RETRY_SOON: &str = "1";

#[derive(Serialize)]
struct Problem<'a> {
    status: u16,
    error: &'a str,
    message: &'a str,
    path: &'a str,
}

pub(super) fn problem(status: Status, message: &str, path: &str) -> Response {
    let text = status.to_string();
    let error = text.split_once(' ').map_or("", |(_, phrase)| phrase);
    let body = serde_json::to_vec(&Problem {
        status: status.code(),
        error,
        message,
        path,
    });
    Response::new(status)
        .content_type(JSON)
        .body(body.unwrap_or_default())
}

pub(super) fn refused(error: &RoomError, path: &str) -> Response {
    let status = match error {
        RoomError::UnknownRoom => Status::NOT_FOUND,
        RoomError::NameTaken => Status::CONFLICT,
        RoomError::WrongKey | RoomError::Forbidden(_) => Status::FORBIDDEN,
        RoomError::TooLong { .. } => Status::PAYLOAD_TOO_LARGE,
        RoomError::TooFast { .. } => Status::TOO_MANY_REQUESTS,
        RoomError::TooManyRooms { .. } | RoomError::Unavailable => Status::SERVICE_UNAVAILABLE,
        _ => Status::BAD_REQUEST,
    };
    let response = problem(status, &error.to_string(), path);
    match error {
        RoomError::TooManyRooms { .. } => response.field("Retry-After", RETRY_FULL),
        RoomError::TooFast { .. } | RoomError::Unavailable => {
            response.field("Retry-After", RETRY_SOON)
        }
        _ => response,
    }
}
