//! One process, as `/proc` shows it.

use std::io::{self, Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs};

/// Threads whose time is read one by one. Beyond, the sum over the process stands for them: it is exact
/// to a tick only, but one file.
const MOST_TASKS: usize = 256;
/// A tick of `/proc/PID/stat`: `USER_HZ` is 100 on every architecture of today.
const TICK: u64 = 10_000_000;

/// A process that lives, by its id.
#[derive(Clone, Debug)]
pub struct Process {
    pid: u32,
    name: String,
    /// In ticks since the machine started: with the id, this names the process for good.
    started: u64,
    folder: PathBuf,
}

impl Process {
    /// The process of this id.
    ///
    /// # Errors
    /// There is no such process, it has ended, the id is that of a thread, or this is not Linux. The
    /// message names the id and what is wanted.
    pub fn new(pid: u32) -> io::Result<Self> {
        Self::under(Path::new("/proc"), pid)
    }

    /// The same below another folder than `/proc`.
    pub(crate) fn under(proc: &Path, pid: u32) -> io::Result<Self> {
        const WANTED: &str = "wanted: the process id of the server, for example from pgrep";
        if !proc.join("stat").exists() {
            let text = format!(
                "process {pid} cannot be looked at: this system has no {}; leave --pid out",
                proc.display()
            );
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let folder = proc.join(pid.to_string());
        let stat = Stat::read(&folder).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                Error::new(ErrorKind::NotFound, format!("no process {pid}; {WANTED}"))
            }
            kind => Error::new(
                kind,
                format!("process {pid} cannot be read: {error}; {WANTED}"),
            ),
        })?;
        if stat.ended() {
            let text = format!("process {pid} ({}) has ended already; {WANTED}", stat.name);
            return Err(Error::new(ErrorKind::NotFound, text));
        }
        let status = fs::read_to_string(folder.join("status")).unwrap_or_default();
        if let Some(group) = field(&status, "Tgid:")
            && group != u64::from(pid)
        {
            let text = format!("{pid} is a thread of process {group}; wanted: --pid {group}");
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        Ok(Self {
            pid,
            name: stat.name,
            started: stat.started,
            folder,
        })
    }

    /// Its id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Name of its program, of which the kernel keeps 15 bytes.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it still lives: a process that ended and that its parent has not yet asked for does not,
    /// nor does another one that got its id.
    #[must_use]
    pub fn lives(&self) -> bool {
        self.stat().is_ok()
    }

    /// CPU used so far: exact while it sleeps; while it runs, up to a scheduler tick late. Threads that
    /// ended count to a tick of 10 ms, and not at all in what was waited for.
    ///
    /// # Errors
    /// It has ended.
    pub fn cpu(&self) -> io::Result<Cpu> {
        let mut cpu = Cpu::default();
        for (_, task) in self.tasks()?.unwrap_or_default() {
            cpu.add(task);
        }
        self.with_ticks(cpu)
    }

    /// The same, where the sum over the threads is known: user and kernel time are added, and what they
    /// prove to be more.
    pub(super) fn with_ticks(&self, mut cpu: Cpu) -> io::Result<Cpu> {
        let stat = self.stat()?;
        (cpu.user_ticks, cpu.kernel_ticks) = (stat.user_ticks, stat.kernel_ticks);
        cpu.nanoseconds = cpu
            .nanoseconds
            .max(TICK * (stat.user_ticks + stat.kernel_ticks));
        Ok(cpu)
    }

    /// Each of its threads, by id, with its time; absent where the kernel keeps none or they are too many.
    pub(super) fn tasks(&self) -> io::Result<Option<Vec<(u32, Cpu)>>> {
        let mut tasks = Vec::new();
        for (number, task) in fs::read_dir(self.folder.join("task"))?.enumerate() {
            if number == MOST_TASKS {
                return Ok(None);
            }
            let task = task?;
            let id = task.file_name().to_str().and_then(|name| name.parse().ok());
            // A thread may end between the two calls.
            let line = fs::read_to_string(task.path().join("schedstat"));
            if let (Some(id), Ok(line)) = (id, line) {
                tasks.push((id, Cpu::of_schedstat(&line)));
            }
        }
        Ok((!tasks.is_empty()).then_some(tasks))
    }

    /// Its memory.
    ///
    /// # Errors
    /// It has ended.
    pub fn memory(&self) -> io::Result<Memory> {
        let status = fs::read_to_string(self.folder.join("status"))?;
        let bytes = |name| field(&status, name).map(|kibibytes| 1024 * kibibytes);
        let gone = || self.gone();
        Ok(Memory {
            resident: bytes("VmRSS:").ok_or_else(gone)?,
            peak: bytes("VmHWM:").ok_or_else(gone)?,
            anonymous: bytes("RssAnon:").unwrap_or(0),
            threads: field(&status, "Threads:").unwrap_or(0),
        })
    }

    /// Its open descriptors.
    ///
    /// # Errors
    /// It has ended, or it belongs to somebody else.
    pub fn descriptors(&self) -> io::Result<u64> {
        let folder = self.folder.join("fd");
        // Since Linux 6.2 the size of the folder is their number; to count many takes a while.
        let size = fs::metadata(&folder).map_or(0, |folder| folder.len());
        let entries = fs::read_dir(&folder).map_err(|error| {
            let Self { pid, name, .. } = self;
            let mend = match error.kind() {
                ErrorKind::PermissionDenied => "; run as its user or as root to see them",
                _ => "",
            };
            let text = format!(
                "the descriptors of process {pid} ({name}) cannot be counted: {error}{mend}"
            );
            Error::new(error.kind(), text)
        })?;
        Ok(if size > 0 {
            size
        } else {
            entries.count() as u64
        })
    }

    /// Processes that it started and that live, as far as the kernel tells.
    #[must_use]
    pub fn children(&self) -> Vec<u32> {
        let tasks = fs::read_dir(self.folder.join("task")).into_iter().flatten();
        let tasks = tasks.take(MOST_TASKS).flatten();
        let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
        lists
            .flat_map(|list| {
                let ids = list.split_whitespace().map(str::parse);
                ids.flatten().collect::<Vec<u32>>()
            })
            .collect()
    }

    fn stat(&self) -> io::Result<Stat> {
        let stat = Stat::read(&self.folder).map_err(|_| self.gone())?;
        if stat.ended() || stat.started != self.started {
            return Err(self.gone());
        }
        Ok(stat)
    }

    fn gone(&self) -> Error {
        let text = format!("process {} ({}) has ended", self.pid, self.name);
        Error::new(ErrorKind::NotFound, text)
    }
}

