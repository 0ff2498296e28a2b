//! The certificate of `dunlin serve`: read at the start and again with SIGHUP.

#[cfg(feature = "tls")]
use dunlin::{Error, ErrorKind, Tls};
use dunlin::{Result as Outcome, Server};
use std::os::fd::OwnedFd;

/// What the server shows, if anything.
pub(super) struct Certificate {
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

/// What is wrong with `cert` or `key`: which of them, and a sentence.
pub(super) fn problem(
    cert: Option<&String>,
    key: Option<&String>,
) -> Option<(&'static str, String)> {
    let alone = |given: &str, missing: &str| {
        format!(
            "--{given} is given without --{missing}\nwanted: both, such as --cert fullchain.pem --key privkey.pem"
        )
    };
    match (cert, key) {
        (None, None) => None,
        (Some(_), None) => Some(("cert", alone("cert", "key"))),
        (None, Some(_)) => Some(("key", alone("key", "cert"))),
        (Some(_), Some(_)) => Certificate::of(cert, key).err().map(|why| ("cert", why)),
    }
}

impl Certificate {
    /// Reads what is configured.
    ///
    /// # Errors
    /// A sentence that names the file.
    #[cfg(feature = "tls")]
    pub(super) fn of(cert: Option<&String>, key: Option<&String>) -> Result<Self, String> {
        let (Some(cert), Some(key)) = (cert, key) else {
            return Ok(Self { tls: None });
        };
        let tls = Tls::from_pem_files(cert, key).map_err(|error| format!("{error:#}"))?;
        Ok(Self { tls: Some(tls) })
    }

    /// Refuses what this build cannot do.
    ///
    /// # Errors
    /// A certificate is configured.
    #[cfg(not(feature = "tls"))]
    pub(super) fn of(cert: Option<&String>, key: Option<&String>) -> Result<Self, String> {
        if cert.is_some() || key.is_some() {
            return Err("this build has no TLS\nwanted: one with the feature `tls`".to_owned());
        }
        Ok(Self {})
    }

    /// Whether there is one.
    pub(super) fn is_given(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        return false;
    }

    /// Listens: by TLS where there is a certificate, but for Unix sockets.
    pub(super) fn listen(&self, server: Server, address: &str) -> Outcome<Server> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls
            && !address.starts_with("unix:")
        {
            return server.listen_tls(address, tls);
        }
        server.listen(address)
    }

    /// The same for a socket of a service manager; one of Unix stays plain.
    pub(super) fn listen_on(&self, server: Server, socket: OwnedFd) -> Outcome<Server> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            let copy = socket.try_clone().map_err(|error| {
                Error::new(ErrorKind::Io, "a given socket cannot be looked at").with_source(error)
            })?;
            // It has an address of the internet, or none that the standard library reads.
            if std::net::TcpListener::from(copy).local_addr().is_ok() {
                return server.listen_on_tls(socket, tls);
            }
        }
        server.listen_on(socket)
    }

    /// Reads the files again, if there are any; new connections see what is in them.
    ///
    /// # Errors
    /// A sentence that names the file; what is broken there changes nothing.
    pub(super) fn reload(&self) -> Result<(), String> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return tls.reload().map_err(|error| format!("{error:#}"));
        }
        Ok(())
    }
}
