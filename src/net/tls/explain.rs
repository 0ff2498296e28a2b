//! What went wrong with TLS, in plain words and with the cure.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

/// A sentence for an error of rustls, without a full stop.
pub(crate) fn explain(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(problem) => certificate(problem),
        Error::AlertReceived(alert) => alert_received(*alert),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the other side does not speak TLS; use ws:// if it is plain".to_owned()
        }
        Error::PeerIncompatible(problem) => incompatible(problem),
        Error::NoApplicationProtocol => {
            "the client offers other protocols than http/1.1 by ALPN".to_owned()
        }
        other => format!("{other}"),
    }
}

fn certificate(problem: &CertificateError) -> String {
    match problem {
        // The name of an authority is believed, and its key is another one.
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "its certificate was issued by somebody whom this machine does not trust; name the issuer's \
             certificate with --ca FILE (of an engine: --engine-ca FILE; in a program: Trust::and_file) if it is yours"
        }
        CertificateError::NotValidForName => {
            "its certificate is for another name; use the name that the certificate is for"
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let presented: Vec<_> = presented.iter().map(|name| dns_name(name)).collect();
            let presented = match &presented[..] {
                [] => "no name".to_owned(),
                names => names.join(", "),
            };
            return format!(
                "its certificate is for {presented}, not for {}; use a name that the certificate is for",
                expected.to_str()
            );
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired; whoever runs it has to renew it (or the clock of this machine \
             is wrong)"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; is the clock of this machine right?"
        }
        CertificateError::Revoked => "its certificate was revoked by its issuer",
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "its certificate is one of an authority, with which no server may answer; make one without \
             CA:TRUE (openssl req: -addext basicConstraints=critical,CA:FALSE)"
        }
        other => return format!("its certificate is not accepted: {other}"),
    }
    .to_owned()
}

/// `DnsName("a.example")` as rustls says it, without what is around the name.
fn dns_name(presented: &str) -> &str {
    let inside = presented
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    inside.unwrap_or(presented).trim_matches('"')
}

fn alert_received(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnknownCA => {
            "the client does not trust the issuer of this server's certificate".to_owned()
        }
        AlertDescription::CertificateUnknown | AlertDescription::BadCertificate => {
            "the client does not accept this server's certificate".to_owned()
        }
        AlertDescription::CertificateExpired => {
            "the client found this server's certificate expired".to_owned()
        }
        AlertDescription::NoApplicationProtocol => {
            "the other side does not speak http/1.1 here (ALPN)".to_owned()
        }
        AlertDescription::UnrecognisedName => {
            "the server does not know the name that it was asked for".to_owned()
        }
        AlertDescription::HandshakeFailure => {
            "the other side found no version or cipher that both speak".to_owned()
        }
        other => format!("the other side ended it with the alert {other:?}"),
    }
}

fn incompatible(problem: &PeerIncompatible) -> String {
    match problem {
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled => {
            "the other side speaks neither TLS 1.2 nor 1.3".to_owned()
        }
        other => format!("both sides have nothing in common: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_out_of_what_rustls_says() {
        assert_eq!(dns_name("DnsName(\"a.example\")"), "a.example");
        assert_eq!(dns_name("IpAddress(127.0.0.1)"), "127.0.0.1");
        assert_eq!(dns_name("odd"), "odd");
    }

    #[test]
    fn an_error_names_its_cure() {
        for unknown in [
            CertificateError::UnknownIssuer,
            CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: Vec::new(),
                public_key_algorithm_id: Vec::new(),
            },
        ] {
            let unknown = explain(&Error::InvalidCertificate(unknown));
            assert!(unknown.contains("--ca FILE"), "{unknown}");
            assert!(unknown.contains("--engine-ca FILE"), "{unknown}");
        }
        let expired = explain(&Error::InvalidCertificate(CertificateError::Expired));
        assert!(expired.contains("renew"), "{expired}");
    }
}
