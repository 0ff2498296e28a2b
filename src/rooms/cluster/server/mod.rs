//! A modelled engine: bytes in, bytes out, and time from outside.
//!
//! It speaks as much of RESP2 as a node uses, keeps rooms as [`super::model`] says, and can be what a real
//! engine is at its worst: a replica, one that loads its data, one that has forgotten the scripts, or one
//! whose data are older than what it has told. The simulation runs nodes against it; a test beside a real
//! engine tells whether the model is right.

mod arguments;
mod reply;
mod store;
#[cfg(test)]
mod tests;

use super::model::{Model, Noted, noted};
use super::request::write_digest;
use super::script::{FORGET, Script};
use arguments::Call;
use reply::Reply;
use sha1::{Digest, Sha1};
use std::collections::{BTreeMap, BTreeSet};
use store::{Store, wrong_number};

/// One connection to the engine.
pub(super) type ClientId = u32;

/// What an engine keeps; a copy of it is what a replica has.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Data {
    pub(super) rooms: Model,
    store: Store,
}

#[derive(Debug, Default)]
struct Client {
    input: Vec<u8>,
    output: Vec<u8>,
    channels: BTreeSet<Vec<u8>>,
    is_known: bool,
    /// It said what no client says, and is heard no more.
    is_over: bool,
}

/// The engine. `connect`, `receive` and `take_output` are its socket; the rest is its fate.
#[derive(Debug)]
pub(super) struct Server {
    data: Data,
    clients: BTreeMap<ClientId, Client>,
    next: ClientId,
    scripts: BTreeSet<Script>,
    run: String,
    random: u64,
    /// Milliseconds since 1970.
    pub(super) now: u64,
    /// What `AUTH` has to say, if anything.
    pub(super) password: Option<String>,
    /// A replica: it refuses what would change something.
    pub(super) is_readonly: bool,
    /// It reads its data from disk and answers nearly nothing.
    pub(super) is_loading: bool,
    /// The commands that were said, in small letters.
    #[cfg(test)]
    pub(super) commands: BTreeSet<String>,
}

impl Server {
    /// An engine without data. The seed decides which process it is, and what is random.
    pub(super) fn new(seed: u64, now: u64) -> Self {
        let mut server = Self {
            data: Data::default(),
            clients: BTreeMap::new(),
            next: 0,
            scripts: BTreeSet::new(),
            run: String::new(),
            random: seed,
            now,
            password: None,
            is_readonly: false,
            is_loading: false,
            #[cfg(test)]
            commands: BTreeSet::new(),
        };
        server.restore(Data::default());
        server
    }

    /// What is kept now.
    pub(super) fn snapshot(&self) -> Data {
        self.data.clone()
    }

    /// Another process with these data takes over: all connections are gone, and scripts forgotten.
    pub(super) fn restore(&mut self, data: Data) {
        self.data = data;
        self.clients.clear();
        self.forget_scripts();
        let seed = self.random().to_le_bytes();
        self.run = write_digest(&Sha1::digest(seed).into());
    }

    /// What `INFO` calls `run_id`.
    pub(super) fn run_id(&self) -> &str {
        &self.run
    }

    pub(super) fn data(&self) -> &Data {
        &self.data
    }

    /// As after `FLUSHALL`.
    #[cfg(test)]
    pub(super) fn forget_data(&mut self) {
        self.data = Data::default();
    }

    /// As after `SCRIPT FLUSH`.
    pub(super) fn forget_scripts(&mut self) {
        self.scripts.clear();
    }

    fn random(&mut self) -> u64 {
        // SplitMix64.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ self.random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(super) fn connect(&mut self) -> ClientId {
        let id = self.next;
        self.next += 1;
        self.clients.insert(id, Client::default());
        id
    }

    pub(super) fn disconnect(&mut self, client: ClientId) {
        self.clients.remove(&client);
    }

    /// Whether it keeps this connection open.
    pub(super) fn is_open(&self, client: ClientId) -> bool {
        self.clients
            .get(&client)
            .is_some_and(|client| !client.is_over)
    }

    /// What it has to say on a connection.
    pub(super) fn take_output(&mut self, client: ClientId) -> Vec<u8> {
        let client = self.clients.get_mut(&client);
        client.map_or(Vec::new(), |client| std::mem::take(&mut client.output))
    }

