//! A client that comes when all is over, and to whom everything must go well.

use dunlin::testing::{Received, Sim};
use std::net::Ipv4Addr;

/// Uses the server as if nothing had been.
///
/// # Panics
/// When anything is not as it is in an ordinary server.
pub(crate) fn serves_a_newcomer(sim: &Sim) {
    // From addresses that nobody else has.
    let line = |host| sim.connect_from(Ipv4Addr::new(10, 2, 0, host).into());
    let open = |host, target| {
        let conversation = line(host).upgrade(target, &[]);
        sim.drive();
        match conversation.opened() {
            Ok(conversation) => conversation,
            Err(error) => panic!("a newcomer asks for {target}: {error}"),
        }
    };
    let echo = open(1, "/echo");
    for text in ["", "hello", &"long ".repeat(3000)] {
        echo.send(text);
        assert_eq!(echo.receive_text(), text, "a newcomer");
    }
    let room = open(2, "/room?name=new");
    let reader = line(3).follow("/room/events?name=new", &[]);
    sim.drive();
    let reader = reader.opened().expect("a stream for a newcomer");
    assert!(room.receive_text().starts_with("from "), "a newcomer");
    reader.next_data();
    room.send("hello, room");
    let said = room.receive_text();
    assert!(said.ends_with(" hello, room"), "a newcomer heard {said}");
    assert_eq!(reader.next_data(), said, "a newcomer that reads");
    let browser = sim.http_on(line(4));
    assert_eq!(browser.get("/page").text(), "page");
    assert_eq!(browser.get("/pieces").body().len(), super::program::PIECES);
    browser.cut();
    echo.close(1000, "bye");
    assert_eq!(echo.receive(), Some(Received::close(1000, "")));
    room.close(1000, "bye");
    reader.cut();
    sim.drive();
    assert!(echo.is_over() && room.is_over(), "a newcomer is gone");
}
