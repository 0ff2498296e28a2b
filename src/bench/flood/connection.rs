//! One connection of a flood: connect, upgrade, then writes and reads as its script says.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Instant;

use mio::net::TcpStream;

use super::super::frames::FrameCount;
use super::super::stream::Stream;
use super::super::upgrade::take_head;
use super::answers::{Answers, Brought, HttpCount};
use super::script::{Life, Reading, Script};
use super::tally::Tally;

/// Most bytes that are looked through for a Close on a connection that was not read.
const LAST_READS: usize = 64;

pub(super) struct Connection {
    pub(super) group: usize,
    pub(super) stream: Option<Stream<TcpStream>>,
    pub(super) stage: Stage,
    /// Whether it waits in the engine's queue.
    pub(super) queued: bool,
    pub(super) writable: bool,
    pub(super) readable: bool,
    /// The server said that it sends nothing more.
    pub(super) hung_up: bool,
    /// Bytes a slow reader may still take before the next tick.
    pub(super) ration: usize,
    /// When to connect again.
    pub(super) retry: Option<Instant>,
    /// When bytes last went either way.
    pub(super) moved: Instant,
    pub(super) answered: u64,
    head: Vec<u8>,
    answers: Answers,
    /// Bytes of the script that were sent.
    place: u64,
    /// Bytes of the upgrade request that were sent.
    asked: usize,
    /// What the server said about the end that is to come.
    end: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stage {
    /// Not connected, for now.
    Idle,
    Connecting,
    Upgrading,
    Open,
    /// Not connected any more.
    Gone,
}

/// What a turn of one connection came to.
pub(super) enum Progress {
    Waits,
    GoesOn,
    /// The script is over and the connection with it.
    Finished,
    /// The server, or the network, ended it.
    Ended(String),
}

impl Connection {
    pub(super) fn new(group: usize) -> Self {
        Self {
            group,
            stream: None,
            stage: Stage::Idle,
            queued: false,
            writable: false,
            readable: false,
            hung_up: false,
            ration: 0,
            retry: None,
            moved: Instant::now(),
            answered: 0,
            head: Vec::new(),
            answers: Answers::Frames(FrameCount::default()),
            place: 0,
            asked: 0,
            end: None,
        }
    }

    pub(super) fn opened(&mut self, stream: Stream<TcpStream>, scripts: &[Script], now: Instant) {
        let is_http = scripts[self.group].request.is_none();
        *self = Self {
            stream: Some(stream),
            stage: Stage::Connecting,
            queued: self.queued,
            moved: now.max(self.moved),
            answers: if is_http {
                Answers::Http(HttpCount::default())
            } else {
                Answers::Frames(FrameCount::default())
            },
            ..Self::new(self.group)
        };
    }

    /// The flood begins: what came before does not count.
    pub(super) fn begin(&mut self, now: Instant) {
        self.answered = 0;
        self.moved = now;
    }

    /// Whether its script is over and it waits for nothing in particular.
    pub(super) fn is_done(&self, script: &Script) -> bool {
        self.stage == Stage::Open
            && self.place >= script.length()
            && !matches!(script.life, Life::Storm { .. })
    }

    /// Goes on as far as one write and one read of each kind lead.
    pub(super) fn progress(
        &mut self,
        script: &Script,
        begun: bool,
        buffer: &mut [u8],
        tally: &mut Tally,
    ) -> Progress {
        match self.go_on(script, begun, buffer, tally) {
            Ok(progress) => progress,
            Err(error) => Progress::Ended(match self.end.take() {
                Some(said) => said,
                None if self.stage == Stage::Connecting => "refused by the kernel".to_owned(),
                None => named(&error),
            }),
        }
    }

