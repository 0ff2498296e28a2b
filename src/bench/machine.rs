//! Where a run was made, for its reader: the machine, and the arguments without their secrets.

use super::summary::Environment;
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What stands in place of a secret.
const BLANK: &str = "***";
/// A name that holds one of these has a secret as its value: `--token`, `Authorization`, `X-Api-Key`.
const SECRET: [&str; 7] = [
    "token",
    "secret",
    "password",
    "auth",
    "cookie",
    "key",
    "signature",
];

/// This machine, now, and a command line whose secrets are blanked: the value of each option, header field
/// and query parameter whose name speaks of a token, secret, password, key, cookie or authorization, and the
/// user of a URL.
#[must_use]
pub fn environment(arguments: impl IntoIterator<Item = String>) -> Environment {
    Environment {
        dunlin: env!("CARGO_PKG_VERSION").to_owned(),
        date: date(since_1970()),
        system: system(),
        processor: processor(&read("/proc/cpuinfo")),
        cores: cores(),
        memory: kibibytes(&read("/proc/meminfo"), "MemTotal:"),
        open_files: open_files(),
        command: without_secrets(arguments),
    }
}

/// A URL as it may be shown: user and password and the query parameters that are secrets are blanked.
#[must_use]
pub fn without_secrets_in_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (before, query) = rest
        .split_once('?')
        .map_or((rest, None), |(b, q)| (b, Some(q)));
    let (host, path) = before.split_at(before.find('/').unwrap_or(before.len()));
    let host = match host.rsplit_once('@') {
        // A user without a password may be a token.
        Some((_, host)) => format!("{BLANK}@{host}"),
        None => host.to_owned(),
    };
    let query = query.map_or(String::new(), |query| {
        let parts = query.split('&').map(|part| match part.split_once('=') {
            Some((name, _)) if is_secret(name) => format!("{name}={BLANK}"),
            _ => part.to_owned(),
        });
        format!("?{}", parts.collect::<Vec<_>>().join("&"))
    });
    format!("{scheme}://{host}{path}{query}")
}

fn without_secrets(arguments: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut blank_next = false;
    let blanked = arguments.into_iter().map(|word| {
        let option = word
            .strip_prefix("--")
            .map(|option| match option.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (option, None),
            });
        match option {
            _ if std::mem::take(&mut blank_next) => BLANK.to_owned(),
            Some((name, Some(_))) if is_secret(name) => format!("--{name}={BLANK}"),
            Some((name, Some(value))) => format!("--{name}={}", without_secret_value(value)),
            Some((name, None)) => {
                blank_next = is_secret(name);
                word
            }
            None => without_secret_value(&word),
        }
    });
    blanked.collect()
}

/// A header field or a URL without its secret, anything else as it is.
fn without_secret_value(word: &str) -> String {
    match word.split_once(':') {
        Some((_, rest)) if rest.starts_with("//") => without_secrets_in_url(word),
        Some((name, _)) if is_secret(name) => format!("{name}: {BLANK}"),
        _ => word.to_owned(),
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|part| name.contains(part))
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn since_1970() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
}

