//! What came of an operation, told to whoever asked for it: a session, or a program.

use super::engine::Outcome;
use super::state::{Pending, ROOM_CLOSED, State};
use super::{RoomError, Told};
use crate::app::Context;
use crate::wire::close::CloseCode;

impl State {
    /// Tells whoever asked for it what came of an operation.
    pub(super) fn done(
        &mut self,
        context: &mut Context<'_>,
        pending: Pending,
        outcome: Result<Outcome, RoomError>,
    ) {
        match (pending, outcome) {
            (Pending::Reply(reply), outcome) => self.answered.push((reply, outcome)),
            (
                Pending::Enter {
                    room,
                    place,
                    identity,
                    done,
                },
                Ok(Outcome::Joined(joined)),
            ) => {
                self.entered(context, room, place, identity, &joined);
                let joined = Outcome::Joined(joined);
                self.answered.extend(done.map(|done| (done, Ok(joined))));
            }
            (
                Pending::Follow {
                    room,
                    session,
                    format,
                    done,
                },
                Ok(Outcome::Excerpt(excerpt)),
            ) => {
                self.follows(context, room, (session, format), &excerpt);
                let excerpt = Outcome::Excerpt(excerpt);
                self.answered.extend(done.map(|done| (done, Ok(excerpt))));
            }
            (
                Pending::Enter {
                    done: Some(done), ..
                }
                | Pending::Follow {
                    done: Some(done), ..
                },
                outcome,
            ) => self.answered.push((done, outcome)),
            (Pending::Follow { session, .. }, Err(RoomError::Unavailable)) => {
                context.close(session, CloseCode::TRY_AGAIN, "The rooms do not answer now");
            }
            (Pending::Follow { session, .. }, Err(_)) => {
                context.close(session, 1000, ROOM_CLOSED);
            }
            (Pending::Enter { room, place, .. }, Err(error)) => {
                let (error, reference) = (&error, None);
                let told = Told::Error { reference, error };
                self.tell(context, place, Some(room), &told);
            }
            (
                Pending::Talk {
                    room,
                    place,
                    reference,
                },
                outcome,
            ) => {
                let reference = reference.as_deref();
                let told = match &outcome {
                    Ok(Outcome::Published(_, message)) => Told::Message { message, reference },
                    Err(error) => Told::Error { reference, error },
                    Ok(_) => return,
                };
                self.tell(context, place, Some(room), &told);
            }
            _ => {}
        }
    }
}
