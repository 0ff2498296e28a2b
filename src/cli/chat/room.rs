//! A room with memory, as its member sees it: the subprotocol `dunlin.v1`, without a socket.
//!
//! It writes what is sent to the server and reads what comes back, keeps how far it has seen the room, and
//! tells nothing twice.

use super::talk::{KnownMessages, Talk};
use rand::TryRng;
use rand::rngs::SysRng;
use serde_json::{Value, json};

/// The subprotocol of rooms with memory.
pub(super) const PROTOCOL: &str = "dunlin.v1";

/// One room and this member of it.
pub(super) struct Room {
    pub(super) id: String,
    /// What people call it.
    pub(super) label: String,
    pub(super) sender: String,
    /// The secret by which the server knows this member again; for this process and nobody else.
    client: String,
    /// How many of the newest messages to ask for at first.
    last: u32,
    /// The last message that was seen: epoch and id.
    seen: Option<(String, u64)>,
    /// Those that were told last.
    known: KnownMessages,
}

/// What the server said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Entered {
        members: u64,
        /// There may be messages since the last one seen that never come.
        is_missing: bool,
        messages: Vec<Talk>,
    },
    /// A message; with the number of a line it is the receipt of that. `None`: it was told before.
    Talk {
        talk: Option<Talk>,
        line: Option<u64>,
        id: Option<u64>,
    },
    Presence {
        has_joined: bool,
        sender: Option<String>,
        members: u64,
    },
    Gap(u64, u64),
    /// A new epoch began. That is for this client alone, and nothing to tell people.
    Epoch,
    Closed(String),
    Error {
        line: Option<u64>,
        code: String,
        message: String,
    },
    /// Nothing of this protocol: how it begins.
    Unknown(String),
}

