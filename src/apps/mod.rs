//! The ready applications of `dunlin serve`: echo, chat, a broadcast flow,
//! a browser chat, and typed messages.
//!
//! They are programs like anybody's: written against the public words of the
//! crate and nothing else, so each one is also an example to copy from. Never
//! reach below [`App`], [`Handler`](crate::Handler) and [`Session`](crate::Session) here.
//!
//! ```
//! let app = dunlin::apps::all(dunlin::App::new());
//! let only_echo = dunlin::apps::echo::mount(dunlin::App::new());
//! # drop((app, only_echo));
//! ```

pub mod chat;
pub mod chatt;
pub mod echo;
pub mod flow;
pub mod index;
pub mod operations;
mod pack;
mod page;
pub mod rooms;
mod sessions;
mod settings;
pub mod shared;
pub mod tasks;
pub mod welcome;

pub use settings::{MAX_CHAT_TEXT, settings};

use crate::App;

/// Mounts every ready application.
pub fn all(app: App) -> App {
    APPS.iter().fold(app, |app, (_, mount)| mount(app))
}

/// Adds the routes of one application.
type Mount = fn(App) -> App;

const APPS: [(&str, Mount); 8] = [
    ("echo", echo::mount),
    ("chat", chat::mount),
    ("flow", flow::mount),
    ("chatt", chatt::mount),
    ("rooms", rooms::mount),
    ("tasks", tasks::mount),
    ("welcome", welcome::mount),
    ("index", index::mount),
];

/// The names of the ready applications, for [`mount`].
pub fn names() -> impl Iterator<Item = &'static str> {
    APPS.iter().map(|(name, _)| *name)
}

/// Mounts the application of this name; one that is not among [`names`] changes nothing.
pub fn mount(app: App, name: &str) -> App {
    let found = APPS.iter().find(|(known, _)| *known == name);
    match found {
        Some((_, mount)) => mount(app),
        None => app,
    }
}
