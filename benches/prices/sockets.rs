//! Sockets on 127.0.0.1, driven as the loop does: reads, writes, accepting, closing.
//!
//! On the loopback a write does what the receiving side of the kernel has to do, too.

use crate::clock::Clock;
use crate::hub::World;
use crate::row::Row;
use dunlin::app::ConnInfo;
use dunlin::hub::{Lost, Transport};
use dunlin::wire::work::{Work, price};
use dunlin::{Peer, SessionId};
use mio::net::{TcpListener as MioListener, TcpStream as MioStream};
use mio::{Interest, Poll, Token};
use std::cell::{Cell, RefCell};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::thread;

/// Pairs that are served at a time: few, so that their bytes stay in the cache, and many, so that none does.
const FEW: usize = 32;
const MANY: usize = 300;
/// What the loop reads into.
const BUFFER: usize = 64 << 10;
const SMALL: usize = 16;
/// Connections of a batch.
const CROWD: usize = 256;

/// Connected pairs: their end without delay and without waiting, ours likewise.
struct Pairs {
    ours: Vec<TcpStream>,
    theirs: Vec<TcpStream>,
    _poll: Poll,
}

impl Pairs {
    fn new(count: usize) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        socket2::SockRef::from(&listener).set_recv_buffer_size(1 << 20)?;
        let poll = Poll::new()?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for at in 0..count {
            let their = TcpStream::connect(listener.local_addr()?)?;
            let (our, _) = listener.accept()?;
            for end in [&our, &their] {
                end.set_nodelay(true)?;
                end.set_nonblocking(true)?;
            }
            // Nobody asks it, but it has to be told, as in a loop.
            let mut watched = MioStream::from_std(our.try_clone()?);
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry()
                .register(&mut watched, Token(at), interest)?;
            ours.push(our);
            theirs.push(their);
        }
        Ok(Self {
            ours,
            theirs,
            _poll: poll,
        })
    }
}

fn read_all(mut from: &TcpStream, buffer: &mut [u8]) -> usize {
    let mut all = 0;
    while let Ok(n @ 1..) = from.read(buffer) {
        all += n;
    }
    all
}

/// Nanoseconds of a read of so many bytes, and how many bytes it really brought.
fn read_of(clock: Clock, pairs: &Pairs, size: usize) -> (f64, f64) {
    let payload = vec![b'a'; size];
    let buffer = RefCell::new(vec![0; BUFFER]);
    let (reads, bytes) = (Cell::new(0u32), Cell::new(0));
    let batches = Cell::new(0u32);
    let ns = clock.per_batch(
        || {
            let mut buffer = buffer.borrow_mut();
            for (mut their, our) in pairs.theirs.iter().zip(&pairs.ours) {
                read_all(our, &mut buffer);
                let _ = their.write(&payload);
            }
        },
        |()| {
            let mut buffer = buffer.borrow_mut();
            batches.set(batches.get() + 1);
            for mut our in &pairs.ours {
                if let Ok(n) = our.read(&mut buffer) {
                    reads.set(reads.get() + 1);
                    bytes.set(bytes.get() + n);
                }
            }
        },
    );
    let a_batch = f64::from(reads.get()) / f64::from(batches.get());
    (ns / a_batch, bytes.get() as f64 / f64::from(reads.get()))
}

/// The same of a write.
fn write_of(clock: Clock, pairs: &Pairs, size: usize) -> (f64, f64) {
    let payload = vec![b'a'; size];
    let (writes, bytes) = (Cell::new(0u32), Cell::new(0));
    let batches = Cell::new(0u32);
    let mut buffer = vec![0; BUFFER];
    let ns = clock.per_batch(
        || {
            for their in &pairs.theirs {
                read_all(their, &mut buffer);
            }
        },
        |()| {
            batches.set(batches.get() + 1);
            for mut our in &pairs.ours {
                if let Ok(n) = our.write(&payload) {
                    writes.set(writes.get() + 1);
                    bytes.set(bytes.get() + n);
                }
            }
        },
    );
    let a_batch = f64::from(writes.get()) / f64::from(batches.get());
    (ns / a_batch, bytes.get() as f64 / f64::from(writes.get()))
}

/// The same while the peers read, on another core: what the kernel does for them then is a part of the write.
fn write_while_read(clock: Clock, pairs: &Pairs, size: usize) -> (f64, f64) {
    let (written, read) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let is_over = AtomicBool::new(false);
    let payload = vec![b'a'; size];
    let (writes, batches) = (Cell::new(0u32), Cell::new(0u32));
    let ns = thread::scope(|scope| {
        scope.spawn(|| {
            let mut buffer = vec![0; BUFFER];
            while !is_over.load(Relaxed) {
                for their in &pairs.theirs {
                    read.fetch_add(read_all(their, &mut buffer), Relaxed);
                }
            }
        });
        let ns = clock.per_batch(
            || {
                while read.load(Relaxed) < written.load(Relaxed) {
                    thread::yield_now();
                }
            },
            |()| {
                batches.set(batches.get() + 1);
                for mut our in &pairs.ours {
                    if let Ok(n) = our.write(&payload) {
                        writes.set(writes.get() + 1);
                        written.fetch_add(n, Relaxed);
                    }
                }
            },
        );
        is_over.store(true, Relaxed);
        ns
    });
    let a_batch = f64::from(writes.get()) / f64::from(batches.get());
    let bytes = written.load(Relaxed) as f64 / f64::from(writes.get());
    (ns / a_batch, bytes)
}

