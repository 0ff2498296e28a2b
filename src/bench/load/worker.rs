//! A worker: the loop with the load on it, told by orders what to do next, telling what it sees.

use super::acting::ROUTE;
use super::clock;
use super::report::{Cpu, Order, Report};
use super::state::Load;
use crate::plan::Share;
use dunlin::{App, Deflate, Handle, Limits, Route, Running, Server, Settings};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use std::cell::RefCell;
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

/// Orders are looked at this often.
const LOOK: Duration = Duration::from_millis(10);
/// No limit of our own: the system says when it has no more.
const MOST_CONNECTIONS: usize = 1 << 30;
/// Progress is told this often, in nanoseconds.
const TICK: u64 = 250_000_000;

type Shared = Rc<RefCell<Load>>;

struct Worker {
    load: Shared,
    handle: Handle<Shared>,
    running: Running,
    /// Waits for the loop and for a moment that is exact to microseconds.
    poll: Poll,
    events: Events,
    timer: OwnedFd,
    next_tick: u64,
    told: Told,
}

/// What was reported already.
#[derive(Default)]
struct Told {
    settled: bool,
    drained: bool,
    stopped: bool,
}

/// Works until the order to close is done, or the one who gives orders is gone.
pub fn work(share: Share, orders: &Receiver<Order>, report: &mut dyn FnMut(Report)) {
    let worker = match Worker::new(share) {
        Ok(worker) => worker,
        Err(text) => return report(Report::Failed(text)),
    };
    if let Err(text) = worker.run(orders, report) {
        report(Report::Failed(text));
    }
}

impl Worker {
    fn new(share: Share) -> Result<Self, String> {
        let words = |error: dunlin::Error| format!("{error:#}");
        let system = |error: std::io::Error| format!("the system refuses a timer: {error}");
        let plan = share.plan.clone();
        let load = Rc::new(RefCell::new(Load::new(share)?));
        // Nothing is concluded from silence, and nothing is cut for size: the server's behaviour counts.
        let mut settings = Settings::default()
            .ping_period(None)
            .max_message_size(1 << 30)
            .backlog_mark(1 << 20)
            .backlog_limit(1 << 30)
            .backlog_time(Duration::from_secs(1800))
            .close_timeout(Duration::from_secs(5));
        if !plan.protocols.is_empty() {
            settings = settings.protocols(plan.protocols.clone());
        }
        if plan.deflate {
            settings = settings.extension(Deflate::default());
        }
        let route = Route::new(Rc::clone(&load)).settings(settings);
        let handle = route.handle();
        let app = App::new().outgoing_route(ROUTE, route);
        let limits = Limits::default()
            .max_connections(MOST_CONNECTIONS)
            .max_buffered(None)
            .head_timeout(plan.timeout)
            .drain(Duration::from_secs(1));
        let running = Server::new(app).limits(limits).start().map_err(words)?;
        let poll = Poll::new().map_err(system)?;
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )
        .map_err(|error| system(error.into()))?;
        for descriptor in [running.as_raw_fd(), timer.as_raw_fd()] {
            let registry = poll.registry();
            let mut source = SourceFd(&descriptor);
            let registered = registry.register(&mut source, Token(0), Interest::READABLE);
            registered.map_err(system)?;
        }
        Ok(Self {
            load,
            handle,
            running,
            poll,
            events: Events::with_capacity(8),
            timer,
            next_tick: clock::now() + TICK,
            told: Told::default(),
        })
    }

    fn run(
        mut self,
        orders: &Receiver<Order>,
        report: &mut dyn FnMut(Report),
    ) -> Result<(), String> {
        let mut is_closing = false;
        loop {
            match orders.try_recv() {
                Ok(order) => {
                    is_closing |= order == Order::Close;
                    self.obey(order, report);
                }
                Err(TryRecvError::Disconnected) => return Ok(()),
                Err(TryRecvError::Empty) => {}
            }
            let now = clock::now();
            if now >= self.next_tick {
                self.next_tick = now + TICK;
                self.tick(report);
            }
            let next = self.load.borrow().next_act(now);
            if next <= now {
                self.call(Load::act);
            }
            self.turn(next, now)?;
            self.tell(report);
            if is_closing && self.load.borrow().is_empty() {
                let mut load = self.load.borrow_mut();
                // What came since the last tick is added.
                load.tick(Cpu::of_this_thread());
                let figures = std::mem::take(&mut load.figures);
                report(Report::Done(Box::new(figures), load.first_error.take()));
                return Ok(());
            }
        }
    }

    /// One turn of the loop, which begins at the latest when something is due.
    fn turn(&mut self, next: u64, now: u64) -> Result<(), String> {
        let words = |error: dunlin::Error| format!("{error:#}");
        let wait = if next <= now {
            Duration::ZERO
        } else if next >= now + LOOK.as_nanos() as u64 {
            LOOK
        } else {
            let rest = self.running.until_next_turn().unwrap_or(LOOK);
            self.wait(Duration::from_nanos(next - now).min(rest))?;
            Duration::ZERO
        };
        self.running.step(Some(wait)).map_err(words)?;
        Ok(())
    }

    /// Waits for the loop's descriptor, but no longer than this.
    fn wait(&mut self, wait: Duration) -> Result<(), String> {
        if wait.is_zero() {
            return Ok(());
        }
        let system = |error: std::io::Error| format!("the wait for a moment failed: {error}");
        let after = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: Timespec {
                tv_sec: wait.as_secs() as i64,
                tv_nsec: i64::from(wait.subsec_nanos()),
            },
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &after)
            .map_err(|error| system(error.into()))?;
        match self.poll.poll(&mut self.events, Some(LOOK)) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => Err(system(error)),
            _ => Ok(()),
        }
    }

    /// Lets the load do something in the loop's next turn.
    fn call(&self, act: fn(&mut Load, &mut dunlin::Context<'_>)) {
        // The loop runs in this very thread; its queue is empty between two turns.
        let _ = self
            .handle
            .call(move |load, context| act(&mut load.borrow_mut(), context));
    }

    fn obey(&mut self, order: Order, report: &mut dyn FnMut(Report)) {
        let now = clock::now();
        let mut load = self.load.borrow_mut();
        match order {
            Order::Ramp => load.begin_ramp(now),
            Order::Load => load.begin_load(now),
            Order::Measure => {
                load.begin_measuring(now);
                report(Report::Measuring(Cpu::of_this_thread()));
            }
            Order::Stop => {
                load.end_load(now);
                let cpu = Cpu::of_this_thread();
                report(Report::Stopped(cpu, load.tick(cpu)));
                self.told.stopped = true;
            }
            Order::Close => load.begin_close(now),
        }
    }

    fn tick(&mut self, report: &mut dyn FnMut(Report)) {
        let tick = self.load.borrow_mut().tick(Cpu::of_this_thread());
        report(Report::Tick(tick));
        self.call(|load, context| load.give_up(clock::now(), context));
    }

    /// Tells what is over.
    fn tell(&mut self, report: &mut dyn FnMut(Report)) {
        let mut load = self.load.borrow_mut();
        if !self.told.settled && load.is_ramping() && load.is_settled() {
            self.told.settled = true;
            report(Report::Settled(load.tick(Cpu::of_this_thread())));
        }
        if self.told.stopped && !self.told.drained && load.is_drained() {
            self.told.drained = true;
            report(Report::Drained);
        }
    }
}
