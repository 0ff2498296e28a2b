//! A dashboard: values come by HTTP, and every open page shows them at once.
//!
//! `cargo run --example dashboard`, open <http://127.0.0.1:8080/>, then
//! `curl -d value=21.5 http://127.0.0.1:8080/values/room`. `curl -N …/events` follows them as Server-Sent Events.
//!
//! The handlers share their state by an `Rc`: all of them run in the one thread of the loop.

use dunlin::{
    App, Context, Handler, Message, Open, Origins, Request, Response, Server, Session, Settings,
    Status,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

const TOPIC: &str = "values";
const MOST_VALUES: usize = 1000;

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

type Values = BTreeMap<String, f64>;
type Shared = Rc<RefCell<Values>>;

/// The pages that are open, and the streams that follow: each gets all values, and then every new one.
struct Live(Shared);

impl Handler for Live {
    type Data = ();

    fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join(TOPIC);
        for (name, &value) in &*self.0.borrow() {
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
    if values.len() >= MOST_VALUES && !values.contains_key(name) {
        return Err(Response::refusal(Status::INSUFFICIENT_STORAGE));
    }
    values.insert(name.to_owned(), value);
    let json = serde_json::to_string(&Value { name, value }).map_err(|_| bad())?;
    // One message for all: a text to pages, an event to streams.
    context.publish(TOPIC, json);
    Ok(Response::no_content())
}

fn app() -> App {
    let values = Shared::default();
    let set = Rc::clone(&values);
    App::new()
        .http_origins(Origins::Same)
        .get("/", |_, _| Response::html(PAGE))
        .post("/values/{name}", move |request, context| {
            set_value(&set, request, context)
        })
        .ws("/live", Live(Rc::clone(&values)))
        .sse("/events", Settings::default(), Live(values))
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
    fn a_stream_of_events_begins_with_all_values_and_follows_until_its_reader_leaves() {
        let sim = Sim::new(app()).expect("the program is right");
        post(&sim, "/values/room", "value=20");
        let reader = sim.follow("/events");
        assert_eq!(reader.next_data(), r#"{"name":"room","value":20.0}"#);
        for value in ["1.5", "2.5"] {
            post(&sim, "/values/room", &format!("value={value}"));
            let told = format!(r#"{{"name":"room","value":{value}}}"#);
            assert_eq!(reader.next_data(), told);
        }
        reader.half_close();
        sim.drive();
        assert!(reader.is_over());
    }
}
