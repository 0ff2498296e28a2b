//! PROXY headers: what is read of a connection before anything else, from the networks that send them.
//!
//! Exactly the header is read, never a byte of what follows, so that whatever comes behind it (TLS,
//! HTTP) reads the socket as if nothing had been there. A connection that is not complete here is cut by
//! the one deadline of its first request.

use super::stream::Stream;
use crate::app::Peer;
use crate::config::Networks;
use crate::hub::Lost;
use crate::turn::Read;
use crate::wire::proxy::{Proxied, ProxyHeader};
use std::collections::HashMap;

/// Bad headers are told once in so many milliseconds: a proxy that is set up wrong makes many.
const TELL_EVERY_MS: u64 = 1000;

/// A connection whose header is not complete.
#[derive(Debug)]
struct Waiting {
    header: ProxyHeader,
    proxy: Peer,
}

/// Connections whose header is not complete, and what was told of those whose header is.
#[derive(Debug, Default)]
pub(super) struct Intake {
    networks: Networks,
    /// Who made the connection that was accepted last, if it begins with a header.
    accepted: Option<Peer>,
    waiting: HashMap<u32, Box<Waiting>>,
    told: Option<(u32, Peer)>,
    /// When a bad header was told last, and how many were not since.
    last_told: Option<u64>,
    untold: u64,
}

impl Intake {
    pub(super) fn new(networks: Networks) -> Self {
        Self {
            networks,
            ..Self::default()
        }
    }

    /// Somebody connected: whether its header must come first. `None`: to a listener that knows no proxies.
    pub(super) fn accepted(&mut self, peer: Option<Peer>) -> bool {
        let is_proxy = |peer: &Peer| !self.networks.is_empty() && self.networks.contains(peer.ip());
        self.accepted = peer.filter(is_proxy);
        self.accepted.is_some()
    }

    /// The one that was accepted last has this key.
    pub(super) fn attach(&mut self, key: u32) {
        if let Some(proxy) = self.accepted.take() {
            let header = ProxyHeader::default();
            self.waiting
                .insert(key, Box::new(Waiting { header, proxy }));
        }
    }

    /// A connection is gone.
    pub(super) fn close(&mut self, key: u32) {
        if !self.waiting.is_empty() {
            self.waiting.remove(&key);
        }
        self.told.take_if(|(told, _)| *told == key);
    }

    /// Whether the header of a connection is not complete.
    #[inline]
    pub(super) fn awaits(&self, key: u32) -> bool {
        !self.waiting.is_empty() && self.waiting.contains_key(&key)
    }

    /// Reads what there is of a header. `Ok(None)`: it is complete, and the stream can be read.
    pub(super) fn read(
        &mut self,
        key: u32,
        stream: &mut Stream,
        now: u64,
    ) -> Result<Option<Read>, Lost> {
        let Some(waiting) = self.waiting.get_mut(&key) else {
            return Ok(None);
        };
        let mut buffer = [0; 256];
        loop {
            let most = waiting.header.wants().min(buffer.len());
            let read = stream.read(&mut buffer[..most])?;
            match waiting.header.feed(&buffer[..read.n]) {
                Ok((_, Some(proxied))) => {
                    let peer = match proxied {
                        Proxied::Address(address) => Peer::Tcp(address),
                        Proxied::Unix => Peer::Unix,
                        Proxied::Unknown => waiting.proxy,
                    };
                    self.told = Some((key, peer));
                    self.waiting.remove(&key);
                    return Ok(None);
                }
                Ok((_, None)) if read.n == most && !read.ended => {}
                Ok((_, None)) => {
                    // Bytes came, and the end may be right behind them: the kernel tells.
                    return Ok(Some(Read {
                        n: 0,
                        drained: read.drained && read.n == 0,
                        ..read
                    }));
                }
                Err(wrong) => {
                    let proxy = waiting.proxy;
                    self.tell(
                        now,
                        &format!("{proxy} is among proxy_protocol, and {wrong}"),
                    );
                    return Err(Lost);
                }
            }
        }
    }

    fn tell(&mut self, now: u64, what: &str) {
        if self
            .last_told
            .is_some_and(|told| now < told + TELL_EVERY_MS)
        {
            self.untold += 1;
            return;
        }
        self.last_told = Some(now);
        let untold = std::mem::take(&mut self.untold);
        log::warn!(
            "a connection is cut for its PROXY header: {what}; before it {untold} more; the proxy is to send \
             one (HAProxy: `send-proxy-v2`, nginx: `proxy_protocol on`), or to be left out of --proxy-protocol"
        );
    }

    /// Whom the header of this connection told of, once.
    pub(super) fn take_peer(&mut self, key: u32) -> Option<Peer> {
        let told = self.told.take_if(|(told, _)| *told == key);
        told.map(|(_, peer)| peer)
    }
}
