//! `/echo` and `/broadcast` with tokio-websockets: a stream and a sink as in its README; `forward` flushes when no
//! further message is ready.

use std::net::Ipv4Addr;

use futures_util::{SinkExt, StreamExt, TryStreamExt, future};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{self, Sender, error::RecvError};
use tokio_websockets::{Error, Message, ServerBuilder, WebSocketStream};

/// Messages that a receiver may fall behind before it misses some.
const QUEUE: usize = 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let port = std::env::args().nth(1).expect("usage: PORT");
    let port: u16 = port.parse().expect("a port");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener.expect("the port is free");
    let (messages, _) = broadcast::channel(QUEUE);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        tokio::spawn(serve(stream, messages.clone()));
    }
}

async fn serve(stream: TcpStream, messages: Sender<Message>) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let (request, ws) = ServerBuilder::new().accept(stream).await?;
    if request.uri().path() == "/broadcast" {
        broadcast(ws, messages).await
    } else {
        echo(ws).await
    }
}

async fn echo(ws: WebSocketStream<TcpStream>) -> Result<(), Error> {
    let (sink, stream) = ws.split();
    stream
        .try_filter(|message| future::ready(message.is_text() || message.is_binary()))
        .forward(sink)
        .await
}

async fn broadcast(
    mut ws: WebSocketStream<TcpStream>,
    messages: Sender<Message>,
) -> Result<(), Error> {
    let mut queue = messages.subscribe();
    loop {
        tokio::select! {
            message = ws.next() => match message.transpose()? {
                Some(message) if message.is_text() || message.is_binary() => {
                    let _ = messages.send(message);
                }
                Some(_) => {}
                None => return Ok(()),
            },
            message = queue.recv() => match message {
                Ok(message) => {
                    ws.feed(message).await?;
                    while let Ok(message) = queue.try_recv() {
                        ws.feed(message).await?;
                    }
                    ws.flush().await?;
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}
