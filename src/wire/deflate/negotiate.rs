//! Offers and responses of permessage-deflate (RFC 7692 §7.1).
//!
//! Strict in both roles: a parameter that is unknown, repeated or badly valued
//! declines an offer (§7, so that the caller tries the next one) and fails a
//! response.

use super::super::extension::Offer;
use super::settings::{NAME, Settings};

const SERVER_NO_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";

/// What one connection agreed on, seen from this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// log2 of the window that we compress with, 8 to 15.
    pub(super) window: u8,
    /// Our messages may refer to earlier ones.
    pub(super) send_takeover: bool,
    /// The peer's messages may refer to earlier ones.
    pub(super) receive_takeover: bool,
}

impl Terms {
    fn new(window: u8, send_takeover: bool, receive_takeover: bool) -> Self {
        Self {
            window,
            // zlib has no raw stream with a window of 256 bytes; the one-pass encoder can do
            // it for single messages, and not taking a context over is always allowed.
            send_takeover: send_takeover && window > 8,
            receive_takeover,
        }
    }
}

/// The parameters of one element.
#[derive(Debug, Default)]
struct Params {
    server_no_takeover: bool,
    client_no_takeover: bool,
    server_bits: Option<u8>,
    /// `Some(None)`: without a value, as only an offer may have it.
    client_bits: Option<Option<u8>>,
}

/// Server: the response to an offer, or `None` to decline it.
pub(super) fn accept(settings: &Settings, offer: &Offer) -> Option<(Offer, Terms)> {
    let asked = parse(offer).ok()?;
    let server_bits = match asked.server_bits {
        Some(bits) => bits.min(settings.server_max_window_bits),
        None => settings.server_max_window_bits,
    };
    let takeover = settings.context_takeover;
    let terms = Terms::new(
        server_bits,
        takeover && !asked.server_no_takeover,
        takeover && !asked.client_no_takeover,
    );

    let mut params = Vec::new();
    // Both flags may be answered unasked (§7.1.1.1, §7.1.1.2).
    if !terms.send_takeover {
        params.push((SERVER_NO_TAKEOVER, None));
    }
    if !terms.receive_takeover {
        params.push((CLIENT_NO_TAKEOVER, None));
    }
    // So may the server's own window (§7.1.2.1), the client's only if offered (§7.1.2.2).
    if asked.server_bits.is_some() || server_bits < 15 {
        params.push((SERVER_BITS, Some(server_bits)));
    }
    if let Some(most) = asked.client_bits {
        let bits = settings.client_max_window_bits.min(most.unwrap_or(15));
        params.push((CLIENT_BITS, Some(bits)));
    }
    Some((element(params), terms))
}

/// Client: what to offer.
pub(super) fn offer(settings: &Settings) -> Offer {
    let mut params = Vec::new();
    if !settings.context_takeover {
        params.push((SERVER_NO_TAKEOVER, None));
        params.push((CLIENT_NO_TAKEOVER, None));
    }
    if settings.server_max_window_bits < 15 {
        params.push((SERVER_BITS, Some(settings.server_max_window_bits)));
    }
    let bits = settings.client_max_window_bits;
    params.push((CLIENT_BITS, (bits < 15).then_some(bits)));
    element(params)
}

/// Client: what the server's response means, after [`offer`].
pub(super) fn confirm(settings: &Settings, response: &Offer) -> Result<Terms, String> {
    let answer = parse(response).map_err(|why| format!("the server's answer has {why}"))?;
    if !settings.context_takeover && !answer.server_no_takeover {
        return Err(format!(
            "the server's answer lacks {SERVER_NO_TAKEOVER}, which was offered"
        ));
    }
    let most = settings.server_max_window_bits;
    match answer.server_bits {
        Some(bits) if bits > most => {
            return Err(format!(
                "the server's answer has {SERVER_BITS}={bits}; at most {most} was offered"
            ));
        }
        None if most < 15 => {
            return Err(format!(
                "the server's answer lacks {SERVER_BITS}, which was offered as {most}"
            ));
        }
        _ => {}
    }
    let most = settings.client_max_window_bits;
    let window = match answer.client_bits {
        Some(None) => {
            return Err(format!(
                "the server's answer has {CLIENT_BITS} without a value"
            ));
        }
        Some(Some(bits)) if bits > most => {
            return Err(format!(
                "the server's answer has {CLIENT_BITS}={bits}; at most {most} was offered"
            ));
        }
        Some(Some(bits)) => bits,
        None => most,
    };
    let takeover = settings.context_takeover;
    Ok(Terms::new(
        window,
        takeover && !answer.client_no_takeover,
        !answer.server_no_takeover,
    ))
}

fn element(params: Vec<(&str, Option<u8>)>) -> Offer {
    Offer {
        name: NAME.to_owned(),
        params: params
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.map(|bits| bits.to_string())))
            .collect(),
    }
}

/// Reads an element; the error says what is wrong, in words that follow "has".
fn parse(element: &Offer) -> Result<Params, String> {
    if element.name != NAME {
        return Err(format!("the extension {}", element.name));
    }
    let mut params = Params::default();
    for (name, value) in &element.params {
        let value = value.as_deref();
        let repeated = match name.as_str() {
            SERVER_NO_TAKEOVER => flag(&mut params.server_no_takeover, name, value)?,
            CLIENT_NO_TAKEOVER => flag(&mut params.client_no_takeover, name, value)?,
            SERVER_BITS => {
                let value = value.ok_or_else(|| format!("{name} without a value"))?;
                params.server_bits.replace(bits(name, value)?).is_some()
            }
            CLIENT_BITS => {
                let value = value.map(|value| bits(name, value)).transpose()?;
                params.client_bits.replace(value).is_some()
            }
            _ => return Err(format!("the unknown parameter {name}")),
        };
        if repeated {
            return Err(format!("{name} twice"));
        }
    }
    Ok(params)
}

/// Sets a flag, which has no value; whether it was set before.
fn flag(flag: &mut bool, name: &str, value: Option<&str>) -> Result<bool, String> {
    match value {
        None => Ok(std::mem::replace(flag, true)),
        Some(_) => Err(format!("{name} with a value")),
    }
}

/// A decimal from 8 to 15 without leading zeros (§7.1.2).
fn bits(name: &str, value: &str) -> Result<u8, String> {
    match value.as_bytes() {
        [digit @ b'8'..=b'9'] => Ok(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Ok(10 + digit - b'0'),
        _ => Err(format!("{name}={value}, not 8 to 15")),
    }
}
