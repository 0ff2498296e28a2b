//! A panic in a handler ends its own session with 1011 and nothing else. Run as a static binary of the size
//! profile, where the tables to unwind by, the unwinder and the C library are others than in the tests.
//! Exit code 0: all was as it should be.

use dunlin::{App, Client, CloseCode, Incoming, Server};

fn main() -> dunlin::Result<()> {
    let server = Server::spawn(|| {
        let app = App::new().on_message("/", |session, message| {
            if message.text() == Some("panic") {
                // Out of a function of another crate, with something to drop on the way.
                let kept = vec![session.id()];
                let _ = [3, 1, 2].map(|at| kept[at]);
            }
            session.send(message);
        });
        Server::bind(app, "127.0.0.1:0")
    })?;
    let address = &server.addresses()[0];
    let url = format!(
        "{}/",
        address.url().trim_end_matches('/').replace("http:", "ws:")
    );
    let mut bystander = Client::connect(&url)?;
    for round in 1..=100 {
        let mut client = Client::connect(&url)?;
        client.send("panic")?;
        let Incoming::Close(reason) = client.receive_message()? else {
            panic!("round {round}: the session goes on");
        };
        assert_eq!(reason.code, CloseCode::INTERNAL_ERROR, "round {round}");
        bystander.send("still there")?;
        assert_eq!(bystander.receive_message()?.text(), Some("still there"));
    }
    server.stop()?;
    println!("100 panics were caught");
    Ok(())
}
