//! The phases of a run, one after the other: ramp, warm-up, load, drain, close.

use super::crew::Crew;
use super::honesty;
use super::progress::Progress;
use super::sum::{MANY, Measured, summary};
use crate::load::clock;
use crate::load::figures::{Figures, Times};
use crate::load::report::{Cpu, Order, Report, Tick};
use crate::plan::{Plan, Scenario, Share};
use crate::process::{Own, Sampler};
use crate::summary::{Ended, Environment, Second, Summary};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Descriptors of a worker that are no connections.
const SPARE: usize = 40;
/// Reports are waited for so long before the clock is looked at.
const LOOK: Duration = Duration::from_millis(20);
const SECOND: u64 = 1_000_000_000;
/// How long a server, and the generator, are left alone with all connections open before memory is looked at.
const REST: u64 = 300_000_000;
/// How long sessions may take to close.
const CLOSE: u64 = 8 * SECOND;
/// Nobody has got through for so long when the load ends: the server is gone.
const DESERTED: u64 = SECOND / 2;
/// How long a worker may be silent until it is given up.
const SILENT: u64 = 30 * SECOND;

/// Why there is no summary.
#[derive(Debug)]
pub enum Failure {
    /// The plan cannot be done: in words, with the cure.
    Plan(String),
    /// The system refused something.
    System(io::Error),
}

/// Makes a run. `progress` is told about once a second, `stop` ends the load early.
///
/// # Errors
/// [`Failure`]: nothing was begun.
pub fn run(
    plan: &Plan,
    environment: Environment,
    pids: &[u32],
    progress: &mut dyn FnMut(&Progress),
    stop: &AtomicBool,
) -> Result<Summary, Failure> {
    let sampler = match pids {
        [] => None,
        pids => Some(Sampler::new(pids).map_err(Failure::System)?),
    };
    // What cannot be done is said before anything is started.
    has_descriptors(plan).map_err(Failure::Plan)?;
    crate::load::Load::new(Share::of(plan).swap_remove(0)).map_err(Failure::Plan)?;
    let crew = Crew::start(Share::of(plan)).map_err(Failure::System)?;
    let mut conduct = Conduct {
        ticks: vec![Tick::default(); crew.len()],
        before: vec![Tick::default(); crew.len()],
        spans: vec![Span::default(); crew.len()],
        done: Vec::new(),
        first_error: None,
        failed: None,
        silent_since: clock::now(),
        begun: clock::now(),
        second_at: clock::now() + SECOND,
        measured: Measured::default(),
        crew,
        plan,
        sampler,
        progress,
        stop,
        reached: Vec::new(),
        deserted_at: None,
        phase: "ramp",
    };
    conduct.reached = vec![Reached::default(); conduct.crew.len()];
    conduct.whole();
    if conduct.done.is_empty()
        && let Some(text) = conduct.failed.take()
    {
        return Err(Failure::System(io::Error::other(text)));
    }
    Ok(conduct.summary(environment))
}

/// Whether each worker may have a descriptor for each of its connections.
fn has_descriptors(plan: &Plan) -> Result<(), String> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    // Raised as far as it may be when the loop starts.
    let Some(most) = limit.maximum else {
        return Ok(());
    };
    let all = plan.all();
    let wanted = (all.div_ceil(plan.workers) + SPARE) as u64;
    if wanted <= most {
        return Ok(());
    }
    let workers = all.div_ceil((most as usize).saturating_sub(SPARE).max(1));
    Err(format!(
        "{all} connections of {} workers need {wanted} open files a process, and {most} are allowed\n\
         wanted: --workers {workers}, or a higher limit: ulimit -n {wanted} \
         (dunlin bench doctor names every limit in the way)",
        plan.workers
    ))
}

/// CPU time of a worker at both ends of the measured span.
#[derive(Clone, Copy, Default)]
struct Span {
    from: Cpu,
    to: Cpu,
}

/// How far a worker is.
#[derive(Clone, Copy, Default)]
struct Reached {
    settled: bool,
    stopped: bool,
    drained: bool,
    done: bool,
    /// It ended before its time, and reaches nothing more.
    failed: bool,
}

struct Conduct<'r> {
    plan: &'r Plan,
    crew: Crew,
    sampler: Option<Sampler>,
    progress: &'r mut dyn FnMut(&Progress),
    stop: &'r AtomicBool,
    /// The last tick of each worker, and what was known at the last second.
    ticks: Vec<Tick>,
    before: Vec<Tick>,
    spans: Vec<Span>,
    reached: Vec<Reached>,
    /// Since when nobody gets through, though connections are tried again.
    deserted_at: Option<u64>,
    done: Vec<Figures>,
    first_error: Option<String>,
    failed: Option<String>,
    phase: &'static str,
    begun: u64,
    second_at: u64,
    silent_since: u64,
    measured: Measured,
}

