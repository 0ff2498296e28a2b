//! The comparison itself, against the modelled engine: it agrees with that, and finds what is wrong.

use super::super::server::{ClientId, Server};
use super::*;
use redis_protocol::resp2::decode::decode as frame;

/// Lines to a modelled engine, whose clock goes on by a millisecond with every command.
struct Modelled {
    server: Server,
    commands: ClientId,
    listener: ClientId,
    /// It does not listen.
    is_deaf: bool,
    /// What is done to an answer before it is told.
    change: fn(OwnedFrame) -> OwnedFrame,
}

fn frames(bytes: &[u8]) -> Vec<OwnedFrame> {
    let (mut at, mut frames) = (0, Vec::new());
    while let Some((read, length)) = frame(&bytes[at..]).expect("frames") {
        frames.push(read);
        at += length;
    }
    assert_eq!(at, bytes.len());
    frames
}

impl Modelled {
    fn new(change: fn(OwnedFrame) -> OwnedFrame) -> Self {
        let mut server = Server::new(1, 1_700_000_000_000);
        let (commands, listener) = (server.connect(), server.connect());

        Self {
            server,
            commands,
            listener,
            is_deaf: false,
            change,
        }
    }
}

impl Line for Modelled {
    fn call(&mut self, words: &[Vec<u8>]) -> OwnedFrame {
        self.server.now += 1;
        self.server.receive(self.commands, &bytes(words));
        let said = self.server.take_output(self.commands);
        (self.change)(frames(&said).pop().expect("an answer"))
    }

    fn listen(&mut self, channel: Vec<u8>) {
        if self.is_deaf {
            return;
        }
        let words = [word("SUBSCRIBE"), channel];
        self.server.receive(self.listener, &bytes(&words));
        self.server.take_output(self.listener);
    }

    fn pushes(&mut self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let said = self.server.take_output(self.listener);
        let read = |frame| match frame {
            OwnedFrame::Array(items) => match &items[..] {
                [
                    _,
                    OwnedFrame::BulkString(channel),
                    OwnedFrame::BulkString(payload),
                ] => (channel.clone(), payload.clone()),
                _ => panic!("{items:?}"),
            },
            other => panic!("{other:?}"),
        };
        frames(&said).into_iter().map(read).collect()
    }
}

/// Steps without a look at what is kept: the modelled engine does not show it.
fn run(trial: &mut Trial, line: &mut Modelled, steps: usize) -> Result<(), String> {
    for _ in 0..steps {
        if (trial.calls.steps() + 1).is_multiple_of(LOOKED_AT) {
            trial.calls.next(&trial.models[0]);
        }
        trial.step(line)?;
    }
    Ok(())
}

#[test]
fn a_modelled_engine_says_what_the_model_says() {
    let mut trial = Trial::new("trial", 1).unwrap();
    let mut line = Modelled::new(|frame| frame);
    run(&mut trial, &mut line, 5000).unwrap();
    // Everything happened, or nothing was compared.
    for what in [
        "Create ok",
        "Delete ok",
        "Delete wrong-key",
        "Create unknown-room",
        "Describe ok",
        "Join ok",
        "Join name-taken",
        "Leave ok",
        "Leave not-entered",
        "Publish ok",
        "Publish known",
        "Publish name-taken",
        "Publish not-entered",
        "Read ok",
        "Names ok",
        "Declare ok",
        "Audit ok",
        "Sweep ok",
        "push Message",
        "push Joined",
        "push Left",
        "push Moved",
        "push Epoch",
        "push Closed",
        "scripts loaded",
    ] {
        assert!(
            trial.counts.contains_key(what),
            "{what}:\n{}",
            trial.report()
        );
    }
}

#[test]
fn an_engine_that_answers_something_else_is_found_out() {
    let mut trial = Trial::new("trial", 1).unwrap();
    let mut line = Modelled::new(|frame| match frame {
        // Who is in, and how many, one too many.
        OwnedFrame::Array(mut items) => {
            for item in &mut items {
                if let OwnedFrame::Integer(number) = item
                    && *number > 1
                {
                    *number += 1;
                }
            }
            OwnedFrame::Array(items)
        }
        other => other,
    });
    let problem = run(&mut trial, &mut line, 2000).unwrap_err();
    assert!(problem.starts_with("they differ after "), "{problem}");
}

#[test]
fn an_engine_that_is_silent_about_a_message_is_found_out() {
    let mut trial = Trial::new("trial", 1).unwrap();
    let mut line = Modelled::new(|frame| frame);
    line.is_deaf = true;
    let problem = run(&mut trial, &mut line, 2000).unwrap_err();
    assert!(problem.starts_with("they differ after "), "{problem}");
}
