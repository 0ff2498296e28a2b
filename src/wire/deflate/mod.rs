//! permessage-deflate (RFC 7692): messages travel compressed.
//!
//! [`Deflate`] is the [`Extension`] with its settings; what a connection gets is
//! a [`Transform`] of some 40 bytes. Unless context takeover is asked for,
//! contexts belong to the loop and not to the connection: a compressor is used
//! for one message and forgets it, a decompressor is lent from a message's first
//! fragment to its last. So an idle connection holds no deflate memory, and a
//! broadcast is compressed once per window size, whatever the number of receivers.
//!
//! What this must never do: let a message grow past its cap while inflating,
//! keep a context for a connection that did not agree to takeover, or answer an
//! offer with something that was not in it.
//!
//! | file | subject |
//! |---|---|
//! | `negotiate` | offers and responses, RFC 7692 §7.1 |
//! | `transform` | the state of one connection |
//! | `engine` | what the connections of a loop share |
//! | `inflate` | one message in, in small steps |
//! | `compress` | one message out, by zlib |
//! | `quick` | one message out, level 1 |

mod compress;
mod engine;
mod inflate;
mod negotiate;
mod quick;
mod settings;
mod shared;
#[cfg(test)]
mod tests;
mod transform;

pub use self::settings::NAME;

use self::engine::Engine;
use self::negotiate::Terms;
use self::settings::Settings;
use self::shared::SharedDeflate;
use self::transform::DeflateTransform;
use super::error::Result;
use super::extension::{Agreement, Extension, Offer, Transform};
use super::frame::{OpCode, Reserved};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// permessage-deflate with its settings; the same value serves either role.
///
/// # Memory
///
/// Without context takeover (the default) a connection holds about 40 bytes.
/// The loop holds, once they were needed: 16 KiB for level 1, or for the levels
/// from 2 up one compressor per window size in use, 249 KB + 4 · 2^bits bytes
/// each (380 KB at 15); 48 KB for each of up to 4 decompressors at rest; 16 KiB
/// of step buffer. At most 256 decompressors (12 MB) are lent to messages that are not
/// complete; beyond that, fragments wait compressed. What is lent counts as held.
///
/// With takeover every connection adds, from its first compressed message each
/// way: 249 KB + 4 · 2^bits bytes to send, 48 KB to receive.
///
/// Clones share one engine behind a lock, which nobody contends for while they serve one loop. Loops
/// in several threads get a value of their own each ([`Deflate::new`]), or they wait for each other.
#[derive(Clone)]
pub struct Deflate {
    settings: Settings,
    engine: Arc<Mutex<Engine>>,
    /// Made when the first connection agrees; the settings are fixed from then on.
    shared: OnceLock<Arc<SharedDeflate>>,
}

static NEXT_ID: AtomicU32 = AtomicU32::new(0);

impl Deflate {
    /// The defaults: level 1, messages from 64 bytes up, windows of 32 KiB, no context takeover.
    pub fn new() -> Self {
        Self {
            settings: Settings {
                level: 1,
                min_size: 64,
                compress_if: None,
                server_max_window_bits: 15,
                client_max_window_bits: 15,
                context_takeover: false,
            },
            engine: Arc::default(),
            shared: OnceLock::new(),
        }
    }

    /// How hard to compress, 0 (not at all) to 9; default 1.
    ///
    /// A message that would take a twelfth of a turn or longer goes out plain: over 25 000 bytes at
    /// level 1, 12 500 at 2 and 3, 8 333 at 4 and 5, 4 166 at 6, and 1 470 at 9.
    ///
    /// Level 1 is an encoder of its own, because chat messages are short: 512 bytes
    /// of JSON cost 0.35 µs and come out at 125 bytes, where level 6 of zlib makes 119
    /// of them in 10 µs (`benches/deflate.rs`). With takeover all levels are zlib's.
    #[must_use]
    pub fn level(self, level: u8) -> Self {
        self.with(|settings| settings.level = level)
    }

    /// Messages shorter than this many bytes go out plain; default 64, below
    /// which JSON hardly ever shrinks.
    #[must_use]
    pub fn min_size(self, bytes: usize) -> Self {
        self.with(|settings| settings.min_size = bytes)
    }

    /// Messages for which this answers `false` go out plain; asked after the
    /// minimum size, once per encoding. Default: no question.
    #[must_use]
    pub fn compress_if(
        self,
        predicate: impl Fn(OpCode, &[u8]) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.with(|settings| settings.compress_if = Some(Arc::new(predicate)))
    }

    /// log2 of the window that the server compresses with, 9 to 15; default 15.
    /// As a client: the largest that the server may use.
    #[must_use]
    pub fn server_max_window_bits(self, bits: u8) -> Self {
        self.with(|settings| settings.server_max_window_bits = bits)
    }

    /// log2 of the window that the client compresses with, 9 to 15; default 15.
    /// As a server it is demanded only of clients that offer the parameter.
    #[must_use]
    pub fn client_max_window_bits(self, bits: u8) -> Self {
        self.with(|settings| settings.client_max_window_bits = bits)
    }

    /// Whether a message may refer to the messages before it; default off. On
    /// compresses small similar messages better, costs memory per connection
    /// (see above) and one compression per receiver of a broadcast.
    #[must_use]
    pub fn context_takeover(self, on: bool) -> Self {
        self.with(|settings| settings.context_takeover = on)
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self.shared = OnceLock::new();
        self
    }

    fn shared(&self) -> &Arc<SharedDeflate> {
        self.shared.get_or_init(|| {
            Arc::new(SharedDeflate {
                settings: self.settings.clone(),
                engine: Arc::clone(&self.engine),
                id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            })
        })
    }

    fn transform(&self, terms: Terms) -> Box<dyn Transform> {
        Box::new(DeflateTransform::new(Arc::clone(self.shared()), terms))
    }
}

impl Default for Deflate {
    fn default() -> Self {
        Self::new()
    }
}

impl Extension for Deflate {
    fn name(&self) -> &str {
        NAME
    }

    fn reserved(&self) -> Reserved {
        Reserved::RSV1
    }

    fn check(&self) -> Result<()> {
        self.settings.check()
    }

    fn accept(&self, offer: &Offer) -> Option<Agreement> {
        let (response, terms) = negotiate::accept(&self.settings, offer)?;
        Some(Agreement {
            response,
            transform: self.transform(terms),
        })
    }

    fn offers(&self) -> Vec<Offer> {
        vec![negotiate::offer(&self.settings)]
    }

    fn confirm(&self, response: &Offer) -> Result<Box<dyn Transform>, String> {
        let terms = negotiate::confirm(&self.settings, response)?;
        Ok(self.transform(terms))
    }

    fn shrink(&self) {
        shared::lock(&self.engine).shrink();
    }
}

impl fmt::Debug for Deflate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.settings;
        f.debug_struct("Deflate")
            .field("level", &settings.level)
            .field("min_size", &settings.min_size)
            .field("compress_if", &settings.compress_if.is_some())
            .field("server_max_window_bits", &settings.server_max_window_bits)
            .field("client_max_window_bits", &settings.client_max_window_bits)
            .field("context_takeover", &settings.context_takeover)
            .finish()
    }
}
