//! The sampler over invented processes and real ones.

use super::*;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

/// An invented `/proc` with one process, 7.
struct Invented {
    root: PathBuf,
}

impl Invented {
    fn new(test: &str) -> Self {
        let root = std::env::temp_dir().join(format!("dunlin-{test}-{}", std::process::id()));
        let invented = Self { root };
        invented.write("stat", "cpu 0");
        invented.write(
            "7/status",
            "Tgid: 7\nVmHWM: 300 kB\nVmRSS: 200 kB\nRssAnon: 100 kB\nThreads: 2\n",
        );
        invented.write("7/fd/0", "");
        invented.ticks(0);
        invented
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn task(&self, id: u32, schedstat: &str) {
        self.write(&format!("7/task/{id}/schedstat"), schedstat);
    }

    fn end(&self, id: u32) {
        fs::remove_dir_all(self.root.join(format!("7/task/{id}"))).expect("it was there");
    }

    fn ticks(&self, user: u64) {
        let line = format!("7 (server) S 1 7 7 0 -1 0 0 0 0 0 {user} 0 0 0 20 0 1 0 333 0 0");
        self.write("7/stat", &line);
    }

    fn sampler(&self) -> Sampler {
        Sampler::under(&self.root, &[7]).expect("it is there")
    }
}

impl Drop for Invented {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn threads_that_end_take_no_time_away_and_those_that_come_bring_theirs() {
    let proc = Invented::new("threads");
    proc.task(7, "5000000 100 3");
    proc.task(8, "2000000 50 9");
    let mut sampler = proc.sampler();
    let look = |sampler: &mut Sampler| {
        let sample = sampler.sample(0);
        (sample.cpu_ns, sample.waited_ns)
    };
    assert_eq!(look(&mut sampler), (7_000_000, Some(150)));
    proc.end(8);
    proc.task(7, "6000000 110 4");
    assert_eq!(look(&mut sampler), (8_000_000, Some(160)));
    proc.task(9, "500000 5 1");
    assert_eq!(look(&mut sampler), (8_500_000, Some(165)));
    // Another thread with the id of one that ended.
    proc.end(9);
    proc.task(9, "200000 1 0");
    assert_eq!(look(&mut sampler), (8_700_000, Some(166)));
    // One that came and went in between is in the ticks alone.
    proc.ticks(9);
    assert_eq!(look(&mut sampler).0, 90_000_000);
    proc.ticks(0);
    assert_eq!(look(&mut sampler).0, 90_000_000, "it never gets less");
}

#[test]
fn without_schedstat_and_with_hundreds_of_threads_the_ticks_count() {
    let proc = Invented::new("ticks");
    proc.write("7/task/7/stat", "");
    proc.ticks(5);
    let mut sampler = proc.sampler();
    let sample = sampler.sample(0);
    assert_eq!((sample.cpu_ns, sample.waited_ns), (50_000_000, None));
    proc.task(7, "1 1 1");
    assert_eq!(sampler.sample(0).waited_ns, Some(1));
    for task in 100..360 {
        fs::create_dir(proc.root.join(format!("7/task/{task}"))).expect("a folder");
    }
    let sample = sampler.sample(0);
    assert_eq!((sample.cpu_ns, sample.waited_ns), (50_000_000, None));
}

#[test]
fn another_process_with_the_id_of_one_that_ended_is_not_it() {
    let proc = Invented::new("again");
    proc.task(7, "5000000 100 3");
    let mut sampler = proc.sampler();
    assert!(sampler.sample(0).ended.is_empty());
    let line = "7 (other) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 444 0 0";
    proc.write("7/stat", line);
    proc.task(7, "9000000 100 30");
    let sample = sampler.sample(0);
    assert_eq!(sample.ended, [7]);
    assert_eq!((sample.cpu_ns, sample.memory), (5_000_000, 0));
}

#[test]
fn the_ramp_tells_the_memory_of_a_connection() {
    let proc = Invented::new("ramp");
    proc.task(7, "1 1 1");
    let mut sampler = proc.sampler();
    for step in 0..10u64 {
        let kibibytes = 2000 + step * 100 * 4;
        let status = format!("Tgid: 7\nVmHWM: {kibibytes} kB\nVmRSS: {kibibytes} kB\n");
        proc.write("7/status", &status);
        sampler.sample(step * 100);
    }
    let found = sampler.memory_per_connection().expect("ten points");
    assert!((found - 4096.0).abs() < 0.01, "{found}");
}

#[test]
fn what_is_not_counted_is_told() {
    let proc = Invented::new("notes");
    proc.task(7, "1 1 1");
    proc.write("7/task/7/children", "11 12 ");
    fs::remove_dir_all(proc.root.join("7/fd")).expect("it was there");
    let mut sampler = proc.sampler();
    let notes = sampler.notes().join("\n");
    assert!(
        notes.contains("descriptors of process 7 (server)"),
        "{notes}"
    );
    assert!(notes.contains("not counted: 11, 12;"), "{notes}");
    assert_eq!(sampler.sample(0).descriptors, None);
}

#[test]
fn two_real_processes_count_together_and_one_that_ends_is_named() {
    let start = || {
        let mut command = Command::new("cat");
        let command = command.stdin(Stdio::piped()).stdout(Stdio::null());
        command.spawn().expect("a usual command")
    };
    let (mut first, mut second) = (start(), start());
    let pids = [first.id(), second.id()];
    let mut sampler = Sampler::new(&[pids[0], pids[1], pids[0]]).expect("both live");
    assert_eq!(sampler.pids().collect::<Vec<_>>(), pids);
    let both = sampler.sample(0);
    assert!(both.memory > 0 && both.descriptors >= Some(6), "{both:?}");
    first.kill().expect("it is ours");
    first.wait().expect("it is ours");
    let mut one = sampler.sample(0);
    while one.ended.is_empty() {
        thread::yield_now();
        one = sampler.sample(0);
    }
    assert_eq!(one.ended, [pids[0]]);
    assert!(one.cpu_ns >= both.cpu_ns, "{one:?}, {both:?}");
    second.kill().expect("it is ours");
    second.wait().expect("it is ours");
}

#[test]
fn every_id_is_checked_before_anything_is_followed() {
    let own = std::process::id();
    let error = Sampler::new(&[own, u32::MAX]).expect_err("no such process");
    assert!(
        error.to_string().contains("no process 4294967295;"),
        "{error}"
    );
    let mut none = Sampler::new(&[]).expect("nothing to look at");
    assert_eq!(none.sample(5).memory, 0);
    assert_eq!(none.name(), "");
}
