//! One plot as SVG: axes, lines, phases, marks. Colours come from the style sheet of the page, by class.

use super::axis::Axis;
use super::markup::{escape, number};

/// Widest a character of a label is drawn, in units of the drawing: on a phone letters are larger.
const LETTER: f64 = 7.6;
/// Space above, right of and below the plot.
const TOP: f64 = 24.0;
const RIGHT: f64 = 16.0;
const BOTTOM: f64 = 30.0;

/// A line of a plot.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) name: String,
    /// Number of its colour, 0 to 7.
    pub(super) colour: usize,
    pub(super) is_dashed: bool,
    /// Filled down to the axis.
    pub(super) is_area: bool,
    /// Without a value there is a gap.
    pub(super) points: Vec<(f64, Option<f64>)>,
}

/// A part of the horizontal axis that is shaded.
#[derive(Clone, Debug)]
pub(super) struct Band {
    pub(super) name: String,
    pub(super) from: f64,
    pub(super) to: f64,
}

/// A plot.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    pub(super) title: String,
    /// What is drawn, in a sentence, for those who do not see it.
    pub(super) description: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) lines: Vec<Line>,
    pub(super) bands: Vec<Band>,
    /// Where something went wrong: marks at the foot.
    pub(super) marks: Vec<f64>,
    /// Points with a text beside them.
    pub(super) labels: Vec<(f64, f64, String)>,
    /// From, to, and what is told when the pointer rests there.
    pub(super) hints: Vec<(f64, f64, String)>,
    /// Across the whole plot, in large letters.
    pub(super) stamp: Option<String>,
}

/// The area between the axes.
struct Area<'p> {
    plot: &'p Plot,
    left: f64,
    width: f64,
    height: f64,
}

impl Plot {
    /// The drawing, so many units wide and high.
    pub(super) fn svg(&self, width: f64, height: f64, class: &str) -> String {
        let longest = self
            .y
            .ticks
            .iter()
            .map(|(_, label)| label.chars().count())
            .max();
        let left = longest.unwrap_or(0) as f64 * LETTER + 14.0;
        let area = Area {
            plot: self,
            left,
            width: width - left - RIGHT,
            height: height - TOP - BOTTOM,
        };
        let mut out = format!(
            "<svg class=\"{class}\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\"><title>{}</title>",
            number(width),
            number(height),
            escape(&format!("{}: {}", self.title, self.description)),
            escape(&self.title),
        );
        area.bands(&mut out);
        area.axes(&mut out);
        if let Some(stamp) = &self.stamp {
            let (x, y) = (left + area.width / 2.0, TOP + area.height / 2.0);
            // A capital is about 0.72 of its height wide.
            let letters = stamp.chars().count().max(1) as f64;
            let height = (area.width * 0.7 / letters / 0.72).min(area.height * 0.4);
            out.push_str(&format!(
                "<text class=\"stamp\" x=\"{}\" y=\"{}\" transform=\"rotate(-14 {0} {1})\" \
                 style=\"font-size:{}px\">{}</text>",
                number(x),
                number(y + height * 0.36),
                number(height),
                escape(stamp)
            ));
        }
        for line in &self.lines {
            area.line(&mut out, line);
        }
        for mark in &self.marks {
            let x = number(area.x(*mark));
            let (foot, head) = (number(TOP + area.height), number(TOP + area.height - 9.0));
            out.push_str(&format!("<path class=\"mark\" d=\"M{x} {foot}V{head}\"/>"));
        }
        area.labels(&mut out);
        for (from, to, hint) in &self.hints {
            let (from, to) = (area.x(*from), area.x(*to));
            out.push_str(&format!(
                "<rect class=\"hint\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}</title></rect>",
                number(from),
                number(TOP),
                number((to - from).max(1.0)),
                number(area.height),
                escape(hint)
            ));
        }
        out.push_str("</svg>");
        out
    }
}

