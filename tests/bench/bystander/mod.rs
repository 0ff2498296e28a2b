//! The run of `dunlin bench bystander` against servers of this test: dunlin itself, and small ones that misbehave.

mod server;

use dunlin::client::Url;
use dunlin::{App, Message, Server, ServerThread, Session};
use dunlin_bench::bystander::{self, Found, Plan, Progress, Refusal, Row, named, run};
use dunlin_bench::summary::{Ended, Environment};
use server::{Manner, TestServer};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// dunlin with an echo, and a route that gives the same answer to everything.
fn dunlin() -> ServerThread {
    Server::spawn(|| {
        let app = App::new()
            .content("/", "text/plain", b"hello")
            .on_message("/echo", |session, message| session.send(message))
            .on_message("/no-echo", |session, _| session.send("nothing new"));
        Server::new(app).listen("127.0.0.1:0")
    })
    .expect("a server")
}

fn plan(address: impl std::fmt::Display, path: &str, floods: &[&str]) -> Plan {
    let url = Url::parse(&format!("ws://{address}{path}")).expect("a URL");
    let mut plan = Plan::new(url);
    plan.floods = floods
        .iter()
        .map(|name| named(name).unwrap_or_else(|| panic!("no flood {name}")))
        .collect();
    plan.connections = Some(2);
    plan.alone = Duration::from_millis(300);
    plan.span = Duration::from_millis(200);
    plan
}

fn run_plan(plan: &Plan) -> Result<Found, Refusal> {
    let never = AtomicBool::new(false);
    run(plan, Environment::default(), &mut |_| {}, &never)
}

#[track_caller]
fn only_row(found: &Found) -> &Row {
    assert_eq!(found.rows.len(), 1, "{found:?}");
    &found.rows[0]
}

#[track_caller]
fn failure(plan: &Plan) -> String {
    match run_plan(plan) {
        Err(Refusal::Failure(text)) => text,
        other => panic!("it did not fail: {other:?}"),
    }
}

#[test]
fn a_flood_of_dunlin_is_a_row_with_figures() {
    let server = dunlin();
    let plan = plan(
        &server.addresses()[0],
        "/echo",
        &["empty", "ping", "http", "close"],
    );
    let mut told = Vec::new();
    let mut tell = |progress: Progress<'_>| match progress {
        Progress::Begins(rows) => told.push(rows.to_string()),
        Progress::Row(row) => told.push(bystander::line(row)),
    };
    let never = AtomicBool::new(false);
    let found = run(&plan, Environment::default(), &mut tell, &never).expect("it runs");
    assert_eq!(found.ended, Ended::Complete);
    assert_eq!(found.rows.len(), 4);
    let text = bystander::text(&found);
    for row in &found.rows {
        assert_eq!(
            (&row.trouble, &row.skipped),
            (&Vec::new(), &None),
            "{row:?}"
        );
        let beside = row.beside.as_ref().expect("figures");
        assert!(
            beside.round_trip.count > 0 && beside.stream.count > 0,
            "{row:?}"
        );
        assert!(beside.round_trip.p50 <= beside.round_trip.p99, "{row:?}");
        assert!(beside.round_trip.p99 <= beside.round_trip.max, "{row:?}");
        let flooders = row.flooders.as_ref().expect("flooders");
        assert!(
            flooders.sent > 0 && flooders.answers + flooders.reopened > 0,
            "{row:?}"
        );
        assert!(row.recovered_ns.is_some(), "{row:?}");
        assert!(text.contains(&format!("{}: ", row.flood)), "{text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 110),
        "{text}"
    );
    assert!(!text.contains("/echo-raw"), "{text}");
    assert_eq!(told.len(), 5, "{told:?}");
    assert!(
        told[1].starts_with("flood-empty, 2: round trip "),
        "{told:?}"
    );
    let json = serde_json::to_string(&found).expect("JSON");
    let again: Found = serde_json::from_str(&json).expect("the same");
    assert_eq!(again.rows.len(), found.rows.len());
    assert_eq!(again.worst(), found.worst());
}