impl Conduct<'_> {
    fn whole(&mut self) {
        self.measured.ended = Ended::Complete;
        self.measured.generator.memory_before = Own::this_thread().memory().unwrap_or(0);
        self.look_at_server(0, |measured, sample| {
            measured.server.memory_before = sample.memory;
        });
        self.crew.order(Order::Ramp);
        self.wait(u64::MAX, |conduct| conduct.all(|worker| worker.settled));
        self.measured.ramp_ns = clock::now() - self.begun;
        self.measured.open = self.open();
        if self.sampler.is_some() || self.measured.open >= MANY {
            self.wait(clock::now() + REST, |_| false);
        }
        self.measured.generator.memory_open = Own::this_thread().memory().unwrap_or(0);
        let open = self.measured.open;
        self.look_at_server(open, |measured, sample| {
            measured.server.memory_open = sample.memory;
            measured.server.descriptors = sample.descriptors.unwrap_or(0);
        });
        let is_empty = open == 0 && self.plan.scenario != Scenario::Churn;
        if !is_empty && !self.is_over() {
            self.load();
        }
        self.close(is_empty);
    }

    /// Warm-up, the measured span, and what is still awaited behind it.
    fn load(&mut self) {
        self.phase = "warmup";
        self.crew.order(Order::Load);
        let warm = clock::now() + self.plan.warmup.as_nanos() as u64;
        self.wait(warm, Self::is_deserted);
        if !self.is_over() && !self.is_deserted() {
            self.measure();
        }
        self.crew.order(Order::Stop);
        if self.measured.from > 0 {
            self.measured.to = clock::now();
            self.look_at_server(self.measured.open, |measured, sample| {
                measured.server_to = (sample.cpu_ns, sample.waited_ns.unwrap_or(0));
            });
        }
        self.wait_through(clock::now() + CLOSE, |conduct| {
            conduct.all(|worker| worker.stopped)
        });
        // What was sent since the last whole second.
        self.second();
        self.phase = "drain";
        self.measured.open_at_end = self.open();
        let since = |at| clock::now() - at > DESERTED;
        if self.is_deserted() || self.deserted_at.is_some_and(since) {
            self.measured.ended = Ended::Lost;
        }
        let longest = clock::now() + self.plan.timeout.as_nanos() as u64;
        self.wait_through(longest, |conduct| conduct.all(|worker| worker.drained));
    }

    /// The measured span.
    fn measure(&mut self) {
        self.phase = "load";
        let from = clock::now();
        self.measured.from = from;
        self.crew.order(Order::Measure);
        self.look_at_server(self.measured.open, |measured, sample| {
            measured.server_from = (sample.cpu_ns, sample.waited_ns.unwrap_or(0));
        });
        self.wait(
            from + self.plan.duration.as_nanos() as u64,
            Self::is_deserted,
        );
    }

    fn close(&mut self, is_empty: bool) {
        if is_empty {
            self.measured.ended = Ended::Nothing;
        }
        if self.stop.load(Ordering::Relaxed) {
            self.measured.ended = Ended::Interrupted;
        }
        self.phase = "close";
        if self.measured.open_at_end == 0 {
            self.measured.open_at_end = self.open();
        }
        self.crew.order(Order::Close);
        self.wait_through(clock::now() + CLOSE, |conduct| {
            conduct.all(|worker| worker.done)
        });
    }

    /// Whether all workers that are still there are so far.
    fn all(&self, is_there: impl Fn(&Reached) -> bool) -> bool {
        let mut workers = self.reached.iter();
        workers.all(|worker| worker.failed || is_there(worker))
    }

    /// Whether the run is not to go on.
    fn is_over(&self) -> bool {
        self.failed.is_some() || self.stop.load(Ordering::Relaxed)
    }

    /// Whether the server is gone: everything was open and nothing is.
    fn is_deserted(&self) -> bool {
        self.open() == 0 && !matches!(self.plan.scenario, Scenario::Churn | Scenario::Storm)
    }

    fn open(&self) -> u64 {
        self.ticks.iter().map(|tick| tick.open).sum()
    }

    /// Takes reports until a moment, until `is_enough`, or until the run is to end.
    fn wait(&mut self, until: u64, is_enough: impl Fn(&Self) -> bool) {
        while !self.is_over() && clock::now() < until && !is_enough(self) {
            self.listen(until);
        }
    }

    /// The same, also when the run is to end.
    fn wait_through(&mut self, until: u64, is_enough: impl Fn(&Self) -> bool) {
        while clock::now() < until && !is_enough(self) {
            self.listen(until);
        }
    }

    fn listen(&mut self, until: u64) {
        let now = clock::now();
        let wait = until.min(self.second_at).saturating_sub(now);
        if let Some((worker, report)) = self.crew.report(Duration::from_nanos(wait).min(LOOK)) {
            self.silent_since = now;
            self.take(worker, report);
        } else if now - self.silent_since > SILENT {
            self.silent_since = now;
            for worker in 0..self.reached.len() {
                self.fail(worker, "a worker does not answer".to_owned());
            }
        }
        if clock::now() >= self.second_at {
            self.second();
            if let Some(second) = self.measured.seconds.last() {
                self.tell(second.clone());
            }
        }
    }

    fn take(&mut self, worker: usize, report: Report) {
        match report {
            Report::Tick(tick) => self.tick(worker, tick),
            Report::Settled(tick) => {
                self.reached[worker].settled = true;
                self.tick(worker, tick);
            }
            Report::Measuring(cpu) => self.spans[worker].from = cpu,
            Report::Stopped(cpu, tick) => {
                self.spans[worker].to = cpu;
                self.reached[worker].stopped = true;
                self.tick(worker, tick);
            }
            Report::Drained => self.reached[worker].drained = true,
            Report::Done(figures, error) => {
                self.reached[worker].done = true;
                self.done.push(*figures);
                self.first_error = self.first_error.take().or(error);
            }
            Report::Failed(text) => self.fail(worker, text),
        }
    }

    /// A worker ended before its time: the run ends with what the others have.
    fn fail(&mut self, worker: usize, text: String) {
        if !self.reached[worker].done {
            self.reached[worker].failed = true;
            self.ticks[worker].open = 0;
            self.failed.get_or_insert(text);
        }
    }

    fn tick(&mut self, worker: usize, tick: Tick) {
        let mut recent = std::mem::take(&mut self.ticks[worker].recent);
        recent.add(&tick.recent);
        let before = &self.ticks[worker];
        let (opened, failed) = (tick.opened > before.opened, tick.errors > before.errors);
        self.ticks[worker] = Tick { recent, ..tick };
        if opened || self.open() > 0 {
            self.deserted_at = None;
        } else if failed {
            self.deserted_at.get_or_insert(clock::now());
        }
    }

    /// Notes what happened in a second, or in the rest of one.
    fn second(&mut self) {
        let now = clock::now();
        let length = (now + SECOND - self.second_at) as f64;
        self.second_at = now + SECOND;
        let mut recent = Times::default();
        let (mut sent, mut answered, mut errors, mut busy) = (0, 0, 0, 0.0_f64);
        for (tick, before) in self.ticks.iter_mut().zip(&mut self.before) {
            recent.add(&std::mem::take(&mut tick.recent));
            sent += tick.sent - before.sent;
            answered += tick.answered - before.answered;
            errors += tick.errors - before.errors;
            busy = busy.max(tick.cpu.since(before.cpu).used as f64 / length);
            *before = tick.clone();
        }
        let mut second = Second {
            at_ns: now - self.begun,
            phase: self.phase.to_owned(),
            open: self.open(),
            sent,
            answered,
            errors,
            p50: recent.quantile(0.5),
            p99: recent.quantile(0.99),
            max: recent.quantile(1.0),
            generator_busy: busy.min(1.0),
            server_busy: None,
            server_memory: None,
        };
        let last = self.measured.server_last;
        self.look_at_server(second.open, |measured, sample| {
            measured.server_last = Some((now, sample.cpu_ns));
            second.server_memory = Some(sample.memory);
            // The system counts a process's time in steps of up to 10 ms.
            let last = last.filter(|(at, _)| now - at > SECOND / 10);
            let used = last.map(|(at, cpu)| (sample.cpu_ns - cpu) as f64 / (now - at) as f64);
            second.server_busy = used;
        });
        self.measured.seconds.push(second);
    }

    /// Tells how it goes.
    fn tell(&mut self, second: Second) {
        let part = match self.measured.from {
            0 => 0.0,
            from => (clock::now() - from) as f64 / self.plan.duration.as_nanos() as f64,
        };
        (self.progress)(&Progress {
            second,
            connections: self.plan.all() as u64,
            part: part.min(1.0),
        });
    }

    fn look_at_server(
        &mut self,
        open: u64,
        note: impl FnOnce(&mut Measured, &crate::process::Sample),
    ) {
        if let Some(sampler) = &mut self.sampler {
            let sample = sampler.sample(open);
            let server = &mut self.measured.server;
            server.memory_peak = server.memory_peak.max(sample.memory);
            note(&mut self.measured, &sample);
        }
    }

    fn summary(mut self, environment: Environment) -> Summary {
        // Without a measured span there is nothing to divide by.
        let spans = self.spans.iter().filter(|_| self.measured.from > 0);
        let cpus: Vec<Cpu> = spans.map(|span| span.to.since(span.from)).collect();
        if let Some(sampler) = &self.sampler {
            let server = &mut self.measured.server;
            server.pids = sampler.pids().collect();
            server.name = sampler.name().to_owned();
            server.memory_per_connection = sampler.memory_per_connection();
            self.measured.notes.extend(sampler.notes().iter().cloned());
            self.measured.has_server = true;
        }
        if let Some(text) = self.first_error.take() {
            self.measured.notes.push(format!("the first error: {text}"));
        }
        let mut figures = Figures::default();
        for done in &self.done {
            figures.add(done);
        }
        if figures.counts.opened == 0 && self.measured.ended != Ended::Interrupted {
            self.measured.ended = Ended::Nothing;
        }
        let failed = self.failed.take();
        let mut summary = summary(self.plan, environment, self.measured, &figures, &cpus);
        honesty::judge(self.plan, &figures, &mut summary);
        if let Some(text) = failed {
            let text = format!("{text}: its part of the run is missing");
            summary.invalid.insert(0, text);
        }
        summary
    }
}
