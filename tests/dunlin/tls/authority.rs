//! An authority of a test, and certificates that it issues.

use dunlin::Tls;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// A key of RSA with 2048 bits, which nobody else uses.
const RSA_KEY: &str = include_str!("rsa_key.pem");

/// A certificate with its key, and the authority that issued it, as PEM.
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
    pub(super) authority: String,
}

impl Pair {
    /// For `localhost` and 127.0.0.1, by ECDSA P-256.
    pub(super) fn new() -> Self {
        Self::for_names(&["localhost", "127.0.0.1"])
    }

    /// The same by RSA.
    #[allow(dead_code)]
    pub(super) fn rsa() -> Self {
        let key = KeyPair::from_pem(RSA_KEY).expect("a key");
        Self::issue(&["localhost", "127.0.0.1"], key, |_| {})
    }

    #[allow(dead_code)]
    pub(super) fn for_names(names: &[&str]) -> Self {
        Self::issue(names, KeyPair::generate().expect("a key"), |_| {})
    }

    /// One whose time is over.
    #[allow(dead_code)] // of the library's tests alone
    pub(super) fn expired() -> Self {
        Self::issue(
            &["localhost", "127.0.0.1"],
            KeyPair::generate().expect("a key"),
            |wanted| {
                wanted.not_before = rcgen::date_time_ymd(2020, 1, 1);
                wanted.not_after = rcgen::date_time_ymd(2021, 1, 1);
            },
        )
    }

    fn issue(names: &[&str], key: KeyPair, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let authority_key = KeyPair::generate().expect("a key");
        let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let shown = authority
            .self_signed(&authority_key)
            .expect("a certificate");
        let issuer = Issuer::new(authority, authority_key);
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut wanted = CertificateParams::new(names).expect("parameters");
        change(&mut wanted);
        let made = wanted.signed_by(&key, &issuer).expect("a certificate");
        Self {
            certificate: made.pem(),
            key: key.serialize_pem(),
            authority: shown.pem(),
        }
    }

    /// What a server shows.
    #[allow(dead_code)]
    pub(super) fn tls(&self) -> Tls {
        Tls::from_pem(&self.certificate, &self.key).expect("a pair")
    }
}
