//! The limits of rooms, as plain data.

use super::bounds::out_of_bounds;
use super::row::{Kind, Row, Value};
use crate::wire::error::Result;
use std::time::Duration;

/// What rooms keep and take; each has a default.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RoomLimits {
    /// Rooms at the same time; past it new ones are refused, 1 to 2²⁴. Default 10 000.
    pub max_rooms: usize,
    /// Rooms that one connection may be in, 1 to 65 536. Default 64.
    pub max_rooms_per_session: usize,
    /// The name of a room, 1 to 1024. Default 128.
    pub max_room_name: usize,
    /// The name of a member, 1 to 1024. Default 64.
    pub max_sender: usize,
    /// The text of a message in a room, 1 to 1 MiB. Default 64 KiB.
    pub max_text: usize,
    /// Messages that a room keeps for who comes later, 0 to 65 536. Default 100.
    pub history_messages: usize,
    /// How long a room keeps a message, 1 s to 30 min. Default 300 s.
    pub history_time: Duration,
    /// Bytes of messages that a room keeps, 0 to 1 GiB. Default 256 KiB.
    pub history_bytes: usize,
    /// Bytes of messages, and of the marks that they were sent under (128 each), that all rooms keep
    /// together. A folder brings back no more over a restart, nor more than 64 MiB where there is no
    /// number. Default `None`: a quarter of what the server
    /// buffers at most ([`Limits::max_buffered`](crate::Limits::max_buffered)), 64 MiB where that has no limit.
    pub history_total: Option<usize>,
    /// Messages that one connection, or one user with a token over all connections, may send to rooms in a
    /// second, 1 to 10 000; past it an error, and
    /// 1008 for who goes on. Default 50; `None`: any number.
    pub message_rate: Option<usize>,
    /// Rooms that one connection or user may enter in a second, 1 to 10 000, with the same end. Default 20;
    /// `None`: any number.
    pub join_rate: Option<usize>,
    /// Hours after which a room is dropped that nobody is in and nobody has spoken in, 1 to 8760. Default
    /// 24; `None`: never.
    pub empty_room_hours: Option<usize>,
}

impl Default for RoomLimits {
    fn default() -> Self {
        Self {
            max_rooms: 10000,
            max_rooms_per_session: 64,
            max_room_name: 128,
            max_sender: 64,
            max_text: 64 << 10,
            history_messages: 100,
            history_time: Duration::from_secs(300),
            history_bytes: 256 << 10,
            history_total: None,
            message_rate: Some(50),
            join_rate: Some(20),
            empty_room_hours: Some(24),
        }
    }
}

/// Every limit of rooms, in the order in which they are checked.
static ROWS: &[Row<RoomLimits>] = &[
    Row {
        name: "max_rooms",
        key: "max_rooms",
        kind: Kind::Number {
            unit: "rooms",
            least: 1,
            most: |_| 1 << 24,
        },
        none: None,
        reloads: false,
        about: "Rooms at the same time; past it new ones are refused",
        get: |all| Value::Number(all.max_rooms),
        set: |all, value| {
            if let Value::Number(number) = value {
                all.max_rooms = number;
            }
        },
    },
    Row {
        name: "max_rooms_per_session",
        key: "max_rooms_per_session",
        kind: Kind::Number {
            unit: "rooms",
            least: 1,
            most: |_| 1 << 16,
        },
        none: None,
        reloads: false,
        about: "Rooms that one connection may be in",
        get: |all| Value::Number(all.max_rooms_per_session),
        set: |all, value| {
            if let Value::Number(number) = value {
                all.max_rooms_per_session = number;
            }
        },
    },
    Row {
        name: "max_room_name",
        key: "max_room_name",
        kind: Kind::Number {
            unit: "bytes",
            least: 1,
            most: |_| 1 << 10,
        },
        none: None,
        reloads: false,
        about: "The name of a room",
        get: |all| Value::Number(all.max_room_name),
        set: |all, value| {
            if let Value::Number(number) = value {
                all.max_room_name = number;
            }
        },
    },
    Row {
        name: "max_sender",
        key: "max_sender",
        kind: Kind::Number {
            unit: "bytes",
            least: 1,
            most: |_| 1 << 10,
        },
        none: None,
        reloads: false,
        about: "The name of a member",
        get: |all| Value::Number(all.max_sender),
        set: |all, value| {
            if let Value::Number(number) = value {
                all.max_sender = number;
            }
        },
    },
    Row {
        name: "max_text",
        key: "max_text",
        kind: Kind::Number {
            unit: "bytes",
            least: 1,
            most: |_| 1 << 20,
        },
        none: None,
        reloads: false,
        about: "The text of a message in a room",
        get: |all| Value::Number(all.max_text),
        set: |all, value| {
            if let Value::Number(number) = value {
                all.max_text = number;
            }
        },
    },
    Row {
        name: "history_messages",
        key: "history_messages",
        kind: Kind::Number {
            unit: "messages",
            least: 0,
            most: |_| 1 << 16,
        },
        none: None,
        reloads: false,
        about: "Messages that a room keeps for who comes later",
        get: |all| Value::Number(all.history_messages),
        set: |all, value| {
            if let Value::Number(number) = value {
                all.history_messages = number;
            }
        },
    },
    Row {
        name: "history_time",
        key: "history_time",
        kind: Kind::Time {
            shortest: Duration::from_secs(1),
        },
        none: None,
        reloads: false,
        about: "How long a room keeps a message",
        get: |all| Value::Time(all.history_time),
        set: |all, value| {
            if let Value::Time(time) = value {
                all.history_time = time;
            }
        },
    },
    Row {
        name: "history_bytes",
        key: "history_bytes",
        kind: Kind::Number {
            unit: "bytes",
            least: 0,
            most: |_| 1 << 30,
        },
        none: None,
        reloads: false,
        about: "Bytes of messages that a room keeps",
        get: |all| Value::Number(all.history_bytes),
        set: |all, value| {
            if let Value::Number(number) = value {
                all.history_bytes = number;
            }
        },
    },
    Row {
        name: "history_total",
        key: "history_total",
        kind: Kind::Number {
            unit: "bytes",
            least: 0,
            most: |_| usize::MAX,
        },
        none: Some("auto"),
        reloads: false,
        about: "Bytes of messages that all rooms keep together (auto: a quarter of max_buffered)",
        get: |all| all.history_total.map_or(Value::None, Value::Number),
        set: |all, value| match value {
            Value::None => all.history_total = None,
            Value::Number(number) => all.history_total = Some(number),
            _ => {}
        },
    },
    Row {
        name: "message_rate",
        key: "message_rate",
        kind: Kind::Number {
            unit: "messages",
            least: 1,
            most: |_| 10_000,
        },
        none: Some("off"),
        reloads: false,
        about: "Messages that a connection, or a user with a token, may send to rooms in a second; past it an error, then 1008",
        get: |all| all.message_rate.map_or(Value::None, Value::Number),
        set: |all, value| match value {
            Value::None => all.message_rate = None,
            Value::Number(number) => all.message_rate = Some(number),
            _ => {}
        },
    },
    Row {
        name: "join_rate",
        key: "join_rate",
        kind: Kind::Number {
            unit: "rooms",
            least: 1,
            most: |_| 10_000,
        },
        none: Some("off"),
        reloads: false,
        about: "Rooms that a connection, or a user with a token, may enter in a second; past it an error, then 1008",
        get: |all| all.join_rate.map_or(Value::None, Value::Number),
        set: |all, value| match value {
            Value::None => all.join_rate = None,
            Value::Number(number) => all.join_rate = Some(number),
            _ => {}
        },
    },
    Row {
        name: "empty_room_hours",
        key: "empty_room_hours",
        kind: Kind::Number {
            unit: "hours",
            least: 1,
            most: |_| 8760,
        },
        none: Some("never"),
        reloads: false,
        about: "Hours after which a room is dropped that nobody is or speaks in",
        get: |all| all.empty_room_hours.map_or(Value::None, Value::Number),
        set: |all, value| match value {
            Value::None => all.empty_room_hours = None,
            Value::Number(number) => all.empty_room_hours = Some(number),
            _ => {}
        },
    },
];

