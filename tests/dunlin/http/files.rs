//! A folder over HTTP: what is served, and everything that must not be.

use crate::running::{Running, start};
use dunlin::{App, ErrorKind, Files, Response, Server};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder that is removed with its value.
struct Folder(PathBuf);

impl Folder {
    /// `public` in it is to be served, and beside it lies what must not be.
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("dunlin-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("public/sub")).expect("a folder");
        let folder = Self(folder);
        folder.write("secret.txt", "secret");
        folder.write("public/a.txt", "hello");
        folder.write("public/sub/index.html", "<p>sub</p>");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).expect("a file");
    }

    fn serve(&self, prefix: &'static str) -> Running {
        let public = self.path("public");
        start(move || {
            let files = Files::open(public).expect("a folder");
            App::new()
                .get("/a.html", |_, _| Response::text("the route"))
                .files(prefix, files)
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn get(server: &Running, path: &str) -> (u16, String) {
    let (head, body) = server.connect().request("GET", path, &[]);
    (head.status, String::from_utf8_lossy(&body).into_owned())
}

#[track_caller]
fn assert_nothing(server: &Running, path: &str) {
    assert_eq!(
        get(server, path),
        (404, "404 Not Found\n".into()),
        "{path:?}"
    );
}

#[test]
fn a_file_is_served_with_its_type_and_head_tells_the_same() {
    let folder = Folder::new("served");
    let server = folder.serve("/");
    let mut client = server.connect();
    let (head, body) = client.request("GET", "/a.txt?x=1", &["Range: bytes=0-1"]);
    assert_eq!((head.status, &*body), (200, &b"hello"[..]));
    assert_eq!(
        head.field("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(head.field("x-content-type-options"), Some("nosniff"));
    assert!(
        head.field("etag")
            .is_some_and(|tag| tag.starts_with("W/\""))
    );
    let (only, body) = client.request("HEAD", "/a.txt", &[]);
    assert!(body.is_empty());
    for name in ["content-length", "content-type", "etag", "last-modified"] {
        assert_eq!(only.field(name), head.field(name), "{name}");
    }
    let (head, _) = client.request("POST", "/a.txt", &[]);
    assert_eq!((head.status, head.field("allow")), (405, Some("GET, HEAD")));
}

#[test]
fn who_has_the_file_gets_304_until_it_changes() {
    let folder = Folder::new("known");
    let server = folder.serve("/");
    let mut client = server.connect();
    let (head, _) = client.request("GET", "/a.txt", &[]);
    let etag = head.field("etag").expect("a tag").to_owned();
    let modified = head.field("last-modified").expect("a date").to_owned();
    let strong = etag.trim_start_matches("W/");
    let many = format!("If-None-Match: {}{etag}", "\"x\", ".repeat(1500));
    for (fields, status) in [
        (&[&*format!("If-None-Match: {etag}")][..], 304),
        (&[&*format!("If-None-Match: {strong}")], 304),
        (&["If-None-Match: *"], 304),
        (&[&*many], 304),
        (
            &["If-None-Match: \"x\"", &*format!("If-None-Match: {etag}")],
            304,
        ),
        (&["If-None-Match: \"x\""], 200),
        (&["If-None-Match:"], 200),
        (&[&*format!("If-Modified-Since: {modified}")], 304),
        (&["If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"], 200),
        (&["If-Modified-Since: soon"], 200),
        (
            &[
                "If-None-Match: \"x\"",
                &*format!("If-Modified-Since: {modified}"),
            ],
            200,
        ),
    ] {
        for method in ["GET", "HEAD"] {
            let (head, body) = client.request(method, "/a.txt", fields);
            assert_eq!(head.status, status, "{method} {fields:?}");
            assert_eq!(head.field("etag"), Some(&*etag));
            assert_eq!(body.is_empty(), status == 304 || method == "HEAD");
        }
    }
    folder.write("public/a.txt", "hello!");
    let (head, body) = client.request("GET", "/a.txt", &[&format!("If-None-Match: {etag}")]);
    assert_eq!((head.status, &*body), (200, &b"hello!"[..]));
}

#[test]
fn a_folder_is_its_index_and_is_never_listed() {
    let folder = Folder::new("index");
    fs::create_dir_all(folder.path("public/bare")).expect("a folder");
    fs::create_dir_all(folder.path("public/odd/index.html")).expect("a folder");
    for (prefix, at) in [("/", ""), ("/f", "/f"), ("/f/g/", "/f/g")] {
        let server = folder.serve(prefix);
        assert_eq!(
            get(&server, &format!("{at}/sub/")),
            (200, "<p>sub</p>".into())
        );
        let (head, _) = server
            .connect()
            .request("GET", &format!("{at}/sub?x=//y"), &[]);
        assert_eq!(
            (head.status, head.field("location")),
            (307, Some("./sub/?x=//y"))
        );
        for path in [
            "/",
            "/bare",
            "/bare/",
            "/odd",
            "/odd/",
            "/a.txt/",
            "/sub/index.html/",
        ] {
            assert_nothing(&server, &format!("{at}{path}"));
        }
    }
    let server = folder.serve("/f");
    let (head, _) = server.connect().request("GET", "/f", &[]);
    assert_eq!((head.status, head.field("location")), (307, Some("./f/")));
    assert_nothing(&server, "/a.txt");
    folder.write("public/index.html", "top");
    assert_eq!(get(&server, "/f/"), (200, "top".into()));
}

#[test]
fn no_path_leads_out_or_to_a_hidden_file() {
    let folder = Folder::new("paths");
    fs::create_dir_all(folder.path("public/.git")).expect("a folder");
    folder.write("public/.git/config", "hidden");
    folder.write("public/.env", "hidden");
    fs::create_dir_all(folder.path("public/.well-known")).expect("a folder");
    folder.write("public/.well-known/security.txt", "public");
    folder.write("public/%2e%2e", "the name of a file");
    for (prefix, at) in [("/", ""), ("/f", "/f")] {
        let server = folder.serve(prefix);
        for path in [
            "/../secret.txt",
            "/..%2fsecret.txt",
            "/%2e%2e/secret.txt",
            "/.%2e%2Fsecret.txt",
            "/sub/../a.txt",
            "/sub/../../secret.txt",
            "/sub/%2e%2e/%2e%2e/secret.txt",
            "/..\\secret.txt",
            "/..%5csecret.txt",
            "/./a.txt",
            "//a.txt",
            "/sub//index.html",
            "//sub",
            "//localhost/sub",
            "/a.txt%00",
            "/a.txt%00.html",
            "/%00",
            "/.env",
            "/%2eenv",
            "/.git/config",
            "/a.txt/../a.txt",
            "/a%2etxt%",
            "/etc/passwd",
            "//etc/passwd",
        ] {
            assert_nothing(&server, &format!("{at}{path}"));
        }
        let long = "x".repeat(300);
        assert_nothing(&server, &format!("{at}/{long}"));
        assert_nothing(&server, &format!("{at}/{}", "sub/".repeat(100)));
        for (path, text) in [
            ("/%61.tx%74", "hello"),
            ("/%252e%252e", "the name of a file"),
            ("/.well-known/security.txt", "public"),
        ] {
            assert_eq!(get(&server, &format!("{at}{path}")), (200, text.into()));
        }
    }
}

#[test]
fn links_pipes_and_sockets_are_not_there_and_stop_nothing() {
    let folder = Folder::new("links");
    let link = |to: &str, name: &str| symlink(to, folder.path(name)).expect("a link");
    link("../secret.txt", "public/out.txt");
    link("a.txt", "public/in.txt");
    link("..", "public/up");
    link("/", "public/whole");
    link("round", "public/round");
    link("../secret.txt", "public/nothing.txt");
    fs::create_dir_all(folder.path("public/linked")).expect("a folder");
    link("../../secret.txt", "public/linked/index.html");
    let pipes = [
        folder.path("public/pipe"),
        folder.path("public/pipes/index.html"),
    ];
    fs::create_dir_all(folder.path("public/pipes")).expect("a folder");
    let made = Command::new("mkfifo").args(&pipes).status();
    assert!(made.expect("mkfifo").success());
    let _socket = UnixListener::bind(folder.path("public/socket")).expect("a socket");
    let server = folder.serve("/");
    for path in [
        "/out.txt",
        "/in.txt",
        "/up/secret.txt",
        "/up/public/a.txt",
        "/whole/etc/passwd",
        "/round",
        "/linked/",
        "/linked",
        "/pipe",
        "/pipes/",
        "/pipes",
        "/socket",
    ] {
        assert_nothing(&server, path);
    }
    assert_eq!(get(&server, "/a.txt"), (200, "hello".into()));
}

#[test]
fn the_folder_itself_may_be_a_link() {
    let folder = Folder::new("itself");
    symlink(folder.path("public"), folder.path("current")).expect("a link");
    let current = folder.path("current");
    let server = start(move || App::new().files("/", Files::open(current).expect("a folder")));
    assert_eq!(get(&server, "/a.txt"), (200, "hello".into()));
}

#[test]
fn files_of_every_length_are_served_as_they_are_also_one_after_another() {
    let folder = Folder::new("sizes");
    let bytes = |length: usize| -> Vec<u8> { (0..length).map(|at| (at % 251) as u8).collect() };
    let lengths = [0, 1, 65_536, 65_537, 200_000, 3 << 20];
    for length in lengths {
        folder.write(&format!("public/{length}.bin"), bytes(length));
    }
    let server = folder.serve("/");
    let mut client = server.connect();
    for length in lengths {
        for method in ["HEAD", "GET"] {
            let (head, body) = client.request(method, &format!("/{length}.bin"), &[]);
            assert_eq!(head.status, 200, "{method} {length}");
            assert_eq!(head.field("content-length"), Some(&*length.to_string()));
            assert_eq!(head.field("transfer-encoding"), None);
            assert!(
                body == if method == "GET" {
                    bytes(length)
                } else {
                    Vec::new()
                }
            );
        }
    }
}

#[test]
fn a_long_file_that_is_cut_short_while_it_goes_out_cuts_the_connection() {
    const LENGTH: u64 = 64 << 20;
    let folder = Folder::new("short");
    folder.write("public/long.bin", "");
    let file = fs::OpenOptions::new()
        .write(true)
        .open(folder.path("public/long.bin"))
        .expect("a file");
    file.set_len(LENGTH).expect("a hole takes no room");
    let server = folder.serve("/");
    let mut client = server.connect();
    client.write("GET /long.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.read_head();
    assert_eq!(head.field("content-length"), Some(&*LENGTH.to_string()));
    file.set_len(1000).expect("it is cut");
    let came = client.read_to_end().len() as u64;
    assert!(came < LENGTH, "{came} bytes came");
}

#[test]
fn other_routes_win_and_a_folder_of_many_files_is_like_any() {
    let folder = Folder::new("many");
    folder.write("public/a.html", "the file");
    for number in 0..2000 {
        folder.write(&format!("public/sub/{number}.txt"), number.to_string());
    }
    let server = folder.serve("/");
    assert_eq!(get(&server, "/a.html"), (200, "the route".into()));
    assert_eq!(get(&server, "/sub/1999.txt"), (200, "1999".into()));
    assert_nothing(&server, "/sub/2000.txt");
}

#[test]
fn what_cannot_be_served_is_an_error_that_says_what_was_wanted() {
    let folder = Folder::new("errors");
    let made = Command::new("mkfifo").arg(folder.path("pipe")).status();
    assert!(made.expect("mkfifo").success());
    for name in ["missing", "secret.txt", "pipe"] {
        let error = Files::open(folder.path(name)).expect_err("no folder");
        assert_eq!(error.kind(), ErrorKind::Config);
        let text = error.to_string();
        assert!(
            text.contains(name) && text.contains("wanted: a folder"),
            "{text}"
        );
    }
    let open = || Files::open(folder.path("public")).expect("a folder");
    for (app, part) in [
        (App::new().files("static", open()), "does not start with /"),
        (App::new().files("/", open()).files("/", open()), "already"),
    ] {
        let error = Server::bind(app, "127.0.0.1:0")
            .and_then(Server::start)
            .map(drop);
        let error = error.expect_err("it cannot start");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn a_file_that_may_not_be_read_is_not_there() {
    let folder = Folder::new("rights");
    let file = folder.path("public/closed.txt");
    folder.write("public/closed.txt", "closed");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("a mode");
    let server = folder.serve("/");
    // Whoever runs the tests as root may read everything.
    let wanted = match fs::read(Path::new(&file)) {
        Ok(_) => (200, "closed".to_owned()),
        Err(_) => (404, "404 Not Found\n".to_owned()),
    };
    assert_eq!(get(&server, "/closed.txt"), wanted);
}
