//! A crowd of more clients than the process has descriptors.

use crate::binary::{Serving, address_in, open};
use crate::running::assert_echo;
use crate::wire_client::WireClient;
use std::io::ErrorKind;
use std::process::Command;
use std::time::Duration;

/// Processor time of a process, in the ticks of the system (mostly 10 ms).
#[cfg(target_os = "linux")]
fn ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    // The name before the last bracket may contain anything.
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next().and_then(|field| field.parse::<u64>().ok());
    let (user, system) = (next(), next());
    user.expect("utime") + system.expect("stime")
}

/// Sees a client hear nothing for a third of a second.
#[track_caller]
fn assert_quiet(client: &WireClient) {
    let stream = client.stream();
    let limit = |time| stream.set_read_timeout(Some(time)).expect("a time limit");
    limit(Duration::from_millis(300));
    let heard = stream.peek(&mut [0]);
    assert_eq!(heard.expect_err("a sound").kind(), ErrorKind::WouldBlock);
    limit(Duration::from_secs(20));
}

#[cfg(target_os = "linux")]
#[test]
fn without_descriptors_nothing_spins_nobody_notices_and_accepting_goes_on_by_itself() {
    // Of 64 the server gives half to connections, and some more to those that it refuses.
    const FILES: usize = 64;
    const SESSIONS: usize = 32;
    let line = format!("ulimit -n {FILES} && exec \"$0\" serve --listen 127.0.0.1:0");
    let mut command = Command::new("sh");
    command
        .args(["-c", &line, env!("CARGO_BIN_EXE_dunlin")])
        .env_remove("DUNLIN_LISTEN")
        .env_remove("DUNLIN_LOG");
    let mut serving = Serving::start(&mut command);
    let address = address_in(&serving.out_line());
    let mut sessions: Vec<WireClient> = (0..SESSIONS).map(|_| open(address, "/echo-raw")).collect();
    let crowd: Vec<WireClient> = (0..100).map(|_| WireClient::connect(address)).collect();
    let first = serving.log_line("accepting pauses");
    sessions.iter_mut().for_each(assert_echo);
    let before = ticks(serving.id());
    assert_quiet(&sessions[0]);
    let spent = ticks(serving.id()) - before;
    assert!(spent < 15, "{spent} ticks in which nothing was to be done");
    sessions.iter_mut().for_each(assert_echo);
    // Others leave: who comes then is served, at the latest when the pause is over.
    drop(crowd);
    sessions.truncate(SESSIONS / 2);
    let mut late = loop {
        let mut client = WireClient::connect(address);
        client.write(WireClient::upgrade_head("/echo-raw", &[]));
        match client.read_head().status {
            101 => break client,
            status => assert_eq!(status, 503),
        }
    };
    assert_echo(&mut late);
    sessions.iter_mut().for_each(assert_echo);
    drop((late, sessions));
    serving.signal("TERM");
    let (_, _, mut log) = serving.end();
    log.push(first);
    let mut seconds: Vec<_> = log
        .iter()
        .filter(|line| line.contains(" accepting "))
        .map(|line| &line[..line.find('.').expect("milliseconds")])
        .collect();
    let lines = seconds.len();
    seconds.sort_unstable();
    seconds.dedup();
    assert_eq!(seconds.len(), lines, "one line a second at most: {log:#?}");
}
