//! Whole runs of the load tester against servers of this test, whose own counts are compared.

mod dialects;
mod honest;
mod trouble;
mod unanswered;

use dunlin::{App, Server, ServerThread, client};
use dunlin_bench::dialect::settle_size;
use dunlin_bench::plan::{DialectChoice, Pace, Plan, Scenario};
use dunlin_bench::run::{Failure, run};
use dunlin_bench::summary::{Environment, Summary};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// A server of this program on a free port.
fn serve(app: impl FnOnce() -> App + Send + 'static) -> ServerThread {
    Server::spawn(move || Server::bind(app(), "127.0.0.1:0")).expect("it starts")
}

/// A short run to this path of a server.
fn plan(server: &ServerThread, path: &str, scenario: Scenario) -> Plan {
    plan_to(&format!("ws://{}{path}", server.addresses()[0]), scenario)
}

/// The same to any URL.
fn plan_to(url: &str, scenario: Scenario) -> Plan {
    let call = client::call(url).expect("a URL");
    let address = call.address();
    let target = url.splitn(4, '/').nth(3).unwrap_or_default();
    let senders = usize::from(scenario.is_fan_out());
    let mut plan = Plan {
        url: url.to_owned(),
        address,
        host: address.to_string(),
        target: format!("/{target}"),
        believed: Default::default(),
        fields: Vec::new(),
        protocols: Vec::new(),
        scenario,
        connections: 5,
        senders,
        slow: 0,
        pace: Pace::Window(1),
        window: 1,
        visit: 1,
        size: 64,
        text: true,
        deflate: false,
        dialect: DialectChoice::Plain,
        ramp: Duration::ZERO,
        opening: 64,
        warmup: Duration::ZERO,
        duration: Duration::from_millis(200),
        timeout: Duration::from_secs(10),
        workers: 1,
    };
    settle_size(&mut plan, None).expect("it fits");
    plan
}

fn outcome(plan: &Plan) -> Result<Summary, Failure> {
    let never = AtomicBool::new(false);
    run(plan, Environment::default(), &[], &mut |_| {}, &never)
}

#[track_caller]
fn summary(plan: &Plan) -> Summary {
    outcome(plan).expect("it runs")
}
