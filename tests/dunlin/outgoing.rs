//! Sessions that a server opens to others, out of the same loop.

mod ending;
mod failing;
mod leaving;
mod relaying;
mod talking;

use crate::running::{Running, start_server};
use crate::wire_server::WireServer;
use crate::witness::{Account, Teller, Witness, account};
use dunlin::{App, Call, Limits, Server, Settings};
use std::net::SocketAddr;
use std::time::Duration;

/// A server with one outgoing route `up`, its limits as they are.
fn caller(witness: impl FnOnce(Teller) -> Witness + Send + 'static) -> (Running, Account) {
    caller_with(Settings::default, Limits::default(), witness)
}

/// The same with settings and limits.
fn caller_with(
    settings: impl FnOnce() -> Settings + Send + 'static,
    limits: Limits,
    witness: impl FnOnce(Teller) -> Witness + Send + 'static,
) -> (Running, Account) {
    let (tell, account) = account();
    let server = start_server(move || {
        let app = App::new().outgoing("up", settings(), witness(tell));
        Server::new(app).limits(limits)
    });
    (server, account)
}

/// Limits under which nothing is awaited for long.
fn hasty() -> Limits {
    Limits::default().head_timeout(Duration::from_millis(1))
}

/// A plain call to this address.
fn to(address: SocketAddr) -> Call {
    Call::new(address, address.to_string(), "/")
}

/// Calls and does not wait.
fn call(server: &Running, call: Call) {
    server.remote().connect("up", call).expect("it runs");
}

/// A caller in session with a peer of raw bytes.
fn connected(
    witness: impl FnOnce(Teller) -> Witness + Send + 'static,
) -> (Running, crate::wire_server::Accepted, Account) {
    let (server, account) = caller(witness);
    let peer = WireServer::bind();
    call(&server, to(peer.address()));
    let accepted = peer.accept_session();
    account.opened();
    (server, accepted, account)
}