    /// Takes bytes from a connection, and does what is complete.
    pub(super) fn receive(&mut self, client: ClientId, bytes: &[u8]) {
        let Some(known) = self.clients.get_mut(&client) else {
            return;
        };
        known.input.extend(bytes);
        let input = std::mem::take(&mut known.input);
        let mut at = 0;
        let is_over = loop {
            match reply::command(&input[at..]) {
                Ok(None) => break false,
                Ok(Some((words, length))) => {
                    at += length;
                    if !words.is_empty() && self.is_open(client) {
                        self.execute(client, &words);
                    }
                }
                Err(problem) => {
                    self.say(
                        client,
                        &Reply::Error(format!("ERR Protocol error: {problem}")),
                    );
                    break true;
                }
            }
        };
        if let Some(known) = self.clients.get_mut(&client) {
            known.is_over |= is_over;
            known.input = if is_over {
                Vec::new()
            } else {
                input[at..].to_vec()
            };
        }
    }

    fn say(&mut self, client: ClientId, reply: &Reply) {
        if let Some(client) = self
            .clients
            .get_mut(&client)
            .filter(|client| !client.is_over)
        {
            reply.write(&mut client.output);
        }
    }

    fn execute(&mut self, client: ClientId, words: &[Vec<u8>]) {
        let name = String::from_utf8_lossy(&words[0]).to_ascii_uppercase();
        let rest = &words[1..];
        #[cfg(test)]
        self.commands.insert(name.to_ascii_lowercase());
        let Some(known) = self.clients.get(&client) else {
            return;
        };
        let is_listener = !known.channels.is_empty();
        let reply = match (&*name, rest) {
            ("AUTH", _) => self.authenticate(client, rest),
            _ if self.password.is_some() && !known.is_known => {
                Reply::error("NOAUTH Authentication required.")
            }
            ("SUBSCRIBE" | "UNSUBSCRIBE", _) => return self.subscribe(client, &name, rest),
            ("PING", []) if is_listener => Reply::bulks([b"pong".to_vec(), Vec::new()]),
            _ if is_listener => Reply::Error(format!(
                "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
                name.to_lowercase()
            )),
            ("SELECT", [database]) if database.iter().all(u8::is_ascii_digit) => Reply::OK,
            ("CLIENT", [what, _]) if what.eq_ignore_ascii_case(b"SETNAME") => Reply::OK,
            ("INFO", _) => Reply::text(self.info()),
            ("PUBLISH", [channel, payload]) => self.publish(channel, payload),
            _ if self.is_loading => Reply::error("LOADING Redis is loading the dataset in memory"),
            ("PING", []) => Reply::Simple("PONG"),
            ("TIME", []) => Reply::bulks(
                [self.now / 1000, self.now % 1000 * 1000].map(|part| part.to_string().into_bytes()),
            ),
            ("ROLE", []) => self.role(),
            ("SCRIPT", _) => self.script(rest),
            ("EVALSHA", [sha, arguments @ ..]) => self.evaluate(sha, arguments),
            ("EVAL", [source, _, known @ .., nodes, id])
                if **source == *FORGET.as_bytes() && known.len() == 2 =>
            {
                match self.store("EXISTS", known) {
                    Reply::Number(0) if self.is_readonly => readonly(),
                    Reply::Number(0) => {
                        self.store("SREM", &[nodes.clone(), id.clone()]);
                        Reply::Number(0)
                    }
                    _ => Reply::Number(0),
                }
            }
            _ if self.is_readonly && Store::is_write(&name) => readonly(),
            _ => {
                let random = self.random();
                let reply = self.data.store.run(&name, rest, self.now, random);
                let is_known = [
                    "SELECT", "CLIENT", "PUBLISH", "PING", "TIME", "ROLE", "EVALSHA",
                ];
                reply.unwrap_or_else(|| {
                    if is_known.contains(&&*name) {
                        wrong_number(&name)
                    } else {
                        Reply::Error(format!("ERR unknown command '{name}'"))
                    }
                })
            }
        };
        self.say(client, &reply);
    }

    fn authenticate(&mut self, client: ClientId, words: &[Vec<u8>]) -> Reply {
        let given = match words {
            [given] => given,
            [user, given] if user == b"default" => given,
            [_, _] => return wrong_password(),
            _ => return wrong_number("AUTH"),
        };
        match &self.password {
            Some(password) if password.as_bytes() == given => {
                if let Some(client) = self.clients.get_mut(&client) {
                    client.is_known = true;
                }
                Reply::OK
            }
            Some(_) => wrong_password(),
            None if words.len() == 2 => Reply::OK,
            None => Reply::error(
                "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
            ),
        }
    }

    fn subscribe(&mut self, client: ClientId, name: &str, channels: &[Vec<u8>]) {
        let Some(known) = self
            .clients
            .get_mut(&client)
            .filter(|client| !client.is_over)
        else {
            return;
        };
        let is_more = name == "SUBSCRIBE";
        if is_more && channels.is_empty() {
            return wrong_number(name).write(&mut known.output);
        }
        let mut channels: Vec<Option<Vec<u8>>> = channels.iter().cloned().map(Some).collect();
        if channels.is_empty() {
            channels = known.channels.iter().cloned().map(Some).collect();
        }
        if channels.is_empty() {
            channels.push(None);
        }
        for channel in channels {
            let named = match channel {
                Some(channel) => {
                    if is_more {
                        known.channels.insert(channel.clone());
                    } else {
                        known.channels.remove(&channel);
                    }
                    Reply::Bulk(channel)
                }
                None => Reply::Null,
            };
            let count = Reply::number(known.channels.len());
            let said = Reply::Array(vec![Reply::text(name.to_lowercase()), named, count]);
            said.write(&mut known.output);
        }
    }

