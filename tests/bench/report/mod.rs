//! The reports of `dunlin bench`: what a person reads in the terminal, the JSON, and the page.

mod invented;

use dunlin_bench::report::{from_json, html, json, text, text_of_several};

#[test]
fn no_line_of_a_table_is_longer_than_a_terminal() {
    for (name, runs) in invented::all() {
        let text = match &*runs {
            [run] => text(run),
            runs => text_of_several(runs),
        };
        let is_one_word = |line: &str| line.trim().split(' ').count() == 1;
        for line in text.lines() {
            let is_plain = line.starts_with("INVALID: ") || is_one_word(line);
            let odd = ["huge", "hostile"].contains(&name);
            assert!(
                line.chars().count() <= 80 || is_plain || odd,
                "{name}: {line}"
            );
            assert_eq!(line.trim_end(), line, "{name}");
        }
        assert!(
            !text.contains("NaN") && !text.contains("inf"),
            "{name}: {text}"
        );
        assert!(!text.contains('\u{1b}'), "{name}");
    }
}

#[test]
fn the_verdict_comes_first() {
    let table = text(&invented::invalid());
    let mut lines = table.lines();
    assert!(
        lines
            .next()
            .is_some_and(|line| line.starts_with("INVALID: a worker used 99 %"))
    );
    assert!(
        lines
            .next()
            .is_some_and(|line| line.starts_with("INVALID: the generator was late"))
    );
    assert!(text(&invented::odd::nothing()).starts_with("Nothing was measured"));
    assert!(!text(&invented::echo()).contains("INVALID"));
}

#[test]
fn the_table_has_what_was_measured_and_nothing_else() {
    let closed = text(&invented::echo());
    for part in [
        "84,210 answers a second",
        "connect ",
        "upgrade ",
        "response ",
        "lost ",
        "held      p99<20ms",
        "CPU a message",
    ] {
        assert!(closed.contains(part), "{part} in\n{closed}");
    }
    for part in [
        "service ",
        "lag p99",
        "cut ",
        "duplicates",
        "errors",
        "closes",
        "NOT HELD",
        "reconnect",
    ] {
        assert!(!closed.contains(part), "{part} in\n{closed}");
    }
    let open = text(&invented::open_loop());
    for part in [
        "service ",
        "lag p99",
        "cut ",
        "duplicates ",
        "reordered ",
        "unsent ",
        "errors ",
        "closes ",
        "NOT HELD  response.p99.9<20ms, found: 65.0 ms",
    ] {
        assert!(open.contains(part), "{part} in\n{open}");
    }
    let broadcast = text(&invented::broadcast());
    for part in ["first receiver", "last receiver", "delivered", "2 senders"] {
        assert!(broadcast.contains(part), "{part} in\n{broadcast}");
    }
    let idle = text(&invented::idle());
    assert!(
        idle.contains("none were sent") && !idle.contains("lost"),
        "{idle}"
    );
}

#[test]
fn several_runs_stand_in_columns_and_the_void_one_is_marked() {
    let table = text_of_several(&invented::three());
    assert!(table.contains("2 · ws (Node)"), "{table}");
    assert!(table.contains("3 INVALID"), "{table}");
    assert!(table.contains("\nINVALID: "), "{table}");
}

#[test]
fn json_is_read_as_what_was_written() {
    for (name, runs) in invented::all() {
        for run in &runs {
            let once = json(run).unwrap_or_else(|error| panic!("{name}: {error}"));
            let again = from_json(&once).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(json(&again).ok().as_ref() == Some(&once), "{name}");
            assert!(format!("{run:?}") == format!("{again:?}"), "{name}");
        }
    }
    let error = from_json("{\"version\": 1}").expect_err("most fields are missing");
    assert!(error.to_string().contains("environment"), "{error}");
}

/// Walks through the tags: those that open are closed in order, so nothing of a text became markup.
fn elements(page: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    let mut all = Vec::new();
    let start = page.find("<html").expect("an html element");
    for tag in page[start..].split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag is closed");
        let name = tag
            .split([' ', '/'])
            .find(|part| !part.is_empty())
            .expect("a name")
            .to_owned();
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_ref(), Some(&name));
        } else {
            let is_void = tag.ends_with('/') || ["meta", "link"].contains(&&*name);
            if !is_void {
                open.push(name.clone());
            }
            all.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    all
}

#[test]
fn a_page_is_well_formed_and_holds_no_script_and_no_address() {
    for (name, runs) in invented::all() {
        let page = html(&runs);
        let elements = elements(&page);
        for element in ["script", "img", "iframe", "object", "a"] {
            assert!(
                !elements.iter().any(|one| one == element),
                "{name}: <{element}>"
            );
        }
        for part in [
            "src=", "url(", "@import", "http://", "https://", "NaN", "inf\"", "\u{1b}",
        ] {
            let is_text = name == "hostile" && part == "src=";
            assert!(is_text || !page.contains(part), "{name}: {part}");
        }
        assert!(page.len() < 600_000, "{name}: {} bytes", page.len());
    }
    elements(&html(&[]));
}

#[test]
fn text_of_others_is_text() {
    let page = html(&[invented::odd::hostile()]);
    assert!(!page.contains("<script") && !page.contains("<img"));
    assert!(
        page.matches("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;amp;")
            .count()
            > 12
    );
    let styles = page.matches("</style>").count();
    assert_eq!((styles, page.matches("</title></head>").count()), (1, 0));
    let several = html(&[invented::odd::hostile(), invented::echo()]);
    assert!(!several.contains("<script"));
    elements(&several);
}

#[test]
fn an_invalid_run_is_marked_in_the_title_at_the_top_and_in_every_plot() {
    let page = html(&[invented::invalid()]);
    assert!(page.contains("<title>INVALID: "));
    let banner = page.find("banner invalid").expect("a banner");
    assert!(banner < page.find("<h1>").expect("a heading"));
    let plots = page.matches("<svg ").count();
    assert!(plots >= 6, "{plots}");
    assert_eq!(page.matches("class=\"stamp\"").count(), plots);
    assert!(page.contains("class=\"tiles void\""));
    let valid = html(&[invented::echo()]);
    assert!(!valid.contains("INVALID") && !valid.contains("class=\"stamp\""));
    let several = html(&invented::three());
    assert!(several.contains("banner invalid") && several.contains("(INVALID)"));
}

#[test]
fn every_plot_says_what_it_shows() {
    for (name, runs) in invented::all() {
        let page = html(&runs);
        let plots = page.matches("<svg ").count();
        assert_eq!(
            page.matches("role=\"img\" aria-label=\"").count(),
            plots,
            "{name}"
        );
        if name != "nothing" {
            assert!(plots > 2, "{name}: {plots} plots");
        }
    }
}

#[test]
fn open_loop_draws_service_and_response_and_closed_loop_one_of_them() {
    let open = html(&[invented::open_loop()]);
    assert!(open.contains("</i>service</li>") && open.contains("</i>response</li>"));
    let closed = html(&[invented::echo()]);
    assert!(!closed.contains("</i>service</li>") && closed.contains("</i>response</li>"));
    let idle = html(&[invented::idle()]);
    assert!(idle.contains("</i>upgrade</li>") && !idle.contains("Messages a second"));
}
