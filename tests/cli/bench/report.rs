//! The page of a run, without secrets, and outputs that nobody reads.

use super::{bench, counting, is_done, json, url};
use crate::binary::{dunlin, run};
use std::path::PathBuf;
use std::process::Stdio;

/// A file that is removed with its value.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let name = format!("dunlin-bench-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("text")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn neither_page_nor_json_knows_a_secret() {
    let (server, _) = counting();
    let page = File::new("secret.html");
    let url = url(&server, "/echo") + "?token=s3cret&a=b";
    let more = [
        "--json",
        "--html",
        page.path(),
        "--token",
        "s3cret",
        "--header",
        "X-Api-Key: s3cret",
        "-HCookie: s3cret",
    ];
    let ended = bench("echo", &url, &more);
    is_done(&ended);
    let html = std::fs::read_to_string(&page.0).expect("a page");
    assert!(
        html.contains("<h1>echo</h1>") && html.contains("a=b"),
        "{html}"
    );
    for text in [&html, &ended.out, &ended.err] {
        assert!(!text.contains("s3cret"), "{text}");
    }
    let asked = &json(&ended)["asked"]["url"];
    assert!(
        asked
            .as_str()
            .is_some_and(|url| url.ends_with("?token=***&a=b"))
    );
}

#[test]
fn a_bystander_has_a_page_and_keeps_secrets_too() {
    let (server, _) = counting();
    let page = File::new("bystander.html");
    let ended = run(&mut dunlin(&[
        "bench",
        "bystander",
        &(url(&server, "/echo") + "?token=s3cret"),
        "-q",
        "--json",
        "--flood",
        "empty",
        "--connections",
        "2",
        "--span",
        "100ms",
        "--html",
        page.path(),
    ]));
    assert!([Some(0), Some(3)].contains(&ended.code), "{}", ended.err);
    let html = std::fs::read_to_string(&page.0).expect("a page");
    assert!(
        html.contains("flood-empty") && html.contains("</html>"),
        "{html}"
    );
    for text in [&html, &ended.out, &ended.err] {
        assert!(!text.contains("s3cret"), "{text}");
    }
    assert_eq!(json(&ended)["rows"][0]["flood"], "flood-empty");
}

#[test]
fn a_page_is_written_for_a_server_that_is_not_there_and_none_for_a_wrong_line() {
    let page = File::new("nobody.html");
    let ended = bench("echo", "ws://127.0.0.1:1/", &["--html", page.path()]);
    assert_eq!(ended.code, Some(1));
    let html = std::fs::read_to_string(&page.0).expect("a page");
    assert!(html.contains("Nothing was measured"), "{html}");
    let other = File::new("none.html");
    let ended = bench(
        "echo",
        "ws://127.0.0.1:1/",
        &["--html", other.path(), "--rate", "0"],
    );
    assert_eq!(ended.code, Some(2));
    assert!(!other.0.exists());
}

#[test]
fn outputs_that_nobody_reads_change_no_exit_code() {
    let (server, _) = counting();
    let url = url(&server, "/echo");
    for more in [
        &["idle", "--duration", "50ms"][..],
        &[
            "bystander",
            "--flood",
            "empty",
            "--connections",
            "1",
            "--span",
            "50ms",
        ],
    ] {
        let mut command = dunlin(&[&["bench", more[0], &url], &more[1..]].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        drop((child.stdout.take(), child.stderr.take()));
        let code = child.wait().expect("a child").code();
        let is_late = more[0] == "bystander" && code == Some(3);
        assert!(is_late || code == Some(0), "{more:?}: {code:?}");
    }
}
