//! An extension of one's own: `x-checksum` ends every data frame with the Adler-32 of its payload, as 8
//! hexadecimal digits, and marks the message by the second reserved bit.
//!
//! `cargo run --example extension` serves an echo; `cargo run --example extension -- hello` sends it a
//! text with the extension and prints what comes back. Clients without the extension are served plainly.

use dunlin::ext::{Agreement, DecodeError, Extension, FrameInfo, Offer, Transform, Work};
use dunlin::{App, Client, CloseCode, OpCode, Reserved, Server, Settings};

/// What a route or a client offers.
#[derive(Clone, Debug)]
struct Checksum;

impl Extension for Checksum {
    fn name(&self) -> &str {
        "x-checksum"
    }

    fn reserved(&self) -> Reserved {
        Reserved::RSV2
    }

    fn accept(&self, offer: &Offer) -> Option<Agreement> {
        // An unknown parameter declines the offer (RFC 6455 §9.1), and the client goes without it.
        offer.params.is_empty().then(|| Agreement {
            response: offer.clone(),
            transform: Box::new(Summed),
        })
    }

    fn offers(&self) -> Vec<Offer> {
        vec![Offer {
            name: self.name().to_owned(),
            params: Vec::new(),
        }]
    }

    fn confirm(&self, response: &Offer) -> Result<Box<dyn Transform>, String> {
        let agreement = self.accept(response);
        let agreement = agreement.ok_or("x-checksum has no parameters")?;
        Ok(agreement.transform)
    }
}

/// What one connection does with its data frames.
#[derive(Debug)]
struct Summed;

impl Transform for Summed {
    fn reserved(&self) -> Reserved {
        Reserved::RSV2
    }

    fn wants(&self, first_reserved: Reserved) -> bool {
        first_reserved.intersects(Reserved::RSV2)
    }

    fn decode(
        &mut self,
        _: FrameInfo,
        frame: &[u8],
        cap: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let fail = |code, reason| Err(DecodeError { code, reason });
        match frame.split_last_chunk::<8>() {
            Some((payload, _)) if payload.len() > cap => {
                fail(CloseCode::TOO_BIG, "Message too big")
            }
            Some((payload, sum)) if sum == digits(payload).as_bytes() => {
                out.extend_from_slice(payload);
                Ok(())
            }
            _ => fail(CloseCode::INVALID_DATA, "Wrong checksum"),
        }
    }

    fn encode(
        &mut self,
        _: OpCode,
        payload: &[u8],
        work: &mut Work,
        out: &mut Vec<u8>,
    ) -> Option<Reserved> {
        // About a nanosecond a byte; what is too long for one step goes out as it is.
        let cost = u32::try_from(payload.len()).ok()?;
        if cost > 50_000 {
            return None;
        }
        work.charge(cost);
        out.extend_from_slice(payload);
        out.extend_from_slice(digits(payload).as_bytes());
        Some(Reserved::RSV2)
    }

    /// All connections get the same bytes: a broadcast is encoded once.
    fn share_key(&self) -> Option<u32> {
        Some(0)
    }
}

/// Adler-32 (RFC 1950 §8.2).
fn digits(payload: &[u8]) -> String {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in payload {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    format!("{b:04x}{a:04x}")
}

fn app() -> App {
    let settings = Settings::default().extension(Checksum);
    App::new().on_message_with("/echo", settings, |session, message| session.send(message))
}

fn main() -> dunlin::Result<()> {
    let Some(text) = std::env::args().nth(1) else {
        return Server::new(app()).listen("127.0.0.1:8080")?.run();
    };
    let options = Client::options().extension(Checksum);
    let mut client = options.connect("ws://127.0.0.1:8080/echo")?;
    client.send(text)?;
    for offer in client.extensions() {
        println!("with {offer}");
    }
    println!("{:?}", client.receive_message()?);
    client.close(1000, "done")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::testing::{Received, Sim};

    const OFFER: [(&str, &str); 1] = [("Sec-WebSocket-Extensions", "x-checksum")];

    #[test]
    fn a_message_goes_out_with_its_sum_and_its_mark() {
        let mut out = Vec::new();
        let marks = Summed.encode(OpCode::Text, b"hello", &mut Work::unlimited(), &mut out);
        assert_eq!(
            (marks, &out[..]),
            (Some(Reserved::RSV2), &b"hello062c0215"[..])
        );
    }

    #[test]
    fn a_server_and_a_client_that_agree_on_it_understand_each_other() {
        let server = Server::spawn(|| Server::bind(app(), "127.0.0.1:0")).expect("a free port");
        let url = format!("ws://{}/echo", server.addresses()[0]);
        let client = Client::options().extension(Checksum).connect(&url);
        let mut client = client.expect("it opens");
        assert_eq!(client.extensions().len(), 1);
        client.send("hello").expect("sent");
        let answer = client.receive_message().expect("an answer");
        assert_eq!(answer.text(), Some("hello"));
    }

    #[test]
    fn each_fragment_has_a_sum_of_its_own() {
        let sim = Sim::new(App::new().on_message_with(
            "/length",
            Settings::default().extension(Checksum),
            |session, message| session.close(4000, &message.len().to_string()),
        ));
        let sim = sim.expect("the program is right");
        let client = sim.open_with("/length", &OFFER).expect("it opens");
        client.send_frame(false, Reserved::RSV2, OpCode::Text, b"hel0271013a");
        client.send_frame(true, Reserved::NONE, OpCode::Continuation, b"lo014900dc");
        assert_eq!(client.receive(), Some(Received::close(4000, "5")));
    }

    #[test]
    fn a_wrong_sum_closes_with_1007() {
        for frame in [&b"hello062c0216"[..], b"short"] {
            let sim = Sim::new(app()).expect("the program is right");
            let client = sim.open_with("/echo", &OFFER).expect("it opens");
            let field = client.field("Sec-WebSocket-Extensions");
            assert_eq!(field.as_deref(), Some("x-checksum"));
            client.send_frame(true, Reserved::RSV2, OpCode::Text, frame);
            let close = Received::close(1007, "Wrong checksum");
            assert_eq!(client.receive(), Some(close));
        }
    }

    #[test]
    fn whoever_does_not_ask_for_it_or_asks_for_more_goes_without() {
        let sim = Sim::new(app()).expect("the program is right");
        for offer in ["x-checksum; bits=64", "x-other"] {
            let offer = [("Sec-WebSocket-Extensions", offer)];
            let client = sim.open_with("/echo", &offer).expect("it opens");
            assert_eq!(client.field("Sec-WebSocket-Extensions"), None, "{offer:?}");
            client.send("plain");
            assert_eq!(client.receive_text(), "plain");
        }
    }
}
