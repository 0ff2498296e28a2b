//! The pages of the ready server: they are there, whole, and load nothing from elsewhere.

use crate::running::start;
use dunlin::{App, apps};

#[test]
fn pages_and_their_parts_have_their_types() {
    let server = start(|| apps::all(App::new()));
    let mut client = server.connect();
    for (path, content_type, part) in [
        ("/", "text/html; charset=utf-8", "href=\"/about\""),
        ("/about", "text/html; charset=utf-8", "/chattstart"),
        ("/css/rooms.css", "text/css; charset=utf-8", "light-dark"),
        ("/img/dunlin.svg", "image/svg+xml", "<svg"),
        ("/js/chat.js", "text/javascript; charset=utf-8", "ENTERED"),
        ("/css/index.css", "text/css; charset=utf-8", "body"),
        (
            "/chattstart",
            "text/html; charset=utf-8",
            "<h1>웹 소켓 채팅</h1>",
        ),
        ("/css/chatt.css", "text/css; charset=utf-8", "#talk"),
        ("/js/chatt.js", "text/javascript; charset=utf-8", "'/chatt'"),
    ] {
        let (head, body) = client.request("GET", path, &[]);
        assert_eq!(head.status, 200, "{path}");
        assert_eq!(head.field("content-type"), Some(content_type), "{path}");
        let body = String::from_utf8(body).expect("UTF-8");
        assert!(body.contains(part), "{path} has no {part}");
    }
}

#[test]
fn pages_run_no_inline_script_and_load_from_their_own_origin_only() {
    let server = start(|| apps::all(App::new()));
    for path in ["/", "/about", "/chattstart"] {
        let (head, body) = server.connect().request("GET", path, &[]);
        let policy = head.field("content-security-policy").expect("a policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
        ] {
            assert!(
                policy.split("; ").any(|known| known == part),
                "{path}: {policy}"
            );
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        let page = String::from_utf8(body).expect("UTF-8");
        for part in ["<style", " style=", "onclick", "http://", "https://"] {
            assert!(!page.contains(part), "{path} contains {part}");
        }
        // Every script of the page is a file.
        assert_eq!(
            page.matches("<script").count(),
            page.matches("<script src=\"/").count(),
            "{path}"
        );
    }
}

#[test]
fn no_message_reaches_the_page_as_markup() {
    let script = include_str!("../../src/apps/assets/chatt.js");
    let of_rooms = parts_of_the_rooms_page().into_iter();
    let scripts = of_rooms.filter(|(path, _)| path.ends_with(".js"));
    for (path, script) in scripts.chain([("/js/chatt.js".to_owned(), script.to_owned())]) {
        for sink in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "srcdoc",
            "setAttribute(",
        ] {
            assert!(!script.contains(sink), "{path}: {sink}");
        }
    }
}

/// What a browser loads for `/`: the page, and whatever its parts name.
fn parts_of_the_rooms_page() -> Vec<(String, String)> {
    let server = start(|| apps::all(App::new()));
    let mut client = server.connect();
    let mut parts: Vec<(String, String)> = Vec::new();
    let mut paths = vec!["/".to_owned()];
    while let Some(path) = paths.pop() {
        if path == "/about" || parts.iter().any(|(known, _)| *known == path) {
            continue;
        }
        let (head, body) = client.request("GET", &path, &[]);
        assert_eq!(head.status, 200, "{path}");
        assert_eq!(head.field("etag").is_some(), path != "/", "{path}");
        let text = String::from_utf8(body).expect("UTF-8");
        let quoted = text.split(['"', '\'']).skip(1).step_by(2);
        let own = quoted.filter(|part| part.starts_with("/") && !part.contains(['>', ' ']));
        paths.extend(own.filter(|part| part.len() > 1).map(str::to_owned));
        let modules = text.split("from './").skip(1);
        let names = modules.filter_map(|rest| rest.split_once('\'').map(|(name, _)| name));
        paths.extend(names.map(|name| format!("/js/{name}")));
        let images = text.split("url(").skip(1);
        let urls = images.filter_map(|rest| rest.split_once(')').map(|(url, _)| url));
        paths.extend(urls.map(str::to_owned));
        parts.push((path, text));
    }
    parts
}

#[test]
fn the_rooms_page_with_all_its_parts_is_small_and_loads_nothing_from_elsewhere() {
    let parts = parts_of_the_rooms_page();
    let mut paths: Vec<&str> = parts.iter().map(|(path, _)| &**path).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "/",
            "/css/rooms.css",
            "/img/dunlin.svg",
            "/js/chat.js",
            "/js/line.js",
            "/js/log.js",
            "/js/rooms.js",
            "/js/store.js",
            "/js/words.js"
        ]
    );
    let total: usize = parts.iter().map(|(_, text)| text.len()).sum();
    assert!(total < 30 * 1024, "{total} bytes");
    for (path, text) in &parts {
        let foreign = text.replace("http://www.w3.org/2000/svg", "");
        for part in [
            "http://", "https://", "@import", "\"//", "'//", "onload=", "onerror=",
        ] {
            assert!(!foreign.contains(part), "{path} contains {part}");
        }
    }
}

#[test]
fn every_text_of_the_rooms_page_is_there_in_both_languages() {
    let words = include_str!("../../src/apps/assets/js/words.js");
    let (_, table) = words.split_once("const TABLE = {\n").expect("the table");
    let (table, _) = table.split_once("};").expect("its end");
    for line in table.lines() {
        let (key, both) = line.trim().split_once(": '").expect("a key");
        let (english, korean) = both.split_once('|').expect("two texts");
        assert!(english.is_ascii() || english.contains(['“', '”']), "{key}");
        assert!(!korean.is_ascii() || korean.contains('{'), "{key}");
        assert_eq!(
            english.matches("{}").count(),
            korean.matches("{}").count(),
            "{key}"
        );
    }
}

#[test]
fn the_page_has_the_parts_that_scripts_and_tests_look_for() {
    let page = include_str!("../../src/apps/assets/chatt.html");
    for part in [
        "<html lang=\"ko\">",
        "<div id=\"chatt\">",
        "id=\"mid\" value=\"게스트\"",
        "id=\"btnJoin\" value=\"채팅참여\">채팅참여</button>",
        "<div id=\"talk\"",
        "<div id=\"sendZone\">",
        "id=\"msg\"",
        ">안녕...</textarea>",
        "id=\"btnSend\" value=\"전송\">전송</button>",
    ] {
        assert!(page.contains(part), "{part}");
    }
}
