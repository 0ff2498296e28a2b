//! Server processes on a core of their own.
//!
//! A process is ended through the handle it was started with and never by name.

use std::fs::{self, File};
use std::io::{self, Error, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dunlin_bench::process::{Cpu, Process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

const START_LIMIT: Duration = Duration::from_secs(10);
/// How often a server that starts is tried: what its start time is exact to.
const LOOK: Duration = Duration::from_micros(100);
/// Bytes of a log that are looked at.
const LOG_LOOKED_AT: u64 = 16 << 20;
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
    /// A subcommand of this binary: a bare loop, or a program of its own.
    Itself(&'static str),
    /// `dunlin serve` of the binary at this path.
    Dunlin(&'a Path),
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    process: Process,
    pub(crate) address: SocketAddr,
    /// From the start of the process to the first connection that was accepted.
    pub(crate) started_in: Duration,
    /// What it wrote to its standard error.
    log: PathBuf,
}

impl Server {
    /// Starts `program` on the server's core and returns once it accepts connections.
    pub(crate) fn start(program: Program<'_>, cores: Cores) -> io::Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let mut command = match program {
            Program::Itself(subcommand) => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg(subcommand).arg(address.port().to_string());
                command
            }
            Program::Dunlin(binary) => {
                let mut command = Command::new(binary);
                command
                    // One talker stands for many.
                    .env("DUNLIN_MESSAGE_RATE", "off")
                    .args(["serve", "--log", "warn", "--listen"])
                    .arg(address.to_string());
                command
            }
        };
        let (port, own) = (address.port(), std::process::id());
        let log = std::env::temp_dir().join(format!("dunlin-limit-{own}-{port}.log"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::create(&log)?);
        // A child inherits the affinity of the thread that starts it, and its own threads inherit it from there.
        pin(cores.server)?;
        let start = Instant::now();
        let child = command.spawn();
        cores.pin_client()?;
        let child = child?;
        let mut server = Self {
            process: Process::new(child.id())?,
            child,
            address,
            started_in: Duration::ZERO,
            log,
        };
        server.wait_until_listening()?;
        server.started_in = start.elapsed();
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
            thread::sleep(LOOK);
        }
        Ok(())
    }

    /// How the process ended, if it did.
    pub(crate) fn ended(&mut self) -> io::Result<Option<String>> {
        Ok(self.child.try_wait()?.map(|status| status.to_string()))
    }

    /// Lines of its log, and the first one that tells of a panic.
    pub(crate) fn log(&self) -> io::Result<(usize, Option<String>)> {
        let mut text = Vec::new();
        File::open(&self.log)?
            .take(LOG_LOOKED_AT)
            .read_to_end(&mut text)?;
        let text = String::from_utf8_lossy(&text);
        let panic = text.lines().find(|line| line.contains("panic"));
        Ok((text.lines().count(), panic.map(str::to_owned)))
    }

    /// CPU used so far. Exact while the server sleeps; while it runs, up to a scheduler tick late.
    pub(crate) fn cpu(&self) -> io::Result<Cpu> {
        self.process.cpu()
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

    /// Resident memory in bytes.
    pub(crate) fn memory(&self) -> io::Result<u64> {
        Ok(self.process.memory()?.resident)
    }

    /// The most resident memory there ever was, in bytes.
    pub(crate) fn peak_memory(&self) -> io::Result<u64> {
        Ok(self.process.memory()?.peak)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // They fail only when child and file are gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.log);
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
