//! `/echo` and `/broadcast` with axum's WebSocket (tungstenite behind hyper).

use std::net::Ipv4Addr;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use axum::serve::ListenerExt;
use futures_util::{SinkExt, StreamExt, TryStreamExt, future};
use tokio::net::TcpListener;
use tokio::sync::broadcast::{self, Sender, error::RecvError};

/// Messages that a receiver may fall behind before it misses some.
const QUEUE: usize = 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let port = std::env::args().nth(1).expect("usage: PORT");
    let port: u16 = port.parse().expect("a port");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener.expect("the port is free");
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let (messages, _) = broadcast::channel::<Message>(QUEUE);
    let app = Router::new()
        .route(
            "/echo",
            any(|ws: WebSocketUpgrade| async { upgrade_echo(ws) }),
        )
        .route("/broadcast", any(upgrade_broadcast))
        .with_state(messages);
    axum::serve(listener, app).await.expect("it serves");
}

fn upgrade_echo(ws: WebSocketUpgrade) -> Response {
    ws.on_upgrade(|socket| async {
        let _ = echo(socket).await;
    })
}

async fn upgrade_broadcast(
    ws: WebSocketUpgrade,
    State(messages): State<Sender<Message>>,
) -> Response {
    ws.on_upgrade(|socket| async {
        let _ = broadcast(socket, messages).await;
    })
}

fn is_data(message: &Message) -> bool {
    matches!(message, Message::Text(_) | Message::Binary(_))
}

async fn echo(socket: WebSocket) -> Result<(), axum::Error> {
    let (sink, stream) = socket.split();
    stream
        .try_filter(|message| future::ready(is_data(message)))
        .forward(sink)
        .await
}

async fn broadcast(mut socket: WebSocket, messages: Sender<Message>) -> Result<(), axum::Error> {
    let mut queue = messages.subscribe();
    loop {
        tokio::select! {
            message = socket.recv() => match message.transpose()? {
                Some(message) if is_data(&message) => {
                    let _ = messages.send(message);
                }
                Some(_) => {}
                None => return Ok(()),
            },
            message = queue.recv() => match message {
                Ok(message) => {
                    socket.feed(message).await?;
                    while let Ok(message) = queue.try_recv() {
                        socket.feed(message).await?;
                    }
                    socket.flush().await?;
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}
