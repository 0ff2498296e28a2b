//! The front page: the rooms as a page at `/`, and at `/about` the list of what else is served.
//!
//! The list must tell the truth: whoever mounts an application adds its line to `assets/index.html`.

use super::pack::packed;
use crate::App;

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Mounts the pages `/` and `/about` and their parts under `/css`, `/js` and `/img`.
///
/// The page at `/` talks to `/chat` and `/ws/chat` by the subprotocol `dunlin.v1`; where these are
/// not mounted it leads to `/about`.
pub fn mount(app: App) -> App {
    let app = super::page::page(app, "/", packed!("assets/rooms.html"));
    let app = super::page::page(app, "/about", include_bytes!("assets/index.html"));
    app.content("/css/index.css", STYLE, include_bytes!("assets/index.css"))
        .content("/css/rooms.css", STYLE, packed!("assets/rooms.css"))
        .content(
            "/img/dunlin.svg",
            "image/svg+xml",
            include_bytes!("assets/dunlin.svg"),
        )
        .content("/js/chat.js", SCRIPT, packed!("assets/js/chat.js"))
        .content("/js/line.js", SCRIPT, packed!("assets/js/line.js"))
        .content("/js/log.js", SCRIPT, packed!("assets/js/log.js"))
        .content("/js/rooms.js", SCRIPT, packed!("assets/js/rooms.js"))
        .content("/js/store.js", SCRIPT, packed!("assets/js/store.js"))
        .content("/js/words.js", SCRIPT, packed!("assets/js/words.js"))
}