/// A price of a call and one of its bytes, out of a small and a large one.
fn both(
    (call, bytes): (&str, &str),
    (call_price, bytes_a_unit): (u32, usize),
    of: impl Fn(usize) -> (f64, f64),
) -> [Row; 3] {
    let (small, few) = of(SMALL);
    let (large, many) = of(BUFFER);
    let a_byte = (large - small) / (many - few);
    let a_unit = 1.0 / bytes_a_unit as f64;
    let verb = call.to_lowercase();
    let whole = f64::from(call_price) + many / bytes_a_unit as f64;
    [
        Row::new(call, "16 B", f64::from(call_price), small),
        Row::new(bytes, "64 KiB less 16 B, a byte", a_unit, a_byte),
        Row::whole(
            &format!("{call} + {bytes}"),
            &format!("a {verb} of 64 KiB"),
            whole,
            large,
        ),
    ]
}

pub(crate) fn rows(clock: Clock) -> io::Result<Vec<Row>> {
    let pairs = Pairs::new(FEW)?;
    let reads = both(
        ("READ", "BYTES_READ"),
        (price::READ, price::BYTES_READ),
        |size| read_of(clock, &pairs, size),
    );
    let sends = both(
        ("SEND", "BYTES_SENT"),
        (price::SEND, price::BYTES_SENT),
        |size| write_of(clock, &pairs, size),
    );
    let mut rows: Vec<Row> = reads.into_iter().chain(sends).collect();
    drop(pairs);
    let small = (rows[0].ns, rows[3].ns);
    rows.extend(scattered(clock, &Pairs::new(MANY)?, small));
    rows.push(dials(clock)?);
    for is_left in [false, true] {
        rows.extend(connections(clock, is_left)?);
    }
    Ok(rows)
}

/// The same where the kernel needs memory for each, and finds nothing of it in the cache.
fn scattered(clock: Clock, pairs: &Pairs, (small_read, small_write): (f64, f64)) -> [Row; 6] {
    let (read, got) = read_of(clock, pairs, BUFFER);
    let (write, put) = write_of(clock, pairs, BUFFER);
    // What earlier rows have left there is read first.
    let mut rest = vec![0; BUFFER];
    for their in &pairs.theirs {
        read_all(their, &mut rest);
    }
    let (heard_few, _) = write_while_read(clock, pairs, SMALL);
    let (heard, taken) = write_while_read(clock, pairs, BUFFER);
    let (of_read, of_write) = (
        got / price::BYTES_READ as f64,
        put / price::BYTES_SENT as f64,
    );
    let (per_read, per_write) = (of_read / got, of_write / put);
    let input = "64 KiB of each of 300, a byte";
    [
        Row::new("BYTES_READ", input, per_read, (read - small_read) / got),
        Row::new("BYTES_SENT", input, per_write, (write - small_write) / put),
        Row::whole(
            "READ + BYTES_READ",
            "a read of 64 KiB of each of 300",
            f64::from(price::READ) + of_read,
            read,
        ),
        Row::whole(
            "SEND + BYTES_SENT",
            "a send of 64 KiB to each of 300",
            f64::from(price::SEND) + of_write,
            write,
        ),
        Row::new(
            "SEND",
            "16 B to each of 300 who read meanwhile",
            f64::from(price::SEND),
            heard_few,
        ),
        Row::whole(
            "SEND + BYTES_SENT",
            "64 KiB to each of 300 who read meanwhile",
            f64::from(price::SEND) + taken / price::BYTES_SENT as f64,
            heard,
        ),
    ]
}

/// The sockets of a hub.
struct Sockets {
    listener: MioListener,
    poll: Poll,
    incoming: Vec<(SessionId, MioStream)>,
    streams: Vec<Option<MioStream>>,
}

impl Transport for Sockets {
    fn send(&mut self, key: u32, bytes: &[u8]) -> Result<usize, Lost> {
        let stream = self.streams[key as usize].as_mut().ok_or(Lost)?;
        stream.write(bytes).map_err(|_| Lost)
    }

    fn shutdown_write(&mut self, key: u32) {
        if let Some(stream) = &self.streams[key as usize] {
            let _ = stream.shutdown(std::net::Shutdown::Write);
        }
    }

    fn close(&mut self, key: u32) {
        self.streams[key as usize] = None;
    }
}

