//! The flags of `dunlin chat`, read and checked before anything is connected.

use super::super::exit::CommandFailure;
use super::super::lookup::room_paths;
use super::super::trust;
use super::super::values::{duration, field};
use clap::builder::NonEmptyStringValueParser;
#[cfg(feature = "tls")]
use dunlin::client::Trust;
use dunlin::client::{Handshake, Options, Url};
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  dunlin chat                                    the room of a server on this machine
  dunlin chat ws://example.org/socket -H 'Authorization: Bearer TOKEN'
  dunlin chat wss://localhost:8443/chat --ca ca.pem   a server with a certificate of your own
  dunlin chat --room lobby --name Ann            a room with history, made if there is none
  echo hello | dunlin chat ws://127.0.0.1:8080/you-said
  dunlin chat --json --wait 5s < lines.txt       for scripts

At a terminal: /help tells the keys and commands; exit, Ctrl-D, or Ctrl-C on an empty line leaves. \
Otherwise every line of standard input is a message (`exit` alone leaves). The end of the input \
leaves when the server has read all of it; what it answered until then is printed. \
Messages go to standard output, everything else to standard error.

A lost connection is made again after up to 0.5 to 20 s. Lines typed meanwhile wait, at most 1000 \
and 1 MiB, and go out once. Exit codes: 0; 1 when there was no connection or a line may not have \
arrived; 2 wrong usage.";

/// The arguments of `chat`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Where to connect [default: ws://127.0.0.1:8080/chat, with --room ws://127.0.0.1:8080/ws/chat]
    url: Option<String>,

    /// Join a room of `dunlin serve` by its name or id; a name that is new makes a room
    #[arg(long, value_name = "NAME-OR-ID")]
    room: Option<String>,

    /// Your name in the room [default: guest- and four digits]
    #[arg(long, value_parser = NonEmptyStringValueParser::new(), requires = "room")]
    name: Option<String>,

    /// How many earlier messages of the room to show, at most 100
    #[arg(long, value_name = "N", requires = "room", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=100))]
    last: u32,

    /// Add a field to the request, such as 'Authorization: Bearer TOKEN' (repeatable)
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    header: Vec<String>,

    /// Offer a subprotocol, the favourite first (repeatable)
    #[arg(
        short,
        long,
        value_name = "NAME",
        alias = "protocol",
        conflicts_with = "room"
    )]
    subprotocol: Vec<String>,

    /// Send this Origin, as a browser's page would
    #[arg(short, long, value_name = "ORIGIN")]
    origin: Option<String>,

    #[command(flatten)]
    trust: trust::Arguments,

    /// Do not offer compression (permessage-deflate)
    #[arg(long)]
    no_deflate: bool,

    /// End when the connection is lost
    #[arg(long)]
    no_reconnect: bool,

    /// Print one JSON object a line: message, state, sent, presence, missing, error, closed
    #[arg(long)]
    json: bool,

    /// When the input has ended and all is sent, wait so long for answers, such as 500ms or 5s
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0s")]
    wait: Duration,
}

/// The flags, checked.
pub(super) struct Plan {
    pub(super) url: Url,
    /// Whom to believe behind `wss://`.
    #[cfg(feature = "tls")]
    pub(super) trust: Trust,
    pub(super) room: Option<RoomPlan>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) protocols: Vec<String>,
    pub(super) deflate: bool,
    pub(super) reconnects: bool,
    pub(super) json: bool,
    pub(super) wait: Duration,
}

/// Which room to join.
pub(super) struct RoomPlan {
    pub(super) wanted: String,
    pub(super) name: Option<String>,
    pub(super) last: u32,
    /// The path of the list of rooms.
    pub(super) path: String,
}

