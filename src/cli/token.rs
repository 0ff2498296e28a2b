//! `dunlin token`: makes keys and tokens, and shows what a token says.

use super::exit::CommandFailure;
use super::file;
use clap::Subcommand;
use dunlin::civil;
use dunlin::tokens::{Claims, Keys, LEEWAY};
use rand::TryRng;
use rand::rngs::SysRng;
use std::fs::OpenOptions;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The variable that holds keys themselves, where a file is awkward, as in a container.
pub(super) const KEYS_VARIABLE: &str = "DUNLIN_TOKEN_KEY";

const EXAMPLES: &str = "\
Examples:
  dunlin token key token.key                    a new key, readable by its owner alone
  dunlin serve --token-key-file token.key       rooms ask for tokens
  dunlin token new --sub ann --for 8h --key-file token.key
  dunlin token new --sub ann --room ID --read-only --key-file token.key
  dunlin token show TOKEN --key-file token.key  what it says, and whether it is good";

/// The arguments of `token`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Print a new token
    New(New),
    /// Print what a token says, whether it is good and until when; exit code 1 if it is not
    Show(Show),
    /// Make a file with a new key; an existing file is left alone
    Key(Key),
}

#[derive(clap::Args)]
struct New {
    /// Who it is for: the name in rooms
    #[arg(long, value_name = "NAME")]
    sub: String,

    /// A room that it is for, or * for every one; may be given several times; without it every room
    #[arg(long, value_name = "ID")]
    room: Vec<String>,

    /// How long it is good: 90s, 15min, 8h or 30d
    #[arg(long = "for", value_name = "TIME", default_value = "1h")]
    time: String,

    /// It is for listening alone
    #[arg(long)]
    read_only: bool,

    #[command(flatten)]
    keys: KeyFile,
}

#[derive(clap::Args)]
struct Show {
    /// The token; - reads it from standard input, where no list of processes shows it
    token: String,

    #[command(flatten)]
    keys: KeyFile,
}

#[derive(clap::Args)]
struct Key {
    /// The file to make
    file: PathBuf,

    /// A name for it, which tokens carry as kid
    #[arg(long, value_name = "NAME")]
    kid: Option<String>,
}

#[derive(clap::Args)]
struct KeyFile {
    /// The file with the keys; DUNLIN_TOKEN_KEY may hold a key itself in its place
    #[arg(long, value_name = "FILE", env = "DUNLIN_TOKEN_KEY_FILE")]
    key_file: Option<PathBuf>,
}

impl KeyFile {
    fn read(&self) -> Result<Option<Keys>, CommandFailure> {
        keys(self.key_file.as_deref()).map_err(CommandFailure::configuration)
    }
}

/// The keys of this file, or without one those of the environment, if there are any.
///
/// # Errors
/// In words: the file cannot be read, or holds no keys.
pub(super) fn keys(file: Option<&Path>) -> Result<Option<Keys>, String> {
    let (from, text) = match (file, std::env::var(KEYS_VARIABLE)) {
        (Some(file), _) => {
            let text = file::text(file, "token keys").map_err(|problem| {
                format!("{problem}; `dunlin token key {}` makes one", file.display())
            })?;
            (file.display().to_string(), text)
        }
        (None, Ok(text)) if !text.trim().is_empty() => (KEYS_VARIABLE.to_owned(), text),
        _ => return Ok(None),
    };
    let keys = Keys::parse(&text).map_err(|error| format!("{from}: {error}"))?;
    Ok(Some(keys))
}

/// What tells the keys of a file from others, and not what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u64);

/// The mark of the keys in this file; `None`: there is no file, or it cannot be read.
pub(super) fn mark(file: Option<&str>) -> Option<Mark> {
    let text = file::text(Path::new(file?), "token keys").ok()?;
    let mut hasher = DefaultHasher::new();
    text.trim().hash(&mut hasher);
    Some(Mark(hasher.finish()))
}

/// Whether others than its owner may read a file of keys.
pub(super) fn is_open_to_others(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|file| file.mode() & 0o077 != 0)
}

impl Arguments {
    /// Does what was asked.
    pub(super) fn run(self) -> Result<(), CommandFailure> {
        match self.action {
            Action::New(new) => new.run(),
            Action::Show(show) => show.run(),
            Action::Key(key) => key.run(),
        }
    }
}

impl New {
    fn run(self) -> Result<(), CommandFailure> {
        let Some(keys) = self.keys.read()? else {
            return Err(CommandFailure::usage(format!(
                "there is no key to sign with\nwanted: --key-file FILE, or {KEYS_VARIABLE} in the environment; \
                 `dunlin token key FILE` makes one"
            )));
        };
        if self.sub.trim().is_empty() {
            return Err(CommandFailure::usage(
                "--sub is empty\nwanted: a name".to_owned(),
            ));
        }
        let seconds = seconds(&self.time).map_err(|problem| {
            CommandFailure::usage(format!("--for is {:?}\n{problem}", self.time))
        })?;
        let mut claims = Claims::new(self.sub, unix().saturating_add(seconds));
        if !self.room.is_empty() {
            claims = claims.rooms(self.room);
        }
        if self.read_only {
            claims = claims.read_only();
        }
        print(&format!("{}\n", keys.sign(&claims)));
        Ok(())
    }
}

