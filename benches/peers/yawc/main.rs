//! `/echo` and `/broadcast` with yawc behind hyper, as its README and its documentation show it; up to 32 messages that
//! are ready at once are flushed together, as in its own benchmark.

use std::net::Ipv4Addr;

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{self, Sender, error::RecvError};
use yawc::{CompressionLevel, Frame, OpCode, Options, Result, UpgradeFut, WebSocket};

/// Messages that a receiver may fall behind before it misses some.
const QUEUE: usize = 1024;
/// Answers that are flushed together.
const BATCH: usize = 32;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let port = std::env::args().nth(1).expect("usage: PORT [--deflate]");
    let port: u16 = port.parse().expect("a port");
    let mut options = Options::default().with_utf8();
    if std::env::args().any(|word| word == "--deflate") {
        options = options
            .with_compression_level(CompressionLevel::fast())
            .server_no_context_takeover()
            .client_no_context_takeover();
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener.expect("the port is free");
    let (messages, _) = broadcast::channel(QUEUE);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        tokio::spawn(serve(stream, options.clone(), messages.clone()));
    }
}

async fn serve(stream: TcpStream, options: Options, messages: Sender<Frame>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| upgrade(request, options.clone(), messages.clone()));
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
}

async fn upgrade(
    mut request: Request<Incoming>,
    options: Options,
    messages: Sender<Frame>,
) -> Result<Response<Empty<Bytes>>> {
    let (response, upgraded) = WebSocket::upgrade_with_options(&mut request, options)?;
    if request.uri().path() == "/broadcast" {
        tokio::spawn(broadcast(upgraded, messages));
    } else {
        tokio::spawn(echo(upgraded));
    }
    Ok(response)
}

fn is_data(frame: &Frame) -> bool {
    matches!(frame.opcode(), OpCode::Text | OpCode::Binary)
}

async fn echo(upgraded: UpgradeFut) -> Result<()> {
    let mut ws = upgraded.await?;
    while let Some(frame) = ws.next().await {
        let mut next = Some(frame);
        for _ in 0..BATCH {
            let Some(frame) = next else { break };
            if is_data(&frame) {
                ws.feed(frame).await?;
            }
            next = ws.next().now_or_never().flatten();
        }
        if let Some(frame) = next.filter(is_data) {
            ws.feed(frame).await?;
        }
        ws.flush().await?;
    }
    Ok(())
}

async fn broadcast(upgraded: UpgradeFut, messages: Sender<Frame>) -> Result<()> {
    let mut ws = upgraded.await?;
    let mut queue = messages.subscribe();
    loop {
        tokio::select! {
            frame = ws.next() => match frame {
                Some(frame) if is_data(&frame) => {
                    let _ = messages.send(frame);
                }
                Some(_) => {}
                None => return Ok(()),
            },
            frame = queue.recv() => match frame {
                Ok(frame) => {
                    ws.feed(frame).await?;
                    while let Ok(frame) = queue.try_recv() {
                        ws.feed(frame).await?;
                    }
                    ws.flush().await?;
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}
