//! `/echo` and `/broadcast` with sockudo-ws, after its examples `simple_echo` and `pubsub_echo` and, for the
//! handshake with permessage-deflate, its Autobahn server. `feed` is flushed by the read path before it waits, as the
//! documentation of `write_coalescing` says.

use std::net::Ipv4Addr;
use std::sync::Arc;

use bytes::BytesMut;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use sockudo_ws::deflate::{DeflateConfig, negotiate_server_deflate};
use sockudo_ws::error::{Error, Result};
use sockudo_ws::handshake::{build_response, generate_accept_key, parse_request};
use sockudo_ws::pubsub::PubSub;
use sockudo_ws::{CompressedWebSocketStream, Config, Message, Role, WebSocketStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const TOPIC: &str = "all";

fn main() {
    let port = std::env::args().nth(1).expect("usage: PORT [--deflate]");
    let port: u16 = port.parse().expect("a port");
    let deflate = std::env::args().any(|word| word == "--deflate");
    sockudo_ws::init_clock();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(listen(port, deflate));
}

async fn listen(port: u16, deflate: bool) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener.expect("the port is free");
    let topics = Arc::new(PubSub::new());
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        tokio::spawn(serve(stream, deflate, topics.clone()));
    }
}

async fn serve(mut stream: TcpStream, deflate: bool, topics: Arc<PubSub>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut head = BytesMut::with_capacity(4096);
    let (path, compression) = loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(Error::ConnectionClosed);
        }
        let Some((request, consumed)) = parse_request(&head)? else {
            continue;
        };
        let policy = DeflateConfig {
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            compression_level: 1,
            compression_threshold: 64,
            ..DeflateConfig::default()
        };
        let offers = request.extensions.filter(|_| deflate);
        let agreed = offers.and_then(|offers| negotiate_server_deflate(offers, &policy));
        let extensions = agreed.as_ref().map(|agreed| agreed.to_response_header());
        let key = generate_accept_key(request.key);
        let response = build_response(&key, None, extensions.as_deref());
        let path = request.path.to_string();
        stream.write_all(&response).await?;
        let compression = agreed.map(|agreed| agreed.config);
        let _ = head.split_to(consumed);
        break (path, compression);
    };
    let leftover = Some(head.freeze());
    let config = Config::default();
    match compression {
        Some(deflate) => {
            let ws =
                CompressedWebSocketStream::server_with_leftover(stream, config, deflate, leftover);
            run(ws, &path, &topics).await
        }
        None => {
            let ws =
                WebSocketStream::from_raw_with_leftover(stream, Role::Server, config, leftover);
            run(ws, &path, &topics).await
        }
    }
}

async fn run<W>(ws: W, path: &str, topics: &PubSub) -> Result<()>
where
    W: Stream<Item = Result<Message>> + Sink<Message, Error = Error> + Unpin,
{
    if path == "/broadcast" {
        let (sender, queue) = mpsc::unbounded_channel();
        let subscriber = topics.create_subscriber(sender);
        topics.subscribe(subscriber, TOPIC);
        let ended = broadcast(ws, queue, topics).await;
        topics.remove_subscriber(subscriber);
        ended
    } else {
        echo(ws).await
    }
}

async fn echo<W>(mut ws: W) -> Result<()>
where
    W: Stream<Item = Result<Message>> + Sink<Message, Error = Error> + Unpin,
{
    while let Some(message) = ws.next().await {
        match message? {
            message @ (Message::Text(_) | Message::Binary(_)) => ws.feed(message).await?,
            Message::Close(_) => break,
            _ => {}
        }
    }
    Ok(())
}

async fn broadcast<W>(
    mut ws: W,
    mut queue: mpsc::UnboundedReceiver<Message>,
    topics: &PubSub,
) -> Result<()>
where
    W: Stream<Item = Result<Message>> + Sink<Message, Error = Error> + Unpin,
{
    loop {
        tokio::select! {
            message = ws.next() => match message.transpose()? {
                Some(message @ (Message::Text(_) | Message::Binary(_))) => {
                    topics.publish(TOPIC, message);
                }
                Some(Message::Close(_)) | None => return Ok(()),
                Some(_) => {}
            },
            Some(message) = queue.recv() => {
                ws.feed(message).await?;
                while let Ok(message) = queue.try_recv() {
                    ws.feed(message).await?;
                }
                ws.flush().await?;
            }
        }
    }
}
