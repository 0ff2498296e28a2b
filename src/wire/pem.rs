//! Certificates and keys as files carry them: PEM (RFC 7468), read with errors that name the file and the cure.

use crate::wire::error::{Error, ErrorKind, Result};
use rustls::pki_types::pem::{self, PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The certificates of a text, in their order. `name` is what the text is called in an error.
///
/// # Errors
/// `Config`: it is broken, or there is none in it.
pub(crate) fn certificates(text: &[u8], name: &str) -> Result<Vec<CertificateDer<'static>>> {
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let found = found.map_err(|error| broken(name, &error))?;
    if found.is_empty() {
        let has = what_is_there(text);
        let message = format!(
            "{name} holds no certificate{has}\n\
             wanted: PEM that begins with -----BEGIN CERTIFICATE-----, the server's own first and those \
             of its issuers behind it"
        );
        return Err(Error::new(ErrorKind::Config, message));
    }
    Ok(found)
}

/// The first private key of a text: PKCS #8, PKCS #1 or SEC 1.
///
/// # Errors
/// `Config`: it is broken, or there is none in it.
pub(crate) fn private_key(text: &[u8], name: &str) -> Result<PrivateKeyDer<'static>> {
    match PrivateKeyDer::from_pem_slice(text) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) => {
            let has = what_is_there(text);
            let message = format!(
                "{name} holds no private key{has}\n\
                 wanted: PEM that begins with -----BEGIN PRIVATE KEY-----, without a password"
            );
            Err(Error::new(ErrorKind::Config, message))
        }
        // Keys of older tools say in two lines of their own that they are locked.
        Err(_) if has(text, LOCKED) => {
            let message = format!(
                "{name} holds a key that is locked by a password\n\
                 wanted: the same without, as `openssl pkey -in {name} -out FILE` writes it"
            );
            Err(Error::new(ErrorKind::Config, message))
        }
        Err(error) => Err(broken(name, &error)),
    }
}

/// In a private key of a form of its own (RFC 1421 §4.6.1.1).
const LOCKED: &[u8] = b"Proc-Type: 4,ENCRYPTED";

fn has(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|part| part == wanted)
}

fn broken(name: &str, error: &pem::Error) -> Error {
    let why = match error {
        pem::Error::MissingSectionEnd { end_marker } => {
            let what = String::from_utf8_lossy(end_marker);
            format!("it ends within a {what}: the line -----END {what}----- is missing")
        }
        pem::Error::IllegalSectionStart { .. } => {
            "a line -----BEGIN …----- does not end with five dashes".to_owned()
        }
        other => other.to_string(),
    };
    let message = format!(
        "{name} is no whole PEM file: {why}\nwanted: the file as it was made, to its last line"
    );
    Error::new(ErrorKind::Config, message)
}

/// What a text has in place of what was wanted, as the end of a sentence.
fn what_is_there(text: &[u8]) -> &'static str {
    if has(text, b"ENCRYPTED PRIVATE KEY") || has(text, LOCKED) {
        return ", but a key that is locked by a password";
    }
    let first = <(SectionKind, Vec<u8>) as PemObject>::pem_slice_iter(text).next();
    match first {
        Some(Ok((SectionKind::Certificate, _))) => ", but a certificate",
        Some(Ok((
            SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey,
            _,
        ))) => ", but a private key",
        Some(_) => ", but something else",
        None if text.is_empty() => ": it is empty",
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    const LOCKED_NOW: &[u8] =
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    const LOCKED_BEFORE: &[u8] =
        b"-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n\
        AAAA\n-----END EC PRIVATE KEY-----\n";
    const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    #[test]
    fn files_that_were_swapped_are_told_apart() {
        let error = certificates(KEY, "c.pem").unwrap_err().to_string();
        assert!(
            error.contains("c.pem holds no certificate, but a private key"),
            "{error}"
        );
        let error = private_key(CERTIFICATE, "k.pem").unwrap_err().to_string();
        assert!(
            error.contains("k.pem holds no private key, but a certificate"),
            "{error}"
        );
    }

    #[test]
    fn a_key_with_a_password_is_called_so() {
        for text in [LOCKED_NOW, LOCKED_BEFORE] {
            let error = private_key(text, "k.pem").unwrap_err().to_string();
            assert!(error.contains("locked by a password"), "{error}");
        }
    }

    #[test]
    fn what_is_empty_or_broken_is_called_so() {
        let error = certificates(b"", "c.pem").unwrap_err().to_string();
        assert!(error.contains("it is empty"), "{error}");
        let cut = &CERTIFICATE[..40];
        let error = certificates(cut, "c.pem").unwrap_err().to_string();
        for part in ["c.pem", "-----END CERTIFICATE----- is missing", "wanted: "] {
            assert!(error.contains(part), "{error}");
        }
    }
}
