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

use crate::{App, Response, Settings};

/// The largest text of the chats, bytes; past it 1009.
pub const MAX_CHAT_TEXT: usize = 64 << 10;

/// What a page may load and where it may connect: its own origin and nothing else. No inline
/// script runs, so a message that found its way into the page as markup would still do nothing.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Mounts every ready application.
pub fn all(app: App) -> App {
    let app = echo::mount(app);
    let app = chat::mount(app);
    let app = flow::mount(app);
    let app = chatt::mount(app);
    index::mount(app)
}

/// The settings that the ready applications start from: the defaults, and permessage-deflate for
/// who offers it. All of one thread share its contexts, and so the compressed broadcasts.
pub fn settings() -> Settings {
    #[cfg(feature = "deflate")]
    {
        use crate::wire::deflate::Deflate;
        thread_local!(static DEFLATE: Deflate = Deflate::new());
        Settings::default().extension(DEFLATE.with(Deflate::clone))
    }
    #[cfg(not(feature = "deflate"))]
    Settings::default()
}

/// The settings of the chats: [`settings`] with messages of at most [`MAX_CHAT_TEXT`].
fn chat_settings() -> Settings {
    settings().max_message_size(MAX_CHAT_TEXT)
}

/// A page of the program, for GET and HEAD, under the content security policy of all of them.
fn page(app: App, pattern: &str, html: &'static str) -> App {
    app.get(pattern, move |_request| {
        Response::ok("text/html; charset=utf-8", html.as_bytes())
            .field("Content-Security-Policy", CONTENT_SECURITY_POLICY)
            .field("X-Content-Type-Options", "nosniff")
            .field("Referrer-Policy", "no-referrer")
            .field("Cache-Control", "no-cache")
    })
}
