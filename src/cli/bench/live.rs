//! What is shown while a run goes on: a screen line at a terminal, a line a second elsewhere.

use dunlin_bench::run::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// The bar counts in thousandths.
const WHOLE: u64 = 1000;

/// Where progress goes.
pub(super) enum Live {
    Silent,
    Bar(ProgressBar),
    Lines,
}

impl Live {
    /// Progress goes to standard error.
    pub(super) fn new(is_quiet: bool) -> Self {
        if is_quiet {
            return Self::Silent;
        }
        if !io::stderr().is_terminal() {
            return Self::Lines;
        }
        let bar = ProgressBar::new(WHOLE);
        let style = ProgressStyle::with_template("{prefix:>7} {bar:24} {msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self::Bar(bar)
    }

    /// A second is over.
    pub(super) fn show(&mut self, progress: &Progress) {
        match self {
            Self::Silent => {}
            Self::Bar(bar) => {
                let part = match &*progress.second.phase {
                    "ramp" => progress.second.open as f64 / progress.connections.max(1) as f64,
                    _ => progress.part,
                };
                bar.set_prefix(progress.second.phase.clone());
                bar.set_position((part * WHOLE as f64) as u64);
                bar.set_message(line(progress));
            }
            Self::Lines => {
                // Nobody listens: the run goes on.
                let _ = writeln!(
                    io::stderr(),
                    "{:>7} {}",
                    progress.second.phase,
                    line(progress)
                );
            }
        }
    }

    /// The run is over: the screen is as it was.
    pub(super) fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn line(progress: &Progress) -> String {
    let second = &progress.second;
    let mut line = format!("{:>5.0} s  {} open", second.at_ns as f64 / 1e9, second.open);
    if second.sent + second.answered > 0 {
        line += &format!("  {} sent  {} answered", second.sent, second.answered);
    }
    if let (Some(p50), Some(p99)) = (second.p50, second.p99) {
        let [p50, p99] = [p50, p99].map(Duration::from_nanos);
        line += &format!("  p50 {p50:.1?}  p99 {p99:.1?}");
    }
    if second.errors > 0 {
        line += &format!("  {} errors", second.errors);
    }
    if let Some(busy) = second.server_busy {
        line += &format!("  server {:.0} %", 100.0 * busy);
    }
    if let Some(memory) = second.server_memory {
        line += &format!("  {} MiB", memory >> 20);
    }
    line
}
