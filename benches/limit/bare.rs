//! The bare loops that dunlin is measured against: mio and nothing else.
//!
//! They are the ideal of dunlin's own shape: edge-triggered, registered once, one receive buffer for all
//! connections, read until short, one write per read. They must never grow a feature: a slower ideal flatters.

use std::io::{self, ErrorKind, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

const LISTENER: Token = Token(usize::MAX);
const EVENTS: usize = 1024;
const BACKLOG: i32 = 4096;
const RECEIVE_BUFFER: usize = 64 * 1024;

/// The answer of the accept loop to every request, as long as a real one.
const SWITCHING: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// A connection of the echo loop; `unsent` is empty unless the kernel refused a part of a write.
struct Echo {
    stream: TcpStream,
    unsent: Vec<u8>,
}

/// Sends back every byte it gets, until it is killed.
pub(crate) fn echo(port: u16) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(EVENTS);
    let listener = listen(&poll, port)?;
    let mut echoes: Vec<Option<Echo>> = Vec::new();
    let mut buffer = vec![0; RECEIVE_BUFFER];
    loop {
        wait(&mut poll, &mut events)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Some(mut stream) = accept(&listener)? {
                    let token = Token(echoes.len());
                    poll.registry().register(
                        &mut stream,
                        token,
                        Interest::READABLE | Interest::WRITABLE,
                    )?;
                    echoes.push(Some(Echo {
                        stream,
                        unsent: Vec::new(),
                    }));
                }
                continue;
            }
            let place = &mut echoes[event.token().0];
            if place
                .as_mut()
                .is_some_and(|echo| echo.turn(&mut buffer).is_err())
            {
                *place = None;
            }
        }
    }
}

impl Echo {
    /// Reads and writes until one of the two would block. An error means that the connection is over.
    fn turn(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        while self.flush()? {
            let read = match self.stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            let written = match self.stream.write(&buffer[..read]) {
                Ok(written) => written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error),
            };
            self.unsent.extend_from_slice(&buffer[written..read]);
            if read < buffer.len() && self.unsent.is_empty() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// True once nothing is left over from an earlier write.
    fn flush(&mut self) -> io::Result<bool> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// Accepts, reads one request and answers a fixed 101, until it is killed.
///
/// The request is looked for right after accept and before registration: when it is there already, the
/// connection costs no event at all. Requests are taken to arrive in one piece, as those of the client do.
pub(crate) fn upgrade(port: u16) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(EVENTS);
    let listener = listen(&poll, port)?;
    let mut streams: Vec<Option<TcpStream>> = Vec::new();
    let mut buffer = vec![0; RECEIVE_BUFFER];
    loop {
        wait(&mut poll, &mut events)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Some(mut stream) = accept(&listener)? {
                    if answer(&mut stream, &mut buffer).is_ok() {
                        let token = Token(streams.len());
                        poll.registry()
                            .register(&mut stream, token, Interest::READABLE)?;
                        streams.push(Some(stream));
                    }
                }
                continue;
            }
            let place = &mut streams[event.token().0];
            if place
                .as_mut()
                .is_some_and(|stream| answer(stream, &mut buffer).is_err())
            {
                *place = None;
            }
        }
    }
}

fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    match stream.read(buffer) {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Ok(read) if buffer[..read].ends_with(b"\r\n\r\n") => stream.write_all(SWITCHING),
        Ok(_) => Err(ErrorKind::InvalidData.into()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}

/// A listener whose accepted sockets inherit NODELAY, so that accepting costs one call less.
fn listen(poll: &Poll, port: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], port)).into())?;
    socket.listen(BACKLOG)?;
    SockRef::from(&socket).set_tcp_nodelay(true)?;
    let mut listener = TcpListener::from_std(socket.into());
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    Ok(listener)
}

fn accept(listener: &TcpListener) -> io::Result<Option<TcpStream>> {
    match listener.accept() {
        Ok((stream, _)) => Ok(Some(stream)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

fn wait(poll: &mut Poll, events: &mut Events) -> io::Result<()> {
    match poll.poll(events, None) {
        Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}
