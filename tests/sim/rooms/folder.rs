//! Rooms that are kept in a folder.

use super::*;
use dunlin::config::RoomLimits;
use dunlin::rooms::Rooms;
use std::path::Path;

#[test]
fn a_burst_that_the_disk_cannot_keep_up_with_makes_nobody_hear_anything_twice() {
    let name = format!("burst-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut limits = RoomLimits::default();
    limits.message_rate = None;
    let rooms = Rooms::in_folder(&folder, limits).expect("a good folder");
    let sim = Sim::new(apps::rooms::mount_with(App::new(), &rooms)).expect("a good program");
    let room = create(&sim, "den");
    let kim = v1(&sim);
    let entered = enter(&kim, &room, "kim", "");
    let epoch = entered["epoch"].as_str().expect("an epoch");
    // More than a room may say before the first of it is on disk; then a member comes back that has heard
    // ids alone since it came.
    (0..130).for_each(|_| talk(&kim, &room, "hi", ""));
    sim.drive();
    let since = format!(r#","since":{{"epoch":"{epoch}","id":120}}"#);
    let lee = v1(&sim);
    let entered = enter(&lee, &room, "lee", &since);
    assert_eq!(entered["messages"][0]["id"], 121);
    assert_eq!(
        (&entered["recovered"], &entered["id"]),
        (&true.into(), &130.into())
    );
    drop((kim, lee, sim, rooms));
    std::fs::remove_dir_all(&folder).expect("the folder of the test");
}

#[test]
fn what_is_sent_again_after_a_restart_is_no_second_message() {
    let name = format!("marks-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let start = || {
        let rooms = Rooms::in_folder(&folder, RoomLimits::default()).expect("a good folder");
        Sim::new(apps::rooms::mount_with(App::new(), &rooms)).expect("a good program")
    };
    let client = r#","client":"0123456789abcdef""#;
    let said = |sim: &Sim, room: &str| {
        let kim = v1(sim);
        let entered = enter(&kim, room, "kim", client);
        talk(&kim, room, "hi", r#","ref":"1""#);
        (entered["epoch"].clone(), json(&kim))
    };
    let sim = start();
    let room = create(&sim, "den");
    let first = said(&sim, &room);
    drop(sim);
    let sim = start();
    assert_eq!(said(&sim, &room), first);
    drop(sim);
    std::fs::remove_dir_all(&folder).expect("the folder of the test");
}
