//! The table of settings in the README and in the documentation is the one that the rows make.

use dunlin::config::{RoomLimits, Row};
use dunlin::{Limits, Settings};

fn lines<T: Default>(rows: &[Row<T>]) -> impl Iterator<Item = String> {
    rows.iter().map(|row| {
        let all = T::default();
        let default = row.show(&(row.get)(&all));
        let reloads = if row.reloads { "yes" } else { "no" };
        let bounds = match row.none {
            Some(none) => format!("{}, or {none}", row.bounds(&all)),
            None => row.bounds(&all),
        };
        let (key, unit, about) = (row.key, row.unit(), row.about);
        format!("| `{key}` | {about} | {unit} | {default} | {bounds} | {reloads} |\n")
    })
}

#[test]
fn the_readme_holds_exactly_the_table_of_the_rows() {
    let mut table = "| setting | what it is | unit | default | bounds | reloads |\n\
                     |---|---|---|---|---|---|\n"
        .to_owned();
    table.extend(lines(Limits::rows()));
    table.extend(lines(RoomLimits::rows()));
    table.extend(lines(Settings::rows()));
    let readme = include_str!("../../README.md");
    let (_, rest) = readme
        .split_once("<!-- settings -->\n")
        .expect("a beginning");
    let (found, _) = rest.split_once("<!-- end -->").expect("an end");
    assert!(found == table, "wanted in the README:\n{table}");
    // And so does the documentation of `dunlin::config`.
    let documented = include_str!("../../src/config/settings.md");
    assert!(documented == table, "wanted in settings.md:\n{table}");
}
