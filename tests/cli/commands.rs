//! The command: what it prints, how it ends.

use crate::binary::{Serving, address_in, dunlin, open, run};
use crate::wire_client::WireClient;
use std::net::TcpListener;

#[test]
fn help_shows_the_command_to_start_with_and_succeeds() {
    let ended = run(&mut dunlin(&["--help"]));
    assert_eq!(ended.code, Some(0));
    assert!(ended.out.contains("dunlin serve"), "{}", ended.out);
    assert_eq!(ended.err, "");
}

#[test]
fn the_help_of_serve_names_every_flag_its_variable_and_an_example() {
    let ended = run(&mut dunlin(&["serve", "--help"]));
    assert_eq!(ended.code, Some(0));
    for part in [
        "--listen",
        "DUNLIN_LISTEN",
        "127.0.0.1:8080",
        "unix:",
        "--socket-mode",
        "DUNLIN_SOCKET_MODE",
        "--dir",
        "DUNLIN_DIR",
        "--log",
        "DUNLIN_LOG",
        "Examples:",
    ] {
        assert!(
            ended.out.contains(part),
            "{part} is missing in\n{}",
            ended.out
        );
    }
}

#[test]
fn the_command_help_shows_the_same_help() {
    for command in ["serve", "config"] {
        let asked = run(&mut dunlin(&["help", command]));
        let flag = run(&mut dunlin(&[command, "--help"]));
        assert_eq!(asked.code, Some(0));
        assert!(asked.out.contains("--max-message-size"), "{}", asked.out);
        assert_eq!(asked.out, flag.out);
    }
}

/// `cargo test -p dunlin-cli --no-default-features` runs this; a build with all commands has nothing to refuse.
#[cfg(not(all(feature = "bench", feature = "chat", feature = "check")))]
#[test]
fn a_command_that_the_build_leaves_out_is_a_usage_error_that_names_its_feature() {
    for (command, is_left_out) in [
        ("bench", cfg!(not(feature = "bench"))),
        ("chat", cfg!(not(feature = "chat"))),
        ("check", cfg!(not(feature = "check"))),
    ] {
        if is_left_out {
            let ended = run(&mut dunlin(&[command, "ws://127.0.0.1:1/"]));
            let wanted = format!("wanted: one with the feature `{command}`\n");
            assert_eq!(ended.code, Some(2), "{}", ended.err);
            assert!(ended.err.ends_with(&wanted), "{}", ended.err);
        }
    }
}

#[test]
fn the_version_is_the_one_of_the_package() {
    let ended = run(&mut dunlin(&["--version"]));
    assert_eq!(ended.code, Some(0));
    assert_eq!(
        ended.out.trim(),
        concat!("dunlin ", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_usage_error_exits_with_2_on_standard_error() {
    for arguments in [
        &[][..],
        &["frobnicate"],
        &["serve", "--frobnicate"],
        &["serve", "--listen"],
    ] {
        let ended = run(&mut dunlin(arguments));
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        assert_eq!(ended.out, "", "{arguments:?}");
        assert!(ended.err.contains("--help"), "{arguments:?}: {}", ended.err);
    }
}

#[test]
fn a_bad_address_says_what_was_given_and_how_to_mend_it() {
    let ended = run(&mut dunlin(&["serve", "--listen", "8080"]));
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("\"8080\" has no host"), "{}", ended.err);
    assert!(ended.err.contains("127.0.0.1:8080"), "{}", ended.err);
}

#[test]
fn a_bad_value_of_the_environment_is_bad_configuration_and_names_the_variable() {
    for (variable, value) in [
        ("DUNLIN_LISTEN", "127.0.0.1:1,8080"),
        ("DUNLIN_LOG", "loud"),
        ("DUNLIN_DIR", "/nowhere"),
        ("DUNLIN_SOCKET_MODE", "rw-rw----"),
    ] {
        let ended = run(dunlin(&["serve"]).env(variable, value));
        assert_eq!(ended.code, Some(78), "{variable}");
        assert!(ended.err.contains(variable), "{}", ended.err);
    }
}

#[test]
fn the_index_of_a_folder_is_the_page_unless_the_applications_are_named() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("own-index");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("index.html"), "my own page").expect("a file");
    let folder = folder.to_str().expect("a path");
    for (more, part) in [
        (&["--dir", folder][..], "my own page"),
        (
            &["--dir", folder, "--apps", "echo,index"],
            "<title>dunlin</title>",
        ),
    ] {
        let (_serving, address) = Serving::on_free_port(more);
        let (head, body) = WireClient::connect(address).request("GET", "/", &[]);
        assert_eq!(head.status, 200, "{more:?}");
        assert!(String::from_utf8_lossy(&body).contains(part), "{more:?}");
    }
}

#[test]
fn the_files_of_a_folder_are_served_behind_all_other_paths() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../apps");
    let (_serving, address) = Serving::on_free_port(&["--dir", folder]);
    let mut client = WireClient::connect(address);
    for (path, status, part) in [
        ("/assets/index.css", 200, "color-scheme"),
        ("/", 200, "<title>dunlin</title>"),
        ("/about", 200, "A WebSocket server is running here."),
        ("/assets/", 200, "<title>dunlin</title>"),
        ("/nowhere", 404, "404 Not Found"),
        ("/../lib.rs", 404, "404 Not Found"),
    ] {
        let (head, body) = client.request("GET", path, &[]);
        assert_eq!(head.status, status, "{path}");
        assert!(String::from_utf8_lossy(&body).contains(part), "{path}");
    }
}

