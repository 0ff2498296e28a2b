//! The load tester's own process: what one thread used and waited for, and the memory of all.

use super::one::{Cpu, Process};
use std::fs;

/// One thread of this process. Everything is absent where the system does not tell it.
#[derive(Clone, Copy, Debug)]
pub struct Own {
    #[cfg(target_os = "linux")]
    thread: rustix::thread::Pid,
}

impl Own {
    /// The calling thread.
    #[must_use]
    pub fn this_thread() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            thread: rustix::thread::gettid(),
        }
    }

    /// CPU time of the thread, in nanoseconds: exact when the thread itself asks; another one sees it up
    /// to a scheduler tick late.
    #[must_use]
    pub fn cpu_ns(&self) -> Option<u64> {
        #[cfg(target_os = "linux")]
        if rustix::thread::gettid() == self.thread {
            let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            return Some(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64);
        }
        Some(self.schedstat()?.nanoseconds)
    }

    /// Time that the thread could have run and others had its core, in nanoseconds.
    #[must_use]
    pub fn waited_ns(&self) -> Option<u64> {
        Some(self.schedstat()?.waited)
    }

    /// Resident memory of the process, in bytes.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        let process = Process::new(std::process::id()).ok()?;
        Some(process.memory().ok()?.resident)
    }

    #[cfg(target_os = "linux")]
    fn schedstat(&self) -> Option<Cpu> {
        let path = format!("/proc/self/task/{}/schedstat", self.thread);
        Some(Cpu::of_schedstat(&fs::read_to_string(path).ok()?))
    }

    #[cfg(not(target_os = "linux"))]
    fn schedstat(&self) -> Option<Cpu> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::hint::black_box;
    use std::sync::mpsc;
    use std::thread;

    /// Uses CPU until `done`.
    fn work_until(mut done: impl FnMut() -> bool) {
        while !done() {
            for number in 0..10_000u64 {
                black_box(number);
            }
        }
    }

    #[test]
    fn a_thread_sees_its_own_time_and_no_other_threads() {
        let own = Own::this_thread();
        let before = own.cpu_ns().expect("Linux tells it");
        work_until(|| own.cpu_ns().expect("the same") > before + 5_000_000);
        let spent = own.cpu_ns().expect("the same");
        let other = thread::spawn(|| Own::this_thread().cpu_ns().expect("the same"));
        assert!(other.join().expect("it does not panic") < spent);
    }

    #[test]
    fn another_thread_can_be_asked_about_from_outside() {
        let (tell, told) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let worker = thread::spawn(move || {
            let own = Own::this_thread();
            work_until(|| own.cpu_ns().expect("Linux tells it") > 20_000_000);
            tell.send(own).expect("somebody listens");
            let _ = ended.recv();
        });
        let own = told.recv().expect("it tells");
        // While it runs, the kernel counts at its ticks.
        while own.cpu_ns().expect("it lives") < 20_000_000 {
            thread::yield_now();
        }
        assert!(own.waited_ns().is_some());
        drop(end);
        worker.join().expect("it does not panic");
        assert_eq!(own.cpu_ns(), None, "it has ended");
    }

    #[test]
    fn memory_is_that_of_the_process() {
        let memory = Own::this_thread().memory().expect("Linux tells it");
        assert!(memory > 1 << 20 && memory < 8 << 30, "{memory}");
    }
}
