//! A price and what it pays for, measured; and the verdict over all rows of an item.

use crate::record;
use dunlin::wire::work;

/// Outside of these a price is off.
const LEAST: f64 = 0.3;
const MOST: f64 = 3.0;
/// The budget of a turn, in units.
const TURN: f64 = work::TURN as f64;

/// One item of the price list on one kind of input.
pub(crate) struct Row {
    pub(crate) item: String,
    pub(crate) input: String,
    /// The price, in units.
    pub(crate) units: f64,
    /// What it pays for, in nanoseconds.
    pub(crate) ns: f64,
    /// One of the kinds of work that a turn may be full of: everything that it costs, and all its prices.
    pub(crate) fills: bool,
}

impl Row {
    pub(crate) fn new(item: &str, input: &str, units: f64, ns: f64) -> Self {
        Self {
            item: item.to_owned(),
            input: input.to_owned(),
            units,
            ns,
            fills: false,
        }
    }

    /// The same for a whole kind of work.
    pub(crate) fn whole(item: &str, input: &str, units: f64, ns: f64) -> Self {
        let row = Self::new(item, input, units, ns);
        Self { fills: true, ..row }
    }

    fn ratio(&self) -> f64 {
        self.ns / self.units
    }
}

/// Every row. A price is too low if its worst input is dearer, and too high if all of them are cheaper;
/// several together are allowed to be too high, because the worst of each seldom come together.
pub(crate) fn table(rows: &[Row]) -> String {
    let cells: Vec<[String; 6]> = rows.iter().map(|row| cells(row, rows)).collect();
    let head = ["item", "input", "price", "ns", "ratio", ""];
    record::table(head, &cells)
}

fn cells(row: &Row, rows: &[Row]) -> [String; 6] {
    let of_item = rows.iter().filter(|other| other.item == row.item);
    let worst = of_item.map(Row::ratio).fold(0.0, f64::max);
    let is_off = row.ratio() > MOST || (worst < LEAST && !row.item.contains('+'));
    [
        row.item.clone(),
        row.input.clone(),
        digits(row.units),
        digits(row.ns),
        format!("{:.2}", row.ratio()),
        if is_off { "off" } else { "" }.to_owned(),
    ]
}

/// What a turn takes that is full of one kind of work.
pub(crate) fn turns(rows: &[Row]) -> String {
    let kinds = rows.iter().filter(|row| row.fills);
    let cells: Vec<[String; 3]> = kinds
        .map(|row| {
            let us = TURN * row.ratio() / 1e3;
            [
                row.input.clone(),
                digits(TURN / row.units),
                format!("{us:.0} µs"),
            ]
        })
        .collect();
    record::table(["a turn full of", "of them", "CPU"], &cells)
}

/// Three digits that mean something.
fn digits(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
