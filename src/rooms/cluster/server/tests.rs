//! The modelled engine on its connections.

use super::super::keys::Keys;
use super::super::line::command_bytes as bytes;
use super::super::request::{Act, Push, Request, Speaker};
use super::super::script::{Command, command, load};
use super::*;
use crate::config::RoomLimits;
use crate::rooms::engine::Ask;
use crate::rooms::{Epoch, RoomId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

fn words(line: &str) -> Command {
    line.split(' ').map(Vec::from).collect()
}

/// An engine and a connection.
struct Table {
    server: Server,
    client: ClientId,
}

impl Table {
    fn new() -> Self {
        let mut server = Server::new(1, 1_000_000);
        let client = server.connect();
        Self { server, client }
    }

    fn say(&mut self, words: &[Vec<u8>]) -> String {
        self.server.receive(self.client, &bytes(words));
        let said = self.server.take_output(self.client);
        String::from_utf8(said).unwrap()
    }

    /// What it says to a line of words.
    fn ask(&mut self, line: &str) -> String {
        self.say(&words(line))
    }

    /// Lines of what is asked and what is said to it, up to the end of that.
    fn check(&mut self, lines: &[(&str, &str)]) {
        for (line, wanted) in lines {
            let said = self.ask(line);
            assert!(said.starts_with(wanted), "{line}: {said:?}");
        }
    }

    fn load(&mut self) {
        for words in load() {
            assert!(self.say(&words).starts_with("$40\r\n"));
        }
    }

    fn request(&mut self, act: Act) -> String {
        let request = Request {
            room: RoomId::of_bits(7),
            run: 1,
            fresh: Epoch::of_bits(2),
            seen: None,
            act,
        };
        let keys = Keys::new("d").unwrap();
        self.say(&command(&request, &keys, &RoomLimits::default()))
    }

    fn create(&mut self) -> String {
        let name = "room".into();
        self.request(Act::Create {
            name,
            key: [1; 20],
            number: 5,
        })
    }
}

fn publish(text: &str) -> Act {
    Act::Publish {
        speaker: Speaker::User,
        sender: "kim".into(),
        text: Some(text.into()),
        key: 1,
    }
}

fn read() -> Act {
    let ask = Ask {
        since: None,
        last: 9,
        is_page: false,
    };
    Act::Read { ask }
}

#[test]
fn strings_are_set_and_go_with_time() {
    let mut table = Table::new();
    table.check(&[
        ("GET a", "$-1\r\n"),
        ("SET a b", "+OK\r\n"),
        ("get a", "$1\r\nb\r\n"),
        ("SET a c NX", "$-1\r\n"),
        ("SET a c NX GET", "$1\r\nb\r\n"),
        ("SET x c XX", "$-1\r\n"),
        ("SET a c PX 1000 GET", "$1\r\nb\r\n"),
        ("EXISTS a a x", ":2\r\n"),
        ("INCR a", "-ERR value is not an integer"),
        ("INCR n", ":1\r\n"),
        ("INCR n", ":2\r\n"),
        ("SADD a b", "-WRONGTYPE"),
        ("SET a b PX", "-ERR syntax"),
        ("SET a b PX 0", "-ERR invalid expire"),
        ("SET a b NX XX", "-ERR syntax"),
        ("SET a", "-ERR wrong number of arguments for 'set'"),
    ]);
    table.server.now += 1000;
    table.check(&[("GET a", "$1\r\nc\r\n")]);
    table.server.now += 1;
    table.check(&[
        ("GET a", "$-1\r\n"),
        ("DEL a n", ":1\r\n"),
        ("PEXPIRE n 5", ":0\r\n"),
        ("SET n 1", "+OK\r\n"),
        ("PEXPIRE n 5", ":1\r\n"),
    ]);
    table.server.now += 6;
    table.check(&[("EXISTS n", ":0\r\n")]);
}

#[test]
fn sets_and_sorted_sets_are_those_of_the_engine() {
    let mut table = Table::new();
    table.check(&[
        ("SADD s a b", ":2\r\n"),
        ("SADD s b c", ":1\r\n"),
        ("SMEMBERS s", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"),
        ("SRANDMEMBER s 2", "*2\r\n"),
        ("SSCAN s 0 COUNT 3", "*2\r\n$1\r\n0\r\n*3\r\n"),
        ("SSCAN none 0 COUNT 3", "*2\r\n$1\r\n0\r\n*0\r\n"),
        ("SSCAN s x COUNT 3", "-ERR invalid cursor"),
        ("SRANDMEMBER s 9", "*3\r\n"),
        ("SRANDMEMBER none 9", "*0\r\n"),
        ("SREM s a b c d", ":3\r\n"),
        ("EXISTS s", ":0\r\n"),
        ("ZADD z 2 b", ":1\r\n"),
        ("ZADD z 2 b", ":0\r\n"),
        ("ZADD z 1 a", ":1\r\n"),
        ("ZADD z 10 c", ":1\r\n"),
        ("ZADD z x c", "-ERR value is not a valid float"),
        ("ZCARD z", ":3\r\n"),
        ("ZRANGEBYSCORE z (1 +inf LIMIT 0 1", "*1\r\n$1\r\nb\r\n"),
        ("ZRANGEBYSCORE z -inf 2", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
        ("ZRANGEBYSCORE z -inf (2 LIMIT 1 9", "*0\r\n"),
        (
            "ZRANGEBYSCORE z -inf 2 WITHSCORES LIMIT 1 9",
            "*2\r\n$1\r\nb\r\n$1\r\n2\r\n",
        ),
        ("ZRANGEBYSCORE z a b", "-ERR min or max"),
        ("ZRANGEBYSCORE z 1 2 LIMIT 0", "-ERR syntax error"),
        ("ZREM z a c", ":2\r\n"),
        ("ZCARD none", ":0\r\n"),
        ("GET z", "-WRONGTYPE"),
        ("ZADD z 1", "-ERR wrong number"),
    ]);
}

#[test]
fn it_says_what_it_is() {
    let mut table = Table::new();
    table.check(&[
        ("PING", "+PONG\r\n"),
        ("ROLE", "*3\r\n$6\r\nmaster\r\n"),
        ("SELECT 3", "+OK\r\n"),
        ("CLIENT SETNAME x", "+OK\r\n"),
        ("TIME", "*2\r\n$4\r\n1000\r\n$1\r\n0\r\n"),
        ("HELLO 3", "-ERR unknown command 'HELLO'"),
        ("PUBLISH x", "-ERR wrong number"),
    ]);
    let info = table.ask("INFO server");
    assert!(info.contains(&format!("\r\nrun_id:{}\r\n", table.server.run_id())));
    assert!(info.contains("\r\nrole:master\r\n"), "{info}");
    assert_eq!(table.server.run_id().len(), 40);
}

#[test]
fn a_password_is_asked_for() {
    let mut table = Table::new();
    table.check(&[("AUTH x", "-ERR AUTH <password> called without")]);
    table.server.password = Some("secret".into());
    table.check(&[
        ("PING", "-NOAUTH"),
        ("SUBSCRIBE a", "-NOAUTH"),
        ("AUTH x", "-WRONGPASS"),
        ("AUTH somebody secret", "-WRONGPASS"),
        ("PING", "-NOAUTH"),
        ("AUTH default secret", "+OK\r\n"),
        ("PING", "+PONG\r\n"),
    ]);
}

#[test]
fn what_is_published_is_heard_by_who_subscribed() {
    let mut table = Table::new();
    let listener = table.server.connect();
    table
        .server
        .receive(listener, &bytes(&words("SUBSCRIBE a b")));
    let said = table.server.take_output(listener);
    let wanted =
        "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n";
    assert_eq!(String::from_utf8(said).unwrap(), wanted);
    table.check(&[("PUBLISH a x", ":1\r\n"), ("PUBLISH c x", ":0\r\n")]);
    let said = table.server.take_output(listener);
    assert_eq!(said, b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n");
    table.client = listener;
    table.check(&[
        ("GET a", "-ERR Can't execute 'get'"),
        ("PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n"),
        (
            "UNSUBSCRIBE a",
            "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n",
        ),
        (
            "UNSUBSCRIBE",
            "*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n",
        ),
        ("UNSUBSCRIBE", "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n"),
        ("PING", "+PONG\r\n"),
        ("SUBSCRIBE", "-ERR wrong number"),
    ]);
}

#[test]
fn scripts_are_loaded_run_and_forgotten() {
    let mut table = Table::new();
    assert!(table.create().starts_with("-NOSCRIPT"));
    table.load();
    assert!(table.create().starts_with("*2\r\n$2\r\nok\r\n"));
    let listener = table.server.connect();
    let channel = Keys::new("d").unwrap().channel(RoomId::of_bits(7));
    let subscribe = [b"SUBSCRIBE".to_vec(), channel];
    table.server.receive(listener, &bytes(&subscribe));
    table.server.take_output(listener);
    assert!(table.request(publish("hi")).contains("\r\n1000000\r\n"));
    let said = table.server.take_output(listener);
    let push = said.windows(2).position(|two| two == b"M ").unwrap();
    let push = Push::decode(&said[push..said.len() - 2]).unwrap();
    assert!(matches!(push, Push::Message { message, .. } if message.text.as_deref() == Some("hi")));
    table.check(&[
        ("SCRIPT FLUSH", "+OK\r\n"),
        ("SCRIPT LOAD return", "-ERR the model knows"),
        ("SCRIPT", "-ERR unknown subcommand"),
        ("EVALSHA", "-ERR wrong number"),
    ]);
    assert!(table.request(read()).starts_with("-NOSCRIPT"));
    table.load();
    let sha = Script::Read.sha();
    let odd = table.ask(&format!("EVALSHA {sha} 3 a b c"));
    assert!(odd.starts_with("-ERR these are no arguments"), "{odd}");
}

#[test]
fn a_replica_answers_what_changes_nothing() {
    let mut table = Table::new();
    table.load();
    table.create();
    table.server.is_readonly = true;
    assert!(table.request(read()).starts_with("*8\r\n"));
    assert!(table.request(publish("x")).starts_with("-READONLY"));
    table.check(&[
        ("SET a b", "-READONLY"),
        ("GET a", "$-1\r\n"),
        ("ROLE", "*5\r\n$5\r\nslave\r\n"),
    ]);
    assert!(table.ask("INFO").contains("\r\nrole:slave\r\n"));
    table.server.is_readonly = false;
    table.server.is_loading = true;
    assert!(table.request(read()).starts_with("-LOADING"));
    table.check(&[("PING", "-LOADING")]);
    assert!(table.ask("INFO").contains("\r\nloading:1\r\n"));
}

#[test]
fn an_older_copy_that_takes_over_is_another_process_without_scripts_and_connections() {
    let mut table = Table::new();
    table.load();
    table.create();
    let (older, run) = (table.server.snapshot(), table.server.run_id().to_owned());
    table.request(publish("lost"));
    table.server.restore(older);
    assert!(!table.server.is_open(table.client));
    assert_ne!(table.server.run_id(), run);
    table.client = table.server.connect();
    assert!(table.request(read()).starts_with("-NOSCRIPT"));
    table.load();
    assert!(!table.request(read()).contains("lost"));
    assert_eq!(
        table
            .server
            .data()
            .rooms
            .room(RoomId::of_bits(7))
            .unwrap()
            .newest,
        0
    );
}

#[test]
fn commands_come_in_any_parts() {
    let mut table = Table::new();
    let input = [bytes(&words("SET a b")), bytes(&words("GET a"))].concat();
    for byte in input {
        table.server.receive(table.client, &[byte]);
    }
    assert_eq!(
        table.server.take_output(table.client),
        b"+OK\r\n$1\r\nb\r\n"
    );
    assert_eq!(table.ask("PING"), "+PONG\r\n");
    let server = &mut table.server;
    server.disconnect(table.client);
    server.receive(table.client, b"*1\r\n$4\r\nPING\r\n");
    assert_eq!(server.take_output(table.client), b"");
}

#[test]
fn what_is_no_command_ends_its_connection_and_nothing_else() {
    for input in [
        &b"PING\r\n"[..],
        b"*-1\r\n",
        b"*1\r\n$-2\r\n",
        b"*x\r\n",
        b"*1\rx",
        b"*1\r\n:1\r\n",
        b"*1\r\n$-1\r\n",
        b"*1\r\n$1\r\nabc",
        b"*99999999999999999999999\r\n",
        b"*99999999999\r\n",
        b"*1\r\n$99999999999\r\n",
        b"*11111111111111111111111111111111111111",
    ] {
        let mut table = Table::new();
        let other = table.server.connect();
        table.server.receive(table.client, input);
        let said = table.server.take_output(table.client);
        let shown = String::from_utf8_lossy(input);
        assert!(said.starts_with(b"-ERR Protocol error"), "{shown:?}");
        assert!(!table.server.is_open(table.client));
        table.server.receive(table.client, b"*1\r\n$4\r\nPING\r\n");
        assert_eq!(table.server.take_output(table.client), b"");
        assert!(table.server.is_open(other));
    }
}

#[test]
fn random_arguments_never_stop_it() {
    let mut table = Table::new();
    table.load();
    table.create();
    let keys = Keys::new("d").unwrap();
    let request = Request {
        room: RoomId::of_bits(7),
        run: 1,
        fresh: Epoch::of_bits(2),
        seen: None,
        act: publish("hi"),
    };
    let good = command(&request, &keys, &RoomLimits::default());
    let mut random = StdRng::seed_from_u64(1);
    let spice = [
        &b""[..],
        b"-1",
        b"\xff",
        b"18446744073709551616",
        b"x",
        b"0",
    ];
    for _ in 0..3000 {
        let mut words = good.clone();
        words[1] = Script::ALL[random.random_range(0..11)].sha().into();
        for _ in 0..random.random_range(0..4) {
            let at = random.random_range(2..words.len());
            match random.random_range(0..3) {
                0 => words[at] = spice[random.random_range(0..spice.len())].to_vec(),
                1 => drop(words.remove(at)),
                _ => words.insert(at, words[at].clone()),
            }
        }
        assert!(!table.say(&words).is_empty());
    }
    let described = table.request(Act::Describe);
    assert!(!described.is_empty() && table.server.is_open(table.client));
}
