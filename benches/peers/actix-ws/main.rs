//! `/echo` and `/broadcast` with actix-web and actix-ws, one worker.

use actix_web::web::{Bytes, Data, Payload, get};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, Closed, Session};
use bytestring::ByteString;
use tokio::sync::broadcast::{self, Sender, error::RecvError};

/// Messages that a receiver may fall behind before it misses some.
const QUEUE: usize = 1024;
/// The longest message: 64 MiB, as with most of the others.
const LONGEST: usize = 64 << 20;

/// What is passed on: the messages of actix-ws cannot be cloned.
#[derive(Clone)]
enum Relayed {
    Text(ByteString),
    Binary(Bytes),
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).expect("usage: PORT");
    let port: u16 = port.parse().expect("a port");
    let (messages, _) = broadcast::channel::<Relayed>(QUEUE);
    let messages = Data::new(messages);
    HttpServer::new(move || {
        App::new()
            .app_data(messages.clone())
            .route("/echo", get().to(upgrade_echo))
            .route("/broadcast", get().to(upgrade_broadcast))
    })
    .workers(1)
    .max_connections(100_000)
    .tcp_nodelay(true)
    .bind(("127.0.0.1", port))?
    .run()
    .await
}

async fn upgrade_echo(request: HttpRequest, body: Payload) -> actix_web::Result<HttpResponse> {
    let (response, session, stream) = actix_ws::handle(&request, body)?;
    let stream = stream.max_frame_size(LONGEST).aggregate_continuations();
    rt::spawn(echo(session, stream.max_continuation_size(LONGEST)));
    Ok(response)
}

async fn upgrade_broadcast(
    request: HttpRequest,
    body: Payload,
    messages: Data<Sender<Relayed>>,
) -> actix_web::Result<HttpResponse> {
    let (response, session, stream) = actix_ws::handle(&request, body)?;
    let stream = stream.max_frame_size(LONGEST).aggregate_continuations();
    let stream = stream.max_continuation_size(LONGEST);
    rt::spawn(broadcast(session, stream, messages));
    Ok(response)
}

async fn echo(mut session: Session, mut stream: AggregatedMessageStream) -> Result<(), Closed> {
    while let Some(Ok(message)) = stream.recv().await {
        match message {
            AggregatedMessage::Text(text) => session.text(text).await?,
            AggregatedMessage::Binary(bytes) => session.binary(bytes).await?,
            AggregatedMessage::Ping(bytes) => session.pong(&bytes).await?,
            AggregatedMessage::Pong(_) => {}
            AggregatedMessage::Close(reason) => return session.close(reason).await,
        }
    }
    session.close(None).await
}

async fn broadcast(
    mut session: Session,
    mut stream: AggregatedMessageStream,
    messages: Data<Sender<Relayed>>,
) -> Result<(), Closed> {
    let mut queue = messages.subscribe();
    let reason = loop {
        tokio::select! {
            message = stream.recv() => match message {
                Some(Ok(AggregatedMessage::Ping(bytes))) => session.pong(&bytes).await?,
                Some(Ok(AggregatedMessage::Pong(_))) => {}
                Some(Ok(AggregatedMessage::Close(reason))) => break reason,
                Some(Ok(AggregatedMessage::Text(text))) => {
                    let _ = messages.send(Relayed::Text(text));
                }
                Some(Ok(AggregatedMessage::Binary(bytes))) => {
                    let _ = messages.send(Relayed::Binary(bytes));
                }
                Some(Err(_)) | None => break None,
            },
            message = queue.recv() => match message {
                Ok(Relayed::Text(text)) => session.text(text).await?,
                Ok(Relayed::Binary(bytes)) => session.binary(bytes).await?,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break None,
            },
        }
    };
    session.close(reason).await
}