/// `2026-01-31T23:59:59Z` (RFC 3339).
fn date(since_1970: Duration) -> String {
    let seconds = since_1970.as_secs();
    let (year, month, day) = dunlin::civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The first name of a processor that `/proc/cpuinfo` has; ARM has numbers only.
fn processor(cpuinfo: &str) -> String {
    let value = |name: &str| {
        let line = cpuinfo.lines().find_map(|line| line.strip_prefix(name))?;
        let value = line.split_once(':')?.1.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    let names = ["model name", "Model", "Hardware", "cpu model", "cpu"];
    let known = names.into_iter().find_map(value);
    let part = || Some(format!("CPU part {}", value("CPU part")?));
    known
        .or_else(part)
        .unwrap_or_else(|| format!("unknown ({})", std::env::consts::ARCH))
}

/// Bytes of a field of `/proc/meminfo`; 0 where it is not.
fn kibibytes(meminfo: &str, name: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.map_or(0, |kibibytes| 1024 * kibibytes)
}

#[cfg(unix)]
fn system() -> String {
    let names = rustix::system::uname();
    let words = [names.sysname(), names.release(), names.machine()];
    words
        .map(|word| word.to_string_lossy().into_owned())
        .join(" ")
}

#[cfg(not(unix))]
fn system() -> String {
    [std::env::consts::OS, std::env::consts::ARCH].join(" ")
}

/// Processors that this process may use; at least 1.
#[must_use]
pub fn cores() -> usize {
    #[cfg(target_os = "linux")]
    if let Ok(allowed) = rustix::thread::sched_getaffinity(None) {
        return (allowed.count() as usize).max(1);
    }
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The soft limit of open files; `u64::MAX` without any.
#[cfg(unix)]
fn open_files() -> u64 {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(not(unix))]
fn open_files() -> u64 {
    u64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blanked(words: &[&str]) -> Vec<String> {
        without_secrets(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn the_values_of_secret_options_and_fields_are_blanked_in_every_spelling() {
        for (given, shown) in [
            (
                &["--token", "s3cret", "--size", "7"][..],
                &["--token", "***", "--size", "7"][..],
            ),
            (&["--token=s3cret"], &["--token=***"]),
            (
                &["--pusher-secret", "--s3cret"],
                &["--pusher-secret", "***"],
            ),
            (
                &["--header", "Authorization: Bearer s3cret"],
                &["--header", "Authorization: ***"],
            ),
            (&["--header=COOKIE:a=s3cret"], &["--header=COOKIE: ***"]),
            (
                &["--header", "X-Api-Key:s3cret"],
                &["--header", "X-Api-Key: ***"],
            ),
            (
                &["--header", "Origin: http://a"],
                &["--header", "Origin: http://a"],
            ),
            (
                &["--fail", "p99<20ms,loss=0"],
                &["--fail", "p99<20ms,loss=0"],
            ),
            (
                &[
                    "--html",
                    "a.html",
                    "ws://me:s3cret@h/r?access_token=s3cret&room=1",
                ],
                &["--html", "a.html", "ws://***@h/r?access_token=***&room=1"],
            ),
        ] {
            assert_eq!(blanked(given), shown);
        }
    }

    #[test]
    fn a_url_without_secrets_stays_as_it_is() {
        for url in [
            "ws://a",
            "ws://a:1/b?c=d&e",
            "ws://[::1]:9/?",
            "unix:/a",
            "",
        ] {
            assert_eq!(without_secrets_in_url(url), url);
        }
        assert_eq!(without_secrets_in_url("wss://s3cret@h"), "wss://***@h");
    }

    #[test]
    fn the_date_is_that_of_rfc_3339() {
        assert_eq!(date(Duration::ZERO), "1970-01-01T00:00:00Z");
        let late = Duration::from_secs(1_795_797_296);
        assert_eq!(date(late), "2026-11-27T16:34:56Z");
    }

    #[test]
    fn a_processor_has_a_name_on_every_architecture() {
        let intel = "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Intel(R) Xeon(R)\n";
        assert_eq!(processor(intel), "Intel(R) Xeon(R)");
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";
        assert_eq!(processor(arm), "CPU part 0xd0c");
        assert!(processor("").starts_with("unknown"));
    }

    #[test]
    fn this_machine_has_a_name_cores_memory_and_a_limit() {
        let here = environment(["dunlin".to_owned()]);
        assert!(here.cores > 0 && here.open_files > 0, "{here:?}");
        assert!(
            !here.system.is_empty() && here.date.starts_with("20"),
            "{here:?}"
        );
        if cfg!(target_os = "linux") {
            assert!(here.memory > 16 << 20, "{here:?}");
            assert!(here.system.starts_with("Linux "), "{here:?}");
        }
    }
}
