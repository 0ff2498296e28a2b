//! `cargo bench --bench million`: a million connections of the real hub and turn, without sockets.
//!
//! ```text
//! cargo bench --bench million -- [--connections N] [--record]
//! ```
//!
//! The peers are virtual and cost nine bytes each, so what grows is the server. There is no kernel in it: no
//! socket, no descriptor, no system call. `benches/many` opens as many real sockets as a machine permits.
//!
//! Every turn is watched: one that spends more than its budget and one step ends the run.

mod crowd;
#[path = "../record/mod.rs"]
mod record;
mod world;

use dunlin_bench::process::{Own, Slope};
use std::process::ExitCode;
use std::time::Duration;
use world::{MOST, PING_PERIOD, Phase, World};

const USAGE: &str = "usage: cargo bench --bench million -- [--connections N] [--record]
  --connections N   100 to 4000000 instead of 1000000
  --record          write the run to benches/runs/";
const CONNECTIONS: usize = 1_000_000;
const IDLE_TURNS: u64 = 100_000;
/// Steps of the ramp after which memory is looked at.
const LOOKS: usize = 50;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` runs this too, without `--bench`: no time for measurements then.
    if words.is_empty() {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let (mut connections, mut keep) = (CONNECTIONS, false);
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "--bench" => {}
            "--record" => keep = true,
            "--connections" => {
                let number = words.next().unwrap_or_default();
                match number.parse() {
                    Ok(number @ 100..=4_000_000) => connections = number,
                    _ => return usage(&format!("--connections {number:?} is out of bounds")),
                }
            }
            _ => return usage(&format!("{word:?} is unknown")),
        }
    }
    let machine = record::machine();
    let text = format!(
        "# Million, {}\n\n{machine}\n{}",
        record::today(),
        run(connections)
    );
    println!("{text}");
    match keep.then(|| record::record("million", &text)) {
        Some(Ok(path)) => println!("recorded in {}", path.display()),
        Some(Err(error)) => {
            eprintln!("million: the run cannot be recorded: {error}");
            return ExitCode::FAILURE;
        }
        None => {}
    }
    ExitCode::SUCCESS
}

fn usage(problem: &str) -> ExitCode {
    eprintln!("{problem}\n{USAGE}");
    ExitCode::from(2)
}

/// All phases, as a page.
fn run(connections: usize) -> String {
    let own = Own::this_thread();
    let clock = move || own.cpu_ns().expect("a clock of this thread");
    let memory = move || own.memory().expect("the memory of this process");
    let mut world = World::new(connections, clock);
    let mut rows = Vec::new();
    let mut add = |name: &str, done: u64, phase: Phase| {
        eprintln!("{name}: {phase:?}");
        rows.push(row(name, done, phase));
    };
    let many = connections as u64;

    let (before, mut slope, mut opening) = (memory(), Slope::default(), Phase::default());
    slope.add(0, before);
    let mut open = 0;
    for look in 1..=LOOKS {
        let next = connections * look / LOOKS;
        world.crowd().connect(next - open);
        opening = opening.and(world.rest());
        open = next;
        slope.add(open as u64, memory());
    }
    let opened = memory();
    assert_eq!(world.crowd().seen.opened, many, "all are open");
    add("open: accept and upgrade", many, opening);

    let idle = world.turns(IDLE_TURNS.min(10_000));
    add(
        "10 s, a turn each ms, with the pings that fall into them",
        idle.turns,
        idle,
    );

    // Each had its last word when it was opened, so that the pings come in the order and at the pace of that.
    let past = world.crowd().seen.pings;
    let ramp = Duration::from_millis(opening.turns);
    let pings = world.pass(PING_PERIOD + ramp);
    let pinged = world.crowd().seen.pings - past;
    add("pings as they come, each answered", pinged, pings);
    let round = pings.cpu as f64 / pinged.max(1) as f64 * many as f64;
    let idle_share = 100.0 * round / PING_PERIOD.as_nanos() as f64;

    let past = world.crowd().seen.pings;
    world.sleep(PING_PERIOD + Duration::from_secs(5));
    let herd = world.rest();
    let pinged = world.crowd().seen.pings - past;
    assert_eq!(pinged, many, "all were asked");
    add("all pings due at once, each answered", pinged, herd);

    let before_join = memory();
    world.crowd().join_all();
    let join = world.rest();
    add("all send a message at once: they join", many, join);
    let joined = memory();

    world.crowd().publish(0);
    let news = world.rest();
    assert_eq!(world.crowd().seen.news, many, "all got it");
    add("one message to all", many, news);
    let delivered = memory();

    world.crowd().cut_all();
    let leave = world.rest();
    assert_eq!(world.crowd().seen.closed, many, "all are gone");
    add("all leave at once", many, leave);
    let left = memory();

    let per_connection = |bytes: u64| bytes as f64 / connections as f64;
    let fitted = slope.per_connection().unwrap_or(f64::NAN);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let facts = [
        format!(
            "- {connections} connections, in one thread; {MOST} units are the most that a turn may spend"
        ),
        format!(
            "- resident before the first connection {:.1} MiB, of these {:.1} MiB for the peers (9 B each); \
             with all open {:.1} MiB",
            mib(before),
            mib(9 * many),
            mib(opened)
        ),
        format!(
            "- memory of a connection: {:.1} B (growth / connections), {fitted:.1} B (least squares over {LOOKS} steps)",
            per_connection(opened.saturating_sub(before))
        ),
        format!(
            "- as a member of one room: {:.1} B more; while and after a message to all {:.1} B more",
            per_connection(joined.saturating_sub(before_join)),
            per_connection(delivered.saturating_sub(joined))
        ),
        format!("- resident after all have left: {:.1} MiB", mib(left)),
        format!("- idle with a ping each 25 s, hub and turn alone: {idle_share:.2} % of a core"),
    ];
    let head = [
        "phase",
        "turns",
        "CPU",
        "CPU each",
        "most work of a turn",
        "longest turn",
    ];
    format!("{}\n\n{}", facts.join("\n"), record::table(head, &rows))
}

fn row(name: &str, done: u64, phase: Phase) -> [String; 6] {
    let each = phase.cpu as f64 / done.max(1) as f64;
    [
        name.to_owned(),
        phase.turns.to_string(),
        format!("{:.1} ms", phase.cpu as f64 / 1e6),
        record::nanoseconds(each),
        format!(
            "{} ({:.0} %)",
            phase.most_work,
            100.0 * phase.most_work as f64 / MOST as f64
        ),
        record::nanoseconds(phase.longest as f64),
    ]
}
