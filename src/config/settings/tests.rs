//! Every setting within its bounds and out of them.

use super::*;

#[test]
fn a_time_out_of_bounds_is_refused_with_field_value_and_limit() {
    type Change = fn(Settings, Duration) -> Settings;
    let changes: [(&str, Change); 4] = [
        ("ping_period", |settings, time| settings.ping_period(time)),
        ("pong_timeout", |settings, time| settings.pong_timeout(time)),
        ("backlog_time", |settings, time| settings.backlog_time(time)),
        ("close_timeout", |settings, time| {
            settings.close_timeout(time)
        }),
    ];
    for (name, change) in changes {
        let (short, long) = (Duration::from_millis(999), Duration::from_millis(1_800_001));
        for time in [Duration::ZERO, short, long, Duration::MAX] {
            let error = change(Settings::default(), time).check().unwrap_err();
            let wanted = format!("setting `{name}` is {time:?}, wanted: 1s to 30 min");
            assert_eq!(error.to_string(), wanted);
        }
        for seconds in [1, 30 * 60] {
            let time = Duration::from_secs(seconds);
            change(Settings::default(), time).check().unwrap();
        }
    }
}

#[test]
fn a_size_out_of_bounds_is_refused_with_field_value_and_limit() {
    type Field = fn(&mut Settings) -> &mut usize;
    let fields: [(&str, Field, usize, usize); 4] = [
        ("max_frame_size", |all| &mut all.max_frame_size, 1, 1 << 30),
        (
            "max_message_size",
            |all| &mut all.max_message_size,
            1,
            1 << 30,
        ),
        ("backlog_limit", |all| &mut all.backlog_limit, 1024, 1 << 30),
        // At most the limit of the backlog.
        ("backlog_mark", |all| &mut all.backlog_mark, 1, 1024),
    ];
    for (name, field, least, most) in fields {
        let checked = |bytes| {
            let mut settings = Settings::default().backlog_limit(1024).backlog_mark(1);
            *field(&mut settings) = bytes;
            settings.check()
        };
        for bytes in [least, most] {
            checked(bytes).unwrap();
        }
        for bytes in [0, least - 1, most + 1] {
            let error = checked(bytes).unwrap_err().to_string();
            let wanted = format!("setting `{name}` is {bytes}, wanted: {least} to {most} bytes");
            assert_eq!(error, wanted);
        }
    }
}

#[test]
fn no_ping_period_is_no_pings() {
    let settings = Settings::default().ping_period(None);
    assert_eq!(settings.ping_period, None);
    settings.check().unwrap();
}

#[test]
fn an_origin_that_no_browser_sends_is_an_error_and_not_a_rule_that_never_holds() {
    let listed = |origin: &str| Settings::default().origins(Origins::List(vec![origin.to_owned()]));
    listed("https://example.org").check().expect("good");
    for origin in ["example.org", "https://example.org/", "null", "same"] {
        let error = listed(origin).check().expect_err(origin).to_string();
        assert!(
            error.contains("`origins`") && error.contains(origin),
            "{error}"
        );
    }
}
