//! `/echo` and `/broadcast` with fastwebsockets, after its examples `echo_server` and `echo_server_split`.

use std::net::Ipv4Addr;

use bytes::Bytes;
use fastwebsockets::upgrade::{self, UpgradeFut};
use fastwebsockets::{
    FragmentCollector, FragmentCollectorRead, Frame, OpCode, Payload, WebSocketError,
};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{self, Sender, error::RecvError};
use tokio::sync::mpsc;

/// Messages that a receiver may fall behind before it misses some.
const QUEUE: usize = 1024;

type Messages = Sender<(OpCode, Bytes)>;

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

async fn serve(stream: TcpStream, messages: Messages) -> Result<(), WebSocketError> {
    stream.set_nodelay(true)?;
    let service = service_fn(|request| upgrade(request, messages.clone()));
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await?;
    Ok(())
}

async fn upgrade(
    mut request: Request<Incoming>,
    messages: Messages,
) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let (response, upgraded) = upgrade::upgrade(&mut request)?;
    if request.uri().path() == "/broadcast" {
        tokio::spawn(broadcast(upgraded, messages));
    } else {
        tokio::spawn(tokio::task::unconstrained(echo(upgraded)));
    }
    Ok(response)
}

async fn echo(upgraded: UpgradeFut) -> Result<(), WebSocketError> {
    let mut ws = FragmentCollector::new(upgraded.await?);
    loop {
        let frame = ws.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => ws.write_frame(frame).await?,
            _ => {}
        }
    }
}

/// Reading a frame cannot be cancelled in the middle, so that the two halves are two tasks. The answers to pings and
/// closes go from the reading half to the writing one.
async fn broadcast(upgraded: UpgradeFut, messages: Messages) -> Result<(), WebSocketError> {
    let (read, mut write) = upgraded.await?.split(tokio::io::split);
    let mut read = FragmentCollectorRead::new(read);
    let mut queue = messages.subscribe();
    let (controls, mut waiting) = mpsc::channel::<Frame<'static>>(16);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                message = queue.recv() => match message {
                    Ok((opcode, payload)) => {
                        let frame = Frame::new(true, opcode, None, Payload::Borrowed(&payload));
                        write.write_frame(frame).await?;
                    }
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Ok(()),
                },
                frame = waiting.recv() => match frame {
                    Some(frame) => write.write_frame(frame).await?,
                    None => return Ok::<_, WebSocketError>(()),
                },
            }
        }
    });
    let mut answer = |frame: Frame<'_>| {
        let payload = Payload::Owned(frame.payload.to_vec());
        let frame = Frame::new(true, frame.opcode, None, payload);
        let controls = controls.clone();
        async move { controls.send(frame).await }
    };
    loop {
        let frame = read.read_frame(&mut answer).await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => {
                let payload = Bytes::copy_from_slice(&frame.payload);
                let _ = messages.send((frame.opcode, payload));
            }
            _ => {}
        }
    }
}
