//! JSON-RPC 2.0 over WebSocket, with a token that is looked up before the 101, and work in a thread.
//!
//! `cargo run --example json_rpc`, then `ws://127.0.0.1:8080/rpc?token=4711` and
//! `{"jsonrpc":"2.0","id":1,"method":"factors","params":[5959]}`.
//!
//! Nothing that takes time runs in the loop: a worker looks tokens up and computes, tickets and a
//! handle bring its answers back. A connection has one request at a time: until it is answered, the
//! next one waits in the peer's own socket.

use dunlin::{
    App, Handle, Handler, Message, Open, OpenTicket, Request, Response, Route, Server, Session,
    SessionId, Status,
};
use serde_json::{Value, json};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Jobs that may wait for the worker; past it callers are told to come back.
const MOST_JOBS: usize = 1024;

/// What the worker is asked.
enum Job {
    LookUp(String, OpenTicket<String>),
    Call(SessionId, String, Value),
}

struct Service {
    jobs: SyncSender<Job>,
}

impl Handler for Service {
    /// The name of the user.
    type Data = String;

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<String> {
        let Some(token) = request.query("token") else {
            return Open::Refuse(unauthorized());
        };
        let (open, ticket) = Open::later(session);
        // A ticket that does not fit is dropped, which answers 503.
        let _ = self.jobs.try_send(Job::LookUp(token.into_owned(), ticket));
        open
    }

    fn message(&mut self, user: &mut String, session: &mut Session<'_>, message: Message<'_>) {
        let Ok(request) = serde_json::from_slice::<Value>(message.bytes()) else {
            session.send(error(&Value::Null, -32700, "Parse error"));
            return;
        };
        let id = request["id"].clone();
        if request["jsonrpc"] != "2.0" || !request["method"].is_string() {
            session.send(error(&id, -32600, "Invalid Request"));
            return;
        }
        match self
            .jobs
            .try_send(Job::Call(session.id(), user.clone(), request))
        {
            Ok(()) => drop(session.pause()),
            Err(_) => drop(session.send(error(&id, -32000, "Busy"))),
        }
    }
}

fn unauthorized() -> Response {
    Response::refusal(Status::UNAUTHORIZED).field("WWW-Authenticate", "Bearer")
}

fn error(id: &Value, code: i32, message: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } }).to_string()
}

/// The thread that may take its time.
fn work(jobs: &Receiver<Job>, service: &Handle<Service>) {
    for job in jobs {
        match job {
            Job::LookUp(token, ticket) => drop(match &*token {
                "4711" => ticket.accept("Ann".to_owned()),
                _ => ticket.refuse(unauthorized()),
            }),
            Job::Call(to, user, request) => {
                let answer = call(&user, &request);
                let told = service.call_session(to, move |_, found| {
                    // A session that has left meanwhile needs no answer.
                    if let Ok((_, session)) = found {
                        session.send(answer);
                        session.resume();
                    }
                });
                if told.is_err() {
                    return; // the server has stopped
                }
            }
        }
    }
}

/// Carries one request out.
fn call(user: &str, request: &Value) -> String {
    let id = &request["id"];
    let result = match request["method"].as_str() {
        Some("whoami") => json!(user),
        Some("factors") => match request["params"][0].as_u64() {
            Some(number) => json!(factors(number)),
            None => return error(id, -32602, "Invalid params"),
        },
        _ => return error(id, -32601, "Method not found"),
    };
    json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()
}

fn factors(mut number: u64) -> Vec<u64> {
    let mut found = Vec::new();
    let mut factor = 2;
    while factor * factor <= number {
        if number.is_multiple_of(factor) {
            found.push(factor);
            number /= factor;
        } else {
            factor += 1;
        }
    }
    found.push(number);
    found
}

fn app() -> App {
    let (jobs, queue) = sync_channel(MOST_JOBS);
    let service = Route::new(Service { jobs });
    let handle = service.handle();
    thread::spawn(move || work(&queue, &handle));
    App::new().route("/rpc", service)
}

fn main() -> dunlin::Result<()> {
    Server::new(app()).listen("127.0.0.1:8080")?.run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::testing::{Conversation, Sim};

    /// Asks for a session with this token and lets the worker look it up.
    fn ask(sim: &Sim, target: &str) -> dunlin::Result<Conversation> {
        let client = sim.connect().upgrade(target, &[]);
        sim.drive_threads_until(|| client.is_answered());
        client.opened()
    }

    fn answer(sim: &Sim, client: &Conversation) -> Value {
        sim.drive_threads_until(|| client.waiting() > 0);
        serde_json::from_str(&client.receive_text()).expect("JSON")
    }

    #[test]
    fn a_token_is_looked_up_before_the_101() {
        let sim = Sim::new(app()).expect("the program is right");
        for target in ["/rpc", "/rpc?token=wrong"] {
            let error = ask(&sim, target).unwrap_err();
            assert_eq!(error.status(), Some(Status::UNAUTHORIZED), "{target}");
        }
        let client = ask(&sim, "/rpc?token=4711").expect("a user");
        client.send(r#"{"jsonrpc":"2.0","id":1,"method":"whoami"}"#);
        let wanted = json!({ "jsonrpc": "2.0", "id": 1, "result": "Ann" });
        assert_eq!(answer(&sim, &client), wanted);
    }

    #[test]
    fn requests_are_answered_in_their_order_from_the_thread() {
        let sim = Sim::new(app()).expect("the program is right");
        let client = ask(&sim, "/rpc?token=4711").expect("a user");
        for number in [5959, 97, 8] {
            let request = json!({
                "jsonrpc": "2.0", "id": number, "method": "factors", "params": [number]
            });
            client.send(request.to_string());
        }
        for (id, result) in [
            (5959, json!([59, 101])),
            (97, json!([97])),
            (8, json!([2, 2, 2])),
        ] {
            let answer = answer(&sim, &client);
            assert_eq!((&answer["id"], &answer["result"]), (&json!(id), &result));
        }
    }

    #[test]
    fn errors_have_the_codes_of_the_specification() {
        let sim = Sim::new(app()).expect("the program is right");
        let client = ask(&sim, "/rpc?token=4711").expect("a user");
        for (request, code) in [
            ("{", -32700),
            (r#"{"id":1,"method":"whoami"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"fly"}"#, -32601),
            (r#"{"jsonrpc":"2.0","id":1,"method":"factors"}"#, -32602),
        ] {
            client.send(request);
            assert_eq!(answer(&sim, &client)["error"]["code"], code, "{request}");
        }
    }
}
