//! `/echo` and `/broadcast` with tokio-tungstenite. The echo is the one of the library's own example: `forward`
//! flushes when no further message is ready.

use std::net::Ipv4Addr;

use futures_util::{SinkExt, StreamExt, TryStreamExt, future};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{self, Sender, error::RecvError};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{
    Callback, ErrorResponse, Request, Response,
};
use tokio_tungstenite::tungstenite::{Message, Result};

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

/// Notes the path of the request.
struct Path<'a>(&'a mut String);

impl Callback for Path<'_> {
    fn on_request(self, request: &Request, response: Response) -> Result<Response, ErrorResponse> {
        request.uri().path().clone_into(self.0);
        Ok(response)
    }
}

async fn serve(stream: TcpStream, messages: Sender<Message>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut path = String::new();
    let ws = tokio_tungstenite::accept_hdr_async(stream, Path(&mut path)).await?;
    if path == "/broadcast" {
        broadcast(ws, messages).await
    } else {
        echo(ws).await
    }
}

async fn echo(ws: WebSocketStream<TcpStream>) -> Result<()> {
    let (sink, stream) = ws.split();
    stream
        .try_filter(|message| future::ready(message.is_text() || message.is_binary()))
        .forward(sink)
        .await
}

async fn broadcast(mut ws: WebSocketStream<TcpStream>, messages: Sender<Message>) -> Result<()> {
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
