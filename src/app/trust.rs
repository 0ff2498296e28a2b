//! Which servers an outgoing TLS connection believes.

use super::small_file::read_small_file;
use crate::wire::error::{Error, ErrorKind, Result};
use crate::wire::pem;
use rustls::pki_types::CertificateDer;
use std::path::Path;
use std::sync::Arc;

/// Which servers an outgoing `wss://` connection believes.
///
/// The default are the authorities that the system trusts. A server of one's own, or of a test, is
/// believed when the certificate that issued its own is added:
///
/// ```no_run
/// # fn main() -> dunlin::Result<()> {
/// let trust = dunlin::client::Trust::system().and_file("ca.pem")?;
/// # drop(trust);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    checks: bool,
    system: bool,
    own: Arc<Vec<CertificateDer<'static>>>,
}

impl Default for Trust {
    fn default() -> Self {
        Self::system()
    }
}

impl Trust {
    /// The authorities that the system trusts; they are read when they are first needed.
    pub fn system() -> Self {
        Self {
            checks: true,
            system: true,
            own: Arc::default(),
        }
    }

    /// No authority until some are added.
    pub fn none() -> Self {
        Self {
            system: false,
            ..Self::system()
        }
    }

    /// **Whoever answers.** The connection is encrypted, but nobody knows with whom: whoever sits between
    /// reads and changes everything. For tests on one's own machine.
    pub fn unchecked() -> Self {
        Self {
            checks: false,
            ..Self::none()
        }
    }

    /// Believes these authorities as well: PEM with one certificate or more.
    ///
    /// # Errors
    /// `Config`: there is no certificate in it.
    pub fn and_pem(self, text: impl AsRef<[u8]>) -> Result<Self> {
        self.and(text.as_ref(), "the given PEM")
    }

    /// The same from a file.
    ///
    /// # Errors
    /// `Config`, which names the file: it cannot be read, or there is no certificate in it.
    pub fn and_file(self, path: impl AsRef<Path>) -> Result<Self> {
        let name = path.as_ref().display().to_string();
        let text = read_file(path.as_ref(), "certificates in")?;
        self.and(&text, &name)
    }

    fn and(mut self, text: &[u8], name: &str) -> Result<Self> {
        let more = pem::certificates(text, name)?;
        Arc::make_mut(&mut self.own).extend(more);
        Ok(self)
    }

    /// Whether certificates are looked at.
    pub(crate) fn checks(&self) -> bool {
        self.checks
    }

    /// Whether those of the system count.
    pub(crate) fn uses_system(&self) -> bool {
        self.system
    }

    /// What was added.
    pub(crate) fn own(&self) -> &[CertificateDer<'static>] {
        &self.own
    }
}

/// What is in a file of certificates or keys.
pub(crate) fn read_file(path: &Path, what: &str) -> Result<Vec<u8>> {
    read_small_file(path).map_err(|error| {
        let message = format!("cannot read the {what} {}", path.display());
        Error::new(ErrorKind::Config, message).with_source(error)
    })
}
