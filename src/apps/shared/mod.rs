//! The applications of one room each over rooms that several servers share: `/chat`, `/flow` and `/chatt` of all
//! nodes are one.
//!
//! They say what those in memory say. Each has a room of its own that no client reaches otherwise; order, what was
//! missed, and who is there come from the rooms. While their engine is away, nobody is let in (503 with
//! `Retry-After`), and who says something is closed with 1013: these formats have no words for a refusal.

mod attendee;
mod chat;
mod spoken;
#[cfg(test)]
mod tests;

use crate::App;
use crate::rooms::Rooms;

/// Mounts the application of this name over these rooms where it can be; any other as [`super::mount`] does. The
/// program needs [`Rooms::mount`] as well, which the application `rooms` brings along.
pub fn mount(app: App, name: &str, rooms: &Rooms) -> App {
    match name {
        "rooms" => super::rooms::mount_with(app, rooms),
        "chat" => chat::mount(app, rooms),
        "flow" => spoken::mount_flow(app, rooms),
        "chatt" => spoken::mount_chatt(super::chatt::pages(app), rooms),
        name => super::mount(app, name),
    }
}

/// Whether the application of this name is one of those that [`mount`] mounts over rooms.
pub fn stands_on_rooms(name: &str) -> bool {
    matches!(name, "rooms" | "chat" | "flow" | "chatt")
}
