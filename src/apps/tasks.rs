//! Typed messages: `/tasks` keeps a list of tasks, and everybody sees each new one.
//!
//! On open the tasks come one JSON message each. A [`Task`] that is received is stored and sent to every
//! connection, its sender included. What is no task, or one that cannot be kept, closes with 1007 and says
//! why; the list is as it was then.
//!
//! The list is bounded, because anybody may add to it: a full one refuses the next task with 1008 and forgets
//! none that somebody was shown ([`MAX_TASKS`], [`MAX_TASK_BYTES`]).

use super::sessions::logged;
use crate::{App, CloseCode, Codec, Handler, Json, Message, Open, Request, SendOutcome, Session};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The most tasks that are kept.
pub const MAX_TASKS: usize = 1000;
/// The most bytes of all names and descriptions together.
pub const MAX_TASK_BYTES: usize = 256 << 10;
/// The longest name, bytes.
pub const MAX_TASK_NAME: usize = 128;
/// The longest description, bytes.
pub const MAX_TASK_DESCRIPTION: usize = 4 << 10;
/// The largest message: a task of the longest name and description, every byte of it escaped.
const MAX_MESSAGE: usize = 32 << 10;

const TOPIC: &str = "tasks";
/// Bytes of names and descriptions that a newcomer is sent in one event.
const PIECE: usize = 16 << 10;
/// Until the next piece.
const SOON: Duration = Duration::from_millis(1);
/// The place of a session that has seen the list and hears of new tasks.
const ALL: usize = usize::MAX;

/// How urgent a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Priority {
    /// Some day.
    Low,
    /// In its turn.
    Medium,
    /// Before others.
    High,
    /// Now.
    Vital,
}

/// A task, as it stands in a message: keys in this order, unknown keys ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// One of a kind in the list; 1 to [`MAX_TASK_NAME`] bytes.
    pub name: String,
    /// At most [`MAX_TASK_DESCRIPTION`] bytes.
    pub description: String,
    /// One of four.
    pub priority: Priority,
}

/// Mounts `/tasks`.
pub fn mount(app: App) -> App {
    let settings = super::settings::settings().max_message_size(MAX_MESSAGE);
    logged(app, "/tasks", settings, Tasks::default())
}

struct Tasks {
    list: Vec<Task>,
    /// Bytes of all names and descriptions.
    bytes: usize,
}

impl Default for Tasks {
    fn default() -> Self {
        let seeds = [
            ("cleaning", "Clean the house", Priority::Low),
            ("gardening", "Mow the lawn", Priority::Medium),
            ("shopping", "Buy the groceries", Priority::High),
            ("painting", "Paint the fence", Priority::Medium),
        ];
        let list = seeds.map(|(name, description, priority)| Task {
            name: name.to_owned(),
            description: description.to_owned(),
            priority,
        });
        let bytes = list.iter().map(bytes_of).sum();
        Self {
            list: list.into(),
            bytes,
        }
    }
}

fn bytes_of(task: &Task) -> usize {
    task.name.len() + task.description.len()
}

impl Tasks {
    /// Keeps a task.
    ///
    /// # Errors
    /// Why it is not kept, short enough for the reason of a Close.
    fn add(&mut self, task: Task) -> Result<(), (CloseCode, String)> {
        self.check(&task)
            .map_err(|problem| (CloseCode::INVALID_DATA, problem))?;
        let bytes = self.bytes + bytes_of(&task);
        if self.list.len() >= MAX_TASKS || bytes > MAX_TASK_BYTES {
            return Err((CloseCode::POLICY, "the list of tasks is full".to_owned()));
        }
        self.bytes = bytes;
        self.list.push(Task {
            // What was read may hold more than its length.
            name: task.name.into_boxed_str().into_string(),
            description: task.description.into_boxed_str().into_string(),
            priority: task.priority,
        });
        Ok(())
    }

    fn check(&self, task: &Task) -> Result<(), String> {
        let Task {
            name, description, ..
        } = task;
        if name.trim().is_empty() {
            return Err("a task needs a name".to_owned());
        }
        for (what, text, limit) in [
            ("name", name, MAX_TASK_NAME),
            ("description", description, MAX_TASK_DESCRIPTION),
        ] {
            if text.len() > limit {
                let length = text.len();
                return Err(format!(
                    "the {what} has {length} bytes, wanted: at most {limit}"
                ));
            }
        }
        if self.list.iter().any(|known| known.name == *name) {
            // A long name fits into no reason.
            let name: String = name.chars().take(20).collect();
            return Err(format!("there is a task {name:?} already"));
        }
        Ok(())
    }

    /// Sends a piece of what a newcomer has not seen: the place of the next task. A timer brings the next
    /// piece, or the drain event where the newcomer reads slowly.
    fn send_from(&self, mut next: usize, session: &mut Session<'_>) -> usize {
        if next == ALL {
            return ALL;
        }
        let mut bytes = 0;
        while let Some(task) = self.list.get(next) {
            if bytes >= PIECE {
                session.set_timer(SOON, 0);
                return next;
            }
            match session.send_value(task) {
                Ok(SendOutcome::Queued | SendOutcome::Skipped) => next += 1,
                Ok(SendOutcome::AboveMark) => return next + 1,
                // It is closed; or a task without a form in JSON, which there is none of.
                Ok(SendOutcome::Full | SendOutcome::Closed) | Err(_) => return next,
            }
            bytes += bytes_of(task);
        }
        // From now on it hears of new ones as everybody does.
        session.join(TOPIC);
        ALL
    }
}

/// Why a message is no task, in the words of a Close.
fn problem(message: Message<'_>, error: &crate::Error) -> String {
    let Message::Text(text) = message else {
        return "wanted: a task as JSON in a text message".to_owned();
    };
    let json: Result<serde_json::Value, _> = serde_json::from_str(text);
    let priority = json.as_ref().ok().and_then(|json| json.get("priority"));
    let known = ["Low", "Medium", "High", "Vital"];
    match (&json, priority) {
        (Err(_), _) => "bad JSON".to_owned(),
        (_, Some(priority)) if !known.iter().any(|known| priority == known) => {
            "the priority is none of Low, Medium, High, Vital".to_owned()
        }
        _ => {
            let source = std::error::Error::source(error);
            let why = source.map(ToString::to_string).unwrap_or_default();
            format!("not a task {{name, description, priority}}: {why}")
        }
    }
}

impl Handler for Tasks {
    /// The place of the next task that this session has not been sent.
    type Data = usize;

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<usize> {
        Open::Accept(self.send_from(0, session))
    }

    fn message(&mut self, _: &mut usize, session: &mut Session<'_>, message: Message<'_>) {
        let task = match session.value::<Task>(message) {
            Ok(task) => task,
            Err(error) => {
                return session.close(CloseCode::INVALID_DATA, &problem(message, &error));
            }
        };
        if let Err((code, problem)) = self.add(task) {
            return session.close(code, &problem);
        }
        if let Some(Ok(encoded)) = self.list.last().map(|task| Json.encode(task)) {
            session.publish(TOPIC, encoded.message());
        }
    }

    fn timer(&mut self, next: &mut usize, session: &mut Session<'_>, _: u64) {
        *next = self.send_from(*next, session);
    }

    fn drain(&mut self, next: &mut usize, session: &mut Session<'_>, _: u64) {
        *next = self.send_from(*next, session);
    }
}
