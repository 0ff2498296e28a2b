//! Which offers are taken, what is answered, and which answers a client takes.

use super::*;

fn answer(deflate: &Deflate, params: &str) -> Option<String> {
    let offer = element(&format!("{NAME}{params}"));
    let response = deflate.accept(&offer)?.response.to_string();
    Some(response.strip_prefix(NAME).unwrap().to_owned())
}

#[test]
fn nothing_is_taken_over_unless_it_is_asked_for() {
    let flags = "; server_no_context_takeover; client_no_context_takeover";
    for (offer, more) in [
        ("", ""),
        ("; server_no_context_takeover", ""),
        (
            "; client_no_context_takeover; server_no_context_takeover",
            "",
        ),
        // Chromium's offer.
        ("; client_max_window_bits", "; client_max_window_bits=15"),
        ("; client_max_window_bits=12", "; client_max_window_bits=12"),
        ("; client_max_window_bits=8", "; client_max_window_bits=8"),
        ("; server_max_window_bits=15", "; server_max_window_bits=15"),
        ("; server_max_window_bits=9", "; server_max_window_bits=9"),
        ("; server_max_window_bits=8", "; server_max_window_bits=8"),
        (
            "; client_max_window_bits; server_max_window_bits=10",
            "; server_max_window_bits=10; client_max_window_bits=15",
        ),
    ] {
        let want = format!("{flags}{more}");
        assert_eq!(answer(&Deflate::new(), offer), Some(want), "{offer}");
    }
}

#[test]
fn takeover_is_kept_each_way_unless_the_client_waives_it() {
    let deflate = Deflate::new().context_takeover(true);
    for (offer, want) in [
        ("", ""),
        (
            "; server_no_context_takeover",
            "; server_no_context_takeover",
        ),
        (
            "; client_no_context_takeover",
            "; client_no_context_takeover",
        ),
        ("; client_max_window_bits", "; client_max_window_bits=15"),
        // zlib has no raw stream of 256 bytes to keep.
        (
            "; server_max_window_bits=8",
            "; server_no_context_takeover; server_max_window_bits=8",
        ),
    ] {
        assert_eq!(answer(&deflate, offer).as_deref(), Some(want), "{offer}");
    }
}

#[test]
fn the_smaller_of_both_windows_is_answered() {
    let deflate = Deflate::new()
        .context_takeover(true)
        .server_max_window_bits(11)
        .client_max_window_bits(12);
    for (offer, want) in [
        // The server may name its own window unasked, the client's it may not.
        ("", "; server_max_window_bits=11"),
        ("; server_max_window_bits=15", "; server_max_window_bits=11"),
        ("; server_max_window_bits=10", "; server_max_window_bits=10"),
        (
            "; client_max_window_bits",
            "; server_max_window_bits=11; client_max_window_bits=12",
        ),
        (
            "; client_max_window_bits=10",
            "; server_max_window_bits=11; client_max_window_bits=10",
        ),
    ] {
        assert_eq!(answer(&deflate, offer).as_deref(), Some(want), "{offer}");
    }
}

#[test]
fn unknown_repeated_and_badly_valued_parameters_decline_an_offer() {
    for offer in [
        "; unknown",
        "; unknown=1",
        "; Server_No_Context_Takeover",
        "; server_no_context_takeover; server_no_context_takeover",
        "; client_no_context_takeover; client_no_context_takeover",
        "; server_max_window_bits=10; server_max_window_bits=10",
        "; client_max_window_bits; client_max_window_bits",
        "; client_max_window_bits; client_max_window_bits=10",
        "; server_no_context_takeover=true",
        "; client_no_context_takeover=1",
        "; server_max_window_bits",
        "; server_max_window_bits=",
        "; server_max_window_bits=7",
        "; server_max_window_bits=16",
        "; server_max_window_bits=010",
        "; server_max_window_bits=+9",
        "; server_max_window_bits= 9",
        "; server_max_window_bits=9.0",
        "; client_max_window_bits=7",
        "; client_max_window_bits=16",
        "; client_max_window_bits=010",
        "; client_max_window_bits=265",
    ] {
        for takeover in [false, true] {
            let deflate = Deflate::new().context_takeover(takeover);
            let offer = Offer {
                name: NAME.to_owned(),
                // Spaces matter here, so the parameters are not trimmed.
                params: offer
                    .split("; ")
                    .skip(1)
                    .map(|param| match param.split_once('=') {
                        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                        None => (param.to_owned(), None),
                    })
                    .collect(),
            };
            assert!(deflate.accept(&offer).is_none(), "{offer}");
        }
    }
}

