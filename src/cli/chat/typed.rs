//! What a line means that somebody typed: a message, a word for this command, or nothing.

/// The meaning of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// A message for the server.
    Message(String),
    /// `exit` or `/quit`.
    Leave,
    /// `/help`.
    Help,
    /// Another word behind `/`, with the slash.
    Unknown(String),
    /// An empty line of a person.
    Nothing,
}

/// What `/help` answers.
pub(super) const HELP: [&str; 6] = [
    "Each line that you type is a message.",
    "  exit, /quit, Ctrl-D  leave",
    "  Ctrl-C               clear the line; when empty, leave",
    "  up, down, Ctrl-R     earlier lines; search in them",
    "  //text               send a line that begins with /",
    "  /help                this",
];

/// Reads a line of a person at a terminal.
pub(super) fn by_a_person(line: String) -> Typed {
    let word = line.trim();
    if word.is_empty() {
        return Typed::Nothing;
    }
    if word == "exit" {
        return Typed::Leave;
    }
    let Some(command) = line.strip_prefix('/') else {
        return Typed::Message(line);
    };
    match command.trim_end() {
        "quit" | "exit" => Typed::Leave,
        "help" | "?" => Typed::Help,
        rest if rest.starts_with('/') => Typed::Message(command.to_owned()),
        _ => {
            let word = line.split_whitespace().next().unwrap_or("/");
            Typed::Unknown(word.to_owned())
        }
    }
}

/// Reads a line of a pipe or a file: nothing is lost of it, `exit` alone leaves.
pub(super) fn by_a_script(line: String) -> Typed {
    match line.as_str() {
        "exit" => Typed::Leave,
        _ => Typed::Message(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Typed {
        Typed::Message(text.to_owned())
    }

    #[test]
    fn a_person_has_commands_and_a_way_to_send_what_looks_like_one() {
        for (line, wanted) in [
            ("hello", message("hello")),
            (" indented ", message(" indented ")),
            ("exit", Typed::Leave),
            ("exit now", message("exit now")),
            ("/quit", Typed::Leave),
            ("/quit ", Typed::Leave),
            ("/help", Typed::Help),
            ("//help", message("/help")),
            ("/", Typed::Unknown("/".to_owned())),
            ("/nick me", Typed::Unknown("/nick".to_owned())),
            ("", Typed::Nothing),
            ("  ", Typed::Nothing),
        ] {
            assert_eq!(by_a_person(line.to_owned()), wanted, "{line:?}");
        }
    }

    #[test]
    fn a_script_sends_everything_but_exit() {
        for line in ["", "  ", "/help", "/etc/passwd", "//", "exit "] {
            assert_eq!(by_a_script(line.to_owned()), message(line));
        }
        assert_eq!(by_a_script("exit".to_owned()), Typed::Leave);
    }
}
