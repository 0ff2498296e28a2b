//! `dunlin token`, and `dunlin serve` with keys.

use crate::binary::{Serving, dunlin, run};
use crate::rooms::Folder;
use crate::wire_client::WireClient;
use std::os::unix::fs::PermissionsExt;

/// A folder with a key in it, and the path of that.
fn key(name: &str) -> (Folder, String) {
    let folder = Folder::new(name);
    std::fs::create_dir_all(folder.path()).expect("a folder");
    let file = format!("{}/token.key", folder.path());
    let made = run(&mut dunlin(&["token", "key", &file]));
    assert_eq!(made.code, Some(0), "{}", made.err);
    (folder, file)
}

fn token(file: &str, more: &[&str]) -> String {
    let made = run(dunlin(&["token", "new", "--sub", "ann", "--key-file", file]).args(more));
    assert_eq!(made.code, Some(0), "{}", made.err);
    made.out.trim().to_owned()
}

#[test]
fn a_key_is_its_owner_s_alone_and_is_never_written_over() {
    let (_folder, file) = key("token-key");
    let mode = std::fs::metadata(&file)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = std::fs::read(&file).expect("a file");
    let again = run(&mut dunlin(&["token", "key", &file]));
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("it exists"), "{}", again.err);
    assert_eq!(std::fs::read(&file).expect("a file"), before);
    let odd = run(&mut dunlin(&["token", "key", "--kid", "two words", "x"]));
    assert_eq!(odd.code, Some(2), "{}", odd.err);
}

#[test]
fn a_token_is_shown_as_it_was_made_and_judged_by_the_key() {
    let (_folder, file) = key("token-show");
    let made = token(&file, &["--room", "den", "--read-only", "--for", "2h"]);
    let shown = run(&mut dunlin(&["token", "show", &made, "--key-file", &file]));
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    for part in [
        "sub:        ann",
        "rooms:      den",
        "listen alone",
        "UTC",
        "signature:  good",
    ] {
        assert!(
            shown.out.contains(part),
            "{part} is missing in {}",
            shown.out
        );
    }
    // By the environment as well, and not at all.
    let secret = std::fs::read_to_string(&file).expect("a file");
    let shown = run(dunlin(&["token", "show", &made]).env("DUNLIN_TOKEN_KEY", &secret));
    assert!(
        shown.out.contains("signature:  good"),
        "{}{}",
        shown.out,
        shown.err
    );
    let shown = run(&mut dunlin(&["token", "show", &made]));
    assert!(shown.out.contains("not checked"), "{}", shown.out);
    let other = "f".repeat(32);
    let shown = run(dunlin(&["token", "show", &made]).env("DUNLIN_TOKEN_KEY", &other));
    assert_eq!(shown.code, Some(1));
    assert!(
        shown.err.contains("the signature of the token is wrong"),
        "{}",
        shown.err
    );
    assert!(!shown.err.contains(&other));
}

#[test]
fn what_cannot_be_done_says_how_it_could() {
    let (folder, file) = key("token-wrong");
    let missing = format!("{}/none", folder.path());
    let short = format!("{}/short", folder.path());
    std::fs::write(&short, "too-short-a-secret\n").expect("a file");
    for (arguments, code, part) in [
        (&["token", "new", "--sub", "ann"][..], 2, "dunlin token key"),
        (
            &["token", "new", "--sub", "", "--key-file", &file],
            2,
            "a name",
        ),
        (
            &[
                "token",
                "new",
                "--sub",
                "a",
                "--for",
                "1y",
                "--key-file",
                &file,
            ],
            2,
            "30d",
        ),
        (
            &["token", "new", "--sub", "a", "--key-file", &missing],
            78,
            "dunlin token key",
        ),
        (
            &["token", "new", "--sub", "a", "--key-file", &short],
            78,
            "32 bytes",
        ),
        (&["token", "show", "nonsense"], 1, "no token"),
        (
            &["serve", "--token-key-file", &missing],
            2,
            "dunlin token key",
        ),
        (&["serve", "--token-key-file", &short], 2, "32 bytes"),
        (&["serve", "--token-apps", "room"], 2, "rooms"),
        (
            &["serve", "--trusted-proxy", "10.0.0.1/8"],
            2,
            "wanted: 10.0.0.0/8",
        ),
        (
            &["serve", "--proxy-protocol", "proxy.example"],
            2,
            "10.0.0.0/8",
        ),
        (&["serve", "--connection-rate", "0"], 2, "1 to 10000"),
        (
            &["serve", "--origin", "example.org"],
            2,
            "https://example.org",
        ),
        (
            &["serve", "--origin", "https://example.org/"],
            2,
            "without a slash",
        ),
        (&["serve", "--origin", "null"], 2, "matches nothing"),
    ] {
        let ended = run(&mut dunlin(arguments));
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.err);
        assert!(ended.err.contains(part), "{arguments:?}: {}", ended.err);
        assert!(!ended.err.contains("too-short-a-secret"), "{}", ended.err);
    }
    let ended = run(&mut dunlin(&["serve", "--trusted-proxy", "nonsense"]));
    assert!(ended.err.contains("--trusted-proxy"), "{}", ended.err);
}