#[test]
fn a_server_that_stalls_for_others_shows_it_in_the_round_trips() {
    let server = TestServer::start(Manner::Stalls(Duration::from_millis(50)));
    let found = run_plan(&plan(server.address, "/", &["empty"])).expect("it runs");
    let row = only_row(&found);
    let beside = row.beside.as_ref().expect("figures");
    assert!(beside.round_trip.p99 >= 50_000_000, "{row:?}");
    assert!(beside.stream.max >= 50_000_000, "{row:?}");
    if row.invalid.is_none() {
        let worst = found.worst().expect("a valid row");
        assert_eq!(worst.p99, beside.round_trip.p99);
    }
}

/// Two floods of a server that ends the bystanders' sessions with the first message of a flood, or does not; how
/// many sessions made round trips.
fn two_floods(lets_go: bool) -> (Found, usize) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let server = Server::spawn(move || {
        let (mut known, mut lets_go) = (HashSet::new(), lets_go);
        let echo = move |session: &mut Session<'_>, message: Message<'_>| {
            let Message::Text(text) = message else {
                return;
            };
            if text.starts_with("round trip ") {
                if known.insert(session.id()) {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            } else if !text.starts_with("the stream ") && std::mem::take(&mut lets_go) {
                for id in &known {
                    session.close_other(*id, 1000, "");
                }
            }
            let _ = session.send(message);
        };
        Server::new(App::new().on_message("/echo", echo)).listen("127.0.0.1:0")
    })
    .expect("a server");
    let plan = plan(server.addresses()[0].clone(), "/echo", &["empty", "empty"]);
    (
        run_plan(&plan).expect("it runs"),
        count.load(Ordering::Relaxed),
    )
}

#[test]
fn bystanders_stay_from_flood_to_flood() {
    let (found, count) = two_floods(false);
    assert!(
        found.rows.iter().all(|row| row.trouble.is_empty()),
        "{found:?}"
    );
    // And a newcomer behind each flood.
    assert_eq!(count, 1 + 2);
}

#[test]
fn bystanders_who_are_let_go_are_others_beside_the_next_flood() {
    let (found, count) = two_floods(true);
    let [first, second] = &found.rows[..] else {
        panic!("{found:?}");
    };
    assert!(
        first.trouble[0].contains("lost its connection"),
        "{first:?}"
    );
    assert!(second.trouble.is_empty(), "{second:?}");
    assert_eq!(count, 2 + 2);
}