impl Show {
    fn run(self) -> Result<(), CommandFailure> {
        let mut token = self.token;
        if token == "-" {
            token.clear();
            let read = io::stdin().lock().take(1 << 16).read_to_string(&mut token);
            read.map_err(|error| CommandFailure::Text(format!("standard input: {error}"), 1))?;
        }
        let token = token.trim();
        let keys = self.keys.read()?;
        let bad = |error: &dyn std::fmt::Display| CommandFailure::Text(error.to_string(), 1);
        let claims = Claims::unverified(token).map_err(|error| bad(&error))?;
        let now = unix();
        let rooms = match &claims.rooms {
            None => "every room".to_owned(),
            Some(rooms) if rooms.is_empty() => "none".to_owned(),
            Some(rooms) => rooms.join(", "),
        };
        let may = if claims.may_publish {
            "listen and publish"
        } else {
            "listen alone"
        };
        let mut out = format!(
            "sub:        {}\nrooms:      {}\n",
            plain(&claims.subject),
            plain(&rooms)
        );
        out += &format!("may:        {may}\n");
        if let Some(begins) = claims.not_before {
            out += &format!("from:       {}\n", date(begins));
        }
        out += &format!("until:      {}\n", date(claims.expires));
        let judged = match &keys {
            Some(keys) => keys.check(token, now).map(|_| "good"),
            None => claims
                .check_time(now)
                .map(|()| "not checked, for want of a key: give --key-file"),
        };
        match judged {
            Ok(verdict) => {
                let left = claims.expires.saturating_sub(now);
                out += &format!(
                    "signature:  {verdict}\nvalid for:  {left} s (and {LEEWAY} s of leeway)\n"
                );
                print(&out);
                Ok(())
            }
            Err(error) => {
                print(&out);
                Err(bad(&error))
            }
        }
    }
}

impl Key {
    fn run(self) -> Result<(), CommandFailure> {
        let is_word = |kid: &String| {
            !kid.is_empty() && !kid.starts_with('#') && !kid.contains(char::is_whitespace)
        };
        if let Some(kid) = self.kid.as_ref().filter(|kid| !is_word(kid)) {
            return Err(CommandFailure::usage(format!(
                "--kid is {kid:?}\nwanted: a name without white space that does not begin with #"
            )));
        }
        let mut bits = [0; 32];
        let file = self.file.display();
        let failed = |error: &dyn std::fmt::Display| {
            CommandFailure::Text(format!("cannot make the key {file}: {error}"), 1)
        };
        SysRng
            .try_fill_bytes(&mut bits)
            .map_err(|error| failed(&error))?;
        let secret: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
        let line = match &self.kid {
            Some(kid) => format!("{kid} {secret}\n"),
            None => format!("{secret}\n"),
        };
        let mut options = OpenOptions::new();
        let made = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.file);
        let written = made.and_then(|mut made| {
            made.write_all(line.as_bytes())?;
            made.sync_all()
        });
        written.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => failed(
                &"it exists; to change keys, make another file and put its line above the old one",
            ),
            _ => failed(&error),
        })?;
        print(&format!(
            "{file} holds a new key; only its owner may read it\n"
        ));
        Ok(())
    }
}

/// A closed standard output is no reason to fail.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// What somebody else has written, with nothing in it that a terminal obeys.
fn plain(text: &str) -> String {
    let show = |letter: char| match letter.is_control() {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    };
    text.chars().map(show).collect()
}

fn unix() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// A second since 1970 as a date, UTC.
fn date(unix: u64) -> String {
    let day = 86_400;
    // Behind the year 9999 nobody reads it.
    let (year, month, date) = civil((unix / day).min(2_932_896));
    let (hour, minute, second) = (unix % day / 3600, unix % 3600 / 60, unix % 60);
    format!("{year:04}-{month:02}-{date:02} {hour:02}:{minute:02}:{second:02} UTC ({unix})")
}

/// A time with its unit.
fn seconds(text: &str) -> Result<u64, String> {
    let units = [("min", 60), ("s", 1), ("h", 3600), ("d", 86_400)];
    let found = units.iter().find_map(|(unit, seconds)| {
        let digits = text.strip_suffix(unit)?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = digits.parse().ok().filter(|_| is_number)?;
        number.checked_mul(*seconds)
    });
    let most = 3650 * 86_400;
    let found = found.filter(|seconds| (1..=most).contains(seconds));
    found.ok_or_else(|| "wanted: a time such as 90s, 15min, 8h or 30d, at most 3650d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_and_an_end() {
        for (text, wanted) in [
            ("1s", 1),
            ("15min", 900),
            ("8h", 28_800),
            ("30d", 2_592_000),
        ] {
            assert_eq!(seconds(text), Ok(wanted), "{text}");
        }
        for text in [
            "",
            "1",
            "0s",
            "-1h",
            "+1h",
            "1y",
            "4000d",
            "99999999999999999999d",
            "h",
        ] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_date_is_one_of_utc() {
        assert_eq!(date(1_700_000_000), "2023-11-14 22:13:20 UTC (1700000000)");
        assert!(date(u64::MAX).starts_with("9999-12-31 "));
    }

    #[test]
    fn what_a_token_says_is_shown_and_not_obeyed() {
        assert_eq!(plain("a\x1b[2J\n김"), "a\\u{1b}[2J\\n김");
    }
}
