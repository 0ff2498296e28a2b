//! A disk that is full, and a folder that is gone: the rooms go on in memory, and the log says so.

use super::session::Session;
use super::{Folder, create, request};
use crate::binary::{Serving, address_in};
use serde_json::json;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

/// Says so many messages of so many bytes; the longest time that one waited for its receipt.
fn longest_wait(address: SocketAddr, room: &str, count: usize, bytes: usize) -> Duration {
    let mut kim = Session::open(address);
    kim.enter(room, "kim", &json!({"client": "0123456789abcdef"}));
    let text = "x".repeat(bytes);
    let waits = (0..count).map(|number| {
        let from = Instant::now();
        kim.talk(room, &text, &format!("{room}{bytes}{number}"));
        let receipt = kim.hear();
        assert_eq!(receipt["type"], "TALK", "{receipt}");
        from.elapsed()
    });
    waits.max().unwrap_or_default()
}

#[test]
fn a_full_disk_stops_no_room_and_what_it_takes_later_is_kept() {
    let folder = Folder::new("full");
    // A file may have 64 KiB: what would be longer is refused as by a full disk.
    let line = "trap '' XFSZ; ulimit -f 128 && exec \"$0\" serve --listen 127.0.0.1:0 \
                --message-rate off --history-dir \"$1\"";
    let mut command = Command::new("sh");
    command
        .args(["-c", line, env!("CARGO_BIN_EXE_dunlin"), folder.path()])
        .env_remove("DUNLIN_LISTEN")
        .env_remove("DUNLIN_LOG");
    let mut serving = Serving::start(&mut command);
    let address = address_in(&serving.out_line());
    let room = create(address);
    longest_wait(address, &room, 1, 100);
    folder.wait_for(&"x".repeat(100));
    let newest = format!("/chat/{room}/messages?limit=1");
    let first = request(address, "GET", &newest);
    let waited = longest_wait(address, &room, 20, 8 << 10);
    assert!(waited < Duration::from_secs(1), "{waited:?}");
    serving.log_line("cannot write the rooms to disk");
    // More than waits for the disk: it is counted, and said.
    let waited = longest_wait(address, &room, 40, 60 << 10);
    assert!(waited < Duration::from_secs(1), "{waited:?}");
    serving.log_line("messages of rooms are not kept over a restart");
    let last = request(address, "GET", &newest);
    assert_eq!(last["id"], 61);
    serving.signal("TERM");
    let (status, ..) = serving.end();
    assert!(status.success(), "{status}");
    // On a disk with room, what was written is there, and no id is given again.
    let (_serving, address) = folder.serve();
    let kept = request(address, "GET", &format!("/chat/{room}/messages"));
    assert_eq!(kept["messages"][0]["id"], 1);
    let mut kim = Session::open(address);
    let entered = kim.enter(&room, "kim", &json!({}));
    kim.talk(&room, "new", "new");
    let receipt = kim.hear();
    let epochs = [&first["epoch"], &last["epoch"]];
    let is_new = !epochs.contains(&&entered["epoch"]) || receipt["id"].as_u64() > Some(61);
    assert!(is_new, "{entered} {receipt}");
}

#[test]
fn a_folder_that_is_gone_stops_no_room_and_the_log_says_so() {
    let folder = Folder::new("gone");
    let (serving, address) = folder.serve();
    let room = create(address);
    assert!(longest_wait(address, &room, 1, 100) < Duration::from_secs(1));
    std::fs::remove_dir_all(folder.path()).expect("a folder");
    let waited = longest_wait(address, &room, 20, 8 << 10);
    assert!(waited < Duration::from_secs(1), "{waited:?}");
    serving.log_line("rooms-0000000001.log was removed");
    let history = request(address, "GET", &format!("/chat/{room}/messages"));
    assert_eq!(history["id"], 21);
    serving.signal("TERM");
    let (status, ..) = serving.end();
    assert!(status.success(), "{status}");
}
