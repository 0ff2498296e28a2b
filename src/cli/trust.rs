//! Whom `wss://` believes: the flags that the commands with a URL share.

#[cfg(feature = "tls")]
use dunlin::client::Trust;
#[cfg(feature = "bench")]
use dunlin_bench::plan::Believed;

/// The flags as they were written.
#[derive(clap::Args, Clone, Debug, Default)]
#[group(skip)]
pub(super) struct Arguments {
    /// Behind wss://, also believe the authorities in this PEM file (repeatable)
    #[arg(long, value_name = "FILE")]
    ca: Vec<String>,

    /// Behind wss://, believe whoever answers: anybody in between can read and change everything
    #[arg(long, conflicts_with = "ca")]
    insecure: bool,
}

impl Arguments {
    /// Checks them against a URL: on one of `ws://` they mean nothing. Says on standard error that nobody
    /// is checked, where that is so.
    ///
    /// # Errors
    /// What was given, and what was wanted.
    pub(super) fn check(&self, is_secure: bool) -> Result<(), String> {
        let flag = if self.insecure {
            "--insecure"
        } else if !self.ca.is_empty() {
            "--ca"
        } else {
            return Ok(());
        };
        if is_secure {
            if self.insecure {
                eprintln!("--insecure: nobody knows who answers; never outside of a test");
            }
            return Ok(());
        }
        Err(format!(
            "{flag} means nothing without TLS\nwanted: a URL that begins with wss://"
        ))
    }

    /// Whom to believe.
    ///
    /// # Errors
    /// A file that cannot be read or holds no certificate.
    #[cfg(feature = "tls")]
    pub(super) fn trust(&self) -> Result<Trust, String> {
        if self.insecure {
            return Ok(Trust::unchecked());
        }
        let mut files = self.ca.iter();
        let all = files.try_fold(Trust::system(), |trust, file| trust.and_file(file));
        all.map_err(|error| format!("{error:#}"))
    }

    /// The same for the load tester: nobody, where the URL is not one of TLS.
    ///
    /// # Errors
    /// A file that cannot be read.
    #[cfg(feature = "bench")]
    pub(super) fn believed(&self, is_secure: bool) -> Result<Believed, String> {
        if !is_secure {
            return Ok(Believed::default());
        }
        let read = |file: &String| {
            std::fs::read_to_string(file).map_err(|error| format!("cannot read {file}: {error}"))
        };
        let authorities: Result<_, _> = self.ca.iter().map(read).collect();
        Ok(Believed {
            authorities: authorities?,
            everybody: self.insecure,
        })
    }
}
