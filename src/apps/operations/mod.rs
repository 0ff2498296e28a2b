//! What a load balancer, a service manager and Prometheus ask a server: `/healthz`, `/readyz`, `/metrics`.
//!
//! `/healthz` is 200 while the loop turns. `/readyz` is 200 while new connections are welcome, else 503
//! with the reason. `/metrics` is the text format of Prometheus; whoever may read it learns how busy the
//! server is and nothing about who uses it: no room, no user and no address is in it.
//!
//! ```
//! use dunlin::apps::operations;
//! use dunlin::{App, Server};
//!
//! # fn main() -> dunlin::Result<()> {
//! let admin = operations::metrics(operations::health(App::new()));
//! let server = Server::bind(App::new(), "127.0.0.1:0")?.listen_admin("127.0.0.1:0", admin)?;
//! # drop(server);
//! # Ok(())
//! # }
//! ```

mod process;
mod prometheus;

use crate::wire::work::price;
use crate::{App, Context, Response, Status};
use process::{Process, Sampled};

/// The text format of Prometheus.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Mounts `/healthz` and `/readyz`.
pub fn health(app: App) -> App {
    app.get("/healthz", |_, _| fresh(Response::text("ok\n")))
        .get("/readyz", |_, context| ready(context))
}

/// Mounts `/metrics`.
pub fn metrics(app: App) -> App {
    let mut process = Sampled::default();
    app.get("/metrics", move |_, context: &mut Context<'_>| {
        context.charge(price::METRICS);
        let process: &Process = process.at(context.now());
        let text = prometheus::text(&context.metrics(), process);
        fresh(Response::ok(EXPOSITION, text.into_bytes()))
    })
}

fn ready(context: &Context<'_>) -> Response {
    fresh(match context.metrics().not_ready {
        None => Response::text("ready\n"),
        Some(why) => Response::text(format!("{}\n", why.reason()))
            .with_status(Status::SERVICE_UNAVAILABLE)
            .field("Retry-After", "1"),
    })
}

/// An answer of this moment only.
fn fresh(response: Response) -> Response {
    response.field("Cache-Control", "no-store")
}