impl Area<'_> {
    fn x(&self, value: f64) -> f64 {
        self.left + self.plot.x.part(value) * self.width
    }

    fn y(&self, value: f64) -> f64 {
        TOP + (1.0 - self.plot.y.part(value)) * self.height
    }

    fn bands(&self, out: &mut String) {
        let mut free_from = 0.0;
        for band in &self.plot.bands {
            let (from, to) = (self.x(band.from), self.x(band.to));
            let name = escape(&band.name);
            let is_load = band.name == "load";
            if !is_load {
                out.push_str(&format!(
                    "<rect class=\"band\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
                    number(from),
                    number(TOP),
                    number(to - from),
                    number(self.height)
                ));
            }
            let length = band.name.chars().count() as f64 * LETTER;
            let middle = f64::midpoint(from, to);
            if length <= to - from && middle - length / 2.0 >= free_from {
                out.push_str(&format!(
                    "<text class=\"phase\" x=\"{}\" y=\"{}\">{name}</text>",
                    number(middle),
                    number(TOP - 8.0)
                ));
                free_from = middle + length / 2.0 + LETTER;
            }
        }
    }

    fn axes(&self, out: &mut String) {
        let (right, foot) = (self.left + self.width, TOP + self.height);
        let mut free_below = f64::INFINITY;
        for (value, label) in &self.plot.y.ticks {
            let y = self.y(*value);
            // No two labels in one another's way.
            if y > free_below {
                continue;
            }
            free_below = y - 15.0;
            let class = if (y - foot).abs() < 0.5 {
                "base"
            } else {
                "grid"
            };
            out.push_str(&format!(
                "<path class=\"{class}\" d=\"M{} {y_text}H{}\"/><text class=\"y\" x=\"{}\" y=\"{}\">{}</text>",
                number(self.left),
                number(right),
                number(self.left - 8.0),
                number(y + 4.0),
                escape(label),
                y_text = number(y),
            ));
        }
        let mut free_from = 0.0;
        for (value, label) in &self.plot.x.ticks {
            let length = label.chars().count() as f64 * LETTER;
            let x = self.x(*value);
            // The last one stays inside the drawing.
            let middle = x.min(right + RIGHT - length / 2.0);
            if middle - length / 2.0 < free_from {
                continue;
            }
            free_from = middle + length / 2.0 + LETTER;
            out.push_str(&format!(
                "<path class=\"tick\" d=\"M{} {}v5\"/><text class=\"x\" x=\"{}\" y=\"{}\">{}</text>",
                number(x),
                number(foot),
                number(middle),
                number(foot + 20.0),
                escape(label)
            ));
        }
    }

    fn line(&self, out: &mut String, line: &Line) {
        let class = format!(
            "c{}{}",
            line.colour % 8,
            if line.is_dashed { " dashed" } else { "" }
        );
        for part in line.points.split(|(_, value)| value.is_none()) {
            let points: Vec<(f64, f64)> = part
                .iter()
                .filter_map(|(x, value)| Some((self.x(*x), self.y((*value)?))))
                .collect();
            let (Some(first), Some(last)) = (points.first(), points.last()) else {
                continue;
            };
            if points.len() == 1 {
                let (x, y) = (number(first.0), number(first.1));
                out.push_str(&format!(
                    "<circle class=\"dot {class}\" cx=\"{x}\" cy=\"{y}\" r=\"3.5\"/>"
                ));
                continue;
            }
            let path = path(&points);
            if line.is_area {
                let foot = number(TOP + self.height);
                let (from, to) = (number(first.0), number(last.0));
                out.push_str(&format!(
                    "<path class=\"area {class}\" d=\"{path}L{to} {foot}H{from}Z\"/>"
                ));
            }
            out.push_str(&format!("<path class=\"line {class}\" d=\"{path}\"/>"));
        }
    }

    /// Texts up and left of their points, where a rising line leaves room.
    fn labels(&self, out: &mut String) {
        let mut taken: Vec<(f64, f64, f64)> = Vec::new();
        for (x, y, text) in self.plot.labels.iter().rev() {
            let (x, y) = (self.x(*x), self.y(*y));
            let length = text.chars().count() as f64 * LETTER * 1.15;
            let to = (x - 7.0).max(self.left + length + 4.0);
            let base = (y - 7.0).max(TOP - 6.0);
            let is_free = taken.iter().all(|(other_from, other_to, other_base)| {
                to < *other_from || to - length > *other_to || (base - other_base).abs() > 17.0
            });
            out.push_str(&format!(
                "<circle class=\"dot c0\" cx=\"{}\" cy=\"{}\" r=\"3.5\"/>",
                number(x),
                number(y)
            ));
            if is_free {
                taken.push((to - length, to, base));
                out.push_str(&format!(
                    "<text class=\"value\" x=\"{}\" y=\"{}\">{}</text>",
                    number(to),
                    number(base),
                    escape(text)
                ));
            }
        }
    }
}

/// A path over points, without those that lie on the one before.
fn path(points: &[(f64, f64)]) -> String {
    let mut out = String::new();
    let mut before = None;
    for (x, y) in points {
        let text = format!("{} {}", number(*x), number(*y));
        if before.as_ref() == Some(&text) {
            continue;
        }
        out.push(if before.is_none() { 'M' } else { 'L' });
        out.push_str(&text);
        before = Some(text);
    }
    out
}
