//! The shape of a listen address, checked before anything is bound so that a
//! slip of the pen gets a better answer than an error of the system.

use std::collections::HashSet;

/// What is wrong with the addresses of a server: a key, and a sentence.
pub(super) fn problem(listen: &[String], admin: Option<&str>) -> Option<(&'static str, String)> {
    if listen.is_empty() {
        let problem = "there is no address to listen on\n\
            wanted: one or more, such as 127.0.0.1:8080, or no `listen` at all, which is that";
        return Some(("listen", problem.to_owned()));
    }
    for address in listen {
        if let Err(problem) = check_address(address) {
            return Some(("listen", problem));
        }
    }
    // The system chooses another port each time that 0 is asked for.
    let fixed = |address: &&String| !address.ends_with(":0");
    if let Some(address) = repeated(listen.iter().filter(fixed)) {
        let problem = format!("the listen address {address:?} is named twice\nwanted: each once");
        return Some(("listen", problem));
    }
    let admin = admin?;
    if let Err(problem) = check_address(admin) {
        return Some(("admin", problem));
    }
    let is_same = |address: &&String| *address == admin;
    listen.iter().filter(fixed).find(is_same)?;
    let problem = format!(
        "the address {admin:?} is one of listen, too\n\
         wanted: for operators an address of its own, such as 127.0.0.1:9090"
    );
    Some(("admin", problem))
}

/// The first text that stands there before.
pub(super) fn repeated<'t>(texts: impl IntoIterator<Item = &'t String>) -> Option<&'t String> {
    let mut seen = HashSet::new();
    texts.into_iter().find(|text| !seen.insert(*text))
}

/// Takes `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`.
///
/// # Errors
/// What is wrong with the address, what was wanted and an example.
pub(super) fn check_address(address: &str) -> Result<(), String> {
    if let Some(path) = address.strip_prefix("unix:") {
        return if path.is_empty() {
            Err(wanted(address, "has no path"))
        } else {
            Ok(())
        };
    }
    if address.is_empty() {
        return Err(wanted(address, "is empty"));
    }
    if address.contains(',') {
        return Err(wanted(
            address,
            "has a comma: in a list each address is a text of its own",
        ));
    }
    if address.contains("://") {
        return Err(wanted(address, "is a URL"));
    }
    if address.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wanted(address, "has no host"));
    }
    let Some((host, port)) = address.rsplit_once(':') else {
        return Err(wanted(address, "has no port"));
    };
    if host.is_empty() {
        return Err(wanted(address, "has no host"));
    }
    let bracketed = host.starts_with('[') && host.ends_with(']');
    if host.contains(':') && !bracketed {
        return Err(wanted(
            address,
            "is an IPv6 address without brackets or without a port",
        ));
    }
    match port.parse::<u16>() {
        Ok(_) => Ok(()),
        Err(_) => Err(wanted(
            address,
            "has a port that is not a number of 0 to 65535",
        )),
    }
}

/// Takes the octal permission bits of a file, `000` to `777`.
///
/// # Errors
/// What was given, what was wanted and an example.
pub(super) fn socket_mode(text: &str) -> Result<u32, String> {
    let is_octal = text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    let mode = u32::from_str_radix(text, 8).ok();
    mode.filter(|mode| is_octal && *mode <= 0o777)
        .ok_or_else(|| {
            format!(
                "the mode {text:?} of Unix sockets is no octal number of 000 to 777\n\
                 wanted: for example 660 (owner and group may connect) or 600 (the owner alone)"
            )
        })
}

fn wanted(address: &str, problem: &str) -> String {
    let port = match address.trim_start_matches(':') {
        digits if digits.parse::<u16>().is_ok() => digits,
        _ => "8080",
    };
    format!(
        "the listen address {address:?} {problem}\n\
         wanted: HOST:PORT, [IPV6]:PORT or unix:PATH, for example 127.0.0.1:{port} \
         (this machine only) or 0.0.0.0:{port} (every network)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_a_port_and_paths_are_taken() {
        for address in [
            "127.0.0.1:8080",
            "0.0.0.0:0",
            "localhost:80",
            "[::1]:65535",
            "unix:/run/dunlin.sock",
            "unix:dunlin.sock",
        ] {
            assert_eq!(check_address(address), Ok(()), "{address}");
        }
    }

    #[test]
    fn an_error_names_the_problem_and_mends_it() {
        for (address, problem) in [
            ("", "is empty"),
            ("8080", "has no host"),
            (":8080", "has no host"),
            ("127.0.0.1", "has no port"),
            ("127.0.0.1:", "has a port that is not a number"),
            ("127.0.0.1:http", "has a port that is not a number"),
            ("127.0.0.1:65536", "has a port that is not a number"),
            ("::1:8080", "without brackets"),
            ("http://127.0.0.1:8080", "is a URL"),
            ("unix:", "has no path"),
            ("127.0.0.1:1,127.0.0.1:2", "has a comma"),
        ] {
            let error = check_address(address).unwrap_err();
            assert!(error.contains(problem), "{address:?}: {error}");
            assert!(
                error.contains(&format!("{address:?}")),
                "{address:?}: {error}"
            );
        }
    }

    #[test]
    fn a_mode_is_octal_and_has_permission_bits_only() {
        for (text, mode) in [("660", 0o660), ("0600", 0o600), ("0", 0), ("777", 0o777)] {
            assert_eq!(socket_mode(text), Ok(mode), "{text}");
        }
        for text in [
            "",
            "668",
            "1777",
            "rw",
            "-1",
            "+660",
            "0o660",
            "77777777777777",
        ] {
            let error = socket_mode(text).unwrap_err();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn a_lone_port_comes_back_as_a_whole_address() {
        for address in ["9000", ":9000"] {
            let error = check_address(address).unwrap_err();
            assert!(error.contains("127.0.0.1:9000"), "{error}");
        }
    }
}
