//! The pages of the ready server: they are there, whole, and load nothing from elsewhere.

use crate::running::start;
use dunlin::{App, apps};

#[test]
fn pages_and_their_parts_have_their_types() {
    let server = start(|| apps::all(App::new()));
    let mut client = server.connect();
    for (path, content_type, part) in [
        ("/", "text/html; charset=utf-8", "/chattstart"),
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
    for path in ["/", "/chattstart"] {
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
    for sink in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
    ] {
        assert!(!script.contains(sink), "{sink}");
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
