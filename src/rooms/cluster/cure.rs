//! What an operator can do about what an engine says.

/// Beginnings of errors, or words in them, and what cures them.
const CURES: [(&str, &str); 10] = [
    (
        "NOAUTH",
        "wanted: an address with a password, such as redis://user:password@host:6379",
    ),
    (
        "WRONGPASS",
        "wanted: a user and a password that the engine knows; signs such as @ and / are written %40 and %2F",
    ),
    ("NOPERM", RIGHTS),
    // Within a script, in words of several versions.
    ("The user executing the script can't", RIGHTS),
    ("ACL failure in script", RIGHTS),
    (
        "DB index is out of range",
        "wanted: a number behind the / of the address that is less than `databases` of the engine",
    ),
    (
        "OOM ",
        "wanted: a larger maxmemory of the engine, or shorter histories of rooms",
    ),
    (
        "NOREPLICAS",
        "wanted: a replica of the engine that keeps up, or min-replicas-to-write 0",
    ),
    (
        "unknown command",
        "wanted: an engine that has the command: Redis from 6.2 on, or Valkey, with none renamed",
    ),
    (
        "it does not speak RESP",
        "wanted: the address of Redis or Valkey, beginning with rediss:// where that speaks TLS",
    ),
];

const RIGHTS: &str =
    "wanted: a user of the engine with all rights that the guide lists under \"Several nodes\"";

/// What the engine says, or is said of it, and what can be done about it, where that is known.
pub(super) fn with_cure(problem: &str) -> String {
    match CURES.iter().find(|(words, _)| problem.contains(words)) {
        Some((_, cure)) => format!("{problem} ({cure})"),
        None => problem.to_owned(),
    }
}

/// What `INFO server` tells of an engine on which rooms cannot be.
pub(super) fn unfit(info: &str) -> Option<String> {
    let mode = field(info, "redis_mode").or(field(info, "server_mode"));
    let why = match mode {
        Some("cluster") => {
            "it is a part of a Redis Cluster, and all rooms stand on one engine; \
             wanted: an engine with `cluster-enabled no`"
        }
        Some("sentinel") => {
            "it is a Sentinel, which keeps nothing itself; wanted: the addresses of the engines that it \
             watches, with commas between"
        }
        _ => return too_old(field(info, "redis_version")?),
    };
    Some(why.to_owned())
}

fn too_old(version: &str) -> Option<String> {
    let mut numbers = version.split('.').map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        // Who writes it otherwise may have all that is needed.
        return None;
    };
    let is_old = (major, minor) < (6, 2);
    is_old.then(|| format!("its version is {version}; wanted: Redis from 6.2 on, or Valkey"))
}

/// A field of what `INFO` says.
pub(super) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines().map(str::trim);
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_engine_says_comes_with_its_cure() {
        for (said, part) in [
            ("NOAUTH Authentication required.", "user:password@"),
            ("WRONGPASS invalid username-password pair", "%40"),
            ("NOPERM this user has no permissions", "all rights"),
            (
                "ERR The user executing the script can't run this command or subcommand script: 1",
                "all rights",
            ),
            (
                "ERR ACL failure in script: User dunlin has no permissions to run the 'xadd' command",
                "all rights",
            ),
            ("ERR DB index is out of range", "`databases`"),
            (
                "OOM command not allowed when used memory > 'maxmemory'.",
                "maxmemory of",
            ),
            (
                "NOREPLICAS Not enough good replicas to write.",
                "min-replicas-to-write 0",
            ),
            ("ERR unknown command 'XTRIM'", "6.2"),
            ("it does not speak RESP", "rediss://"),
        ] {
            let told = with_cure(said);
            assert!(told.starts_with(&format!("{said} (wanted: ")), "{told}");
            assert!(told.contains(part), "{told}");
        }
        assert_eq!(
            with_cure("READONLY You can't write"),
            "READONLY You can't write"
        );
    }

    #[test]
    fn an_engine_on_which_rooms_cannot_be_is_told_by_what_it_says_of_itself() {
        for (info, part) in [
            (
                "redis_version:7.0.15\r\nredis_mode:cluster\r\n",
                "cluster-enabled no",
            ),
            (
                "redis_version:7.2.4\r\nserver_mode:cluster\r\n",
                "cluster-enabled no",
            ),
            (
                "redis_version:7.0.15\r\nredis_mode:sentinel\r\n",
                "commas between",
            ),
            (
                "redis_version:6.0.16\r\nredis_mode:standalone\r\n",
                "version is 6.0.16",
            ),
            ("redis_version:5.0.0\r\n", "version is 5.0.0"),
        ] {
            let told = unfit(info).expect(info);
            assert!(told.contains(part) && told.contains("wanted: "), "{told}");
        }
        for info in [
            "redis_version:6.2.0\r\nredis_mode:standalone\r\n",
            "redis_version:7.2.4\r\nserver_name:valkey\r\nserver_mode:standalone\r\n",
            "redis_version:10.0.1\r\n",
            "redis_version:unstable\r\n",
            "run_id:0123456789abcdef\r\n",
            "",
        ] {
            assert_eq!(unfit(info), None, "{info}");
        }
    }
}