#[test]
fn a_server_that_dies_under_a_flood_is_told_as_such() {
    let server = TestServer::start(Manner::Dies);
    let found = run_plan(&plan(server.address, "/", &["empty", "ping"])).expect("it runs");
    assert_eq!(found.ended, Ended::Lost);
    let row = only_row(&found);
    assert!(row.trouble[0].contains("THE SERVER ENDED"), "{row:?}");
    let address = server.address.to_string();
    assert!(row.trouble[0].contains(&address), "{row:?}");
    let text = bystander::text(&found);
    for part in [
        "THE SERVER ENDED",
        "does not answer any more",
        "trouble: flood-empty",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_path_that_is_no_echo_is_refused_with_the_cure() {
    let server = dunlin();
    let address = &server.addresses()[0];
    for (path, part) in [("/no-echo", "\"nothing new\""), ("/nowhere", "404")] {
        let text = failure(&plan(address, path, &["empty"]));
        for part in [part, path, "wanted: a path that echoes, such as /echo-raw"] {
            assert!(text.contains(part), "{path}: {text}");
        }
    }
}

#[test]
fn nobody_there_is_an_error_with_the_address() {
    let server = TestServer::start(Manner::Echoes);
    let address = server.address;
    drop(server);
    let text = failure(&plan(address, "/", &["empty"]));
    assert!(text.contains(&address.to_string()), "{text}");
    assert!(text.contains("is it running"), "{text}");
}

#[test]
fn what_a_server_does_not_have_is_skipped_with_the_reason() {
    let server = dunlin();
    let floods = ["deflated-empty", "too-big", "publish", "rooms-list"];
    let found = run_plan(&plan(&server.addresses()[0], "/echo", &floods));
    let found = found.expect("it runs");
    let reasons = [
        "does not agree to permessage-deflate at /echo",
        "no /you-said of dunlin",
        "no room at /flow",
        "GET /chat is answered with HTTP/1.1 404",
    ];
    let text = bystander::text(&found);
    assert_eq!(found.rows.len(), reasons.len());
    for (row, reason) in found.rows.iter().zip(reasons) {
        let skipped = row.skipped.as_deref().unwrap_or_default();
        assert!(skipped.contains(reason), "{row:?}");
        assert!(row.beside.is_none(), "{row:?}");
        assert!(text.contains(&row.flood), "{text}");
    }
    assert!(text.contains("no flood could be run"), "{text}");
    assert_eq!(found.worst(), None);
}

#[test]
fn a_server_that_upgrades_any_path_has_no_rooms_and_refuses_nothing() {
    let server = TestServer::start(Manner::Echoes);
    let floods = ["refused", "publish", "too-big"];
    let found = run_plan(&plan(server.address, "/", &floods)).expect("it runs");
    let reasons = ["upgrades any path", "others do not get", "another one here"];
    for (row, reason) in found.rows.iter().zip(reasons) {
        let skipped = row.skipped.as_deref().unwrap_or_default();
        assert!(skipped.contains(reason), "{row:?}");
    }
}

#[test]
fn greetings_and_pings_do_not_disturb_the_bystanders() {
    let server = TestServer::start(Manner::Chatters);
    let found = run_plan(&plan(server.address, "/", &["pong"])).expect("it runs");
    let row = only_row(&found);
    assert_eq!(row.trouble, Vec::<String>::new());
    let beside = row.beside.as_ref().expect("figures");
    assert!(beside.round_trip.count > 1, "{row:?}");
    assert_eq!(beside.unanswered, 0, "{row:?}");
    assert!(server.pongs() > 0, "pings were not answered");
}

#[test]
fn a_flood_ends_when_its_bytes_are_spent() {
    let server = dunlin();
    let mut plan = plan(&server.addresses()[0], "/echo", &["empty"]);
    plan.span = Duration::from_secs(600);
    plan.bytes = 64 << 10;
    let found = run_plan(&plan).expect("it runs");
    let row = only_row(&found);
    let flooders = row.flooders.as_ref().expect("flooders");
    assert!(flooders.spent, "{row:?}");
    assert!(flooders.sent + flooders.read < 1 << 20, "{row:?}");
    assert!(bystander::text(&found).contains("all bytes spent"));
}

#[test]
fn an_interrupted_run_tells_what_it_found() {
    let server = TestServer::start(Manner::Echoes);
    let mut plan = plan(server.address, "/", &["empty", "ping"]);
    plan.span = Duration::from_secs(600);
    plan.bytes = u64::MAX;
    let interrupted = Arc::new(AtomicBool::new(false));
    let setting = Arc::clone(&interrupted);
    server.after_flood_messages(1000, move || setting.store(true, Ordering::Relaxed));
    let found = run(&plan, Environment::default(), &mut |_| {}, &interrupted).expect("it runs");
    assert_eq!(found.ended, Ended::Interrupted);
    let row = only_row(&found);
    assert!(
        row.flooders.as_ref().is_some_and(|all| all.sent > 0),
        "{row:?}"
    );
    let text = bystander::text(&found);
    assert!(
        text.contains("interrupted: this is what was found"),
        "{text}"
    );
}

#[test]
fn a_public_address_is_refused_before_anything_is_sent() {
    let plan = plan("192.0.2.1:9", "/", &["empty"]);
    let Err(Refusal::Usage(text)) = run_plan(&plan) else {
        panic!("it was not refused");
    };
    for part in ["192.0.2.1", "--this-server-is-mine"] {
        assert!(text.contains(part), "{text}");
    }
}
