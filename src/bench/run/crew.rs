//! The workers of a run: one in a thread of this process, or several in processes of their own.

use crate::load::report::{Order, Report};
use crate::load::worker;
use crate::plan::Share;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// The argument by which this program is started as a worker.
pub const WORKER: &str = "load-worker";

/// How one worker is reached.
enum Line {
    Thread(Sender<Order>),
    Process(Box<Child>, ChildStdin),
}

/// All workers. Dropped, they end.
pub(super) struct Crew {
    lines: Vec<Line>,
    reports: Receiver<(usize, Report)>,
}

impl Crew {
    /// Starts a worker for each share.
    ///
    /// # Errors
    /// A process cannot be started.
    pub(super) fn start(shares: Vec<Share>) -> io::Result<Self> {
        let (tell, reports) = mpsc::channel();
        let alone = shares.len() == 1;
        let started = shares.into_iter().map(|share| {
            if alone {
                start_thread(share, tell.clone())
            } else {
                start_process(&share, tell.clone())
            }
        });
        let lines = started.collect::<io::Result<_>>()?;
        Ok(Self { lines, reports })
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Tells all of them.
    pub(super) fn order(&mut self, order: Order) {
        for line in &mut self.lines {
            // Who is gone has told so, or its line has ended.
            let _ = match line {
                Line::Thread(orders) => orders.send(order).map_err(io::Error::other),
                Line::Process(_, orders) => write_line(orders, &order),
            };
        }
    }

    /// The next report and whose it is; `None`: none came in this time.
    pub(super) fn report(&self, wait: Duration) -> Option<(usize, Report)> {
        match self.reports.recv_timeout(wait) {
            Ok(report) => Some(report),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                thread::sleep(wait);
                None
            }
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for line in self.lines.drain(..) {
            if let Line::Process(mut child, orders) = line {
                // It ends when nobody gives orders any more, and is ended if it does not see that.
                drop(orders);
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

fn start_thread(share: Share, tell: Sender<(usize, Report)>) -> io::Result<Line> {
    let (orders, obeyed) = mpsc::channel();
    let number = share.worker;
    let thread = thread::Builder::new().name("load".to_owned());
    thread.spawn(move || {
        // The one who listens may have left with what it has.
        worker::work(share, &obeyed, &mut |report| {
            let _ = tell.send((number, report));
        });
    })?;
    Ok(Line::Thread(orders))
}

fn start_process(share: &Share, tell: Sender<(usize, Report)>) -> io::Result<Line> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["bench", WORKER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let missing = || io::Error::other("a worker has no pipes");
    let mut orders = child.stdin.take().ok_or_else(missing)?;
    let reports = child.stdout.take().ok_or_else(missing)?;
    write_line(&mut orders, share)?;
    let number = share.worker;
    thread::spawn(move || {
        let mut is_done = false;
        for line in BufReader::new(reports).lines() {
            let report = line.map(|line| serde_json::from_str(&line));
            let Ok(Ok(report)) = report else { break };
            is_done = matches!(report, Report::Done(..) | Report::Failed(_));
            let _ = tell.send((number, report));
        }
        if !is_done {
            let text = "a worker ended before its time".to_owned();
            let _ = tell.send((number, Report::Failed(text)));
        }
    });
    Ok(Line::Process(Box::new(child), orders))
}

fn write_line(to: &mut impl Write, value: &impl serde::Serialize) -> io::Result<()> {
    let mut line = serde_json::to_string(value)?;
    line.push('\n');
    to.write_all(line.as_bytes())?;
    to.flush()
}

/// The whole life of a worker process: its share and orders come by standard input, its reports go to
/// standard output, a line each.
///
/// # Errors
/// What comes first is no share.
pub fn worker_process() -> io::Result<()> {
    let mut first = String::new();
    io::stdin().read_line(&mut first)?;
    let share: Share = serde_json::from_str(&first)?;
    let (orders, obeyed) = mpsc::channel();
    thread::spawn(move || {
        for line in io::stdin().lines() {
            let order = line.map(|line| serde_json::from_str(&line));
            let Ok(Ok(order)) = order else { return };
            if orders.send(order).is_err() {
                return;
            }
        }
    });
    let mut output = io::stdout().lock();
    worker::work(share, &obeyed, &mut |report| {
        // Without a reader the orders end as well.
        let _ = write_line(&mut output, &report);
    });
    Ok(())
}
