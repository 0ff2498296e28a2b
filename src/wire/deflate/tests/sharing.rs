//! What connections share, and what they hold for themselves.

use super::super::engine::MAX_LENT;
use super::super::inflate::INFLATER_BYTES;
use super::*;

#[test]
fn interleaved_messages_do_not_mix() {
    let deflate = Deflate::new();
    let texts: Vec<_> = (0..20).map(|n| chat(200 + 10 * n)).collect();
    let mut connections: Vec<_> = texts
        .iter()
        .map(|text| {
            let mut transform = server(&deflate, "");
            let payload = encode(&mut *transform, text);
            (transform, payload, Vec::new())
        })
        .collect();
    for step in 0.. {
        let mut waiting = false;
        for (transform, payload, out) in &mut connections {
            let pieces = payload.chunks(17);
            let last = pieces.len() - 1;
            if let Some(piece) = pieces.clone().nth(step) {
                frame(&mut **transform, step == 0, step == last, piece, out).unwrap();
                waiting = true;
            }
        }
        if !waiting {
            break;
        }
    }
    for ((_, _, out), text) in connections.iter().zip(&texts) {
        assert_eq!(out, text);
    }
    assert_eq!(deflate.engine.lock().unwrap().lent(), 0);
}

#[test]
fn idle_connections_hold_no_deflate_memory() {
    let deflate = Deflate::new();
    let connections: Vec<_> = (0..30)
        .map(|_| {
            let mut transform = server(&deflate, "");
            let payload = encode(&mut *transform, &chat(500));
            let mut out = Vec::new();
            frame(&mut *transform, true, false, &payload[..9], &mut out).unwrap();
            frame(&mut *transform, false, true, &payload[9..], &mut out).unwrap();
            transform
        })
        .collect();
    assert_eq!(deflate.engine.lock().unwrap().lent(), 0);
    assert_eq!(deflate.engine.lock().unwrap().resting(), 1);
    assert!(size_of_val(&*connections[0]) <= 40);
}

#[test]
fn a_connection_that_goes_gives_its_decompressor_back() {
    let deflate = Deflate::new();
    let mut transform = server(&deflate, "");
    frame(&mut *transform, true, false, &[0xf2], &mut Vec::new()).unwrap();
    assert_eq!(deflate.engine.lock().unwrap().lent(), 1);
    drop(transform);
    assert_eq!(deflate.engine.lock().unwrap().lent(), 0);
}

#[test]
fn a_failed_message_gives_its_decompressor_back() {
    let deflate = Deflate::new();
    let mut transform = server(&deflate, "");
    frame(&mut *transform, true, false, &[0x00], &mut Vec::new()).unwrap();
    frame(&mut *transform, false, false, &[0xff; 9], &mut Vec::new()).unwrap_err();
    assert_eq!(deflate.engine.lock().unwrap().lent(), 0);
}

#[test]
fn past_the_last_decompressor_fragments_wait_compressed() {
    let deflate = Deflate::new();
    let plain = chat(400);
    let payload = encode(&mut *server(&deflate, ""), &plain);
    let (head, tail) = payload.split_at(50);
    let mut connections: Vec<_> = (0..MAX_LENT + 3)
        .map(|_| (server(&deflate, ""), Vec::new()))
        .collect();
    for (transform, out) in &mut connections {
        frame(&mut **transform, true, false, head, out).unwrap();
    }
    assert_eq!(deflate.engine.lock().unwrap().lent(), MAX_LENT);
    assert_eq!(connections[0].0.held_bytes(), INFLATER_BYTES);
    assert!(connections[MAX_LENT].0.held_bytes() >= head.len());
    for (transform, out) in &mut connections {
        frame(&mut **transform, false, true, tail, out).unwrap();
        assert_eq!(*out, plain);
        assert_eq!(transform.held_bytes(), 0);
    }
    assert_eq!(deflate.engine.lock().unwrap().lent(), 0);
}

#[test]
fn connections_with_one_key_get_the_same_bytes_whatever_went_before() {
    for level in 1..=9 {
        let deflate = Deflate::new().level(level);
        let mut fresh = server(&deflate, "");
        let mut busy = server(&deflate, "; client_max_window_bits");
        assert_eq!(fresh.share_key(), busy.share_key());
        let first = encode(&mut *fresh, &chat(1_400));
        for len in [100, 15_000, 5_000, 700] {
            let text: Vec<_> = chat(len).iter().rev().copied().collect();
            let mut work = Work::unlimited();
            busy.encode(OpCode::Text, &text, &mut work, &mut Vec::new());
        }
        assert_eq!(encode(&mut *busy, &chat(1_400)), first, "level {level}");
    }
}

#[test]
fn keys_differ_by_window_and_by_settings_and_takeover_has_none() {
    let deflate = Deflate::new();
    let key = |deflate: &Deflate, params| server(deflate, params).share_key();
    let plain = key(&deflate, "");
    assert!(plain.is_some());
    assert_eq!(plain, key(&deflate.clone(), ""));
    assert_ne!(plain, key(&deflate, "; server_max_window_bits=9"));
    assert_ne!(plain, key(&deflate.clone().level(2), ""));
    assert_eq!(with_takeover().share_key(), None);
    let waived = Deflate::new().context_takeover(true);
    assert!(key(&waived, "; server_no_context_takeover").is_some());
}

#[test]
fn settings_may_change_after_a_connection_and_touch_only_later_ones() {
    let deflate = Deflate::new();
    let mut before = server(&deflate, "");
    let mut after = server(&deflate.min_size(1000), "");
    let text = chat(500);
    encode(&mut *before, &text);
    assert_eq!(
        after.encode(OpCode::Text, &text, &mut Work::unlimited(), &mut Vec::new()),
        None
    );
}
