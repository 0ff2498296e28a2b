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

/// A folder of one test, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dunlin-cli-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a path that is text")
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
fn request(address: SocketAddr, method: &str, path: &str) -> Value {
    let (head, body) = WireClient::connect(address).request(method, path, &[]);
    let body = String::from_utf8(body).expect("text");
    assert_eq!(head.status, 200, "{method} {path}: {body}");
    serde_json::from_str(&body).expect("JSON")
}

/// Makes a room; its id.
#[track_caller]
fn create(address: SocketAddr) -> String {
    let room = request(address, "POST", "/chat?name=den");
    room["roomId"].as_str().expect("an id").to_owned()
}