fn status(address: std::net::SocketAddr, path: &str, fields: &[&str]) -> u16 {
    let mut client = WireClient::connect(address);
    client.write(WireClient::upgrade_head(path, fields));
    client.read_head().status
}

#[test]
fn with_keys_rooms_ask_for_a_token_and_other_applications_do_not() {
    let (_folder, file) = key("token-serve");
    let (_serving, address) = Serving::on_free_port(&["--token-key-file", &file]);
    let good = token(&file, &[]);
    let query = format!("/ws/chat?token={good}");
    assert_eq!(status(address, "/ws/chat", &[]), 401);
    assert_eq!(status(address, &query, &[]), 101);
    assert_eq!(status(address, "/echo", &[]), 101);
    let mut client = WireClient::connect(address);
    assert_eq!(client.request("GET", "/chat", &[]).0.status, 401);
    let field = format!("Authorization: Bearer {good}");
    let mut client = WireClient::connect(address);
    assert_eq!(client.request("GET", "/chat", &[&field]).0.status, 200);
}

#[test]
fn another_list_of_applications_may_ask_for_tokens() {
    let (_folder, file) = key("token-apps");
    let arguments = ["--token-key-file", &file, "--token-apps", "echo,flow"];
    let (_serving, address) = Serving::on_free_port(&arguments);
    assert_eq!(status(address, "/echo", &[]), 401);
    assert_eq!(status(address, "/flow", &[]), 401);
    assert_eq!(status(address, "/ws/chat", &[]), 101);
}

/// Wherever a token stands in a request, and whatever becomes of that, no line of the log has it.
#[test]
fn a_token_is_never_logged() {
    let (_folder, file) = key("token-log");
    let (serving, address) = Serving::on_free_port(&["--token-key-file", &file, "--log", "trace"]);
    let good = token(&file, &[]);
    let bad = format!("{good}x");
    for token in [&good, &bad] {
        let protocol = format!("Sec-WebSocket-Protocol: dunlin.v1, dunlin.token.{token}");
        let field = format!("Authorization: Bearer {token}");
        let foreign = "Origin: http://elsewhere.example";
        let query = format!("/ws/chat?token={token}");
        for (path, fields) in [
            (&*query, &[][..]),
            ("/ws/chat", &[&*protocol]),
            ("/ws/chat", &[&*field]),
            (&*query, &[&*field, foreign]),
            (&*query, &["Sec-WebSocket-Version: 12"]),
            (&format!("/nowhere?token={token}"), &[&*field]),
        ] {
            status(address, path, fields);
        }
        let mut client = WireClient::connect(address);
        client.request("GET", &format!("/chat?access_token={token}"), &[]);
    }
    serving.signal("TERM");
    let (_, out, log) = serving.end();
    let secret = std::fs::read_to_string(&file).expect("a file");
    let (_, signature) = good.rsplit_once('.').expect("parts");
    assert!(log.len() > 5, "{log:#?}");
    for line in log.iter().map(|line| &**line).chain(out.lines()) {
        for part in [&good, &bad, signature, secret.trim()] {
            assert!(!line.contains(part), "{line}");
        }
    }
}

#[test]
fn sighup_says_that_other_keys_take_a_restart() {
    let (_folder, file) = key("token-hup");
    let (serving, _) = Serving::on_free_port(&["--token-key-file", &file]);
    serving.signal("HUP");
    serving.log_line("the configuration was read again");
    let secret = "f".repeat(32);
    std::fs::write(&file, &secret).expect("a file");
    serving.signal("HUP");
    let line = serving.log_line("takes a restart");
    assert!(line.contains("`token_key_file`"), "{line}");
    assert!(line.contains("the keys in it"), "{line}");
    assert!(!line.contains(&secret), "{line}");
}