    fn publish(&mut self, channel: &[u8], payload: &[u8]) -> Reply {
        let said = [b"message".to_vec(), channel.to_vec(), payload.to_vec()];
        let said = Reply::bulks(said);
        let mut told = 0;
        for client in self.clients.values_mut() {
            if !client.is_over && client.channels.contains(channel) {
                said.write(&mut client.output);
                told += 1;
            }
        }
        Reply::Number(told)
    }

    fn info(&self) -> String {
        let role = if self.is_readonly { "slave" } else { "master" };
        let (run, loading) = (&self.run, u8::from(self.is_loading));
        format!(
            "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrun_id:{run}\r\n\r\n# Persistence\r\nloading:{loading}\r\n\r\n# Replication\r\nrole:{role}\r\n"
        )
    }

    fn role(&self) -> Reply {
        if self.is_readonly {
            let master = [Reply::text("slave"), Reply::text("127.0.0.1")];
            let rest = [
                Reply::Number(6379),
                Reply::text("connected"),
                Reply::Number(0),
            ];
            return Reply::Array(master.into_iter().chain(rest).collect());
        }
        let none = Reply::Array(Vec::new());
        Reply::Array(vec![Reply::text("master"), Reply::Number(0), none])
    }

    fn script(&mut self, words: &[Vec<u8>]) -> Reply {
        let what = words.first().map(|word| word.to_ascii_uppercase());
        match (what.as_deref(), words) {
            (Some(b"LOAD"), [_, source]) => {
                let digest = write_digest(&Sha1::digest(source).into());
                match Script::ALL
                    .into_iter()
                    .find(|script| script.sha() == digest)
                {
                    Some(script) => {
                        self.scripts.insert(script);
                        Reply::text(digest)
                    }
                    None => Reply::error("ERR the model knows the scripts of rooms only"),
                }
            }
            (Some(b"FLUSH"), [_]) => {
                self.forget_scripts();
                Reply::OK
            }
            _ => Reply::error("ERR unknown subcommand or wrong number of arguments for 'SCRIPT'"),
        }
    }

    fn evaluate(&mut self, sha: &[u8], arguments: &[Vec<u8>]) -> Reply {
        let is_it = |script: &&Script| script.sha().as_bytes().eq_ignore_ascii_case(sha);
        let Some(script) = self.scripts.iter().find(is_it).copied() else {
            return Reply::error("NOSCRIPT No matching script. Please use EVAL.");
        };
        let Some(call) = arguments::read(script, arguments) else {
            return Reply::error("ERR these are no arguments of this script");
        };
        let Call {
            channel,
            request,
            retention,
            keys,
        } = call;
        if self.is_readonly {
            // A script stops where it would write; one that only reads is answered.
            let mut rooms = self.data.rooms.clone();
            let (answer, pushes) = rooms.run(&request, &retention, self.now);
            let is_noted = noted(&request.act, &answer).is_some();
            let is_same = pushes.is_empty() && !is_noted && rooms == self.data.rooms;
            return if is_same {
                Reply::of(&answer)
            } else {
                readonly()
            };
        }
        let (answer, pushes) = self.data.rooms.run(&request, &retention, self.now);
        for push in pushes {
            self.publish(&channel, &push.encode());
        }
        let room = request.room.to_string().into_bytes();
        match (noted(&request.act, &answer), &*keys) {
            (Some(Noted::In(node)), [rooms, nodes]) => {
                let node = format!("{node:016x}").into_bytes();
                self.store("SADD", &[rooms.clone(), room]);
                self.store("SADD", &[nodes.clone(), node]);
            }
            (Some(Noted::Out(_)), [rooms]) => drop(self.store("SREM", &[rooms.clone(), room])),
            _ => {}
        }
        Reply::of(&answer)
    }

    /// A command about what is no room.
    fn store(&mut self, command: &str, words: &[Vec<u8>]) -> Reply {
        let random = self.random();
        let reply = self.data.store.run(command, words, self.now, random);
        reply.expect("a command that there is")
    }
}

fn readonly() -> Reply {
    Reply::error("READONLY You can't write against a read only replica.")
}

fn wrong_password() -> Reply {
    Reply::error("WRONGPASS invalid username-password pair or user is disabled.")
}
