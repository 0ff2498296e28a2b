//! A client by rustls' own buffered connection, which this library does not use for its servers.

use super::authority::Pair;
use dunlin::Client;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// How long a read may take. Never reached when all is well.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// A connection whose bytes are encrypted.
pub(super) type Secured = StreamOwned<ClientConnection, TcpStream>;

pub(super) const BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// What a client asks for.
pub(super) fn config(pair: &Pair, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(pair.authority.as_bytes()).expect("PEM");
    roots.add(authority).expect("an authority");
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// A connection of TLS that has said nothing yet.
pub(super) fn begin(config: ClientConfig) -> ClientConnection {
    let name = ServerName::try_from("localhost").expect("a name");
    ClientConnection::new(Arc::new(config), name).expect("a configuration")
}

pub(super) fn tcp(address: SocketAddr) -> TcpStream {
    let tcp = TcpStream::connect(address).expect("the server accepts");
    tcp.set_read_timeout(Some(LONGEST_WAIT))
        .expect("a time limit");
    tcp.set_write_timeout(Some(LONGEST_WAIT))
        .expect("a time limit");
    tcp.set_nodelay(true).expect("no delay");
    tcp
}

/// A connection whose handshake happens with the first write.
pub(super) fn secured(address: SocketAddr, config: ClientConfig) -> Secured {
    StreamOwned::new(begin(config), tcp(address))
}

/// A session on a path.
pub(super) fn open(address: SocketAddr, pair: &Pair, path: &str) -> Client<Secured> {
    open_over(secured(address, config(pair, &BOTH)), path)
}

pub(super) fn open_over(stream: Secured, path: &str) -> Client<Secured> {
    Client::options()
        .max_message_size(16 << 20)
        .connect_with(stream, &format!("wss://localhost{path}"))
        .expect("a session")
}

/// Sees a text come back.
#[track_caller]
pub(super) fn assert_echo(client: &mut Client<Secured>, text: &str) {
    client.send(text).expect("it is taken");
    let came = client.receive_message().expect("an answer");
    assert_eq!(came.text(), Some(text));
}
