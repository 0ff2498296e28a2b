//! A loop of one's own: the server is one of several things that a poll waits for.
//!
//! `cargo run --example own_loop`, then `cargo run -- chat ws://127.0.0.1:8080/live` and, from bash,
//! `echo hello > /dev/udp/127.0.0.1/8081`. Every datagram goes to every session, and every 5 s the
//! program's own clock tells how many came.
//!
//! The descriptor of the server tells when something happens on its sockets, and `until_next_turn` when
//! it needs a turn without that. Each turn is made by `step`, which does not wait here. A program
//! without a poll of its own calls `step` with a time instead, and does its work in between. mio stands for
//! any poll here.

use dunlin::{App, Handler, Message, Open, Remote, Request, Running, Server, Session};
use mio::net::UdpSocket;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::io;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

const TOPIC: &str = "live";
const REPORT: Duration = Duration::from_secs(5);
/// Datagrams that are taken before the server has a turn again.
const MOST_AT_ONCE: usize = 64;

struct Live;

impl Handler for Live {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join(TOPIC);
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), _: &mut Session<'_>, _: Message<'_>) {}
}

/// Runs until the server has been shut down.
fn run(mut server: Running, udp: &mut UdpSocket) -> Result<(), Box<dyn std::error::Error>> {
    const SERVER: Token = Token(0);
    const UDP: Token = Token(1);
    let mut poll = Poll::new()?;
    let descriptor = server.as_raw_fd();
    let registry = poll.registry();
    registry.register(&mut SourceFd(&descriptor), SERVER, Interest::READABLE)?;
    registry.register(udp, UDP, Interest::READABLE)?;
    let mut events = Events::with_capacity(16);
    let remote = server.remote();
    let (mut is_readable, mut count) = (false, 0);
    let mut report_at = Instant::now() + REPORT;
    loop {
        let own = if is_readable {
            Duration::ZERO
        } else {
            report_at.saturating_duration_since(Instant::now())
        };
        let wait = server.until_next_turn().map_or(own, |until| until.min(own));
        match poll.poll(&mut events, Some(wait)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => is_readable |= events.iter().any(|event| event.token() == UDP),
        }
        if is_readable {
            is_readable = take_datagrams(udp, &remote, &mut count)?;
        }
        if Instant::now() >= report_at {
            report_at += REPORT;
            let _ = remote.publish(TOPIC, format!("{count} datagrams so far"));
        }
        // A turn costs next to nothing when there is nothing to do: no need to ask which event it was.
        if !server.step(Some(Duration::ZERO))? {
            return Ok(());
        }
    }
}

/// Whether there may be more: mio tells only once that a socket is readable.
fn take_datagrams(udp: &UdpSocket, remote: &Remote, count: &mut u64) -> io::Result<bool> {
    let mut datagram = [0; 1500];
    for _ in 0..MOST_AT_ONCE {
        match udp.recv(&mut datagram) {
            Ok(len) => {
                *count += 1;
                let text = String::from_utf8_lossy(&datagram[..len]);
                // `Full` while sessions are behind: as with any datagram, what does not fit is lost.
                let _ = remote.publish(TOPIC, text.trim_end());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

fn app() -> App {
    App::new().ws("/live", Live)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut udp = UdpSocket::bind("127.0.0.1:8081".parse()?)?;
    let server = Server::bind(app(), "127.0.0.1:8080")?.start()?;
    run(server, &mut udp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::testing::Sim;
    use dunlin::{Client, CloseCode, Incoming};
    use std::sync::mpsc::channel;
    use std::thread;

    #[test]
    fn a_datagram_goes_to_every_session_and_the_end_is_orderly() {
        let (tell, told) = channel();
        let server = thread::spawn(move || {
            let any = "127.0.0.1:0";
            let mut udp = UdpSocket::bind(any.parse().expect("an address")).expect("a port");
            let server = Server::bind(app(), any).and_then(Server::start);
            let server = server.expect("a free port");
            let (address, remote) = (server.addresses()[0].clone(), server.remote());
            tell.send((address, remote, udp.local_addr().expect("its address")))
                .expect("the test waits");
            run(server, &mut udp).map_err(|error| error.to_string())
        });
        let (address, remote, udp) = told.recv().expect("it starts");
        let live = format!("ws://{address}/live");
        let mut clients = [(); 2].map(|()| Client::connect(&live).expect("it opens"));
        let sensor = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
        // More than are taken at once.
        for number in 0..=MOST_AT_ONCE {
            sensor
                .send_to(format!("{number}\n").as_bytes(), udp)
                .expect("sent");
        }
        for client in &mut clients {
            for number in 0..=MOST_AT_ONCE {
                let message = client.receive_message().expect("a message");
                assert_eq!(message.text(), Some(&*number.to_string()));
            }
        }
        remote.shutdown().expect("it runs");
        for mut client in clients {
            let end = client.receive_message().expect("a Close");
            assert!(matches!(end, Incoming::Close(reason) if reason.code == CloseCode::GOING_AWAY));
        }
        server.join().expect("no panic").expect("an orderly end");
    }

    #[test]
    fn the_program_itself_needs_no_socket_to_be_tested() {
        let sim = Sim::new(app()).expect("the program is right");
        let session = sim.open("/live");
        sim.remote().publish(TOPIC, "hello").expect("it runs");
        assert_eq!(session.receive_text(), "hello");
    }
}
