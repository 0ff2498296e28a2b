//! `/chat` and `/chat/login` of all servers: users are counted and named over all of them.

use super::super::sessions::logged;
use super::attendee::Attendee;
use crate::rooms::{Format, FormatId, RoomId, Rooms, Told};
use crate::{App, CloseReason, Context, Handler, Message, Open, Request, Session};
use log::info;
use std::cell::RefCell;
use std::rc::Rc;

/// Mounts `/chat` and `/chat/login`.
pub(super) fn mount(app: App, rooms: &Rooms) -> App {
    let settings = super::super::settings::chat_settings;
    let connected = Chat::new(rooms, "chat", |_name, users| {
        format!("You are connected! There are {users} users here.")
    });
    let logged_in = Chat::new(rooms, "chat/login", |name, _users| {
        format!("You've logged in as [{name}]")
    });
    let app = logged(app, "/chat", settings(), connected);
    logged(app, "/chat/login", settings(), logged_in)
}

/// What is said in these rooms, in the words of the chats.
struct Words {
    /// For a newcomer's name and the number of users, the newcomer counted.
    greeting: fn(&str, usize) -> String,
}

impl Format for Words {
    fn encode(&self, _: Option<RoomId>, told: &Told<'_>) -> Option<String> {
        match told {
            Told::Entered { name, members, .. } => Some((self.greeting)(name, *members)),
            Told::Message { message, .. } => {
                let text = message.text.as_deref().unwrap_or("");
                Some(format!("[{}]: {text}", message.sender))
            }
            _ => None,
        }
    }

    fn ends_with_room(&self) -> bool {
        true
    }
}

struct Chat {
    rooms: Rooms,
    format: FormatId,
    /// Names the room and the counter of its users.
    name: &'static str,
}

impl Chat {
    fn new(rooms: &Rooms, name: &'static str, greeting: fn(&str, usize) -> String) -> Self {
        Self {
            rooms: rooms.clone(),
            format: rooms.add_format(Words { greeting }),
            name,
        }
    }
}

/// A user, named as soon as all servers together have a name for it.
struct User {
    attendee: Rc<Attendee>,
    name: Rc<RefCell<String>>,
}

impl User {
    /// Makes sure of the room, takes a number, enters.
    fn arrive(&self, application: &'static str, context: &mut Context<'_>) {
        let (attendee, name) = (Rc::clone(&self.attendee), Rc::clone(&self.name));
        let rooms = attendee.rooms.clone();
        rooms.prepare(context, application, move |room, context| {
            let Some(room) = attendee.goes_on(room, context) else {
                return;
            };
            let rooms = attendee.rooms.clone();
            rooms.count(context, application, move |number, context| {
                let Some(number) = attendee.goes_on(number, context) else {
                    return;
                };
                *name.borrow_mut() = format!("user{number}");
                let rooms = attendee.rooms.clone();
                let own = Rc::clone(&attendee);
                let Some(member) = &own.member else { return };
                let name = name.borrow().clone();
                rooms.enter_relay(context, member, room, &name, move |entered, context| {
                    if attendee.goes_on(entered, context).is_some() {
                        attendee.arrived(room, context);
                    }
                });
            });
        });
    }
}

impl Handler for Chat {
    type Data = User;

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<User> {
        let member = self.rooms.admit(session, self.format);
        let user = User {
            attendee: Attendee::new(&self.rooms, session, Some(member)),
            name: Rc::default(),
        };
        user.arrive(self.name, session.context());
        let User { attendee, name } = user;
        match Rc::clone(&attendee).opened() {
            Open::Accept(attendee) => {
                info!("Adding user!");
                Open::Accept(User { attendee, name })
            }
            Open::Refuse(response) => {
                if let Some(member) = &attendee.member {
                    self.rooms.depart(session.context(), member);
                }
                Open::Refuse(response)
            }
            Open::Later(deferral) => Open::Later(deferral),
        }
    }

    fn message(&mut self, user: &mut User, session: &mut Session<'_>, message: Message<'_>) {
        if let Message::Text(text) = message {
            user.attendee.say(text, session.context());
        }
    }

    fn close(&mut self, user: User, session: &mut Session<'_>, _: &CloseReason) {
        user.attendee.end();
        if let Some(member) = &user.attendee.member {
            self.rooms.depart(session.context(), member);
        }
        info!("Removing {}!", user.name.borrow());
    }
}
