//! What a handler can rely on: its request, its one open and one close, its timers, its routes.

mod ending;
mod opening;
mod routes;
mod timers;
