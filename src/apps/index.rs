//! The front page `/`: what is served here, for a person who opens the printed address.
//!
//! It must tell the truth: whoever mounts an application adds its line to `assets/index.html`.

use crate::App;

/// Mounts `/` and `/css/index.css`.
pub fn mount(app: App) -> App {
    let app = super::page::page(app, "/", include_str!("assets/index.html"));
    app.content(
        "/css/index.css",
        "text/css; charset=utf-8",
        include_bytes!("assets/index.css"),
    )
}
