//! A dashboard: values come by HTTP, and every open page shows them at once.
//!
//! `cargo run --example dashboard`, open <http://127.0.0.1:8080/>, then
//! `curl -d value=21.5 http://127.0.0.1:8080/values/room`. `curl -N …/events` follows them as Server-Sent Events.
//!
//! The handlers share their state by an `Rc`: all of them run in the one thread of the loop.

use dunlin::{
    Answer, App, Context, Handler, Message, Open, Origins, Piece, Request, Response, Server,
    Session, SessionId, Status,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

const TOPIC: &str = "values";
const MOST_VALUES: usize = 1000;
const MOST_WAITING: usize = 100;

const PAGE: &str = r#"<!doctype html><html lang="en"><meta charset="utf-8"><title>Dashboard</title>
<meta name="color-scheme" content="light dark"><h1>Dashboard</h1><dl></dl><script>
new WebSocket(location.href.replace("http", "ws") + "live").onmessage = ({ data }) => {
  const { name, value } = JSON.parse(data), id = "value of " + name;
  let shown = document.getElementById(id);
  if (!shown) {
    const term = document.createElement("dt");
    term.textContent = name;
    shown = document.createElement("dd");
    shown.id = id;
    document.querySelector("dl").append(term, shown);
  }
  shown.textContent = value;
};
</script></html>"#;

#[derive(serde::Serialize)]
struct Value<'v> {
    name: &'v str,
    value: f64,
}

/// A stream of events, and what it has not said yet.
struct Follower {
    id: SessionId,
    waiting: VecDeque<String>,
}

#[derive(Default)]
struct Values {
    newest: BTreeMap<String, f64>,
    followers: Vec<Rc<RefCell<Follower>>>,
}

type Shared = Rc<RefCell<Values>>;

/// The pages that are open: each gets all values, and then every new one.
struct Live(Shared);

impl Handler for Live {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join(TOPIC);
        for (name, &value) in &self.0.borrow().newest {
            let sent = session.send_value(&Value { name, value });
            debug_assert!(sent.is_ok(), "numbers and names have a form in JSON");
        }
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), _: &mut Session<'_>, _: Message<'_>) {}
}

fn set_value(
    values: &Shared,
    request: &Request<'_>,
    context: &mut Context<'_>,
) -> Result<Response, Response> {
    let bad = || Response::refusal(Status::BAD_REQUEST);
    let name = request.param("name").ok_or_else(bad)?;
    let body = std::str::from_utf8(request.body()).map_err(|_| bad())?;
    let value = body.strip_prefix("value=").ok_or_else(bad)?;
    let value: f64 = value.trim().parse().map_err(|_| bad())?;
    let mut values = values.borrow_mut();
    if values.newest.len() >= MOST_VALUES && !values.newest.contains_key(name) {
        return Err(Response::refusal(Status::INSUFFICIENT_STORAGE));
    }
    values.newest.insert(name.to_owned(), value);
    let json = serde_json::to_string(&Value { name, value }).map_err(|_| bad())?;
    context.publish(TOPIC, &json);
    // A stream that is gone has dropped its half.
    values
        .followers
        .retain(|follower| Rc::strong_count(follower) > 1);
    for follower in &values.followers {
        let mut follower = follower.borrow_mut();
        follower.waiting.truncate(MOST_WAITING - 1);
        follower.waiting.push_back(format!("data: {json}\n\n"));
        context.resume(follower.id);
    }
    Ok(Response::no_content())
}

fn follow(values: &Shared, context: &Context<'_>) -> Answer {
    let Some(id) = context.caller() else {
        return Response::refusal(Status::INTERNAL_SERVER_ERROR).into();
    };
    let waiting = VecDeque::from([": follows\n\n".to_owned()]);
    let follower = Rc::new(RefCell::new(Follower { id, waiting }));
    values.borrow_mut().followers.push(Rc::clone(&follower));
    let head = Response::ok("text/event-stream", b"").field("Cache-Control", "no-store");
    Answer::stream(head, move |_| {
        match follower.borrow_mut().waiting.pop_front() {
            Some(event) => Piece::Bytes(event.into_bytes()),
            None => Piece::Wait,
        }
    })
}

fn app() -> App {
    let values = Shared::default();
    let (set, followed) = (Rc::clone(&values), Rc::clone(&values));
    App::new()
        .http_origins(Origins::Same)
        .get("/", |_, _| Response::html(PAGE))
        .post("/values/{name}", move |request, context| {
            set_value(&set, request, context)
        })
        .get("/events", move |_, context| follow(&followed, context))
        .ws("/live", Live(values))
}

fn main() -> dunlin::Result<()> {
    Server::new(app()).listen("127.0.0.1:8080")?.run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::Method;
    use dunlin::testing::{HttpAnswer, Sim};

    fn post(sim: &Sim, path: &str, body: &str) -> HttpAnswer {
        sim.request(Method::Post, path).body(body).send()
    }

    #[test]
    fn a_value_that_is_posted_shows_on_every_page_and_on_those_that_come_later() {
        let sim = Sim::new(app()).expect("the program is right");
        let page = sim.open("/live");
        assert_eq!(
            post(&sim, "/values/room", "value=21.5").status(),
            Status::NO_CONTENT
        );
        let told = r#"{"name":"room","value":21.5}"#;
        assert_eq!(page.receive_text(), told);
        assert_eq!(sim.open("/live").receive_text(), told);
        assert!(sim.get("/").text().contains("<h1>Dashboard</h1>"));
    }

    #[test]
    fn what_is_no_value_is_refused_and_told_to_nobody() {
        let sim = Sim::new(app()).expect("the program is right");
        let page = sim.open("/live");
        for body in ["", "21.5", "value=warm"] {
            let status = post(&sim, "/values/room", body).status();
            assert_eq!(status, Status::BAD_REQUEST, "{body:?}");
        }
        let foreign = sim.request(Method::Post, "/values/room");
        let foreign = foreign.header("Origin", "http://elsewhere.example");
        assert_eq!(foreign.body("value=1").send().status(), Status::FORBIDDEN);
        assert_eq!(page.receive(), None);
    }

    #[test]
    fn a_stream_of_events_follows_and_ends_with_its_reader() {
        let sim = Sim::new(app()).expect("the program is right");
        let reader = sim.connect();
        reader.send_raw(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
        let begun = reader.receive_http();
        assert!(
            begun.contains("Content-Type: text/event-stream\r\n"),
            "{begun}"
        );
        for value in ["1", "2"] {
            post(&sim, "/values/room", &format!("value={value}"));
            let event = reader.receive_http();
            assert!(
                event.contains(&format!("\"value\":{value}.0}}\n\n")),
                "{event}"
            );
        }
        reader.half_close();
        sim.drive();
        assert!(reader.is_over());
    }
}
