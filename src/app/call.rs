//! A call to another server, out of the same loop.

#[cfg(feature = "tls")]
use super::trust::Trust;
use core::net::{IpAddr, SocketAddr};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What an outgoing session asks for, and where. Extensions are those of the route's
/// [`Settings`](super::Settings), and so are subprotocols when nothing else is said. From its beginning to the server's 101 it may take
/// [`Limits::head_timeout`](crate::Limits::head_timeout).
///
/// It names an address, because looking a name up would hold the loop; [`client::call`] turns a
/// URL into one in the thread that asks.
///
/// [`client::call`]: crate::client::call
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub(crate) address: SocketAddr,
    pub(crate) source: Option<IpAddr>,
    pub(crate) file: Option<Arc<Path>>,
    pub(crate) host: String,
    pub(crate) target: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) protocols: Option<Vec<String>>,
    pub(crate) delay: Duration,
    #[cfg(feature = "tls")]
    identity: Option<Arc<Identity>>,
}

impl Call {
    /// A call to this address, for this host (with its port where that is not 80) and target
    /// (path and query, beginning with `/`). It is plain, `ws://`, until it is made secure by `Call::secure` (feature `tls`).
    pub fn new(address: SocketAddr, host: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            address,
            source: None,
            file: None,
            host: host.into(),
            target: target.into(),
            fields: Vec::new(),
            protocols: None,
            delay: Duration::ZERO,
            #[cfg(feature = "tls")]
            identity: None,
        }
    }

    /// Speaks TLS (`wss://`), with a server that has a certificate for this name: a DNS name or an IP
    /// address. The host given to [`Call::new`] then has its port where that is not 443. A server that
    /// cannot show one that `trust` believes makes the call fail with `Io`.
    #[cfg(feature = "tls")]
    pub fn secure(mut self, name: impl Into<String>, trust: Trust) -> Self {
        let name = name.into();
        self.identity = Some(Arc::new(Identity { name, trust }));
        self
    }

    /// Whether it speaks TLS.
    pub fn is_secure(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.identity.is_some();
        #[cfg(not(feature = "tls"))]
        return false;
    }

    /// Adds a header field, such as `Origin` or `Authorization`. One that cannot stand in a head
    /// makes the call fail.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// Offers these subprotocols in place of those of the route.
    pub fn protocols<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.protocols = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Comes from this local address, with a port of the system's choice. Default: the system chooses both.
    ///
    /// Of use where ports run out: an address has some 28 000 of them, as Linux comes, and all of 127.0.0.0/8
    /// are local addresses there. The port is not used for calls to other servers meanwhile. An address that
    /// the machine does not have, or of another family than the server's, makes the call fail with `Io`.
    pub fn source(mut self, address: IpAddr) -> Self {
        self.source = Some(address);
        self
    }

    /// Goes to this Unix socket, in place of the address.
    pub fn socket_file(mut self, path: impl AsRef<Path>) -> Self {
        self.file = Some(path.as_ref().into());
        self
    }

    /// Begins this much later, rounded up to a millisecond; default at once. For calling again
    /// when one failed: [`Handler::failed`](super::Handler::failed) has no session whose timer could do it.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// What it holds beside itself, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let fields = self.fields.iter();
        let texts = fields.map(|(name, value)| name.capacity() + value.capacity());
        let protocols = self.protocols.iter().flatten().map(String::capacity);
        let texts = texts.chain(protocols);
        let slots = self.fields.capacity() * size_of::<(String, String)>();
        self.host.capacity() + self.target.capacity() + slots + texts.sum::<usize>()
    }

    /// The two ends of its connection.
    pub(crate) fn ends(&self) -> Ends {
        Ends {
            to: self.address,
            from: self.source,
            file: self.file.clone(),
            #[cfg(feature = "tls")]
            identity: self.identity.clone(),
        }
    }

    /// Where it goes.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Call {
    /// As it may stand in a log: without its query, which may hold a token.
    pub(crate) fn without_query(&self) -> String {
        let path = self.target.split('?').next().unwrap_or_default();
        format!("ws://{}{path}", self.host)
    }
}

/// Where a connection goes, and which of the machine's addresses it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ends {
    /// Where it goes.
    pub to: SocketAddr,
    /// Where it comes from; `None`: the system chooses.
    pub from: Option<IpAddr>,
    /// The Unix socket that it goes to, in place of an address.
    pub file: Option<Arc<Path>>,
    /// Who must answer, where it is by TLS.
    #[cfg(feature = "tls")]
    pub identity: Option<Arc<Identity>>,
}

/// Who must answer a call by TLS, and who vouches for it.
#[cfg(feature = "tls")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What its certificate must be for.
    pub name: String,
    /// Who may have issued that.
    pub trust: Trust,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure() { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.host, self.target)
    }
}
