//! The modelled engine, asked in RESP.

use super::*;

fn ask(server: &mut Server, client: ClientId, words: &[&str]) -> String {
    let mut bytes = format!("*{}\r\n", words.len());
    for word in words {
        bytes.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    server.receive(client, bytes.as_bytes());
    String::from_utf8(server.take_output(client)).unwrap()
}

#[test]
fn commands_are_answered_as_redis_answers_them() {
    let mut server = Server::new(1, 1_000);
    let client = server.connect();
    for (words, wanted) in [
        (&["PING"][..], "+PONG\r\n"),
        (&["INCR", "n"], ":1\r\n"),
        (&["INCR", "n"], ":2\r\n"),
        (&["SET", "l", "1", "PX", "10", "GET"], "$-1\r\n"),
        (&["SET", "l", "1", "NX", "PX", "10"], "$-1\r\n"),
        (&["EXISTS", "l"], ":1\r\n"),
        (&["SADD", "s", "a", "b"], ":2\r\n"),
        (&["SMEMBERS", "s"], "*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
        (&["SREM", "s", "a"], ":1\r\n"),
        (&["ZADD", "z", "2", "two"], ":1\r\n"),
        (&["ZADD", "z", "1", "one"], ":1\r\n"),
        (
            &["ZRANGEBYSCORE", "z", "(1", "+inf", "LIMIT", "0", "9"],
            "*1\r\n$3\r\ntwo\r\n",
        ),
        (&["ZCARD", "z"], ":2\r\n"),
        (&["DEL", "n", "z", "none"], ":2\r\n"),
    ] {
        assert_eq!(ask(&mut server, client, words), wanted, "{words:?}");
    }
    server.now += 11;
    assert_eq!(ask(&mut server, client, &["EXISTS", "l"]), ":0\r\n");
    assert!(ask(&mut server, client, &["NONSENSE"]).starts_with("-ERR unknown"));
}

#[test]
fn what_is_published_is_pushed_to_who_subscribed() {
    let mut server = Server::new(1, 1_000);
    let (one, two) = (server.connect(), server.connect());
    let confirmed = ask(&mut server, one, &["SUBSCRIBE", "c"]);
    assert_eq!(confirmed, "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
    assert_eq!(ask(&mut server, two, &["PUBLISH", "c", "hi"]), ":1\r\n");
    let pushed = String::from_utf8(server.take_output(one)).unwrap();
    assert_eq!(pushed, "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n");
}

#[test]
fn a_replica_takes_no_writes_and_an_engine_with_a_password_nothing_without() {
    let mut server = Server::new(1, 1_000);
    let client = server.connect();
    server.is_readonly = true;
    assert!(ask(&mut server, client, &["INCR", "n"]).starts_with("-READONLY"));
    assert!(ask(&mut server, client, &["INFO", "replication"]).contains("role:slave"));
    server.is_readonly = false;
    server.password = Some("secret".to_owned());
    let stranger = server.connect();
    assert!(ask(&mut server, stranger, &["INCR", "n"]).starts_with("-NOAUTH"));
    assert!(ask(&mut server, stranger, &["AUTH", "wrong"]).starts_with("-WRONGPASS"));
    assert_eq!(ask(&mut server, stranger, &["AUTH", "secret"]), "+OK\r\n");
    assert_eq!(ask(&mut server, stranger, &["INCR", "n"]), ":1\r\n");
}

#[test]
fn an_engine_that_starts_anew_is_another_process_and_knows_no_scripts() {
    let mut server = Server::new(1, 1_000);
    let before = server.run_id().to_owned();
    let data = server.snapshot();
    server.restore(data);
    assert_ne!(server.run_id(), before);
    let client = server.connect();
    let sha = Script::Read.sha();
    assert!(ask(&mut server, client, &["EVALSHA", sha, "0"]).starts_with("-NOSCRIPT"));
}

#[test]
fn nonsense_ends_a_connection_and_nothing_else() {
    let mut server = Server::new(1, 1_000);
    let client = server.connect();
    for bytes in [
        &b"*1\r\n:1\r\n"[..],
        b"*-7\r\n",
        b"*1\r\n$-2\r\n",
        b"*99999999999\r\n",
    ] {
        let other = server.connect();
        server.receive(other, bytes);
        let _ = server.take_output(other);
    }
    assert_eq!(ask(&mut server, client, &["PING"]), "+PONG\r\n");
}