    fn go_on(
        &mut self,
        script: &Script,
        begun: bool,
        buffer: &mut [u8],
        tally: &mut Tally,
    ) -> io::Result<Progress> {
        if self.stage == Stage::Connecting {
            if !self.writable {
                return Ok(Progress::Waits);
            }
            if let Some(error) = self.stream().socket().take_error()? {
                return Err(error);
            }
            self.stage = match script.request {
                Some(_) => Stage::Upgrading,
                None => Stage::Open,
            };
        }
        let may_send = begun || self.stage == Stage::Upgrading;
        let wrote = may_send && self.writable && self.write(script, tally)?;
        let mut read = false;
        if self.readable {
            read = match (self.stage, script.reading) {
                (Stage::Upgrading, _) | (_, Reading::All) => self.read(buffer, tally)?,
                (_, Reading::Slowly(_)) => {
                    let ration = std::mem::take(&mut self.ration).min(buffer.len());
                    if ration > 0 {
                        self.read(&mut buffer[..ration], tally)?;
                    }
                    false
                }
                (_, Reading::Nothing) if self.hung_up => {
                    for _ in 0..LAST_READS {
                        self.read(buffer, tally)?;
                    }
                    false
                }
                (_, Reading::Nothing) => false,
            };
        }
        if let Life::Storm { answers, .. } = script.life
            && self.stage == Stage::Open
            && self.place >= script.length()
            && self.answered >= answers
        {
            return Ok(Progress::Finished);
        }
        Ok(if wrote || read {
            Progress::GoesOn
        } else {
            Progress::Waits
        })
    }

    fn stream(&mut self) -> &mut Stream<TcpStream> {
        self.stream
            .as_mut()
            .expect("an active connection has a stream")
    }

    /// True when it wrote something and may write more.
    fn write(&mut self, script: &Script, tally: &mut Tally) -> io::Result<bool> {
        let bytes = match (&script.request, self.stage) {
            (Some(request), Stage::Upgrading) => &request[self.asked..],
            _ => script.next(self.place),
        };
        let bytes = &bytes[..bytes.len().min(script.write)];
        let stream = self
            .stream
            .as_mut()
            .expect("an active connection has a stream");
        let written = if bytes.is_empty() {
            // Something may wait below.
            stream.flush().map(|()| 0)
        } else {
            stream.write(bytes)
        };
        match written {
            Ok(0) => Ok(false),
            Ok(written) => {
                tally.sent += written as u64;
                match self.stage {
                    Stage::Upgrading => self.asked += written,
                    _ => self.place += written as u64,
                }
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.writable = false;
                Ok(false)
            }
            // What the server said before it went is worth a look.
            Err(_) if self.readable => {
                (self.hung_up, self.writable) = (true, false);
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// True when it read something and there may be more.
    fn read(&mut self, buffer: &mut [u8], tally: &mut Tally) -> io::Result<bool> {
        let read = match self.stream().read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        tally.read += read as u64;
        let mut bytes = &buffer[..read];
        if self.stage == Stage::Upgrading {
            match take_head(&mut self.head, bytes) {
                Ok(None) => return Ok(true),
                Ok(Some(rest)) => bytes = rest,
                Err(error) => {
                    self.end = Some(status(&self.head));
                    return Err(error);
                }
            }
            self.head = Vec::new();
            self.stage = Stage::Open;
        }
        let Brought { answers, end } = self.answers.feed(bytes);
        self.answered += answers;
        tally.answers += answers;
        if end.is_some() {
            self.end = end;
            if matches!(self.answers, Answers::Frames(_)) {
                // A Close: nothing comes behind it, and its end is not waited for.
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(true)
    }
}

fn status(head: &[u8]) -> String {
    let head = String::from_utf8_lossy(head);
    format!("HTTP {}", head.get(9..12).unwrap_or("???"))
}

fn named(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => "ended".to_owned(),
        ErrorKind::ConnectionReset => "reset".to_owned(),
        ErrorKind::BrokenPipe => "broken pipe".to_owned(),
        kind => kind.to_string(),
    }
}
