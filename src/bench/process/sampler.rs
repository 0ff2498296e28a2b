//! Server processes over the time of a run.

use super::one::{Cpu, Process};
use super::slope::Slope;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Looks at one server, which may be several processes.
#[derive(Debug)]
pub struct Sampler {
    processes: Vec<Followed>,
    slope: Slope,
    notes: Vec<String>,
}

/// What one look saw: sums over the processes. A process that ended keeps its CPU time and has no memory.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sample {
    /// CPU time since each process began, in nanoseconds. From look to look it never gets less.
    pub cpu_ns: u64,
    /// Time that its threads could have run and others had the core, in nanoseconds; absent where the
    /// kernel does not count it.
    pub waited_ns: Option<u64>,
    /// Resident memory, in bytes.
    pub memory: u64,
    /// The most that was ever resident, in bytes.
    pub memory_peak: u64,
    /// Resident memory that belongs to no file, in bytes.
    pub anonymous: u64,
    /// Threads.
    pub threads: u64,
    /// Open descriptors; absent where they may not be seen.
    pub descriptors: Option<u64>,
    /// The processes that ended meanwhile.
    pub ended: Vec<u32>,
}

impl Sampler {
    /// Looks at these processes from now on; one that is named twice counts once.
    ///
    /// # Errors
    /// One of them is no process that lives, or this is not Linux; the message names it.
    pub fn new(pids: &[u32]) -> io::Result<Self> {
        Self::under(Path::new("/proc"), pids)
    }

    fn under(proc: &Path, pids: &[u32]) -> io::Result<Self> {
        let mut processes: Vec<Followed> = Vec::new();
        for &pid in pids {
            if processes.iter().all(|known| known.process.pid() != pid) {
                processes.push(Followed::new(Process::under(proc, pid)?));
            }
        }
        let mut notes = Vec::new();
        for Followed { process, .. } in &processes {
            if let Err(error) = process.descriptors() {
                notes.push(error.to_string());
            }
            let mut children = process.children();
            children.retain(|child| !pids.contains(child));
            if !children.is_empty() {
                let list: Vec<String> = children.iter().map(u32::to_string).collect();
                notes.push(format!(
                    "process {process} has processes of its own that are not counted: {}; \
                     give each with --pid if they serve, too",
                    list.join(", ")
                ));
            }
        }
        Ok(Self {
            processes,
            slope: Slope::default(),
            notes,
        })
    }

    /// The processes, in the order in which they were given.
    pub fn pids(&self) -> impl Iterator<Item = u32> {
        self.processes.iter().map(|followed| followed.process.pid())
    }

    /// Name of the first one's program; empty without any.
    #[must_use]
    pub fn name(&self) -> &str {
        let first = self.processes.first();
        first.map_or("", |followed| followed.process.name())
    }

    /// What a reader should know: descriptors that may not be counted, child processes that nobody named.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Looks at all of them, with so many connections open. Costs some ten microseconds for each process
    /// and for each of its threads.
    pub fn sample(&mut self, open_connections: u64) -> Sample {
        let mut sample = Sample {
            waited_ns: Some(0),
            descriptors: Some(0),
            ..Sample::default()
        };
        for followed in &mut self.processes {
            followed.look(&mut sample);
        }
        if sample.ended.is_empty() && sample.memory > 0 {
            self.slope.add(open_connections, sample.memory);
        }
        sample
    }

    /// Bytes of resident memory for each connection, over all looks with more connections than any
    /// before; see [`Slope::per_connection`].
    #[must_use]
    pub fn memory_per_connection(&self) -> Option<f64> {
        self.slope.per_connection()
    }
}

/// A process, and what of it would be lost with its threads.
#[derive(Debug)]
struct Followed {
    process: Process,
    /// What each of its threads had used when it was last seen.
    tasks: BTreeMap<u32, Cpu>,
    /// The sum over all threads that were ever seen.
    sum: Cpu,
    /// The last that was told.
    told: u64,
    counts_waiting: bool,
}

impl Followed {
    fn new(process: Process) -> Self {
        Self {
            process,
            tasks: BTreeMap::new(),
            sum: Cpu::default(),
            told: 0,
            counts_waiting: false,
        }
    }

    fn look(&mut self, sample: &mut Sample) {
        if self.process.lives()
            && let Some(cpu) = self.cpu()
        {
            self.told = self.told.max(cpu.nanoseconds);
        }
        sample.cpu_ns += self.told;
        sample.waited_ns = sample.waited_ns.filter(|_| self.counts_waiting);
        if let Some(waited) = &mut sample.waited_ns {
            *waited += self.sum.waited;
        }
        match self.process.memory() {
            Ok(memory) if self.process.lives() => {
                sample.memory += memory.resident;
                sample.memory_peak += memory.peak;
                sample.anonymous += memory.anonymous;
                sample.threads += memory.threads;
                let descriptors = self.process.descriptors();
                let both = sample.descriptors.zip(descriptors.ok());
                sample.descriptors = both.map(|(sum, more)| sum + more);
            }
            Ok(_) | Err(_) => sample.ended.push(self.process.pid()),
        }
    }

    /// Absent when it ended.
    fn cpu(&mut self) -> Option<Cpu> {
        match self.process.tasks().ok()? {
            Some(tasks) => {
                let mut now = BTreeMap::new();
                for (id, cpu) in tasks {
                    // Less than before: another thread has its id, and all of its time is new.
                    let before = self.tasks.get(&id).copied().unwrap_or_default();
                    let same = before.turns_on_core <= cpu.turns_on_core;
                    let before = if same { before } else { Cpu::default() };
                    self.sum.add(cpu.since(before));
                    now.insert(id, cpu);
                }
                self.tasks = now;
                self.counts_waiting = true;
            }
            None => self.counts_waiting = false,
        }
        // Threads that came and went between two looks are in the ticks alone.
        self.process.with_ticks(self.sum).ok()
    }
}

#[cfg(all(test, target_os = "linux"))]
#[path = "tests/sampler.rs"]
mod tests;
