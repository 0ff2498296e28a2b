//! Processes that are there: the own one, children, threads.

use super::*;

#[test]
fn an_id_that_is_no_process_is_an_error_that_says_what_is_wanted() {
    if !cfg!(target_os = "linux") {
        let error = Process::new(1).expect_err("there is no /proc").to_string();
        assert!(error.contains("leave --pid out"), "{error}");
        return;
    }
    for pid in [0, u32::MAX] {
        let error = Process::new(pid).expect_err("no such process").to_string();
        for part in [&*format!("no process {pid};"), "wanted:", "pgrep"] {
            assert!(error.contains(part), "{error}");
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use super::super::*;
    use std::process::{Child, Command, Stdio};
    use std::sync::mpsc;
    use std::thread;

    fn child(words: &[&str]) -> Child {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).stdin(Stdio::piped());
        command.spawn().expect("a usual command")
    }

    /// Repeats until it is so, which it is within moments.
    fn until(what: &str, mut so: impl FnMut() -> bool) {
        for _ in 0..1_000_000 {
            if so() {
                return;
            }
            thread::yield_now();
        }
        panic!("never so: {what}");
    }

    #[test]
    fn the_own_process_lives_and_has_memory_threads_and_descriptors() {
        let own = Process::new(std::process::id()).expect("it lives");
        assert!(own.lives());
        assert!(!own.name().is_empty());
        let memory = own.memory().expect("it lives");
        assert!(memory.anonymous > 0, "{memory:?}");
        assert!(memory.anonymous <= memory.resident, "{memory:?}");
        assert!(memory.resident <= memory.peak, "{memory:?}");
        assert!(memory.threads >= 1, "{memory:?}");
        let before = own.descriptors().expect("its own");
        let files: Vec<_> = (0..500)
            .map(|_| fs::File::open("/proc/self/stat").expect("a file"))
            .collect();
        let with = own.descriptors().expect("its own");
        // Other tests of this process open and close a few meanwhile.
        assert!((450..600).contains(&(with - before)), "{before}, {with}");
        drop(files);
    }

    #[test]
    fn cpu_time_grows_with_work() {
        let own = Process::new(std::process::id()).expect("it lives");
        let before = own.cpu().expect("it lives");
        let spent = || own.cpu().expect("it lives").since(before);
        until("30 ms of work", || {
            for number in 0..10_000u64 {
                std::hint::black_box(number);
            }
            spent().nanoseconds > 30_000_000
        });
        assert!(spent().load(Duration::from_millis(10)).used > 3.0);
    }

    #[test]
    fn a_child_is_followed_until_it_ends_and_its_parent_need_not_ask_for_it() {
        let mut cat = child(&["cat"]);
        let seen = Process::new(cat.id()).expect("it lives");
        until("the child is cat", || {
            Process::new(cat.id()).is_ok_and(|now| now.name() == "cat")
        });
        assert!(seen.lives() && seen.memory().is_ok());
        drop(cat.stdin.take());
        // Not waited for: the kernel keeps its entry.
        until("it has ended", || !seen.lives());
        assert!(seen.cpu().is_err());
        let error = seen.memory().expect_err("it has ended").to_string();
        assert!(error.contains("has ended"), "{error}");
        let error = Process::new(cat.id())
            .expect_err("it has ended")
            .to_string();
        assert!(error.contains("has ended already"), "{error}");
        cat.wait().expect("it is ours");
        let error = Process::new(cat.id()).expect_err("it is gone").to_string();
        assert!(error.contains("no process"), "{error}");
    }

    #[test]
    fn a_thread_is_no_process_and_the_error_names_its_process() {
        let (tell, told) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            tell.send(rustix::thread::gettid())
                .expect("somebody listens");
            let _ = ended.recv();
        });
        let id = told.recv().expect("it tells").as_raw_nonzero().get() as u32;
        let error = Process::new(id).expect_err("a thread").to_string();
        let process = std::process::id();
        assert!(
            error.contains(&format!("wanted: --pid {process}")),
            "{error}"
        );
        drop(end);
        thread.join().expect("it does not panic");
    }

    #[test]
    fn the_name_may_hold_whatever_stands_between_the_fields() {
        let folder = std::env::temp_dir().join(format!("dunlin-name-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let line = "7 (a) R 1 (b c) S 1 7 7 0 -1 0 0 0 0 0 11 22 0 0 20 0 1 0 333 0 0";
        fs::write(folder.join("stat"), line).expect("a file");
        let stat = Stat::read(&folder).expect("it has all fields");
        assert_eq!(stat.name, "a) R 1 (b c");
        assert_eq!(
            (stat.user_ticks, stat.kernel_ticks, stat.started),
            (11, 22, 333)
        );
        fs::write(folder.join("stat"), "7 (a").expect("a file");
        assert!(Stat::read(&folder).is_err());
        fs::remove_dir_all(&folder).expect("it is ours");
    }
}