#[test]
fn a_folder_that_is_not_there_says_how_to_mend_it() {
    let ended = run(&mut dunlin(&["serve", "--dir", "/nowhere"]));
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    for part in [
        "\"/nowhere\" cannot be served",
        "No such file",
        "make it, or name another with --dir",
    ] {
        assert!(ended.err.contains(part), "{part}: {}", ended.err);
    }
}

#[test]
fn an_address_in_use_is_a_failure_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let ended = run(&mut dunlin(&["serve", "--listen", &address]));
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert_eq!(ended.out, "");
    assert!(ended.err.contains(&address), "{}", ended.err);
    assert!(ended.err.contains("in use"), "{}", ended.err);
}

#[test]
fn serve_prints_a_url_for_every_address_and_answers_there() {
    let mut command = dunlin(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--listen",
        "127.0.0.1:0",
    ]);
    let mut serving = Serving::start(&mut command);
    let lines = [serving.out_line(), serving.out_line()];
    assert_ne!(address_in(&lines[0]), address_in(&lines[1]));
    for line in lines {
        assert!(line.ends_with(" — open it in a browser"), "{line}");
        let (head, _) = WireClient::connect(address_in(&line)).request("GET", "/", &[]);
        assert_eq!(head.status, 200);
        let mut client = open(address_in(&line), "/echo");
        assert_eq!(client.read_text(), "Please enter your name");
    }
}

#[cfg(unix)]
#[test]
fn a_unix_socket_serves_and_its_file_goes_with_the_server() {
    use std::io::{Read, Write};
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/serve.sock");
    let listen = format!("unix:{path}");
    let mut command = dunlin(&["serve", "--listen", &listen, "--socket-mode", "620"]);
    let mut serving = Serving::start(&mut command);
    assert_eq!(
        serving.out_line(),
        format!("dunlin is listening on {listen}")
    );
    let file = std::fs::metadata(path).expect("a file");
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.permissions());
    assert_eq!(mode & 0o777, 0o620);
    let mut stream = std::os::unix::net::UnixStream::connect(path).expect("it listens");
    stream
        .set_read_timeout(Some(std::time::Duration::from_secs(20)))
        .expect("a time limit");
    let head = WireClient::upgrade_head("/echo", &[]);
    stream.write_all(head.as_bytes()).expect("it reads");
    let greeting = b"Please enter your name";
    let mut answer = Vec::new();
    while !answer.ends_with(greeting) {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("it answers");
        answer.extend(byte);
    }
    drop(stream);
    serving.signal("TERM");
    assert_eq!(serving.end().0.code(), Some(0));
    assert!(!std::path::Path::new(path).exists());
}

#[test]
fn the_environment_says_where_to_listen_and_a_flag_overrules_it() {
    let mut command = dunlin(&["serve", "--listen", "127.0.0.1:0"]);
    let mut serving = Serving::start(command.env("DUNLIN_LISTEN", "unix:/nowhere/at/all"));
    address_in(&serving.out_line());

    let mut command = dunlin(&["serve"]);
    let mut serving = Serving::start(command.env("DUNLIN_LISTEN", "127.0.0.1:0, 127.0.0.1:0"));
    assert_ne!(
        address_in(&serving.out_line()),
        address_in(&serving.out_line())
    );
}

/// Variables of a running server that begin with `MALLOC_`, and its name.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn heap_of(serving: &Serving) -> (Vec<String>, String) {
    let read = |file: &str| {
        let path = format!("/proc/{}/{file}", serving.id());
        std::fs::read_to_string(path).expect("it runs")
    };
    let environment = read("environ");
    let variables = environment.split('\0').map(str::to_owned);
    let variables = variables.filter(|name| name.starts_with("MALLOC_"));
    (variables.collect(), read("comm").trim().to_owned())
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn serve_fixes_the_sizes_of_the_heap_under_its_own_name_and_answers() {
    let (serving, address) = Serving::on_free_port(&[]);
    let (variables, name) = heap_of(&serving);
    assert!(variables.contains(&"MALLOC_MMAP_THRESHOLD_=16384".to_owned()));
    assert!(variables.contains(&"MALLOC_TRIM_THRESHOLD_=65536".to_owned()));
    assert_eq!(name, "dunlin");
    assert_eq!(open(address, "/echo").read_text(), "Please enter your name");
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn what_an_operator_chose_for_the_heap_stays() {
    let mut command = dunlin(&["serve", "--listen", "127.0.0.1:0"]);
    let mut serving = Serving::start(command.env("MALLOC_ARENA_MAX", "1"));
    address_in(&serving.out_line());
    assert_eq!(heap_of(&serving).0, ["MALLOC_ARENA_MAX=1"]);
}

#[test]
fn a_signal_closes_sessions_with_1001_and_ends_with_success() {
    for signal in ["TERM", "INT"] {
        let (serving, address) = Serving::on_free_port(&[]);
        let mut client = open(address, "/echo-raw");
        serving.signal(signal);
        assert_eq!(client.read_close().0, 1001, "{signal}");
        drop(client);
        let (status, out, log) = serving.end();
        assert_eq!(status.code(), Some(0), "{signal}: {log:#?}");
        assert_eq!(out, "", "{signal}");
    }
}

#[test]
fn a_second_signal_does_not_wait_for_a_client_that_never_answers() {
    let (serving, address) = Serving::on_free_port(&[]);
    let mut client = open(address, "/echo-raw");
    serving.signal("TERM");
    assert_eq!(client.read_close().0, 1001);
    serving.signal("TERM");
    let (status, _, _) = serving.end();
    assert_eq!(status.code(), Some(1));
}
