//! Publishing over HTTP: what a POST brings goes to every session that follows its topic.
//!
//! `cargo run --example publish_over_http`, then `cargo run -- chat ws://127.0.0.1:8080/topics/news` and
//! `curl -H 'Authorization: Bearer secret' -d 'It rains.' http://127.0.0.1:8080/topics/news`, which is told how
//! many follow it.
//!
//! While a topic is more than 64 KiB behind, the connection that published to it is not read: a publisher
//! that keeps its connection goes no faster than its readers are served.

use dunlin::{App, Context, Handler, Message, Open, Request, Response, Server, Session, Status};

/// A route of one pattern may be both: WebSocket for those who follow, POST for those who publish.
const PATTERN: &str = "/topics/{name}";

/// Sessions only listen.
struct Followers;

impl Handler for Followers {
    type Data = ();

    fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
        session.join(request.param("name").unwrap_or_default());
        Open::Accept(())
    }

    fn message(&mut self, (): &mut (), session: &mut Session<'_>, _: Message<'_>) {
        session.close(1008, "This session only listens");
    }
}

fn publish(
    secret: &str,
    request: &Request<'_>,
    context: &mut Context<'_>,
) -> Result<Response, Response> {
    let token = request.bearer_token().unwrap_or_default();
    if !is_same(token.as_bytes(), secret.as_bytes()) {
        let refusal = Response::refusal(Status::UNAUTHORIZED);
        return Err(refusal.field("WWW-Authenticate", "Bearer"));
    }
    let topic = request.param("name").unwrap_or_default();
    // A text goes out as text, anything else as binary.
    let receivers = match std::str::from_utf8(request.body()) {
        Ok(text) => context.publish(topic, text),
        Err(_) => context.publish(topic, request.body()),
    };
    Ok(Response::text(format!("{receivers}\n")))
}

/// Compares in a time that does not tell where two secrets differ.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |found, (a, b)| found | (a ^ b)) == 0
}

fn app(secret: String) -> App {
    App::new()
        .ws(PATTERN, Followers)
        .post(PATTERN, move |request, context| {
            publish(&secret, request, context)
        })
}

fn main() -> dunlin::Result<()> {
    let secret = std::env::var("PUBLISH_SECRET").unwrap_or_else(|_| "secret".to_owned());
    Server::new(app(secret)).listen("127.0.0.1:8080")?.run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::Method;
    use dunlin::testing::{HttpAnswer, Received, Sim};

    fn sim() -> Sim {
        Sim::new(app("s3cret".to_owned())).expect("the program is right")
    }

    fn post(sim: &Sim, topic: &str, token: &str, body: &[u8]) -> HttpAnswer {
        let request = sim.request(Method::Post, &format!("/topics/{topic}"));
        let request = request.header("Authorization", &format!("Bearer {token}"));
        request.body(body).send()
    }

    #[test]
    fn what_is_posted_goes_to_those_that_follow_the_topic() {
        let sim = sim();
        let (news, other) = (sim.open("/topics/news"), sim.open("/topics/other"));
        let answer = post(&sim, "news", "s3cret", b"It rains.");
        assert_eq!((answer.status(), answer.text()), (Status::OK, "1\n"));
        post(&sim, "news", "s3cret", b"\xff");
        let wanted = [Received::text("It rains."), Received::binary([0xff])];
        assert_eq!(news.receive_all(), wanted);
        assert_eq!(other.receive(), None);
        assert_eq!(post(&sim, "nobody", "s3cret", b"?").text(), "0\n");
    }

    #[test]
    fn without_the_secret_nothing_is_published() {
        let sim = sim();
        let news = sim.open("/topics/news");
        for token in ["", "s3cre", "s3cret2", "S3cret"] {
            let status = post(&sim, "news", token, b"lies").status();
            assert_eq!(status, Status::UNAUTHORIZED, "{token:?}");
        }
        assert_eq!(news.receive(), None);
    }

    #[test]
    fn a_body_over_64_kib_is_413() {
        let answer = post(&sim(), "news", "s3cret", &[b'x'; (64 << 10) + 1]);
        assert_eq!(answer.status(), Status::PAYLOAD_TOO_LARGE);
    }
}
