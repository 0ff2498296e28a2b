//! Every target over the inputs that are kept, and over random changes of them.

use super::TARGETS;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::fs;
use std::path::Path;

/// Changed inputs a target.
const CHANGED: u64 = 2000;
/// The same for targets that run a whole program.
const CHANGED_PLAYS: u64 = 250;

/// Names the input when its target panics.
struct Named<'i>(&'i str, &'i str, &'i [u8]);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self(target, origin, input) = self;
            eprintln!(
                "target {target} failed on {origin}: {}",
                input.escape_ascii()
            );
        }
    }
}

fn run(target: &str, body: fn(&[u8]), origin: &str, input: &[u8]) {
    let _named = Named(target, origin, input);
    body(input);
}

/// The kept inputs of a target, by name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut inputs: Vec<(String, Vec<u8>)> = entries
        .map(|entry| {
            let entry = entry.expect("a readable folder");
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).expect("a readable file"))
        })
        .collect();
    inputs.sort();
    inputs
}

/// Some bytes changed, left out, doubled, or taken from another input.
fn change(random: &mut StdRng, input: &mut Vec<u8>, other: &[u8]) {
    let spice: &[u8] = b"\r\n\0 \t:,;\"=/*.\x7f\x80\xff\x81\x01";
    for _ in 0..random.random_range(1..6) {
        if input.is_empty() {
            input.push(random.random());
        }
        let at = random.random_range(0..input.len());
        let to = input.len().min(at + random.random_range(0..40));
        match random.random_range(0..8) {
            0 => input[at] = random.random(),
            1 => input[at] ^= 1 << random.random_range(0..8),
            2 => input[at] = spice[random.random_range(0..spice.len())],
            3 => input.insert(at, spice[random.random_range(0..spice.len())]),
            4 => drop(input.drain(at..to)),
            5 => input.extend_from_within(at..to),
            6 => input.truncate(at),
            _ if !other.is_empty() => {
                let from = random.random_range(0..other.len());
                let end = other.len().min(from + random.random_range(0..80));
                input.splice(at..at, other[from..end].iter().copied());
            }
            _ => {}
        }
    }
}

#[test]
fn kept_inputs_hold() {
    for (target, body) in TARGETS {
        let inputs = corpus(target);
        assert!(inputs.len() > 4, "{target} has {} inputs", inputs.len());
        for (name, input) in inputs {
            run(target, *body, &name, &input);
        }
    }
}

#[test]
fn changed_inputs_hold() {
    for (target, body) in TARGETS {
        let inputs = corpus(target);
        let count = match *target {
            "hub" | "server" => CHANGED_PLAYS,
            _ => CHANGED,
        };
        for seed in 0..count {
            let mut random = StdRng::seed_from_u64(seed);
            let mut pick = || &inputs[random.random_range(0..inputs.len())].1;
            let (mut input, other) = (pick().clone(), pick());
            change(&mut random, &mut input, other);
            run(target, *body, &format!("seed {seed}"), &input);
        }
    }
}

#[test]
fn noise_holds() {
    for (target, body) in TARGETS {
        for seed in 0..500 {
            let mut random = StdRng::seed_from_u64(seed);
            let len = random.random_range(0..200);
            let input: Vec<u8> = (0..len).map(|_| random.random()).collect();
            run(target, *body, &format!("noise {seed}"), &input);
        }
    }
}
