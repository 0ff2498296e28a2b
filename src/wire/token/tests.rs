//! Tokens right and wrong, and one of somebody else's making.

use super::*;
use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const SECRET: &str = "2f6d1c0c8a9c4d6cb0a2f1f4c7f0b1de";
const OTHER: &str = "ffffffffffffffffffffffffffffffff";
const NOW: u64 = 1_700_000_000;

fn keys() -> Keys {
    Keys::parse(SECRET).expect("good keys")
}

/// A token of any head and claims, signed with this secret.
fn signed(secret: &str, head: &str, claims: &str) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!("{}.{}", encode(head.as_bytes()), encode(claims.as_bytes()));
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    let mac = mac.chain_update(signed.as_bytes()).finalize().into_bytes();
    format!("{signed}.{}", encode(&mac))
}

const HEAD: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const CLAIMS: &str = r#"{"sub":"ann","exp":1700000100}"#;

#[test]
fn the_example_of_rfc_7515_is_checked_as_it_says() {
    // Appendix A.1, whose key is 64 bytes: its signature is right, and it lacks a sub.
    let key =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let key = URL_SAFE_NO_PAD.decode(key).expect("base64url");
    let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9\
                  .eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                  cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length");
    let mac = mac.chain_update(signed.as_bytes()).finalize().into_bytes();
    assert_eq!(
        URL_SAFE_NO_PAD.encode(mac),
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
}

#[test]
fn what_was_signed_is_read_as_it_was_said() {
    for claims in [
        Claims::new("ann", NOW + 100),
        Claims::new("김", NOW + 1).rooms(["a", "b"]).read_only(),
        Claims::new("\"\\", u64::MAX).rooms(Vec::<String>::new()),
        Claims::new("ann", NOW + 5).not_before(NOW - 5),
    ] {
        let token = keys().sign(&claims);
        assert_eq!(keys().check(&token, NOW), Ok(claims));
    }
    let every = Claims::new("ann", 1).rooms(["a", "*"]);
    assert_eq!(every.rooms, None);
}

#[test]
fn a_token_without_room_claims_is_for_every_room_and_an_empty_list_for_none() {
    let claims = |text: &str| keys().check(&signed(SECRET, HEAD, text), NOW).expect(text);
    assert!(claims(CLAIMS).allows_room("any"));
    assert!(claims(r#"{"sub":"a","exp":1700000100,"rooms":["*"]}"#).allows_room("any"));
    let none = claims(r#"{"sub":"a","exp":1700000100,"rooms":[]}"#);
    assert!(!none.allows_room("any"));
    let one = claims(r#"{"sub":"a","exp":1700000100.5,"rooms":["x"],"publish":false,"iat":5}"#);
    assert!(one.allows_room("x") && !one.allows_room("X") && !one.may_publish);
}

#[test]
fn a_token_is_good_within_its_times_give_or_take_the_leeway() {
    let token = keys().sign(&Claims::new("ann", NOW).not_before(NOW - 100));
    for (at, wanted) in [
        (NOW - 100 - LEEWAY - 1, Err(TokenError::NotYet)),
        (NOW - 100 - LEEWAY, Ok(())),
        (NOW + LEEWAY - 1, Ok(())),
        (NOW + LEEWAY, Err(TokenError::Expired)),
        (u64::MAX, Err(TokenError::Expired)),
    ] {
        assert_eq!(keys().check(&token, at).map(|_| ()), wanted, "{at}");
    }
}

#[test]
fn other_algorithms_and_none_are_refused_whatever_the_signature() {
    for alg in ["none", "None", "hs256", "HS384", "RS256", "ES256", ""] {
        let head = format!(r#"{{"alg":"{alg}"}}"#);
        let token = signed(SECRET, &head, CLAIMS);
        assert_eq!(
            keys().check(&token, NOW),
            Err(TokenError::Algorithm),
            "{alg}"
        );
        let bare = token.rsplit_once('.').expect("parts").0.to_owned() + ".";
        assert_eq!(
            keys().check(&bare, NOW),
            Err(TokenError::Algorithm),
            "{alg}"
        );
    }
}

#[test]
fn any_other_signature_is_refused() {
    let good = signed(SECRET, HEAD, CLAIMS);
    assert!(keys().check(&good, NOW).is_ok());
    assert_eq!(
        keys().check(&signed(OTHER, HEAD, CLAIMS), NOW),
        Err(TokenError::Signature)
    );
    let (start, _) = good.rsplit_once('.').expect("parts");
    assert_eq!(
        keys().check(&format!("{start}."), NOW),
        Err(TokenError::Signature)
    );
    let (_, signature) = good.rsplit_once('.').expect("parts");
    let shorter = format!("{start}.{}", &signature[..40]);
    assert_eq!(keys().check(&shorter, NOW), Err(TokenError::Signature));
    let other = signed(SECRET, HEAD, r#"{"sub":"bob","exp":1700000100}"#);
    let (other, _) = other.rsplit_once('.').expect("parts");
    let (_, signature) = good.rsplit_once('.').expect("parts");
    assert_eq!(
        keys().check(&format!("{other}.{signature}"), NOW),
        Err(TokenError::Signature)
    );
}

#[test]
fn no_byte_of_a_token_can_be_changed() {
    let good = signed(SECRET, HEAD, CLAIMS);
    for at in 0..good.len() {
        for byte in [b'A', b'z', b'.', b'='] {
            let mut bytes = good.clone().into_bytes();
            if bytes[at] != byte {
                bytes[at] = byte;
                let token = String::from_utf8(bytes).expect("text");
                assert!(keys().check(&token, NOW).is_err(), "{at} {token}");
            }
        }
    }
}

#[test]
fn what_cannot_be_understood_is_refused() {
    for (head, claims) in [
        (HEAD, "{}"),
        (HEAD, r#"{"sub":"ann"}"#),
        (HEAD, r#"{"exp":1700000100}"#),
        (HEAD, r#"{"sub":"","exp":1700000100}"#),
        (HEAD, r#"{"sub":null,"exp":1700000100}"#),
        (HEAD, r#"{"sub":"ann","exp":"1700000100"}"#),
        (HEAD, r#"{"sub":"ann","exp":-5}"#),
        (HEAD, r#"{"sub":"ann","exp":1700000100,"rooms":null}"#),
        (HEAD, r#"{"sub":"ann","exp":1700000100,"rooms":"*"}"#),
        (HEAD, r#"{"sub":"ann","exp":1700000100,"rooms":[5]}"#),
        (HEAD, r#"{"sub":"ann","exp":1700000100,"publish":"no"}"#),
        (HEAD, r#"{"sub":"ann","exp":1700000100,"aud":"other"}"#),
        (HEAD, r#"{"sub":"ann","sub":"bob","exp":1700000100}"#),
        (HEAD, r#"["ann",1700000100]"#),
        (HEAD, ""),
        (r#"{"alg":"HS256","crit":["b64"]}"#, CLAIMS),
        (r#"{"typ":"JWT"}"#, CLAIMS),
        ("[]", CLAIMS),
    ] {
        let error = keys()
            .check(&signed(SECRET, head, claims), NOW)
            .expect_err(claims);
        assert!(
            matches!(error, TokenError::Malformed(_)),
            "{head} {claims}: {error}"
        );
    }
    let good = signed(SECRET, HEAD, CLAIMS);
    let long = "x".repeat(MOST_BYTES + 1);
    for token in [
        "",
        ".",
        "..",
        "a.b",
        &format!("{good}.a"),
        &format!(" {good}"),
        &long,
        "ä.b.c",
    ] {
        let error = keys().check(token, NOW).expect_err(token);
        assert!(
            matches!(error, TokenError::Malformed(_)),
            "{token}: {error}"
        );
    }
}

#[test]
fn keys_are_changed_by_putting_the_new_one_first() {
    let old = keys().sign(&Claims::new("ann", NOW));
    let both = Keys::parse(&format!("# new\nk2 {OTHER}\n\n{SECRET}\n")).expect("good keys");
    assert!(both.check(&old, NOW).is_ok());
    let new = both.sign(&Claims::new("ann", NOW));
    assert!(both.check(&new, NOW).is_ok());
    assert_eq!(keys().check(&new, NOW), Err(TokenError::Signature));
    let alone = Keys::parse(&format!("k3 {OTHER}")).expect("good keys");
    assert_eq!(alone.check(&new, NOW), Err(TokenError::UnknownKey));
    // A name that is known decides: no other key is tried.
    let named = signed(SECRET, r#"{"alg":"HS256","kid":"k2"}"#, CLAIMS);
    assert_eq!(both.check(&named, NOW), Err(TokenError::Signature));
    let elsewhere = signed(SECRET, r#"{"alg":"HS256","kid":"theirs"}"#, CLAIMS);
    assert!(both.check(&elsewhere, NOW).is_ok());
}

#[test]
fn keys_that_are_none_are_errors_that_do_not_tell_them() {
    let many = (0..5).map(|_| SECRET).collect::<Vec<_>>().join("\n");
    for (text, part) in [
        ("", "no key"),
        ("# nothing\n", "no key"),
        ("short-secret", "too short"),
        (&format!("{SECRET}\nname short-secret"), "line 2"),
        (&format!("a b {SECRET}"), "more than two words"),
        (&format!("a {SECRET}\na {OTHER}"), "the name of another key"),
        (&many, "one key too many"),
    ] {
        let error = Keys::parse(text).expect_err(text).to_string();
        assert!(error.contains(part), "{error}");
        assert!(error.contains("dunlin token key"), "{error}");
        assert!(
            !error.contains("short-secret") && !error.contains(SECRET),
            "{error}"
        );
    }
    assert!(!format!("{:?}", keys()).contains(SECRET));
}
