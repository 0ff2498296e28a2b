//! TLS on real sockets: the server against rustls' own client, and this library's clients against it.

mod agreeing;
mod authority;
mod calling;
mod hostile;
mod peer;
mod reloading;
mod talking;

use crate::running::{Running, start_listening};
use authority::Pair;
use dunlin::{App, Limits, Server, Settings, Tls};

/// Runs a program behind TLS with this pair, on 127.0.0.1.
fn secured(pair: &Pair, app: impl FnOnce() -> App + Send + 'static) -> Running {
    secured_with(pair.tls(), Limits::default(), app)
}

fn secured_with(tls: Tls, limits: Limits, app: impl FnOnce() -> App + Send + 'static) -> Running {
    start_listening(move || {
        let server = Server::new(app()).limits(limits);
        server.listen_tls("127.0.0.1:0", &tls)
    })
}

/// Says everything again.
fn echo() -> App {
    let settings = Settings::default()
        .max_message_size(4 << 20)
        .backlog_limit(16 << 20);
    let echo = |session: &mut dunlin::Session<'_>, message: dunlin::Message<'_>| {
        let _ = session.send(message);
    };
    App::new().ws_with("/echo", settings, echo)
}
