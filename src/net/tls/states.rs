//! What rustls wants next of a connection, done: records that it opened, records that it makes.

use rustls::Error;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncryptError, UnbufferedStatus, WriteTraffic,
};

/// What records add to what is in them: at most 29 bytes for every 16 KiB, and a message of the protocol.
const OVERHEAD: usize = 256;

/// Records that are to be sent: one buffer of the loop for all connections.
#[derive(Debug, Default)]
pub(crate) struct Sealed {
    bytes: Vec<u8>,
    pub(super) len: usize,
}

impl Sealed {
    /// What is in it.
    pub(crate) fn filled(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Empties it.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Room for so many bytes behind what is there.
    fn room(&mut self, more: usize) -> &mut [u8] {
        let wanted = self.len + more;
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
        &mut self.bytes[self.len..]
    }
}

/// What is asked of rustls.
pub(super) enum Task<'a> {
    Open {
        output: &'a mut [u8],
        n: &'a mut usize,
        rest: &'a mut Vec<u8>,
    },
    Seal([&'a [u8]; 2]),
    Close,
}

/// What rustls answered.
#[derive(PartialEq, Eq)]
pub(super) enum Answer {
    /// It is to be asked again.
    More,
    Ended,
    /// There is nothing to do until more arrives; or what was asked for is done.
    Done,
}

/// Does what rustls wants, and what is wanted of it. How many of the bytes shown it needs no longer.
pub(super) fn act<D>(
    status: UnbufferedStatus<'_, '_, D>,
    task: Task<'_>,
    sealed: &mut Sealed,
) -> (usize, Result<Answer, Error>) {
    let mut discard = status.discard;
    let answer = match status.state {
        Err(error) => Err(error),
        Ok(ConnectionState::ReadTraffic(mut traffic)) => {
            let mut answer = Ok(Answer::More);
            if let Task::Open { output, n, rest } = task {
                while let Some(record) = traffic.next_record() {
                    match record {
                        Ok(record) => {
                            discard += record.discard;
                            let fits = record.payload.len().min(output.len() - *n);
                            let (now, later) = record.payload.split_at(fits);
                            output[*n..*n + fits].copy_from_slice(now);
                            *n += fits;
                            if !later.is_empty() {
                                rest.extend_from_slice(later);
                            }
                        }
                        Err(error) => answer = Err(error),
                    }
                }
            }
            answer
        }
        Ok(ConnectionState::EncodeTlsData(mut data)) => {
            let written = match data.encode(sealed.room(OVERHEAD)) {
                Err(EncodeError::InsufficientSize(size)) => {
                    data.encode(sealed.room(size.required_size))
                }
                encoded => encoded,
            };
            // There is room now, and nothing is encoded twice.
            sealed.len += written.unwrap_or(0);
            Ok(Answer::More)
        }
        Ok(ConnectionState::TransmitTlsData(data)) => {
            // The caller sends all that is sealed, or ends the connection.
            data.done();
            Ok(Answer::More)
        }
        Ok(ConnectionState::PeerClosed) => Ok(Answer::Ended),
        Ok(ConnectionState::WriteTraffic(mut traffic)) => write(&mut traffic, task, sealed),
        // Early data is not offered.
        Ok(_) => Ok(Answer::Done),
    };
    (discard, answer)
}

fn write<D>(
    traffic: &mut WriteTraffic<'_, D>,
    task: Task<'_>,
    sealed: &mut Sealed,
) -> Result<Answer, Error> {
    let mut try_write =
        |size: usize, write: &mut dyn FnMut(&mut [u8]) -> Result<usize, EncryptError>| {
            let written = match write(sealed.room(size)) {
                Err(EncryptError::InsufficientSize(needed)) => {
                    write(sealed.room(needed.required_size))
                }
                written => written,
            };
            match written {
                Ok(written) => {
                    sealed.len += written;
                    Ok(())
                }
                Err(_) => Err(Error::EncryptError),
            }
        };
    match task {
        Task::Open { .. } => {}
        Task::Seal(parts) => {
            for part in parts.into_iter().filter(|part| !part.is_empty()) {
                try_write(part.len() + OVERHEAD, &mut |room| {
                    traffic.encrypt(part, room)
                })?;
            }
        }
        Task::Close => try_write(OVERHEAD, &mut |room| traffic.queue_close_notify(room))?,
    }
    Ok(Answer::Done)
}
