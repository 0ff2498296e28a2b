//! Echo: every message comes back as it came.
//!
//! `cargo run --example echo`, then `cargo run -- chat ws://127.0.0.1:8080/echo` and type a line.
//!
//! A handler that only answers stops reading from a peer that does not read: nothing is dropped, and
//! what such a peer sends waits in its own socket.

use dunlin::{App, BacklogPolicy, Server, Settings};

fn app() -> App {
    let settings = Settings::default()
        .backlog(BacklogPolicy::StopReading)
        .max_message_size(64 << 10);
    App::new().on_message_with("/echo", settings, |session, message| session.send(message))
}

fn main() -> dunlin::Result<()> {
    Server::new(app()).listen("127.0.0.1:8080")?.run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::testing::{Received, Sim};

    #[test]
    fn texts_and_bytes_come_back_in_their_order() {
        let sim = Sim::new(app()).expect("the program is right");
        let client = sim.open("/echo");
        client.send("hello");
        client.send([1, 2, 3]);
        let wanted = [Received::text("hello"), Received::binary([1, 2, 3])];
        assert_eq!(client.receive_all(), wanted);
    }

    #[test]
    fn a_message_over_64_kib_closes_with_1009() {
        let sim = Sim::new(app()).expect("the program is right");
        let client = sim.open("/echo");
        client.send("x".repeat(64 << 10));
        assert_eq!(client.receive_text().len(), 64 << 10);
        client.send("x".repeat((64 << 10) + 1));
        assert!(
            matches!(client.receive(), Some(Received::Close { code, .. }) if code.get() == 1009)
        );
    }

    #[test]
    fn a_peer_that_does_not_read_is_not_read_either_and_loses_nothing() {
        let sim = Sim::new(app()).expect("the program is right");
        let client = sim.open("/echo");
        client.stall();
        let message = "x".repeat(60_000);
        for _ in 0..100 {
            client.send(&message);
        }
        sim.drive();
        assert!(client.backlog() < 1 << 20, "{} wait", client.backlog());
        assert!(client.unread() > 1 << 20, "{} unread", client.unread());
        client.resume();
        assert_eq!(client.receive_all().len(), 100);
    }
}
