//! Several addresses of an engine, of which one is the master.

use crate::wire_server::WireServer;
use dunlin::config::RoomLimits;
use dunlin::rooms::{Cluster, Rooms};
use dunlin::{App, Server, apps};
use std::io::Write;

/// What a replica answers to the greeting of a node: to `CLIENT SETNAME` and twice to `INFO`.
const REPLICA: &[u8] = b"+OK\r\n\
    $47\r\nrun_id:0123456789abcdef0123456789abcdef01234567\r\n\
    $10\r\nrole:slave\r\n";

#[test]
fn an_engine_that_says_that_it_is_a_replica_is_left_for_the_next_address() {
    let (replica, master) = (WireServer::bind(), WireServer::bind());
    let addresses = format!("redis://{},{}", replica.address(), master.address());
    let server = Server::spawn(move || {
        let cluster = Cluster::new(addresses.parse()?);
        let rooms = Rooms::in_cluster(cluster, RoomLimits::default())?;
        Server::bind(apps::rooms::mount_with(App::new(), &rooms), "127.0.0.1:0")
    });
    let server = server.expect("it starts");
    // The line of commands, and that of pushes.
    let mut lines = [replica.caller(), replica.caller()];
    for line in &mut lines {
        line.write_all(REPLICA).expect("it is there");
    }
    let _lines = [master.caller(), master.caller()];
    server.stop().expect("it ends");
}
