//! TLS: steps of handshakes, and records.

use crate::clock::Clock;
use crate::row::Row;
use dunlin::wire::work::price;
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
};
use std::io::{Read, Write};
use std::sync::Arc;

const RSA_KEY: &str = include_str!("../../tests/dunlin/tls/rsa_key.pem");

/// Both sides of a connection.
struct Pair {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Pair {
    fn new(key: &KeyPair, version: &'static SupportedProtocolVersion) -> Self {
        let wanted = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let made = wanted.self_signed(key).expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(made.der().clone()).expect("an authority");
        let provider = Arc::new(ring::default_provider());
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[version])
            .expect("a version")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let chain: Vec<CertificateDer<'static>> = vec![made.der().clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .expect("a version")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a pair");
        server.send_tls13_tickets = 0;
        Self {
            client: Arc::new(client),
            server: Arc::new(server),
        }
    }

    fn client(&self) -> ClientConnection {
        let name = ServerName::try_from("localhost").expect("a name");
        ClientConnection::new(Arc::clone(&self.client), name).expect("a client")
    }
}

/// Nanoseconds of CPU time of each part of a handshake: a client's hello, the server's answer, the client's
/// look at it, and what the server does with that.
fn steps(clock: Clock, pair: &Pair) -> [f64; 4] {
    let hello = |client: &mut ClientConnection| taken(|out| client.write_tls(out).map(drop));
    let answer = |hello: &[u8]| {
        let mut server = ServerConnection::new(Arc::clone(&pair.server)).expect("a server");
        server.read_tls(&mut &*hello).expect("memory");
        server.process_new_packets().expect("a hello");
        let answer = taken(|out| server.write_tls(out).map(drop));
        (server, answer)
    };
    let judge = |client: &mut ClientConnection, mut answer: &[u8]| {
        while !answer.is_empty() {
            client.read_tls(&mut answer).expect("memory");
            client.process_new_packets().expect("an answer");
        }
    };
    let begun = clock.per_call(|| drop(hello(&mut pair.client())));
    let said = hello(&mut pair.client());
    let answered = clock.per_call(|| drop(answer(&said)));
    let up_to_answer = clock.per_call(|| {
        let mut client = pair.client();
        let said = hello(&mut client);
        drop(answer(&said));
    });
    let up_to_judged = clock.per_call(|| {
        let mut client = pair.client();
        let said = hello(&mut client);
        judge(&mut client, &answer(&said).1);
    });
    let whole = clock.per_call(|| {
        let mut client = pair.client();
        let said = hello(&mut client);
        let (mut server, answer) = answer(&said);
        judge(&mut client, &answer);
        let last = taken(|out| client.write_tls(out).map(drop));
        let mut last = &last[..];
        while !last.is_empty() {
            server.read_tls(&mut last).expect("memory");
            server.process_new_packets().expect("the end");
        }
    });
    [
        begun,
        answered,
        up_to_judged - up_to_answer,
        whole - up_to_judged,
    ]
}

/// What is written until nothing more is.
fn taken(mut write: impl FnMut(&mut Vec<u8>) -> std::io::Result<()>) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let before = all.len();
        write(&mut all).expect("memory");
        if all.len() == before {
            return all;
        }
    }
}

/// A connection that is agreed on.
fn agreed(pair: &Pair) -> (ClientConnection, ServerConnection) {
    let mut client = pair.client();
    let mut server = ServerConnection::new(Arc::clone(&pair.server)).expect("a server");
    while client.is_handshaking() || server.is_handshaking() {
        let out = taken(|out| client.write_tls(out).map(drop));
        server.read_tls(&mut &out[..]).expect("memory");
        server.process_new_packets().expect("agreed");
        let out = taken(|out| server.write_tls(out).map(drop));
        let mut out = &out[..];
        while !out.is_empty() {
            client.read_tls(&mut out).expect("memory");
            client.process_new_packets().expect("agreed");
        }
    }
    (client, server)
}

/// Every row.
pub(crate) fn rows(clock: Clock) -> Vec<Row> {
    let mut rows = Vec::new();
    let keys = [
        (
            "ECDSA P-256",
            price::HANDSHAKE,
            KeyPair::generate().expect("a key"),
        ),
        (
            "RSA 2048",
            price::HANDSHAKE_RSA,
            KeyPair::from_pem(RSA_KEY).expect("a key"),
        ),
    ];
    for (name, units, key) in &keys {
        for (version, of) in [("1.3", &TLS13), ("1.2", &TLS12)] {
            let [begun, answered, judged, ended] = steps(clock, &Pair::new(key, of));
            let item = if *units == price::HANDSHAKE {
                "HANDSHAKE"
            } else {
                "HANDSHAKE_RSA"
            };
            let input = format!("TLS {version}, {name}");
            rows.push(Row::whole(
                item,
                &format!("{input}: the server's answer"),
                f64::from(*units),
                answered,
            ));
            let rest = f64::from(price::HANDSHAKE_REST);
            rows.push(Row::new(
                "HANDSHAKE_REST",
                &format!("{input}: a client begins"),
                rest,
                begun,
            ));
            rows.push(Row::new(
                "HANDSHAKE_REST",
                &format!("{input}: the server ends"),
                rest,
                ended,
            ));
            let client = f64::from(price::HANDSHAKE_OF_CLIENT);
            rows.push(Row::new(
                "HANDSHAKE_OF_CLIENT",
                &format!("{input}: a client judges"),
                client,
                judged,
            ));
        }
    }
    let (mut client, mut server) = agreed(&Pair::new(&keys[0].2, &TLS13));
    client.set_buffer_limit(None);
    for len in [16, 1 << 10, 16 << 10] {
        let said = vec![7; len];
        let mut heard = vec![0; len];
        let mut sealed = Vec::new();
        let both = clock.per_call(|| {
            client.writer().write_all(&said).expect("memory");
            sealed.clear();
            while client.wants_write() {
                client.write_tls(&mut sealed).expect("memory");
            }
            let mut sealed = &sealed[..];
            while !sealed.is_empty() {
                server.read_tls(&mut sealed).expect("memory");
                server.process_new_packets().expect("genuine");
            }
            server.reader().read_exact(&mut heard).expect("all of it");
        });
        let units = f64::from(price::RECORD) + (len / price::BYTES_SEALED) as f64;
        let input = format!("a record of {len} bytes made or opened");
        rows.push(Row::whole(
            "RECORD + BYTES_SEALED",
            &input,
            units,
            both / 2.0,
        ));
    }
    rows
}
