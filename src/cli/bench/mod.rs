//! `dunlin bench`: the load tester's command line.

mod arguments;
mod bystander;
mod doctor;
mod find;
mod live;
mod load;

use super::exit::CommandFailure;
use dunlin_bench::plan::Scenario;

const EXAMPLES: &str = "\
Examples:
  dunlin bench echo ws://127.0.0.1:8080/echo-raw
  dunlin bench echo URL --connections 1000 --rate 20000 --duration 30s --html report.html
  dunlin bench broadcast URL --connections 1000 --senders 2 --size 512 --pid $(pgrep -n server)
  dunlin bench idle URL --connections 100000 --workers 6

Traffic goes to the server of the URL and nowhere else. Test servers that are yours.";

/// What is measured.
#[derive(clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub(super) enum Command {
    /// Hold connections that say nothing
    Idle(Box<arguments::Arguments>),
    /// Each connection sends and waits for its own message: any server that echoes
    Echo(Box<arguments::Arguments>),
    /// Senders send, and every connection receives: any server that broadcasts
    Broadcast(Box<arguments::Arguments>),
    /// Connections come, talk and leave: any server that echoes
    Churn(Box<arguments::Arguments>),
    /// Everybody leaves and comes back at once, again and again
    Storm(Box<arguments::Arguments>),
    /// As broadcast, with readers beside the others that read nothing
    Slow(Box<arguments::Arguments>),
    /// What a quiet client sees while others flood the server with their worst
    Bystander(bystander::Arguments),
    /// The most connections, or messages a second, with which conditions hold
    Find(Box<find::Arguments>),
    /// Name what on this machine is in the way of a number of connections, and how to lift it
    Doctor(doctor::Arguments),
    /// A part of another run, in a process of its own
    #[command(name = dunlin_bench::run::WORKER, hide = true)]
    Worker,
}

impl Command {
    pub(super) fn run(self) -> Result<(), CommandFailure> {
        let (scenario, arguments) = match self {
            Self::Idle(arguments) => (Scenario::Idle, arguments),
            Self::Echo(arguments) => (Scenario::Echo, arguments),
            Self::Broadcast(arguments) => (Scenario::Broadcast, arguments),
            Self::Churn(arguments) => (Scenario::Churn, arguments),
            Self::Storm(arguments) => (Scenario::Storm, arguments),
            Self::Slow(arguments) => (Scenario::Slow, arguments),
            Self::Bystander(arguments) => return arguments.run(),
            Self::Doctor(arguments) => return arguments.run(),
            Self::Find(arguments) => return arguments.run(),
            Self::Worker => {
                return dunlin_bench::run::worker_process()
                    .map_err(|error| CommandFailure::Text(format!("a worker: {error}"), 1));
            }
        };
        load::run(&arguments.check(scenario)?)
    }
}
