//! The settings of outgoing connections: whom they believe, and what they ask for.

use super::{ALPN, explain, provider};
use crate::app::Trust;
use crate::wire::error::{Error, ErrorKind, Result};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Settings that were made, for the few kinds of trust that a program has.
static MADE: Mutex<Vec<(Trust, Arc<ClientConfig>)>> = Mutex::new(Vec::new());
/// So many are kept.
const MOST_KEPT: usize = 16;

/// The settings of a client with this trust. The first time it may read many files.
///
/// # Errors
/// `Config`: there is nobody to believe.
pub(crate) fn client_config(trust: &Trust) -> Result<Arc<ClientConfig>> {
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, config)) = made.iter().find(|(known, _)| known == trust) {
        return Ok(Arc::clone(config));
    }
    let config = Arc::new(make(trust)?);
    if made.len() >= MOST_KEPT {
        made.remove(0);
    }
    made.push((trust.clone(), Arc::clone(&config)));
    Ok(config)
}

fn make(trust: &Trust) -> Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::Config, explain(&error)))?;
    let mut config = if trust.checks() {
        builder.with_root_certificates(roots(trust)?)
    } else {
        let verifier = Arc::new(Unchecked);
        builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
    }
    .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn roots(trust: &Trust) -> Result<RootCertStore> {
    let mut store = if trust.uses_system() {
        system_roots().clone()
    } else {
        RootCertStore::empty()
    };
    for certificate in trust.own() {
        store.add(certificate.clone()).map_err(|error| {
            let message = "a certificate that was given as one to trust cannot be read";
            Error::new(ErrorKind::Config, message).with_source(error)
        })?;
    }
    if store.is_empty() {
        let message = "this system has no certificates to trust, so no server can be believed; install \
                       its ca-certificates, or name a file with --ca FILE (in a program: Trust::and_file)";
        return Err(Error::new(ErrorKind::Config, message));
    }
    Ok(store)
}

/// The authorities that the system trusts, read once.
fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            log::warn!("some certificates of the system cannot be read: {error}");
        }
        let mut store = RootCertStore::empty();
        // Old ones that rustls cannot read are in most collections.
        store.add_parsable_certificates(found.certs);
        store
    })
}

/// The name in a certificate that is wanted: a DNS name or an IP address.
///
/// # Errors
/// `Config`: it is neither.
pub(crate) fn server_name(name: &str) -> Result<ServerName<'static>> {
    ServerName::try_from(name.to_owned()).map_err(|_| {
        let message = format!("{name:?} is no name that a certificate could be for");
        Error::new(ErrorKind::Config, message)
    })
}

/// Believes whoever answers; what it signs must still be signed by the key that it shows.
#[derive(Debug)]
struct Unchecked;

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
