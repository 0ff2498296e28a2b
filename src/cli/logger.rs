//! The log of the command: one line a record on standard error, with the time in UTC.
//!
//! What peers sent may stand in a line, so control characters are shown, never
//! obeyed: no message can clear the screen or forge a second line. Losing the
//! log never stops the server, and neither does a standard error that takes
//! nothing: lines are queued, and a thread of its own writes them.

use super::json_line;
use super::log_queue::LogQueue;
use super::log_text::{obeyed, write_time};
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::fmt::{self, Write as _};
use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long the end of the process may wait for the log to be written.
const LAST_WRITE: Duration = Duration::from_secs(1);
/// Stack of the writing thread, which only copies bytes.
const STACK: usize = 64 << 10;

static QUEUE: LogQueue = LogQueue::new();
static WRITER: Once = Once::new();
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// The names that `--log` takes, quiet to loud.
pub(super) const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// The names that `--log-format` takes.
pub(super) const FORMATS: [&str; 2] = ["text", "json"];

/// Writes lines in the format of this name from now on.
pub(super) fn set_format(name: &str) {
    IS_JSON.store(name == "json", Ordering::Relaxed);
}

/// The level of a name, in any case.
///
/// # Errors
/// The name that was given and those that were wanted.
pub(super) fn level(name: &str) -> Result<LevelFilter, String> {
    name.parse().map_err(|_| {
        format!(
            "the log level {name:?} is unknown\nwanted: one of {}",
            LEVELS.join(", ")
        )
    })
}

/// Starts the log; the second call of a process does nothing. From now on a panic is a line of the
/// log as well: the usual message would be written right here, and wait.
pub(super) fn start(level: LevelFilter) {
    if log::set_logger(&Logger).is_ok() {
        log::set_max_level(level);
        std::panic::set_hook(Box::new(|panic| {
            let trace = std::backtrace::Backtrace::capture();
            match trace.status() {
                std::backtrace::BacktraceStatus::Captured => log::error!("{panic}\n{trace}"),
                _ => log::error!("{panic}"),
            }
        }));
    }
}

/// The last words of a command that fails, written before it ends as far as that is possible.
pub(super) fn say(text: &str) {
    if WRITER.is_completed() {
        // Behind the lines of the log, and no longer than they may take.
        QUEUE.push(&format!("{text}\n"));
        QUEUE.flush(LAST_WRITE);
    } else {
        eprintln!("{text}");
    }
}

/// When it goes, what is queued gets its last chance of being written: a second.
pub(super) struct Flush;

impl Drop for Flush {
    fn drop(&mut self) {
        if WRITER.is_completed() {
            QUEUE.flush(LAST_WRITE);
        }
    }
}

struct Logger;

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true // `set_max_level` has decided already, `log` about the rest
    }

    fn log(&self, record: &Record<'_>) {
        QUEUE.push(&line(record));
        WRITER.call_once(|| {
            let thread = thread::Builder::new()
                .name("log".to_owned())
                .stack_size(STACK);
            // Without the thread there is no log, and the server is none the worse.
            let _ = thread.spawn(|| QUEUE.write_to(&mut io::stderr(), tell_dropped));
        });
    }

    fn flush(&self) {
        QUEUE.flush(LAST_WRITE);
    }
}

/// The line that tells of lines that are not there.
fn tell_dropped(lines: u64) -> String {
    let message = format_args!("{lines} log lines were dropped: standard error took nothing");
    let record = Record::builder()
        .level(Level::Warn)
        .target(module_path!())
        .args(message)
        .build();
    line(&record)
}

/// A line of the log, now.
fn line(record: &Record<'_>) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut line = String::with_capacity(128);
    // Neither can fail into a String; what the arguments' own Display refuses is left out.
    let _ = if IS_JSON.load(Ordering::Relaxed) {
        json_line::write(&mut line, now, record)
    } else {
        write_line(&mut line, now, record.level(), record.args())
    };
    line
}

fn write_line(
    line: &mut String,
    since_epoch: Duration,
    level: Level,
    message: &fmt::Arguments<'_>,
) -> fmt::Result {
    write_time(line, since_epoch)?;
    write!(line, " {level:<5} ")?;
    let written = write!(Escaped(line), "{message}");
    line.push('\n');
    written
}

/// Writes control and direction characters as escapes: `\n`, `\u{1b}`, `\u{202e}`.
struct Escaped<'l>(&'l mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if obeyed(character) {
                self.0.extend(character.escape_default());
            } else {
                self.0.push(character);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_at(seconds: u64, level: Level, message: &str) -> String {
        let mut line = String::new();
        let since_epoch = Duration::from_millis(seconds * 1000 + 7);
        write_line(&mut line, since_epoch, level, &format_args!("{message}")).unwrap();
        line
    }

    #[test]
    fn a_line_is_time_level_and_message() {
        assert_eq!(
            line_at(1_700_000_000, Level::Info, "Adding user!"),
            "2023-11-14T22:13:20.007Z INFO  Adding user!\n"
        );
        assert_eq!(
            line_at(0, Level::Error, "no"),
            "1970-01-01T00:00:00.007Z ERROR no\n"
        );
    }

    #[test]
    fn months_and_days_count_from_one() {
        for (days, wanted) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (789, "1972-02-29"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_453, "2025-12-31"),
            (20_454, "2026-01-01"),
            (47_541, "2100-03-01"),
        ] {
            let line = line_at(days * 86_400, Level::Info, "");
            assert!(line.starts_with(wanted), "day {days}: {line}");
        }
    }

    #[test]
    fn a_message_cannot_forge_a_line_or_command_a_terminal() {
        let forged = line_at(0, Level::Info, "a\nb\r\u{1b}[2J\u{9b}31m\u{202e}\u{2028}님");
        assert_eq!(
            forged,
            "1970-01-01T00:00:00.007Z INFO  a\\nb\\r\\u{1b}[2J\\u{9b}31m\\u{202e}\\u{2028}님\n"
        );
    }

    #[test]
    fn levels_are_known_by_name_in_any_case() {
        assert_eq!(level("off"), Ok(LevelFilter::Off));
        assert_eq!(level("Debug"), Ok(LevelFilter::Debug));
        for name in LEVELS {
            assert!(level(name).is_ok(), "{name}");
        }
        let error = level("loud").unwrap_err();
        assert!(
            error.contains("\"loud\"") && error.contains("info"),
            "{error}"
        );
    }
}
