//! From a URL to a call of the event loop.

use super::url::Url;
use crate::app::Call;
#[cfg(feature = "tls")]
use crate::app::Trust;
#[cfg(feature = "tls")]
use crate::net::client_config;
use crate::wire::error::{Error, ErrorKind, Result};
use std::net::ToSocketAddrs;

/// The [`Call`] for a URL such as `ws://example.org:8080/chat?room=1`. Its name is looked up in
/// this thread, which may take long: not for a handler. One of `wss://` believes the authorities that
/// the system trusts, which are read here when they are first needed.
///
/// # Errors
/// `Config` for what is no such URL, or one of TLS in a build without it; `Io` for a name
/// without an address.
pub fn call(url: &str) -> Result<Call> {
    let url = Url::parse(url)?;
    url.check_supported()?;
    #[cfg(feature = "tls")]
    return call_to(&url, &Trust::system());
    #[cfg(not(feature = "tls"))]
    return plain_call(&url);
}

/// The same, for a `wss://` URL whose server `trust` has to believe.
///
/// # Errors
/// As [`call`], and `Config` when `trust` names nobody.
#[cfg(feature = "tls")]
pub fn call_trusting(url: &str, trust: &Trust) -> Result<Call> {
    call_to(&Url::parse(url)?, trust)
}

#[cfg(feature = "tls")]
fn call_to(url: &Url, trust: &Trust) -> Result<Call> {
    let call = plain_call(url)?;
    if !url.is_secure() {
        return Ok(call);
    }
    // Read now, so that the loop does not have to.
    client_config(trust)?;
    Ok(call.secure(url.host(), trust.clone()))
}

fn plain_call(url: &Url) -> Result<Call> {
    let unknown = || Error::new(ErrorKind::Io, format!("{} has no address", url.host()));
    let mut addresses = (url.host(), url.port())
        .to_socket_addrs()
        .map_err(|error| unknown().with_source(error))?;
    let address = addresses.next().ok_or_else(unknown)?;
    Ok(Call::new(address, url.authority(), url.target()))
}
