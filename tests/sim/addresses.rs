//! Limits by address: who is counted where, whatever proxies say, and how fast somebody may come.

use dunlin::config::{ForwardedBy, Networks};
use dunlin::testing::{Conversation, Line, Sim};
use dunlin::{App, Limits, Message, Origins, Response, Session, Settings};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

const PROXY: [u8; 4] = [10, 0, 0, 1];
const SECOND: Duration = Duration::from_secs(1);

fn app() -> App {
    let tell = |session: &mut Session<'_>, _: Message<'_>| {
        let peer = session.peer().to_string();
        session.send(peer);
    };
    App::new()
        .ws_with("/", Settings::default().origins(Origins::Any), tell)
        .ws("/same", tell)
        .get("/who", |request, _| {
            Response::text(request.peer().to_string())
        })
        .post("/body", |request, _| {
            Response::text(request.peer().to_string())
        })
}

fn limits() -> Limits {
    let proxies = Networks::parse(["10.0.0.0/8"]).expect("good networks");
    Limits::default().trusted_proxies(proxies)
}

fn sim(limits: Limits) -> Sim {
    Sim::with(app(), limits, 5).expect("a good program")
}

fn ask(line: &Line, fields: &str) -> String {
    line.send_raw(format!("GET /who HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes());
    line.receive_http()
}

#[track_caller]
fn said(answer: &str) -> &str {
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    answer.split_once("\r\n\r\n").expect("a body").1
}

#[test]
fn only_a_trusted_proxy_says_who_the_peer_is() {
    let sim = sim(limits());
    let field = "X-Forwarded-For: 127.0.0.1, 192.0.2.7\r\n";
    let through = sim.connect_from(PROXY.into());
    assert_eq!(said(&ask(&through, field)), "192.0.2.7:0");
    let alone = sim.connect_from([192, 0, 2, 9].into());
    assert!(said(&ask(&alone, field)).starts_with("192.0.2.9:"));
    // The field of the other standard is not looked at unless it is chosen.
    let other = "Forwarded: for=192.0.2.66\r\n";
    assert!(said(&ask(&through, other)).starts_with("10.0.0.1:"));
}

#[test]
fn each_request_of_a_proxy_s_connection_has_a_peer_of_its_own() {
    let sim = sim(limits());
    let line = sim.connect_from(PROXY.into());
    for (field, wanted) in [
        ("X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1:0"),
        ("X-Forwarded-For: 192.0.2.2\r\n", "192.0.2.2:0"),
        ("", "10.0.0.1:"),
        ("X-Forwarded-For: 2001:db8::5\r\n", "[2001:db8::5]:0"),
    ] {
        assert!(said(&ask(&line, field)).starts_with(wanted), "{field}");
    }
}

#[test]
fn a_session_keeps_the_peer_that_opened_it() {
    let sim = sim(limits().forwarded_by(ForwardedBy::Forwarded));
    let line = sim.connect_from(PROXY.into());
    let field = ("Forwarded", "for=\"[2001:db8::9]:4711\";proto=https");
    let session = line.upgrade("/", &[field]);
    session.send("who am I?");
    assert_eq!(session.receive_text(), "[2001:db8::9]:4711");
}

#[test]
fn the_scheme_of_an_origin_is_the_one_that_a_trusted_proxy_names() {
    let sim = sim(limits());
    let opens = |from: [u8; 4], proto: &str, origin: &str| {
        let line = sim.connect_from(from.into());
        let fields = [("X-Forwarded-Proto", proto), ("Origin", origin)];
        let session = line.upgrade("/same", &fields);
        sim.drive();
        session.is_open()
    };
    let host = "localhost";
    let (https, http) = (format!("https://{host}"), format!("http://{host}"));
    assert!(opens(PROXY, "https", &https));
    assert!(!opens(PROXY, "https", &http));
    assert!(opens(PROXY, "http", &http));
    assert!(!opens(PROXY, "http", &https));
    // Nobody knows by which scheme others ask: host and port decide.
    for origin in [&https, &http] {
        assert!(opens([192, 0, 2, 1], "http", origin));
    }
}

#[test]
fn peers_behind_a_proxy_are_limited_one_by_one_and_the_proxy_is_not() {
    let sim = sim(limits().max_per_address(2));
    let open = |peer: &str| -> Conversation {
        let line = sim.connect_from(PROXY.into());
        let session = line.upgrade("/", &[("X-Forwarded-For", peer)]);
        sim.drive();
        session
    };
    let kept: Vec<_> = (0..20)
        .map(|peer| open(&format!("192.0.2.{}", peer / 2)))
        .collect();
    assert!(kept.iter().all(Conversation::is_open));
    let refused = open("192.0.2.3");
    assert!(!refused.is_open());
    assert_eq!(sim.stats().limited, 1);
    kept[7].cut();
    sim.advance(2 * SECOND);
    assert!(open("192.0.2.3").is_open());
    assert!(!open("192.0.2.3").is_open());
}

#[test]
fn an_ipv6_peer_is_limited_by_its_64() {
    let sim = sim(limits().max_per_address(1));
    let from = |last: u16, network: u16| {
        let ip = Ipv6Addr::new(0x2001, 0xdb8, 0, network, 0, 0, 0, last);
        let line = sim.connect_from(ip.into());
        ask(&line, "")
    };
    assert!(from(1, 1).starts_with("HTTP/1.1 200 "));
    assert!(from(2, 1).starts_with("HTTP/1.1 429 "));
    assert!(from(1, 2).starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_peer_behind_the_proxy_protocol_is_counted_when_it_is_known() {
    let sim = sim(limits().max_per_address(1));
    let peer = |last: u8| SocketAddr::from(([192, 0, 2, last], 7));
    let proxy = IpAddr::from([172, 16, 0, 1]);
    let waiting: Vec<_> = (0..5)
        .map(|_| sim.connect_through(proxy, peer(1)))
        .collect();
    sim.drive();
    assert_eq!(said(&ask(&waiting[0], "")), "192.0.2.1:7");
    assert!(ask(&waiting[1], "").starts_with("HTTP/1.1 429 "));
    let other = sim.connect_through(proxy, peer(2));
    assert_eq!(said(&ask(&other, "")), "192.0.2.2:7");
    waiting[0].cut();
    sim.advance(2 * SECOND);
    assert_eq!(said(&ask(&waiting[2], "")), "192.0.2.1:7");
    // Who says nothing is cut by the deadline of a head.
    sim.advance(10 * SECOND);
    assert!(waiting[3].receive_http().starts_with("HTTP/1.1 408 "));
}

#[test]
fn connections_past_the_rate_of_their_address_get_429_and_others_do_not() {
    let sim = sim(limits().connection_rate(2).rate_burst(5));
    let ask_from = |last: u8| ask(&sim.connect_from([192, 0, 2, last].into()), "");
    for _ in 0..5 {
        said(&ask_from(1));
    }
    let refused = ask_from(1);
    assert!(refused.starts_with("HTTP/1.1 429 "), "{refused}");
    assert!(refused.contains("\r\nRetry-After: 1\r\n"), "{refused}");
    said(&ask_from(2));
    sim.advance(SECOND / 2);
    said(&ask_from(1));
    assert!(ask_from(1).starts_with("HTTP/1.1 429 "));
    // A proxy brings many.
    for _ in 0..20 {
        said(&ask(
            &sim.connect_from(PROXY.into()),
            "X-Forwarded-For: 192.0.2.1\r\n",
        ));
    }
}

#[test]
fn requests_past_the_rate_of_their_address_get_429_over_however_many_connections() {
    let sim = sim(limits().request_rate(1).rate_burst(4));
    let from = |last: u8| sim.connect_from([192, 0, 2, last].into());
    let line = from(1);
    for _ in 0..3 {
        said(&ask(&line, ""));
    }
    // A body is a part of its request and not another one.
    let posting = from(1);
    posting.send_raw(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    sim.drive();
    posting.send_raw(b"abc");
    said(&posting.receive_http());
    let refused = ask(&from(1), "");
    assert!(refused.starts_with("HTTP/1.1 429 "), "{refused}");
    let session = from(1).upgrade("/", &[]);
    sim.drive();
    assert!(!session.is_open());
    said(&ask(&from(2), ""));
    sim.advance(SECOND);
    said(&ask(&from(1), ""));
    // Behind a proxy it is the peer's rate.
    let refused = ask(
        &sim.connect_from(PROXY.into()),
        "X-Forwarded-For: 192.0.2.1\r\n",
    );
    assert!(refused.starts_with("HTTP/1.1 429 "), "{refused}");
}

/// Whatever happens to connections of a few addresses, directly, through a proxy that speaks the PROXY
/// protocol, and through one that adds fields: the simulation counts after every turn that the counts by
/// address are those of the connections.
#[test]
fn counts_by_address_are_exact_whatever_proxies_say_and_however_connections_end() {
    for seed in 0..30 {
        let mut random = StdRng::seed_from_u64(seed);
        let sim = Sim::with(app(), limits().max_per_address(3), seed).expect("good");
        sim.shake();
        let mut lines: Vec<Line> = Vec::new();
        for _ in 0..400 {
            let peer = IpAddr::from([192, 0, 2, random.random_range(0..4)]);
            let field = match random.random_range(0..5) {
                0 => String::new(),
                1 => "X-Forwarded-For: junk\r\n".to_owned(),
                2 => format!("X-Forwarded-For: {peer}, 10.1.1.1\r\n"),
                _ => format!("X-Forwarded-For: {peer}\r\n"),
            };
            let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                           Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
            let chosen = random.random_range(0..lines.len().max(1));
            match (random.random_range(0..10), lines.get(chosen)) {
                (0, _) => lines.push(sim.connect_from(peer)),
                (1, _) => lines.push(sim.connect_from(PROXY.into())),
                (2, _) => {
                    let peer = SocketAddr::new(peer, 1);
                    lines.push(sim.connect_through([172, 16, 0, 1].into(), peer));
                }
                (3..=6, Some(line)) => {
                    line.send_raw(
                        format!("GET /who HTTP/1.1\r\nHost: a\r\n{field}\r\n").as_bytes(),
                    );
                }
                (7, Some(line)) => {
                    let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{upgrade}{field}\r\n");
                    line.send_raw(head.as_bytes());
                }
                (8, Some(line)) => line.cut(),
                (_, Some(line)) => line.half_close(),
                (_, None) => {}
            }
            match random.random_range(0..4) {
                0 => sim.drive(),
                1 => sim.advance(SECOND),
                _ => {
                    sim.step();
                }
            }
        }
        lines.iter().for_each(|line| line.cut());
        sim.advance(120 * SECOND);
        assert!(sim.is_empty(), "seed {seed}");
    }
}
