//! A server inside another program: turn by turn, in a thread, on sockets that the program made.

mod admin;
mod engine_addresses;
mod engine_away;
mod listener_routes;
mod shared_port;
mod sockets;
mod stepping;
mod threads;

use dunlin::{Address, App};
use std::net::SocketAddr;

/// Echoes texts at `/echo`, whose sessions hear the topic `news`.
fn echo() -> App {
    struct Echo;
    impl dunlin::Handler for Echo {
        type Data = ();
        fn open(
            &mut self,
            _: &dunlin::Request<'_>,
            session: &mut dunlin::Session<'_>,
        ) -> dunlin::Open<()> {
            session.join("news");
            dunlin::Open::Accept(())
        }
        fn message(
            &mut self,
            (): &mut (),
            session: &mut dunlin::Session<'_>,
            message: dunlin::Message<'_>,
        ) {
            let _ = session.send(message);
        }
    }
    App::new().ws("/echo", Echo)
}

fn tcp(address: &Address) -> SocketAddr {
    match address {
        Address::Tcp(address) => *address,
        other => panic!("{other} is not TCP"),
    }
}
