//! Runs a flood in a thread of its own, beside whoever watches.

use super::super::rights::step_behind;
use super::super::site::Site;
use super::engine::Engine;
use super::kind::Kind;
use super::kinds;
use super::tally::Tally;
use std::io::{self, Error};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Longest time to open the connections of a flood; it begins with those that are open by then.
const FILL_LIMIT: Duration = Duration::from_secs(30);

/// What is flooded, with what, and how much at most.
#[derive(Clone, Copy)]
pub struct Flood<'a> {
    /// The server.
    pub site: &'a Site,
    /// What the connections do.
    pub kind: &'a Kind,
    /// Connections, as a row is named after them.
    pub connections: usize,
    /// What [`Kind::prepare`] gave.
    pub room: &'a str,
    /// Bytes that may be sent and read, together. One more read or write may pass it.
    pub bytes: u64,
    /// Ends the flood at once.
    pub interrupted: &'a AtomicBool,
}

impl Flood<'_> {
    /// Opens the connections, floods as long as `watch` watches, and says what both saw. The flag that `watch`
    /// is given tells that the flood ended by itself, its bytes spent.
    ///
    /// # Errors
    /// What the kernel says, and what `watch` says.
    pub fn beside<T>(
        &self,
        watch: impl FnOnce(&AtomicBool) -> io::Result<T>,
    ) -> io::Result<(T, Tally)> {
        let (over, stop) = (AtomicBool::new(false), AtomicBool::new(false));
        let (begun, begin) = mpsc::channel();
        thread::scope(|scope| {
            let (over, stop) = (&over, &stop);
            // Scripts are shared within a thread only, so that the flooder makes its own.
            let flooder = scope.spawn(move || -> io::Result<Tally> {
                step_behind()?;
                let stopped =
                    || stop.load(Ordering::Relaxed) || self.interrupted.load(Ordering::Relaxed);
                let groups = self.kind.groups(self.site, self.connections, self.room);
                let mut engine = Engine::new(self.site, &groups, self.bytes)?;
                engine.fill(Instant::now() + FILL_LIMIT, &stopped)?;
                // The other side is gone only when it gave up.
                let _ = begun.send(());
                let tally = engine.run(&stopped);
                over.store(true, Ordering::Relaxed);
                tally
            });
            let watched = begin.recv_timeout(FILL_LIMIT * 2);
            let watched = watched.map_err(Error::other).and_then(|()| watch(over));
            stop.store(true, Ordering::Relaxed);
            let tally = flooder
                .join()
                .map_err(|_| Error::other("the flooder panicked"))??;
            Ok((watched?, tally))
        })
    }
}

/// Floods, stalls and leaves with so many connections, without bystanders.
///
/// # Errors
/// What the kernel says.
pub fn storm(site: &Site, connections: usize, span: Duration, bytes: u64) -> io::Result<Tally> {
    let mut engine = Engine::new(site, &kinds::storm(site, connections), bytes)?;
    engine.fill(Instant::now() + FILL_LIMIT, &|| false)?;
    let end = Instant::now() + span;
    engine.run(&|| Instant::now() >= end)
}
