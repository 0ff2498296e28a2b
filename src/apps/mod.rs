//! The ready applications of `dunlin serve`: echo, chat, a broadcast flow and a browser chat.
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
mod page;
mod settings;

pub use settings::{MAX_CHAT_TEXT, settings};

use crate::App;

/// Mounts every ready application.
pub fn all(app: App) -> App {
    let app = echo::mount(app);
    let app = chat::mount(app);
    let app = flow::mount(app);
    let app = chatt::mount(app);
    index::mount(app)
}