/// The number behind a name at the begin of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What of `/proc/PID/stat` is used.
struct Stat {
    name: String,
    state: u8,
    user_ticks: u64,
    kernel_ticks: u64,
    started: u64,
}

impl Stat {
    fn read(folder: &Path) -> io::Result<Self> {
        // The name may be any bytes.
        let text = fs::read(folder.join("stat")).map_err(|error| {
            // A process that ends while its file is open has no kind of its own in the standard library.
            match error.raw_os_error() {
                Some(NO_SUCH_PROCESS) => ErrorKind::NotFound.into(),
                _ => error,
            }
        })?;
        let text = String::from_utf8_lossy(&text);
        // It stands in brackets and may hold spaces and brackets.
        let (before, behind) = text.rsplit_once(')').unwrap_or(("", ""));
        let fields: Vec<&str> = behind.split_whitespace().collect();
        let number = |at: usize| fields.get(at).and_then(|field| field.parse().ok());
        let malformed = || Error::new(ErrorKind::InvalidData, "its stat has another form");
        // Of the fields of proc_pid_stat(5), the first behind the name is the third.
        Ok(Self {
            name: before
                .split_once('(')
                .map_or("", |(_, name)| name)
                .to_owned(),
            state: fields.first().ok_or_else(malformed)?.as_bytes()[0],
            user_ticks: number(14 - 3).ok_or_else(malformed)?,
            kernel_ticks: number(15 - 3).ok_or_else(malformed)?,
            started: number(22 - 3).ok_or_else(malformed)?,
        })
    }

    fn ended(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// `ESRCH` of Linux.
const NO_SUCH_PROCESS: i32 = 3;

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Memory {
    /// Resident.
    pub resident: u64,
    /// The most that was ever resident.
    pub peak: u64,
    /// Resident and of no file: heap and stacks.
    pub anonymous: u64,
    /// Threads.
    pub threads: u64,
}

/// CPU that a process used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Cpu {
    /// Time on a core, of all threads, in nanoseconds.
    pub nanoseconds: u64,
    /// Time that a thread could have run and did not, because others had the core, in nanoseconds.
    pub waited: u64,
    /// How often a thread got a core: about the number of times that it slept.
    pub turns_on_core: u64,
    /// Time outside the kernel in ticks of 10 ms: good for its proportion to `kernel_ticks` only.
    pub user_ticks: u64,
    /// Time in the kernel.
    pub kernel_ticks: u64,
}

impl Cpu {
    /// What a line of `schedstat` says: `time waited turns`.
    pub(super) fn of_schedstat(line: &str) -> Self {
        let mut fields = line
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0));
        let mut next = || fields.next().unwrap_or(0);
        Self {
            nanoseconds: next(),
            waited: next(),
            turns_on_core: next(),
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.nanoseconds += other.nanoseconds;
        self.waited += other.waited;
        self.turns_on_core += other.turns_on_core;
    }

    /// What was used since an earlier look; nothing where threads ended that the later one cannot count.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            nanoseconds: self.nanoseconds.saturating_sub(before.nanoseconds),
            waited: self.waited.saturating_sub(before.waited),
            turns_on_core: self.turns_on_core.saturating_sub(before.turns_on_core),
            user_ticks: self.user_ticks.saturating_sub(before.user_ticks),
            kernel_ticks: self.kernel_ticks.saturating_sub(before.kernel_ticks),
        }
    }

    /// The parts of a time that this is.
    #[must_use]
    pub fn load(self, time: Duration) -> Load {
        let whole = time.as_nanos() as f64;
        Load {
            used: self.nanoseconds as f64 / whole,
            waited: self.waited as f64 / whole,
        }
    }

    /// The part of the time that was spent outside the kernel, 0 to 1.
    #[must_use]
    pub fn user_share(self) -> f64 {
        self.user_ticks as f64 / (self.user_ticks + self.kernel_ticks).max(1) as f64
    }
}

/// How much of a core a process had: parts of the time, 0 to 1 for each thread.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// It ran.
    pub used: f64,
    /// Others had the core while it could have run.
    pub waited: f64,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.pid, self.name)
    }
}

#[cfg(test)]
#[path = "tests/one.rs"]
mod tests;
