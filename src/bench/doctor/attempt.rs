//! One connection to the server, to see what comes.

use super::row::{Place, Row, Verdict};
use dunlin::Client;
use dunlin::client::Url;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

/// How long each part of the attempt may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What was learned of a server.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Where it is.
    pub place: Place,
    /// Its name and the upgrade, as rows.
    pub rows: Vec<Row>,
}

/// Resolves the name in this URL, connects once, upgrades and closes.
///
/// # Errors
/// It is no `ws://` URL; the message says what is wanted.
pub fn attempt(url: &str) -> dunlin::Result<Attempt> {
    let parsed = Url::parse(url)?;
    let host = parsed.host().trim_start_matches('[').trim_end_matches(']');
    let found = (host, parsed.port()).to_socket_addrs();
    let name = "addresses of the server";
    let addresses: Vec<IpAddr> = match found {
        Ok(found) => found.map(|address: SocketAddr| address.ip()).collect(),
        Err(error) => {
            let row = Row::new(name, format!("{host}: {error}"), "an address", Verdict::Low);
            let lift = "is the name right? try: getent hosts NAME";
            return Ok(Attempt {
                place: Place::Unknown,
                rows: vec![row.lifted_by(lift, "")],
            });
        }
    };
    let is_loopback = |ip: &IpAddr| ip.to_canonical().is_loopback();
    let place = match addresses.iter().all(is_loopback) {
        true => Place::Loopback,
        false => Place::Elsewhere,
    };
    let mut list: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    list.dedup();
    let kind = match place {
        Place::Loopback => "on this machine",
        _ => "on another machine, or by another interface of this one",
    };
    let address = Row::new(name, list.join(", "), kind, Verdict::Ok);
    Ok(Attempt {
        place,
        rows: vec![address, upgrade(url)],
    })
}

fn upgrade(url: &str) -> Row {
    let options = Client::options()
        .connect_timeout(TIMEOUT)
        .handshake_timeout(TIMEOUT)
        .close_timeout(TIMEOUT);
    let start = Instant::now();
    let connected = options.connect(url);
    let took = start.elapsed().as_secs_f64() * 1e3;
    let (name, wanted) = ("one connection and upgrade", "101");
    match connected {
        Ok(mut client) => {
            // It was open: how it ends says nothing about limits.
            let _ = client.close(1000, "");
            Row::new(name, format!("101 after {took:.1} ms"), wanted, Verdict::Ok)
        }
        Err(error) => {
            let row = Row::new(name, format!("{error:#}"), wanted, Verdict::Low);
            let lift =
                "is the server running, and are port and path right? `dunlin check URL` tells more";
            row.lifted_by(lift, "")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::{App, Server};
    use std::net::TcpListener;

    #[test]
    fn a_server_that_upgrades_is_ok_and_loopback() {
        let server = Server::spawn(|| {
            let app = App::new().on_message("/echo", |session, message| {
                let _ = session.send(message);
            });
            Server::bind(app, "127.0.0.1:0")
        });
        let server = server.expect("a free port");
        let address = server.addresses()[0].to_string();
        let found = attempt(&format!("ws://{address}/echo")).expect("a URL");
        assert_eq!(found.place, Place::Loopback);
        assert!(found.rows[1].found.starts_with("101 after"), "{found:?}");
        let found = attempt(&format!("ws://{address}/nothing")).expect("a URL");
        assert_eq!(found.rows[1].verdict, Verdict::Low);
        assert!(found.rows[1].found.contains("404"), "{found:?}");
    }

    #[test]
    fn nobody_there_is_low_and_says_what_to_look_at() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it listens").port();
        drop(listener);
        let found = attempt(&format!("ws://127.0.0.1:{port}/")).expect("a URL");
        assert_eq!(found.rows[1].verdict, Verdict::Low);
        assert!(found.rows[1].lift.contains("running"), "{found:?}");
    }

    #[test]
    fn a_name_without_address_is_low_and_what_is_no_url_an_error() {
        let found = attempt("ws://name.invalid/").expect("a URL");
        assert_eq!(found.rows[0].verdict, Verdict::Low);
        let error = attempt("127.0.0.1:80").expect_err("no scheme");
        assert!(format!("{error:#}").contains("ws://127.0.0.1:80"));
    }
}