#[test]
fn another_extension_is_declined() {
    let offer = element("permessage-bzip2");
    assert!(Deflate::new().accept(&offer).is_none());
}

#[test]
fn a_client_offers_what_its_settings_say() {
    let offer = |deflate: Deflate| deflate.offers()[0].to_string();
    assert_eq!(
        offer(Deflate::new()),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
         client_max_window_bits"
    );
    assert_eq!(
        offer(Deflate::new().context_takeover(true)),
        "permessage-deflate; client_max_window_bits"
    );
    assert_eq!(
        offer(
            Deflate::new()
                .context_takeover(true)
                .server_max_window_bits(10)
                .client_max_window_bits(9)
        ),
        "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9"
    );
}

#[test]
fn every_offer_of_a_client_is_taken_by_a_server_and_the_answer_by_the_client() {
    for takeover in [false, true] {
        for bits in 9..=15 {
            let client = Deflate::new()
                .context_takeover(takeover)
                .server_max_window_bits(bits)
                .client_max_window_bits(24 - bits);
            for server in [Deflate::new(), Deflate::new().context_takeover(true)] {
                let agreement = server.accept(&client.offers()[0]).unwrap();
                client.confirm(&agreement.response).unwrap();
            }
        }
    }
}

#[test]
fn a_client_says_what_is_wrong_with_an_answer() {
    let deflate = Deflate::new()
        .context_takeover(true)
        .server_max_window_bits(12)
        .client_max_window_bits(12);
    let good = "; server_max_window_bits=12";
    for (more, wrong) in [
        ("; unknown=1", "the unknown parameter unknown"),
        (
            "; server_max_window_bits=12",
            "server_max_window_bits twice",
        ),
        (
            "; client_max_window_bits=13",
            "client_max_window_bits=13; at most 12 was offered",
        ),
        (
            "; client_max_window_bits",
            "client_max_window_bits without a value",
        ),
        (
            "; client_max_window_bits=7",
            "client_max_window_bits=7, not 8 to 15",
        ),
        (
            "; client_no_context_takeover=1",
            "client_no_context_takeover with a value",
        ),
    ] {
        let response = element(&format!("{NAME}{good}{more}"));
        let error = deflate.confirm(&response).unwrap_err();
        assert_eq!(error, format!("the server's answer has {wrong}"));
    }
    for (params, wrong) in [
        (
            "; server_max_window_bits=13",
            "has server_max_window_bits=13; at most 12 was offered",
        ),
        ("", "lacks server_max_window_bits, which was offered as 12"),
    ] {
        let error = deflate
            .confirm(&element(&format!("{NAME}{params}")))
            .unwrap_err();
        assert_eq!(error, format!("the server's answer {wrong}"));
    }
    let error = Deflate::new().confirm(&element(NAME)).unwrap_err();
    assert_eq!(
        error,
        "the server's answer lacks server_no_context_takeover, which was offered"
    );
    let error = deflate.confirm(&element("permessage-bzip2")).unwrap_err();
    assert_eq!(
        error,
        "the server's answer has the extension permessage-bzip2"
    );
}

#[test]
fn settings_out_of_bounds_are_named_with_value_and_limit() {
    assert!(Deflate::new().check().is_ok());
    for (deflate, text) in [
        (Deflate::new().level(10), "level is 10; it must be 0 to 9"),
        (
            Deflate::new().server_max_window_bits(8),
            "server_max_window_bits is 8; it must be 9 to 15",
        ),
        (
            Deflate::new().client_max_window_bits(16),
            "client_max_window_bits is 16; it must be 9 to 15",
        ),
    ] {
        let error = deflate.check().unwrap_err().to_string();
        assert_eq!(error, format!("permessage-deflate: {text}"));
    }
}
