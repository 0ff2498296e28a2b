//! The limits of a whole server, beside the settings of its routes.

use crate::wire::head::HeadLimits;
use std::time::Duration;

/// Limits that hold for all connections together, and for those that have no route yet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Connections at the same time; past it 503. Default: the open-file limit less 64
    /// (a server lowers it to that at start); 0 counts as that, too.
    pub max_connections: usize,
    /// Connections of one IP address at the same time; past it 429. Default 0: off.
    pub max_per_address: usize,
    /// Bytes that wait for slow peers or for the rest of messages, of all connections together. Past
    /// it nothing is read, new connections get 503 and the largest backlog is closed with 1008.
    /// Default 0: a quarter of the machine's memory.
    pub max_buffered: usize,
    /// Size limits of a request head.
    pub head: HeadLimits,
    /// Bytes of a plain request's body; past it 413. Default 64 KiB.
    pub max_body: usize,
    /// Time for a head, and then for a body, to be complete; past it 408. Default 10 s.
    pub head_timeout: Duration,
    /// How long a connection may rest between two requests. Default 60 s.
    pub keep_alive: Duration,
    /// How long shutdown may take until what is left is cut. Default 10 s.
    pub drain: Duration,
    /// Host names that are served, without port; any other is answered 421. Default: all.
    pub hosts: Option<Vec<String>>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 0,
            max_per_address: 0,
            max_buffered: 0,
            head: HeadLimits::default(),
            max_body: 64 << 10,
            head_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(60),
            drain: Duration::from_secs(10),
            hosts: None,
        }
    }
}

macro_rules! setters {
    ($($name:ident: $type:ty),* $(,)?) => {$(
        #[doc = concat!("Sets [`Limits::", stringify!($name), "`].")]
        pub fn $name(mut self, value: $type) -> Self {
            self.$name = value;
            self
        }
    )*};
}

impl Limits {
    setters! {
        max_connections: usize,
        max_per_address: usize,
        max_buffered: usize,
        head: HeadLimits,
        max_body: usize,
        head_timeout: Duration,
        keep_alive: Duration,
        drain: Duration,
        hosts: Option<Vec<String>>,
    }
}

#[cfg(test)]
mod tests {
    use super::Limits;
    use crate::app::remote::Wake;
    use crate::app::{App, ConnInfo, Peer, Remote};
    use crate::hub::{Hub, Lost, Transport};
    use std::sync::Arc;

    struct Asleep;

    impl Wake for Asleep {
        fn wake(&self) {}
    }

    /// What all connections were sent.
    #[derive(Default)]
    struct Sent(Vec<u8>);

    impl Transport for Sent {
        fn send(&mut self, _: u32, bytes: &[u8]) -> Result<usize, Lost> {
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn shutdown_write(&mut self, _: u32) {}

        fn close(&mut self, _: u32) {}
    }

    #[test]
    fn past_the_cap_of_all_buffered_bytes_a_new_connection_gets_503() {
        // Accepted in the turn that passed the cap: at its end the largest backlog goes.
        for (bytes, is_refused) in [(1000, false), (1001, true)] {
            let limits = Limits::default().max_buffered(1000);
            let (remote, _inbox, _stats) = Remote::new(Arc::new(Asleep));
            let mut hub = Hub::new(App::new(), limits, [0; 32], remote).unwrap();
            let mut io = Sent::default();
            let first = hub.accept(ConnInfo::new(Peer::Unix)).unwrap();
            let mut half = format!("GET / HTTP/1.1\r\nA: {:<1$}", "", bytes - 19).into_bytes();
            hub.received(&mut io, first, &mut half);
            hub.accept(ConnInfo::new(Peer::Unix)).unwrap();
            hub.flush(&mut io);
            assert_eq!(io.0.starts_with(b"HTTP/1.1 503 "), is_refused, "{bytes}");
        }
    }
}