impl RoomLimits {
    /// A row for each limit of rooms.
    pub fn rows() -> &'static [Row<Self>] {
        ROWS
    }

    /// The longest JSON that can hold a text within its limit, each character escaped.
    pub(crate) fn most_json(&self) -> usize {
        6 * self.max_text + (4 << 10)
    }

    /// Checks every limit.
    ///
    /// # Errors
    /// Kind `Config`: the first that is out of its bounds, with both.
    pub fn check(&self) -> Result<()> {
        ROWS.iter().try_for_each(|row| row.check("limit", self))?;
        if self.max_text > self.history_bytes && self.history_messages > 0 {
            let wanted = format!(
                "at least `max_text`, {} bytes, or no history at all with `history_messages` 0",
                self.max_text
            );
            return Err(out_of_bounds(
                "limit",
                "history_bytes",
                self.history_bytes,
                wanted,
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_within_their_bounds() {
        RoomLimits::default().check().expect("good defaults");
    }

    /// Sets one row, and says whether that can be.
    fn is_good(row: &Row<RoomLimits>, value: Value) -> bool {
        let mut limits = RoomLimits {
            history_bytes: 1 << 30,
            ..RoomLimits::default()
        };
        (row.set)(&mut limits, value);
        row.check("limit", &limits).is_ok()
    }

    #[test]
    fn every_limit_is_good_at_both_its_ends_and_refused_past_them() {
        for row in RoomLimits::rows() {
            match row.kind {
                Kind::Number { least, most, .. } => {
                    let most = most(&RoomLimits::default());
                    for (number, wanted) in [
                        (Some(least), true),
                        (Some(most), true),
                        (least.checked_sub(1), false),
                        (most.checked_add(1), false),
                    ] {
                        let Some(number) = number else { continue };
                        assert_eq!(is_good(row, Value::Number(number)), wanted, "{}", row.key);
                    }
                }
                Kind::Time { shortest } => {
                    let longest = Duration::from_secs(30 * 60);
                    let unit = Duration::from_millis(1);
                    for (time, wanted) in [
                        (shortest, true),
                        (longest, true),
                        (shortest - unit, false),
                        (longest + unit, false),
                    ] {
                        assert_eq!(is_good(row, Value::Time(time)), wanted, "{}", row.key);
                    }
                }
                _ => panic!("{} is tested nowhere", row.key),
            }
        }
    }

    #[test]
    fn a_history_that_cannot_hold_a_message_is_an_error_that_names_both() {
        let limits = RoomLimits {
            history_bytes: 1000,
            ..RoomLimits::default()
        };
        let error = limits.check().expect_err("too small").to_string();
        assert!(error.contains("`history_bytes` is 1000"), "{error}");
        assert!(error.contains("65536"), "{error}");
    }
}
