//! What a listener shows of itself: a certificate with its key, which can be replaced while it runs.

use super::{ALPN, explain, provider, server_provider, validity};
use crate::app::read_file;
use crate::wire::error::{Error, ErrorKind, Result};
use crate::wire::pem;
use crate::wire::work::price;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SignatureScheme};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

/// A longer key of RSA, in bits, is warned of.
const LONG_RSA: usize = 3072;

/// The certificate and the key of a TLS server, for [`Server::listen_tls`](crate::Server::listen_tls).
///
/// A clone is a handle on the same: what [`reload`](Tls::reload) reads is shown by every listener that was
/// given one, from the next handshake on. Connections that exist keep what they agreed on.
///
/// ```no_run
/// # fn main() -> dunlin::Result<()> {
/// let tls = dunlin::Tls::from_pem_files("fullchain.pem", "privkey.pem")?;
/// let app = dunlin::App::new().on_message("/echo", |session, message| session.send(message));
/// let server = dunlin::Server::new(app).listen_tls("0.0.0.0:443", &tls)?;
/// // Later, from any thread, when the files have changed:
/// tls.reload()?;
/// # drop(server);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tls(Arc<Shared>);

struct Shared {
    config: Arc<ServerConfig>,
    current: Arc<Current>,
    /// Where the certificate and its key were read.
    files: Option<(PathBuf, PathBuf)>,
}

/// What is shown now.
#[derive(Debug)]
struct Current(RwLock<Shown>);

/// A certificate with its key, and what a handshake with it costs.
#[derive(Clone, Debug)]
struct Shown {
    certified: Arc<CertifiedKey>,
    price: u32,
}

impl Current {
    fn get(&self) -> Shown {
        // A thread that panicked while it replaced it has replaced it or not: either is whole.
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        shown.clone()
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.get().certified)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("files", &self.0.files)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads PEM files: the server's certificate with those of its issuers behind it, and its private
    /// key (ECDSA P-256 or P-384, Ed25519, or RSA of 2048 bits and more).
    ///
    /// # Errors
    /// `Config`, which names the file: it cannot be read, holds no certificate or no key, or the key
    /// belongs to another certificate. One that has expired is taken, with a warning in the log.
    pub fn from_pem_files(
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self> {
        let (certificate, key) = (certificate.into(), key.into());
        let certified = read_files(&certificate, &key)?;
        Self::with(certified, Some((certificate, key)))
    }

    /// The same from texts.
    ///
    /// # Errors
    /// As [`Tls::from_pem_files`].
    pub fn from_pem(certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self> {
        Self::with(from_texts(certificate.as_ref(), key.as_ref())?, None)
    }

    /// Reads the files again and shows what is in them from the next handshake on.
    ///
    /// # Errors
    /// As [`Tls::from_pem_files`]; what was shown before stays then. `Config` as well when it was not
    /// made from files.
    pub fn reload(&self) -> Result<()> {
        let Some((certificate, key)) = &self.0.files else {
            let message = "this certificate was not read from files; call `replace_pem`";
            return Err(Error::new(ErrorKind::Config, message));
        };
        self.show(read_files(certificate, key)?);
        Ok(())
    }

    /// Shows another certificate from the next handshake on.
    ///
    /// # Errors
    /// As [`Tls::from_pem`]; what was shown before stays then.
    pub fn replace_pem(&self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<()> {
        self.show(from_texts(certificate.as_ref(), key.as_ref())?);
        Ok(())
    }

    fn show(&self, shown: Shown) {
        let mut current = self.0.current.0.write();
        **current
            .as_mut()
            .unwrap_or_else(|poisoned| poisoned.get_mut()) = shown;
    }

    fn with(shown: Shown, files: Option<(PathBuf, PathBuf)>) -> Result<Self> {
        let current = Arc::new(Current(RwLock::new(shown)));
        let builder = ServerConfig::builder_with_provider(server_provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::new(ErrorKind::Config, explain(&error)))?;
        let mut config = builder
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as _);
        config.alpn_protocols = vec![ALPN.to_vec()];
        // Nothing of a session is kept when it is over: a peer that comes back makes a whole handshake.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self(Arc::new(Shared {
            config: Arc::new(config),
            current,
            files,
        })))
    }

    /// What rustls wants to know.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.config)
    }

    /// What the step of a handshake costs that signs.
    pub(crate) fn price(&self) -> u32 {
        self.0.current.get().price
    }
}

fn read_files(certificate: &Path, key: &Path) -> Result<Shown> {
    let texts = (
        read_file(certificate, "certificate")?,
        read_file(key, "private key")?,
    );
    let (certificate, key) = (certificate.display(), key.display());
    certified(
        &texts.0,
        &certificate.to_string(),
        &texts.1,
        &key.to_string(),
    )
}

fn from_texts(certificate: &[u8], key: &[u8]) -> Result<Shown> {
    certified(certificate, "the certificate", key, "the private key")
}

fn certified(
    certificate: &[u8],
    certificate_name: &str,
    key: &[u8],
    key_name: &str,
) -> Result<Shown> {
    let chain = pem::certificates(certificate, certificate_name)?;
    let key = pem::private_key(key, key_name)?;
    let key = provider()
        .key_provider
        .load_private_key(key)
        .map_err(|error| {
            let message = format!(
                "{key_name} holds a private key that cannot be used: {error}\n\
             wanted: ECDSA P-256 or P-384, Ed25519, or RSA of 2048 bits and more"
            );
            Error::new(ErrorKind::Config, message)
        })?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
        Err(rustls::Error::InconsistentKeys(_)) => {
            let message = format!(
                "the private key in {key_name} does not belong to the certificate in {certificate_name}\n\
                 wanted: two files of one pair, and the server's own certificate before those of its issuers"
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
        Err(error) => {
            let message = format!("{certificate_name} holds a certificate that cannot be read");
            return Err(Error::new(ErrorKind::Config, message).with_source(error));
        }
    }
    warn_of_dates(&certified, certificate_name);
    let price = price(&certified, key_name);
    Ok(Shown {
        certified: Arc::new(certified),
        price,
    })
}

/// What a handshake costs: with RSA it grows with the third power of the length of the key.
fn price(certified: &CertifiedKey, key_name: &str) -> u32 {
    let schemes = [SignatureScheme::RSA_PSS_SHA256];
    let signer = certified.key.choose_scheme(&schemes);
    // Signatures of RSA are as long as its keys.
    let Some(Ok(signature)) = signer.map(|signer| signer.sign(b"how long is the key?")) else {
        return price::HANDSHAKE;
    };
    let bits = 8 * signature.len();
    if bits > LONG_RSA {
        log::warn!(
            "{key_name} is a key of RSA with {bits} bits: each handshake holds everybody up for \
             milliseconds; ECDSA P-256 is as safe and costs a hundredth"
        );
    }
    let length = bits.div_ceil(1024) as u32;
    (price::HANDSHAKE_RSA / 8).saturating_mul(length.saturating_pow(3))
}

/// Clients refuse a certificate outside its time, but the server's own clock may be what is wrong.
fn warn_of_dates(certified: &CertifiedKey, name: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_secs());
    if let Some(first) = certified.cert.first()
        && let Some(problem) = validity::problem(first, now)
    {
        log::warn!("{name} {problem}: clients will refuse it");
    }
}
