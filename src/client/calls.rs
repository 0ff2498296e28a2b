//! From a URL to a call of the event loop.

use super::url::Url;
use crate::app::Call;
use crate::wire::error::{Error, ErrorKind, Result};
use std::net::ToSocketAddrs;

/// The [`Call`] for a URL such as `ws://example.org:8080/chat?room=1`. Its name is looked up in
/// this thread, which may take long: not for a handler.
///
/// # Errors
/// `Config` for what is no such URL, or one of TLS, which is not supported yet; `Io` for a name
/// without an address.
pub fn call(url: &str) -> Result<Call> {
    let url = Url::parse(url)?;
    url.require_plain()?;
    let unknown = || Error::new(ErrorKind::Io, format!("{} has no address", url.host()));
    let mut addresses = (url.host(), url.port())
        .to_socket_addrs()
        .map_err(|error| unknown().with_source(error))?;
    let address = addresses.next().ok_or_else(unknown)?;
    Ok(Call::new(address, url.authority(), url.target()))
}
