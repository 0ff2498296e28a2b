//! A session against rustls' own client, over byte vectors: in any pieces, into buffers of any size.

use super::super::provider;
use super::*;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConnection, RootCertStore, SupportedProtocolVersion};
use std::io::{Read, Write};

/// What a server shows, and a client that believes it.
fn pair(version: &'static SupportedProtocolVersion) -> (Tls, ClientConnection) {
    let key = rcgen::KeyPair::generate().unwrap();
    let wanted = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let made = wanted.self_signed(&key).unwrap();
    let tls = Tls::from_pem(made.pem(), key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    let shown = CertificateDer::from_pem_slice(made.pem().as_bytes()).unwrap();
    roots.add(shown).unwrap();
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    (tls, ClientConnection::new(Arc::new(config), name).unwrap())
}

/// A session and what its caller keeps for it.
struct Side {
    session: Session,
    kept: Vec<u8>,
    sealed: Sealed,
    /// Room for what comes out in one call.
    room: usize,
    heard: Vec<u8>,
    steps: usize,
}

impl Side {
    fn new(tls: Tls, room: usize) -> Self {
        Self {
            session: Session::of_server(tls),
            kept: Vec::new(),
            sealed: Sealed::default(),
            room,
            heard: Vec::new(),
            steps: 0,
        }
    }

    /// Takes bytes of the network, as the driver does.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.kept.extend_from_slice(bytes);
        loop {
            if self.session.has_opened() {
                let mut output = vec![0; self.room];
                let n = self.session.take_opened(&mut output);
                self.heard.extend_from_slice(&output[..n]);
            } else if self.session.needs_step(&self.kept) {
                self.steps += 1;
                let (work, went) = self.session.step(&mut self.kept, &mut self.sealed);
                assert!(work > 0);
                self.kept.drain(..went?.used);
            } else if !self.session.is_handshaking() && self.session.has_record(&self.kept) {
                let mut output = vec![0; self.room];
                let went = self
                    .session
                    .receive(&mut self.kept, &mut output, &mut self.sealed)?;
                self.heard.extend_from_slice(&output[..went.n]);
                self.kept.drain(..went.used);
            } else {
                return Ok(());
            }
        }
    }

    fn sent(&mut self) -> Vec<u8> {
        let sent = self.sealed.filled().to_vec();
        self.sealed.clear();
        sent
    }
}

/// Brings what each says to the other, the client's in pieces of this size, until both are silent.
fn exchange(client: &mut ClientConnection, side: &mut Side, piece: usize) -> Result<(), Failure> {
    loop {
        let mut out = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut out).unwrap();
        }
        for part in out.chunks(piece) {
            side.take(part)?;
        }
        let back = side.sent();
        let mut rest = &back[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets().unwrap();
        }
        if out.is_empty() && back.is_empty() {
            return Ok(());
        }
    }
}

fn hears(client: &mut ClientConnection, wanted: &[u8]) {
    let mut heard = vec![0; wanted.len()];
    client.reader().read_exact(&mut heard).unwrap();
    assert!(heard == wanted);
}

#[test]
fn whatever_is_said_arrives_in_any_pieces_and_buffers_of_any_size() {
    let said: Vec<u8> = (0..40_000).map(|at| (at % 251) as u8).collect();
    for version in [&TLS12, &TLS13] {
        for piece in [1, 2, 7, 1000, 100_000] {
            for room in [1, 10, 3000, 100_000] {
                let (tls, mut client) = pair(version);
                client.set_buffer_limit(None);
                let mut side = Side::new(tls, room);
                // It says so at once: its first words come right behind its handshake.
                client.writer().write_all(&said).unwrap();
                exchange(&mut client, &mut side, piece).unwrap();
                assert!(side.heard == said, "{piece}, {room}");
                // The client holds 16 KiB for its program.
                let back = &said[..12_000];
                let parts = [&back[..5_000], &back[5_000..]];
                side.session
                    .seal(&mut side.kept, parts, &mut side.sealed)
                    .unwrap();
                exchange(&mut client, &mut side, piece).unwrap();
                hears(&mut client, back);
                client.send_close_notify();
                exchange(&mut client, &mut side, piece).unwrap();
                assert!(side.session.is_ended());
                // The other direction goes on.
                side.session
                    .seal(&mut side.kept, [b"last", b" words"], &mut side.sealed)
                    .unwrap();
                side.session
                    .close(&mut side.kept, &mut side.sealed)
                    .unwrap();
                exchange(&mut client, &mut side, piece).unwrap();
                hears(&mut client, b"last words");
                assert_eq!(
                    client.reader().read(&mut [0]).unwrap(),
                    0,
                    "close_notify came"
                );
                assert_eq!(side.session.held(), 0);
            }
        }
    }
}

