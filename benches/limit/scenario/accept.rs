//! Accept: server CPU to accept and upgrade a connection, 15 000 in a row, 64 on their way at a time.
//! The connections stay open, so that no closing is measured.

use std::io;
use std::thread;
use std::time::Duration;

use crate::client::{Crowd, Sample};
use crate::proc::Server;
use crate::report::{Row, median_of, nanoseconds};
use crate::scenario::Plan;
use dunlin_bench::frames::Payload;
use dunlin_bench::rights::raise_file_limit;
use dunlin_bench::upgrade::Upgrade;

const CONNECTIONS: usize = 15_000;
const HOLD: f64 = 1.12;
const NAME: &str = "accept and upgrade, 15 000 in a row";
/// Time for a server to finish its last turn and fall asleep, which makes its CPU time exact.
const REST: Duration = Duration::from_millis(50);

pub(super) fn run(plan: &Plan) -> io::Result<Vec<Row>> {
    raise_file_limit(CONNECTIONS as u64 + 100)?;
    let pairs = plan.alternate(
        NAME,
        || measure(&plan.itself("bare-upgrade")?),
        || measure(&plan.subject("bare-upgrade")?),
        |sample| nanoseconds(sample.cost()),
    )?;
    let costs: Vec<_> = pairs
        .iter()
        .map(|(bare, subject)| (bare.cost(), subject.cost()))
        .collect();
    let note = format!(
        "naps per connection {:.2} and {:.2}",
        median_of(&pairs, |pair| pair.0.cpu.turns_on_core as f64
            / CONNECTIONS as f64),
        median_of(&pairs, |pair| pair.1.cpu.turns_on_core as f64
            / CONNECTIONS as f64),
    );
    Ok(vec![Row::ratio(NAME, &costs, HOLD, &note)])
}

fn measure(server: &Server) -> io::Result<Sample> {
    let mut crowd = Crowd::new(Payload::constant(1, 1))?;
    thread::sleep(REST);
    let before = server.cpu()?;
    crowd.grow(server.address, CONNECTIONS, Some(Upgrade::to("/echo-raw")))?;
    thread::sleep(REST);
    Ok(Sample {
        messages: CONNECTIONS as u64,
        cpu: server.cpu()?.since(before),
    })
}
