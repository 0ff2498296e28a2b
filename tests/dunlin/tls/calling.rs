//! This library's clients over TLS: in the loop, and the blocking one.

use super::authority::Pair;
use super::{echo, secured};
use crate::running::start;
use crate::witness::{Told, account};
use dunlin::client::{Trust, call_trusting};
use dunlin::{App, Client, ErrorKind, Limits, Server};
use std::io::Write;
use std::time::Duration;

fn trusting(pair: &Pair) -> Trust {
    Trust::none()
        .and_pem(&pair.authority)
        .expect("an authority")
}

#[test]
fn the_blocking_client_speaks_wss() {
    let pair = Pair::new();
    let server = secured(&pair, echo);
    let url = format!("wss://localhost:{}/echo", server.address().port());
    let mut client = Client::options()
        .trust(trusting(&pair))
        .max_message_size(4 << 20)
        .connect(&url)
        .expect("a session");
    assert!(client.stream().is_secure());
    let text = "over TLS ".repeat(100_000);
    for text in ["short", &*text] {
        client.send(text).expect("taken");
        assert_eq!(
            client.receive_message().expect("an answer").text(),
            Some(text)
        );
    }
    client.close(1000, "done").expect("an answer");
}

/// Servers that are not to be believed, and what is said of each.
fn refused_by(pair: &Pair, trust: Trust) -> String {
    let server = secured(pair, echo);
    let url = format!("wss://localhost:{}/echo", server.address().port());
    let error = Client::options().trust(trust.clone()).connect(&url);
    let error = error.map(drop).expect_err("it is not believed");
    assert_eq!(error.kind(), ErrorKind::Io);
    // In the loop it is the same.
    let (tell, account) = account();
    let caller = start(move || App::new().outgoing("up", Default::default(), tell.witness()));
    let call = call_trusting(&url, &trust).expect("a call");
    assert!(call.to_string().starts_with("wss://"));
    caller.remote().connect("up", call).expect("it runs");
    let (kind, text) = account.failed();
    assert_eq!(kind, ErrorKind::Io, "{text}");
    let blocking = error.to_string();
    let why = blocking.split_once(": ").expect("a reason").1;
    assert!(text.contains(why), "{text} is not {why}");
    text
}

#[test]
fn a_server_that_is_not_believed_is_refused_with_the_cure() {
    let pair = Pair::new();
    let stranger = refused_by(&pair, trusting(&Pair::new()));
    assert!(stranger.contains("--ca FILE"), "{stranger}");
    let other = Pair::for_names(&["chat.example"]);
    let misnamed = refused_by(&other, trusting(&other));
    assert!(
        misnamed.contains("is for chat.example, not for localhost"),
        "{misnamed}"
    );
    let old = Pair::expired();
    let expired = refused_by(&old, trusting(&old));
    assert!(expired.contains("has expired"), "{expired}");
}

#[test]
fn nobody_is_asked_where_everybody_is_believed() {
    let pair = Pair::expired();
    let server = secured(&pair, echo);
    let url = format!("wss://{}/echo", server.address());
    let mut client = Client::options()
        .trust(Trust::unchecked())
        .connect(&url)
        .expect("a session");
    client.send("hello").expect("taken");
    assert_eq!(
        client.receive_message().expect("an answer").text(),
        Some("hello")
    );
}

#[test]
fn without_anybody_to_believe_there_is_no_call() {
    let error = call_trusting("wss://127.0.0.1:1/", &Trust::none()).expect_err("nobody");
    assert_eq!(error.kind(), ErrorKind::Config);
    let error = error.to_string();
    assert!(error.contains("--ca FILE"), "{error}");
}

#[test]
fn a_session_of_the_loop_speaks_wss() {
    for pair in [Pair::new(), Pair::rsa()] {
        let server = secured(&pair, echo);
        let (tell, account) = account();
        let caller = start(move || {
            let settings = dunlin::Settings::default().max_message_size(4 << 20);
            let witness = tell.witness().on_open(|_, session| {
                let _ = session.send("first words");
                let _ = session.send(vec![7u8; 300_000]);
                Ok(())
            });
            App::new().outgoing("up", settings, witness)
        });
        let url = format!("wss://localhost:{}/echo", server.address().port());
        let call = call_trusting(&url, &trusting(&pair)).expect("a call");
        caller.remote().connect("up", call).expect("it runs");
        account.opened();
        assert_eq!(account.next(), Told::Text("first words".into()));
        assert_eq!(account.next(), Told::Binary(vec![7; 300_000]));
    }
}

#[test]
fn a_server_without_tls_is_called_so() {
    let plain = start(echo);
    let url = format!("wss://{}/echo", plain.address());
    let error = Client::options().trust(Trust::unchecked()).connect(&url);
    let error = error
        .map(drop)
        .expect_err("it does not speak TLS")
        .to_string();
    assert!(error.contains("does not speak TLS"), "{error}");
}

#[test]
fn a_server_that_never_answers_is_given_up_in_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("wss://{}/", listener.local_addr().expect("an address"));
    let hasty = Duration::from_millis(20);
    let error = Client::options()
        .trust(Trust::unchecked())
        .handshake_timeout(hasty)
        .connect(&url);
    assert_eq!(
        error.map(drop).expect_err("nobody answers").kind(),
        ErrorKind::Timeout
    );
    let (tell, account) = account();
    let caller = crate::running::start_server(move || {
        let app = App::new().outgoing("up", Default::default(), tell.witness());
        Server::new(app).limits(Limits::default().head_timeout(hasty))
    });
    let call = call_trusting(&url, &Trust::unchecked()).expect("a call");
    caller.remote().connect("up", call).expect("it runs");
    assert_eq!(account.failed().0, ErrorKind::Timeout);
}

#[test]
fn a_server_that_ends_within_the_handshake_fails_the_call() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("wss://{}/", listener.local_addr().expect("an address"));
    let (tell, account) = account();
    let caller = start(move || App::new().outgoing("up", Default::default(), tell.witness()));
    let answers: [&[u8]; 3] = [
        b"",
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ];
    for answer in answers {
        let call = call_trusting(&url, &Trust::unchecked()).expect("a call");
        caller.remote().connect("up", call).expect("it runs");
        let (mut socket, _) = listener.accept().expect("it calls");
        // Behind its hello, so that nothing is lost by a reset.
        let _ = std::io::Read::read(&mut socket, &mut [0; 4096]);
        socket.write_all(answer).expect("taken");
        drop(socket);
        let (kind, text) = account.failed();
        assert!(matches!(kind, ErrorKind::Io | ErrorKind::Closed), "{text}");
    }
}