#[test]
fn a_handshake_takes_few_steps_however_it_is_cut() {
    for version in [&TLS12, &TLS13] {
        for piece in [1, 100, 100_000] {
            let (tls, mut client) = pair(version);
            let mut side = Side::new(tls, 1000);
            exchange(&mut client, &mut side, piece).unwrap();
            assert!(!side.session.is_handshaking() && !client.is_handshaking());
            // The hello, then up to three records: key exchange, change_cipher_spec, Finished.
            assert!((2..=4).contains(&side.steps), "{} steps", side.steps);
        }
    }
}

#[test]
fn keys_are_changed_on_the_way() {
    let (tls, mut client) = pair(&TLS13);
    let mut side = Side::new(tls, 100);
    exchange(&mut client, &mut side, 1000).unwrap();
    for at in 0..100 {
        client.refresh_traffic_keys().unwrap();
        client.writer().write_all(&[at]).unwrap();
        exchange(&mut client, &mut side, 3).unwrap();
        side.session
            .seal(&mut side.kept, [&[at], &[]], &mut side.sealed)
            .unwrap();
        exchange(&mut client, &mut side, 3).unwrap();
        hears(&mut client, &[at]);
    }
    assert_eq!(side.heard.len(), 100);
}

#[test]
fn key_updates_without_end_are_an_error() {
    let (tls, mut client) = pair(&TLS13);
    let mut side = Side::new(tls, 100);
    exchange(&mut client, &mut side, 1000).unwrap();
    let mut all = Vec::new();
    for _ in 0..200 {
        client.refresh_traffic_keys().unwrap();
        client.write_tls(&mut all).unwrap();
    }
    side.take(&all).unwrap_err();
}

/// The first flight of a client.
fn hello(client: &mut ClientConnection) -> Vec<u8> {
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    hello
}

#[test]
fn a_hello_with_any_byte_changed_harms_nobody() {
    let (tls, mut client) = pair(&TLS13);
    let good = hello(&mut client);
    for at in 0..good.len() {
        for change in [1, 0x80] {
            let mut bad = good.clone();
            bad[at] ^= change;
            let mut side = Side::new(tls.clone(), 100);
            // It fails, waits for more, or is a hello like another.
            let first = side.take(&bad).is_ok();
            let then = side.take(&[0; 50]).is_ok();
            assert!(first || !then, "what has failed goes on");
        }
    }
}

#[test]
fn a_record_with_any_byte_changed_is_told_by_an_alert() {
    for version in [&TLS12, &TLS13] {
        let (tls, mut client) = pair(version);
        let mut side = Side::new(tls, 100);
        exchange(&mut client, &mut side, 1000).unwrap();
        client.writer().write_all(b"genuine").unwrap();
        let mut record = Vec::new();
        client.write_tls(&mut record).unwrap();
        let last = record.len() - 1;
        record[last] ^= 1;
        side.take(&record).unwrap_err();
        assert!(!side.sealed.filled().is_empty());
        assert!(side.heard.is_empty());
        assert!(
            side.session
                .seal(&mut side.kept, [b"x", b""], &mut side.sealed)
                .is_err()
        );
    }
}
