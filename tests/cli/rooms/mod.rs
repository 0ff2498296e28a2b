//! `dunlin serve --history-dir`: what is there after an end in order, after a kill, and when the disk refuses.

mod disk;
mod kills;
mod restart;
mod session;

use crate::binary::Serving;
use crate::wire_client::WireClient;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A folder of one test, removed in the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dunlin-cli-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("a path that is text")
    }

    /// Waits until one of its files holds this text.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        let holds = |path: PathBuf| {
            let bytes = std::fs::read(path).unwrap_or_default();
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let mut files = std::fs::read_dir(&self.0).expect("a folder").flatten();
            if files.any(|file| holds(file.path())) {
                return;
            }
            assert!(Instant::now() < until, "{text} is not written");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// A server that keeps its rooms here, with bounds that hide nothing.
    fn serve(&self) -> (Serving, SocketAddr) {
        Serving::on_free_port(&[
            "--history-dir",
            self.path(),
            "--history-messages",
            "65536",
            "--history-bytes",
            "16MiB",
            "--message-rate",
            "off",
        ])
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a request without a body is answered, which is JSON.
#[track_caller]
pub(crate) fn request(address: SocketAddr, method: &str, path: &str) -> Value {
    let (head, body) = WireClient::connect(address).request(method, path, &[]);
    let body = String::from_utf8(body).expect("text");
    assert_eq!(head.status, 200, "{method} {path}: {body}");
    serde_json::from_str(&body).expect("JSON")
}

/// Posts a text; the answer, which is JSON.
#[track_caller]
#[cfg_attr(not(feature = "chat"), allow(dead_code))] // the terminal client asks for it
pub(crate) fn post(address: SocketAddr, path: &str, text: &str) -> Value {
    let length = text.len();
    let mut client = WireClient::connect(address);
    client.write(format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{text}"
    ));
    let head = client.read_head();
    assert_eq!(head.status, 200, "POST {path}");
    serde_json::from_slice(&client.read_body(&head)).expect("JSON")
}

/// Makes a room; its id.
#[track_caller]
pub(crate) fn create(address: SocketAddr) -> String {
    let room = request(address, "POST", "/chat?name=den");
    room["roomId"].as_str().expect("an id").to_owned()
}