/// Random characters that stand in JSON as they are: 192 bits.
///
/// # Errors
/// The system gives no random bytes.
pub(super) fn secret() -> Result<String, String> {
    let mut bytes = [0; 24];
    SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| format!("the system gives no random bytes: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Room {
    pub(super) fn new(
        id: String,
        label: String,
        sender: String,
        client: String,
        last: u32,
    ) -> Self {
        Self {
            id,
            label,
            sender,
            client,
            last,
            seen: None,
            known: KnownMessages::default(),
        }
    }

    /// Joins: with the newest messages at first, behind the last one seen later.
    pub(super) fn enter(&self) -> String {
        let mut enter = json!({"type": "ENTER", "roomId": self.id, "sender": self.sender,
            "client": self.client});
        match &self.seen {
            Some((epoch, id)) => enter["since"] = json!({"epoch": epoch, "id": id}),
            None => enter["last"] = json!(self.last),
        }
        enter.to_string()
    }

    /// A line; its number is the mark by which its receipt is known.
    pub(super) fn talk(&self, line: u64, text: &str) -> String {
        json!({"type": "TALK", "roomId": self.id, "message": text, "ref": line.to_string()})
            .to_string()
    }

    /// Reads a message of the server.
    pub(super) fn read(&mut self, text: &str) -> Said {
        let unknown = || Said::Unknown(text.chars().take(60).collect());
        let Ok(message) = serde_json::from_str::<Value>(text) else {
            return unknown();
        };
        let word = |key: &str| message[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| message[key].as_u64();
        let line = message["ref"].as_str().and_then(|mark| mark.parse().ok());
        match message["type"].as_str() {
            Some("ENTERED") => self.entered(&message),
            Some("TALK") => {
                let id = number("id");
                let talk = self.news(&message, false);
                Said::Talk { talk, line, id }
            }
            Some(kind @ ("JOINED" | "LEFT")) => Said::Presence {
                has_joined: kind == "JOINED",
                sender: message["sender"].as_str().map(str::to_owned),
                members: number("members").unwrap_or_default(),
            },
            Some("GAP") => {
                let (from, to) = (number("from").unwrap_or(0), number("to").unwrap_or(0));
                self.is_news(Some(to));
                Said::Gap(from, to)
            }
            Some("EPOCH") => {
                let (Some(epoch), Some(id)) = (message["epoch"].as_str(), number("id")) else {
                    return unknown();
                };
                self.seen = Some((epoch.to_owned(), id));
                self.known.lose_behind(id);
                Said::Epoch
            }
            Some("CLOSED") => Said::Closed(word("reason")),
            Some("ERROR") => Said::Error {
                line,
                code: word("code"),
                message: word("message"),
            },
            _ => unknown(),
        }
    }

    fn entered(&mut self, message: &Value) -> Said {
        if let Some(name) = message["name"].as_str() {
            // The server may have put it into a normal form.
            name.clone_into(&mut self.sender);
        }
        let had_seen = self.seen.is_some();
        let epoch = message["epoch"].as_str().unwrap_or_default();
        let is_another = self.seen.as_ref().is_none_or(|(known, _)| known != epoch);
        if is_another {
            self.seen = Some((epoch.to_owned(), 0));
        }
        let messages = message["messages"].as_array().map(Vec::as_slice);
        let messages = messages.unwrap_or_default().iter();
        let news = messages.filter_map(|talk| self.news(talk, is_another));
        let messages = news.collect();
        self.is_news(message["id"].as_u64());
        Said::Entered {
            members: message["members"].as_u64().unwrap_or_default(),
            is_missing: had_seen && message["recovered"].as_bool() != Some(true),
            messages,
        }
    }

    /// A message, unless it was told before.
    fn news(&mut self, message: &Value, is_of_another_epoch: bool) -> Option<Talk> {
        let talk = Talk::read(message);
        if !self.is_news(talk.id) {
            return None;
        }
        let is_known = self.known.recall(&talk, is_of_another_epoch);
        if !is_known {
            self.known.note(&talk);
        }
        (!is_known).then_some(talk)
    }

    /// Whether this id was not seen before; it is now.
    fn is_news(&mut self, id: Option<u64>) -> bool {
        let (Some(id), Some((_, seen))) = (id, &mut self.seen) else {
            return true;
        };
        let is_news = id > *seen;
        *seen = id.max(*seen);
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> Room {
        let word = |text: &str| text.to_owned();
        Room::new(word("r-1"), word("lobby"), word("me"), word("secret"), 20)
    }

    fn value(text: &str) -> Value {
        serde_json::from_str(text).expect("JSON")
    }

    fn entered(room: &mut Room, epoch: &str, id: u64, recovered: bool, ids: &[u64]) -> Said {
        let messages: Vec<_> = ids
            .iter()
            .map(|id| json!({"type": "TALK", "sender": "a", "message": "m", "id": id, "date": 1}))
            .collect();
        let entered = json!({"type": "ENTERED", "roomId": "r-1", "name": "me", "epoch": epoch, "id": id,
            "recovered": recovered, "members": 2, "messages": messages});
        room.read(&entered.to_string())
    }

    fn ids(said: Said) -> (bool, Vec<u64>) {
        match said {
            Said::Entered {
                is_missing,
                messages,
                ..
            } => (
                is_missing,
                messages.iter().filter_map(|talk| talk.id).collect(),
            ),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_asks_for_history_at_first_and_resumes_later() {
        let mut room = room();
        let first = json!({"type": "ENTER", "roomId": "r-1", "sender": "me", "client": "secret",
            "last": 20});
        assert_eq!(value(&room.enter()), first);
        entered(&mut room, "e1", 7, false, &[6, 7]);
        let again = json!({"type": "ENTER", "roomId": "r-1", "sender": "me", "client": "secret",
            "since": {"epoch": "e1", "id": 7}});
        assert_eq!(value(&room.enter()), again);
    }

    #[test]
    fn nothing_is_told_twice_and_what_is_missing_is_said() {
        let mut room = room();
        assert_eq!(
            ids(entered(&mut room, "e1", 2, false, &[1, 2])),
            (false, vec![1, 2])
        );
        let talk = r#"{"type":"TALK","roomId":"r-1","sender":"a","message":"x","id":3,"date":5}"#;
        let first = room.read(talk);
        assert!(
            matches!(first, Said::Talk { talk: Some(_), .. }),
            "{first:?}"
        );
        let second = room.read(talk);
        assert!(
            matches!(second, Said::Talk { talk: None, .. }),
            "{second:?}"
        );
        assert_eq!(
            ids(entered(&mut room, "e1", 5, true, &[3, 4, 5])),
            (false, vec![4, 5])
        );
        assert_eq!(
            ids(entered(&mut room, "e2", 9, false, &[9])),
            (true, vec![9])
        );
    }

    fn epoch(room: &mut Room, epoch: &str, id: u64) {
        let told = json!({"type": "EPOCH", "roomId": "r-1", "epoch": epoch, "id": id});
        assert_eq!(room.read(&told.to_string()), Said::Epoch);
    }

    /// Whether a message is told.
    fn is_told(room: &mut Room, id: u64, text: &str, date: u64) -> bool {
        let talk = json!({"type": "TALK", "roomId": "r-1", "sender": "a", "message": text, "id": id,
            "date": date});
        match room.read(&talk.to_string()) {
            Said::Talk { talk, .. } => talk.is_some(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn ids_that_are_given_again_in_a_new_epoch_are_told() {
        let mut room = room();
        entered(&mut room, "e1", 2, false, &[1, 2]);
        for (id, text) in [(3, "kept"), (4, "lost"), (5, "lost, too")] {
            assert!(is_told(&mut room, id, text, id));
        }
        epoch(&mut room, "e2", 3);
        let since = &value(&room.enter())["since"];
        assert_eq!(*since, json!({"epoch": "e2", "id": 3}));
        assert!(is_told(&mut room, 4, "another", 9));
        assert!(!is_told(&mut room, 4, "another", 9));
        let since = &value(&room.enter())["since"];
        assert_eq!(*since, json!({"epoch": "e2", "id": 4}));
    }

    #[test]
    fn what_was_lost_and_is_said_again_is_told_once_and_counts_as_seen() {
        let mut room = room();
        entered(&mut room, "e1", 2, false, &[1, 2]);
        assert!(is_told(&mut room, 3, "lost", 3));
        epoch(&mut room, "e2", 2);
        assert!(!is_told(&mut room, 3, "lost", 8));
        let since = &value(&room.enter())["since"];
        assert_eq!(*since, json!({"epoch": "e2", "id": 3}));
        // The same words are another message when they have another place.
        assert!(is_told(&mut room, 4, "lost", 9));
        // Nor is it taken for what was lost a second time, before it is lost again.
        epoch(&mut room, "e3", 3);
        assert!(!is_told(&mut room, 4, "lost", 10));
        assert!(is_told(&mut room, 5, "lost", 11));
    }

    #[test]
    fn a_history_of_another_epoch_brings_what_is_new_and_nothing_twice() {
        let mut room = room();
        entered(&mut room, "e1", 2, false, &[1, 2]);
        assert!(is_told(&mut room, 3, "lost", 3));
        let again = entered(&mut room, "e2", 3, false, &[1, 2, 3]);
        assert_eq!(ids(again), (true, vec![3]));
        // A server that begins anew gives the same ids at other times.
        let talk = json!({"type": "TALK", "sender": "a", "message": "m", "id": 1, "date": 7});
        let anew = json!({"type": "ENTERED", "roomId": "r-1", "name": "me", "epoch": "e3", "id": 1,
            "recovered": false, "members": 1, "messages": [talk]});
        let anew = room.read(&anew.to_string());
        assert_eq!(ids(anew), (true, vec![1]));
    }

    #[test]
    fn a_position_in_an_earlier_epoch_that_was_kept_is_taken_up() {
        let mut room = room();
        entered(&mut room, "e1", 2, false, &[1, 2]);
        let resumed = entered(&mut room, "e2", 4, true, &[3, 4]);
        assert_eq!(ids(resumed), (false, vec![3, 4]));
        assert!(!is_told(&mut room, 4, "m", 1));
    }

    #[test]
    fn a_receipt_is_known_by_its_mark() {
        let mut room = room();
        let sent = value(&room.talk(12, "hi \"you\""));
        assert_eq!(
            sent,
            json!({"type": "TALK", "roomId": "r-1", "message": "hi \"you\"", "ref": "12"})
        );
        let receipt = r#"{"type":"TALK","roomId":"r-1","sender":"me","message":"hi","id":9,"date":5,"ref":"12"}"#;
        let said = room.read(receipt);
        assert!(
            matches!(
                said,
                Said::Talk {
                    line: Some(12),
                    id: Some(9),
                    ..
                }
            ),
            "{said:?}"
        );
    }

    #[test]
    fn the_server_may_say_anything() {
        let mut room = room();
        for text in [
            "",
            "{",
            "[]",
            "null",
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"NEW","a":[]}"#,
            r#"{"type":"EPOCH","epoch":"e"}"#,
            r#"{"type":"EPOCH","id":1}"#,
        ] {
            assert_eq!(room.read(text), Said::Unknown(text.to_owned()));
        }
        for text in [
            r#"{"type":"ENTERED","messages":7,"id":-1,"epoch":[]}"#,
            r#"{"type":"ENTERED","messages":[7,null,{}]}"#,
            r#"{"type":"TALK","ref":{},"id":1e99}"#,
            r#"{"type":"GAP"}"#,
            r#"{"type":"ERROR","code":[]}"#,
            r#"{"type":"LEFT","members":"many"}"#,
        ] {
            room.read(text);
        }
        let error = r#"{"type":"ERROR","ref":"3","code":"too-long","message":"at most 64 KiB"}"#;
        let wanted = Said::Error {
            line: Some(3),
            code: "too-long".to_owned(),
            message: "at most 64 KiB".to_owned(),
        };
        assert_eq!(room.read(error), wanted);
    }

    #[test]
    fn secrets_differ_and_have_a_length_that_servers_take() {
        let (one, other) = (secret().expect("random"), secret().expect("random"));
        assert_ne!(one, other);
        assert_eq!(one.len(), 48);
    }
}