impl Arguments {
    /// Checks every value.
    pub(super) fn check(self) -> Result<Plan, CommandFailure> {
        let usage = |error: dunlin::Error| CommandFailure::usage(format!("{error:#}"));
        let default = match self.room {
            Some(_) => "ws://127.0.0.1:8080/ws/chat",
            None => "ws://127.0.0.1:8080/chat",
        };
        let text = self.url.as_deref().unwrap_or(default);
        let mut url = Url::parse(text).map_err(usage)?;
        self.trust
            .check(url.is_secure())
            .map_err(CommandFailure::usage)?;
        #[cfg(not(feature = "tls"))]
        if url.is_secure() {
            // The library says what else to do.
            dunlin::client::call(text).map_err(usage)?;
        }
        #[cfg(feature = "tls")]
        let trust = if url.is_secure() {
            self.trust.trust().map_err(CommandFailure::usage)?
        } else {
            Trust::system()
        };
        let mut headers = Vec::new();
        for header in &self.header {
            headers.push(field(header).map_err(CommandFailure::usage)?);
        }
        headers.extend(self.origin.map(|origin| ("Origin".to_owned(), origin)));
        let mut protocols = self.subprotocol;
        let room = match self.room {
            None => None,
            Some(wanted) => {
                let path;
                (url, path) = room_paths(&url).map_err(CommandFailure::usage)?;
                protocols = vec![super::room::PROTOCOL.to_owned()];
                Some(RoomPlan {
                    wanted,
                    name: self.name,
                    last: self.last,
                    path,
                })
            }
        };
        let options = Options::new();
        let options = headers.iter().fold(options, |options, (name, value)| {
            options.header(name, value)
        });
        let options = protocols.iter().fold(options, Options::protocol);
        // What cannot stand in a request is an error now, not at the first attempt.
        Handshake::new(&url, &options, [0; 16], &mut Vec::new()).map_err(usage)?;
        Ok(Plan {
            url,
            #[cfg(feature = "tls")]
            trust,
            room,
            headers,
            protocols,
            deflate: !self.no_deflate,
            reconnects: !self.no_reconnect,
            json: self.json,
            wait: self.wait,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        chat: Arguments,
    }

    fn plan(arguments: &[&str]) -> Result<Plan, String> {
        let line = Line::try_parse_from([&["chat"], arguments].concat());
        let line = line.map_err(|error| error.to_string())?;
        line.chat.check().map_err(|failure| failure.text())
    }

    fn urls(arguments: &[&str]) -> (String, String) {
        let plan = plan(arguments).expect("a good line");
        let path = plan.room.map(|room| room.path).unwrap_or_default();
        (plan.url.to_string(), path)
    }

    #[test]
    fn the_url_may_be_left_out_and_a_room_is_found_beside_it() {
        for (arguments, url, path) in [
            (&[][..], "ws://127.0.0.1:8080/chat", ""),
            (&["ws://a/b"], "ws://a/b", ""),
            (&["--room", "r"], "ws://127.0.0.1:8080/ws/chat", "/chat"),
            (&["ws://a", "--room", "r"], "ws://a/ws/chat", "/chat"),
            (
                &["ws://a:9/x/ws/chat?t=1", "--room", "r"],
                "ws://a:9/x/ws/chat?t=1",
                "/x/chat",
            ),
        ] {
            let wanted = (url.to_owned(), path.to_owned());
            assert_eq!(urls(arguments), wanted, "{arguments:?}");
        }
    }

    #[test]
    fn headers_origin_and_subprotocols_are_asked_for_in_order() {
        let plan = plan(&[
            "-H",
            "A: b:c",
            "-s",
            "x",
            "--protocol",
            "y",
            "-o",
            "http://o",
        ]);
        let plan = plan.expect("a good line");
        let headers: Vec<_> = plan
            .headers
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(headers, [("A", "b:c"), ("Origin", "http://o")]);
        assert_eq!(plan.protocols, ["x", "y"]);
    }

    #[test]
    fn what_cannot_be_asked_for_is_a_usage_error() {
        for (arguments, part) in [
            (&["127.0.0.1:8080"][..], "no scheme"),
            (&["wss://a/", "--ca", "/dev/null/no"], "/dev/null/no"),
            (
                &["wss://a/", "--ca", "/dev/null/no", "--insecure"],
                "cannot be used with",
            ),
            (&["ws://a/", "--ca", "c.pem"], "wss://"),
            (&["-H", "Origin"], "NAME: VALUE"),
            (&["-H", "Host: b"], "does not set itself"),
            (&["-H", "A: b\r\nC: d"], "A"),
            (&["-s", "a b"], "token"),
            (&["--name", "a"], "--room"),
            (&["ws://a/chat", "--room", "r"], "ws://a"),
            (&["--room", "r", "-s", "x"], "cannot be used with"),
            (&["--room", "r", "--last", "101"], "100"),
            (&["--room", "r", "--name", ""], "value is required"),
            (&["--wait", "5"], "500ms"),
            (&["--wait", "99999999999999999999s"], "500ms"),
        ] {
            match plan(arguments) {
                Ok(_) => panic!("{arguments:?} passed"),
                Err(text) => assert!(text.contains(part), "{arguments:?}: {text}"),
            }
        }
    }
}
