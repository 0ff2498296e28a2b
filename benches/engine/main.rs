//! The scripts of rooms on a real engine, beside their model: `--side-by-side ADDRESS`.

mod line;

use dunlin::rooms::side_by_side::Trial;
use line::Connections;
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "usage: cargo bench --bench engine --features cluster -- --side-by-side HOST:PORT [--calls N] [--seed S]

Asks a real engine and the model the same, N times (default 20000), and stops where they differ. To start one:
  redis-server --port 7399 --save '' --appendonly no
It is to be one for tests: scripts are forgotten now and then (SCRIPT FLUSH). Keys have a prefix of their own.";

struct Arguments {
    address: String,
    calls: usize,
    seed: u64,
}

impl Arguments {
    fn parse(words: &[String]) -> Result<Self, String> {
        let (mut address, mut calls, mut seed) = (None, 20_000, 1);
        let mut words = words.iter().filter(|word| *word != "--bench");
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            let number = |text: &String| {
                let wrong = |_| format!("{word} needs a number, not {text:?}");
                text.parse::<u64>().map_err(wrong)
            };
            match &**word {
                "--side-by-side" => address = Some(value()?.clone()),
                "--calls" => calls = number(value()?)? as usize,
                "--seed" => seed = number(value()?)?,
                other => return Err(format!("there is no argument {other:?}")),
            }
        }
        let address = address.ok_or("no engine was named: --side-by-side HOST:PORT is missing")?;
        Ok(Self {
            address,
            calls,
            seed,
        })
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` runs this too, and there is no engine.
    if words.is_empty() {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let arguments = match Arguments::parse(&words) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("engine: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match side_by_side(&arguments) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("engine: seed {}: {problem}", arguments.seed);
            ExitCode::FAILURE
        }
    }
}

fn side_by_side(arguments: &Arguments) -> Result<String, String> {
    // Nobody else's, and none of a run before: what that left behind would be found.
    let prefix = format!("dunlin-trial-{:016x}", rand::random::<u64>());
    let mut trial = Trial::new(&prefix, arguments.seed)?;
    let mut line = Connections::open(&arguments.address)
        .map_err(|error| format!("{}: {error}\n{USAGE}", arguments.address))?;
    let start = Instant::now();
    let outcome = (0..arguments.calls).try_for_each(|_| trial.step(&mut line));
    let seconds = start.elapsed().as_secs_f64();
    trial.clean(&mut line);
    outcome?;
    let (calls, seed, version) = (arguments.calls, arguments.seed, line.version());
    Ok(format!(
        "{version}: {calls} calls of seed {seed} agree with the model, {seconds:.1} s\n{}",
        trial.report()
    ))
}
