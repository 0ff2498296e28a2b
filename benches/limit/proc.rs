//! Server processes on a core of their own, and what the kernel says about them.
//!
//! A process is ended through the handle it was started with and never by name.

use std::fs;
use std::io::{self, Error};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, nice, setpriority_process, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

const START_LIMIT: Duration = Duration::from_secs(10);
const SETTLE_LIMIT: Duration = Duration::from_secs(10);

/// The two cores of a run; the same one twice on a machine with one.
#[derive(Clone, Copy)]
pub(crate) struct Cores {
    pub(crate) server: usize,
    pub(crate) client: usize,
}

impl Cores {
    /// The first two cores this process may use.
    pub(crate) fn choose() -> io::Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
        let server = cores
            .next()
            .ok_or_else(|| Error::other("no core to run on"))?;
        Ok(Self {
            server,
            client: cores.next().unwrap_or(server),
        })
    }

    pub(crate) fn shared(self) -> bool {
        self.server == self.client
    }

    /// Pins the calling thread, and what it starts from now on, to the client's core.
    pub(crate) fn pin_client(self) -> io::Result<()> {
        pin(self.client)
    }
}

fn pin(core: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// What runs on the server's core.
#[derive(Clone, Copy)]
pub(crate) enum Program<'a> {
    /// A subcommand of this binary.
    Bare(&'static str),
    /// `dunlin serve` of the binary at this path.
    Dunlin(&'a Path),
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts `program` on the server's core and returns once it accepts connections.
    pub(crate) fn start(program: Program<'_>, cores: Cores) -> io::Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let mut command = match program {
            Program::Bare(subcommand) => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg(subcommand).arg(address.port().to_string());
                command
            }
            Program::Dunlin(binary) => {
                let mut command = Command::new(binary);
                command
                    .args(["serve", "--log", "warn", "--listen"])
                    .arg(address.to_string());
                command
            }
        };
        // A child inherits the affinity of the thread that starts it, and its own threads inherit it from there.
        pin(cores.server)?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        cores.pin_client()?;
        let mut server = Self {
            child: child?,
            address,
        };
        server.wait_until_listening()?;
        Ok(server)
    }

    fn wait_until_listening(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                return Err(Error::other(format!(
                    "the server ended at its start: {status}"
                )));
            }
            if Instant::now() > deadline {
                return Err(Error::other(format!(
                    "nothing listens at {} after {START_LIMIT:?}",
                    self.address
                )));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// CPU used so far. Exact while the server sleeps; while it runs, up to a scheduler tick late.
    pub(crate) fn cpu(&self) -> io::Result<Cpu> {
        let mut cpu = Cpu::default();
        for task in fs::read_dir(self.path("task"))? {
            let line = fs::read_to_string(task?.path().join("schedstat"))?;
            let mut fields = line
                .split_whitespace()
                .map(|field| field.parse::<u64>().unwrap_or(0));
            cpu.nanoseconds += fields.next().unwrap_or(0);
            cpu.turns_on_core += fields.nth(1).unwrap_or(0);
        }
        let stat = fs::read_to_string(self.path("stat"))?;
        // The name of the program stands in brackets and may hold spaces; utime and stime are fields 14 and 15.
        let behind_name = stat.rsplit(')').next().unwrap_or_default();
        let mut ticks = behind_name
            .split_whitespace()
            .skip(11)
            .map(|field| field.parse::<u64>().unwrap_or(0));
        cpu.user_ticks = ticks.next().unwrap_or(0);
        cpu.kernel_ticks = ticks.next().unwrap_or(0);
        Ok(cpu)
    }

    /// Resident memory in bytes once it stopped changing.
    pub(crate) fn settled_memory(&self) -> io::Result<u64> {
        const SAME_FOR: u32 = 6;
        let deadline = Instant::now() + SETTLE_LIMIT;
        let (mut last, mut same) = (0, 0);
        while same < SAME_FOR {
            let now = self.memory()?;
            same = if now == last { same + 1 } else { 0 };
            last = now;
            if Instant::now() > deadline {
                return Err(Error::other(format!(
                    "the server's memory does not settle in {SETTLE_LIMIT:?}"
                )));
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(last)
    }

    fn memory(&self) -> io::Result<u64> {
        let status = fs::read_to_string(self.path("status"))?;
        let kibibytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next());
        let kibibytes = kibibytes.and_then(|number| number.parse::<u64>().ok());
        Ok(1024 * kibibytes.ok_or_else(|| Error::other("the server has no VmRSS: it ended"))?)
    }

    fn path(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when the child is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU a process used.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cpu {
    /// Time on the core (schedstat), of all threads.
    pub(crate) nanoseconds: u64,
    /// How often a thread got the core (schedstat): about the number of times the loop slept.
    pub(crate) turns_on_core: u64,
    /// User and kernel time (stat), in ticks of 10 ms: good for their proportion only.
    user_ticks: u64,
    kernel_ticks: u64,
}

impl Cpu {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            nanoseconds: self.nanoseconds - before.nanoseconds,
            turns_on_core: self.turns_on_core - before.turns_on_core,
            user_ticks: self.user_ticks - before.user_ticks,
            kernel_ticks: self.kernel_ticks - before.kernel_ticks,
        }
    }

    /// The part of the time that was spent outside the kernel, 0 to 1.
    pub(crate) fn user_share(self) -> f64 {
        self.user_ticks as f64 / (self.user_ticks + self.kernel_ticks).max(1) as f64
    }
}

/// A port below the range that the kernel hands to clients: there, a connect to a port where nothing listens
/// yet could meet itself.
fn free_port() -> io::Result<u16> {
    const RANGE: u16 = 10_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let offset = std::process::id() as u16 % RANGE;
    for _ in 0..RANGE {
        let port = 20_000 + (offset + NEXT.fetch_add(1, Ordering::Relaxed) % RANGE) % RANGE;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Error::other("no free port between 20000 and 30000"))
}

/// Higher priority for the run, given back when dropped.
///
/// Where Linux groups processes by session (autogroup), the priority of a process counts within its session
/// only, and that of the session is a file.
pub(crate) struct Priority {
    session_before: Option<String>,
}

impl Priority {
    const SESSION: &str = "/proc/self/autogroup";
    const HIGH: i32 = -10;

    pub(crate) fn take() -> io::Result<Self> {
        let refused = |error: Error| Error::other(format!("--priority: {error}"));
        let grouped = fs::read_to_string("/proc/sys/kernel/sched_autogroup_enabled");
        if grouped.is_ok_and(|enabled| enabled.trim() == "1") {
            let group = fs::read_to_string(Self::SESSION).map_err(refused)?;
            let before = group
                .split_whitespace()
                .last()
                .ok_or_else(|| refused(Error::other("no autogroup")))?;
            fs::write(Self::SESSION, Self::HIGH.to_string()).map_err(refused)?;
            return Ok(Self {
                session_before: Some(before.to_owned()),
            });
        }
        setpriority_process(None, Self::HIGH).map_err(|error| refused(error.into()))?;
        Ok(Self {
            session_before: None,
        })
    }
}

impl Drop for Priority {
    fn drop(&mut self) {
        if let Some(before) = &self.session_before
            && let Err(error) = fs::write(Self::SESSION, before)
        {
            eprintln!("limit: the priority of the session stays high: {error}");
        }
    }
}

/// Lets the bystander before the calling thread, which shares the client's core with it.
///
/// A little only: within a session Linux shares out a core by the weight of what runs there, and a client
/// of the lowest priority would get next to nothing of it on a busy machine.
pub(crate) fn step_behind() -> io::Result<()> {
    nice(5)?;
    Ok(())
}

/// Raises the open-file limit as far as allowed and checks that it will do.
pub(crate) fn raise_file_limit(needed: u64) -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let maximum = limit.maximum.unwrap_or(u64::MAX);
    if limit.current.unwrap_or(u64::MAX) < needed {
        if maximum < needed {
            return Err(Error::other(format!(
                "{needed} open files are needed and {maximum} allowed: raise `ulimit -Hn`"
            )));
        }
        setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(maximum),
                maximum: limit.maximum,
            },
        )?;
    }
    Ok(())
}