impl Sockets {
    /// Accepts one, as the loop does.
    fn accept(&mut self, world: &mut World) -> io::Result<SessionId> {
        let (mut stream, peer) = self.listener.accept()?;
        let _ = stream.set_nodelay(true);
        let id = world.hub.accept(ConnInfo::new(Peer::Tcp(peer)));
        let id = id.ok_or(io::ErrorKind::ConnectionRefused)?;
        let (token, interest) = (
            Token(self.incoming.len()),
            Interest::READABLE | Interest::WRITABLE,
        );
        self.poll
            .registry()
            .register(&mut stream, token, interest)?;
        self.incoming.push((id, stream));
        Ok(id)
    }

    /// Puts what came in at its keys. A driver knows these; here they stand before the point of the name.
    fn settle(&mut self) {
        for (id, stream) in self.incoming.drain(..) {
            let name = id.to_string();
            let key = name.split('.').next().and_then(|key| key.parse().ok());
            let key: usize = key.expect("a key and a generation");
            if key >= self.streams.len() {
                self.streams.resize_with(key + 1, || None);
            }
            self.streams[key] = Some(stream);
        }
    }
}

/// A listener with room for a crowd.
fn listen() -> io::Result<MioListener> {
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    // Who finds no place waits for a second.
    listener.listen(2 * CROWD as i32)?;
    listener.set_nonblocking(true)?;
    Ok(MioListener::from_std(listener.into()))
}

/// Calls to another server, which takes them at once: the price of an accepted one is theirs, too.
fn dials(clock: Clock) -> io::Result<Row> {
    let listener = listen()?;
    let address = listener.local_addr()?;
    let poll = Poll::new()?;
    let calls = RefCell::new(Vec::new());
    let ns = clock.per_batch(
        || {
            calls.borrow_mut().clear();
            while let Ok((stream, _)) = listener.accept() {
                drop(stream);
            }
        },
        |()| {
            let mut calls = calls.borrow_mut();
            for at in 0..CROWD {
                let Ok(mut stream) = MioStream::connect(address) else {
                    continue;
                };
                let interest = Interest::READABLE | Interest::WRITABLE;
                if poll
                    .registry()
                    .register(&mut stream, Token(at), interest)
                    .is_ok()
                {
                    calls.push(stream);
                }
            }
            assert_eq!(calls.len(), CROWD, "every call is begun");
        },
    );
    let (input, price) = ("calls to others, with their handshake", price::ACCEPT);
    Ok(Row::whole(
        "ACCEPT",
        input,
        f64::from(price),
        ns / CROWD as f64,
    ))
}

/// A connection that comes and goes: accepted with the hub and the poll, closed by a reap.
fn connections(clock: Clock, is_left: bool) -> io::Result<Vec<Row>> {
    let listener = listen()?;
    let address = listener.local_addr()?;
    let world = RefCell::new(World::new());
    let sockets = RefCell::new(Sockets {
        listener,
        poll: Poll::new()?,
        incoming: Vec::new(),
        streams: Vec::new(),
    });
    let ids = RefCell::new(Vec::new());
    let connect = || -> Vec<TcpStream> {
        (0..CROWD)
            .filter_map(|_| TcpStream::connect(address).ok())
            .collect()
    };
    let accept = || {
        let mut sockets = sockets.borrow_mut();
        while let Ok(id) = sockets.accept(&mut world.borrow_mut()) {
            ids.borrow_mut().push(id);
        }
    };
    let close = || {
        let world = &mut world.borrow_mut();
        for id in ids.borrow_mut().drain(..) {
            world.hub.lost(id);
        }
        world.hub.set_work(Work::unlimited());
        world.hub.reap(&mut *sockets.borrow_mut());
    };
    let clients = RefCell::new(Vec::new());
    let crowd = CROWD as f64;
    let mut rows = Vec::new();
    if !is_left {
        let come = || *clients.borrow_mut() = connect();
        let ns = clock.per_batch(
            || {
                // These go first, so that no port waits.
                clients.borrow_mut().clear();
                sockets.borrow_mut().settle();
                close();
                come();
            },
            |()| accept(),
        );
        let (item, input) = ("ACCEPT", "connections");
        rows.push(Row::whole(
            item,
            input,
            f64::from(price::ACCEPT),
            ns / crowd,
        ));
        clients.borrow_mut().clear();
        sockets.borrow_mut().settle();
        close();
    }
    let ns = clock.per_batch(
        || {
            clients.borrow_mut().clear();
            *clients.borrow_mut() = connect();
            accept();
            sockets.borrow_mut().settle();
            if is_left {
                clients.borrow_mut().clear();
            }
        },
        |()| close(),
    );
    let input = if is_left {
        "closes, the peer is gone"
    } else {
        "closes, the peer is there"
    };
    rows.push(Row::whole(
        "CLOSE",
        input,
        f64::from(price::CLOSE),
        ns / crowd,
    ));
    Ok(rows)
}
