//! Stores that cannot be used: a clear error, exit code 7, and what is there stays as it was.

use std::fs;
use std::path::Path;

use end_to_end::{Answer, JOBS, Sandbox};

/// Where SQLite keeps `user_version` in a file's header, big-endian.
const USER_VERSION: std::ops::Range<usize> = 60..64;

#[test]
fn run_store_and_data_plane_in_one_file_are_refused() {
    let sandbox = Sandbox::example();
    sandbox.edit("lorchestra.yaml", "sqlite: .lorchestra/runs.db", "sqlite: data/../data/warehouse.db");
    for _ in 0..2 {
        let told = sandbox.run(&["run", JOBS[1]]).with_code(7).stderr;
        assert!(told.contains("run store and data plane are one file"), "{told}");
        assert!(told.contains("help: "), "{told}");
    }
}

#[test]
fn one_file_under_two_names_is_refused() {
    let sandbox = Sandbox::finished();
    fs::remove_file(sandbox.run_store()).expect("a run store");
    fs::hard_link(sandbox.data_plane(), sandbox.run_store()).expect("a link");
    let told = sandbox.run(&["runs", "list"]).with_code(7).stderr;
    assert!(told.contains("run store and data plane are one file"), "{told}");
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_not_touched() {
    for of in [Sandbox::run_store, Sandbox::data_plane] {
        let sandbox = Sandbox::finished();
        let path = of(&sandbox);
        assert!(!has_unmerged_log(&path), "the last process leaves a whole file");
        let mut bytes = fs::read(&path).expect("a store");
        bytes[USER_VERSION].copy_from_slice(&900_u32.to_be_bytes());
        fs::write(&path, &bytes).expect("a writable store");
        for args in [vec!["run", JOBS[0]], vec!["query", "{dataset: raw, table: raw_objects, limit: 1}"]] {
            let told = sandbox.run(&args).with_code(7).stderr;
            for said in ["900", "newer"] {
                assert!(told.contains(said), "{args:?}: no '{said}' in\n{told}");
            }
        }
        assert!(fs::read(&path).expect("a store") == bytes, "{} was touched", path.display());
    }
}

#[test]
fn a_file_that_is_no_store_is_refused_and_not_touched() {
    for of in [Sandbox::run_store, Sandbox::data_plane] {
        let sandbox = Sandbox::example();
        let path = of(&sandbox);
        let text = "a diary, and no database\n".repeat(400);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, &text).expect("a file");
        let told = sandbox.run(&["load"]).with_code(7).stderr;
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(told.contains(&name), "{told}");
        assert_eq!(fs::read_to_string(&path).expect("a file"), text);
    }
}

#[test]
fn a_folder_in_the_place_of_a_store_is_refused() {
    for of in [Sandbox::run_store, Sandbox::data_plane] {
        let sandbox = Sandbox::example();
        fs::create_dir_all(of(&sandbox)).expect("a folder");
        let told = sandbox.run(&["load"]).with_code(7).stderr;
        assert!(told.contains(&*of(&sandbox).file_name().expect("a name").to_string_lossy()), "{told}");
    }
}

#[test]
fn a_write_that_finds_no_room_fails_readably_and_loses_nothing() {
    let sandbox = Sandbox::example();
    let before = sandbox.table("raw.raw_objects");
    // no file may grow beyond 512 KiB: the deliveries need more
    let script = "trap '' XFSZ; ulimit -f 1024; exec \"$0\" load";
    let binary = end_to_end::binary().to_str().expect("a path that is text");
    let full = Answer::from(&mut sandbox.command_of("sh", &["-c", script, binary])).with_code(7);
    assert!(full.stderr.starts_with("error: "), "{}", full.stderr);
    assert_eq!(sandbox.table("raw.raw_objects"), before);
    let load = sandbox.run(&["load"]).with_code(0);
    assert!(load.stdout.contains("329 inserted"), "{}", load.stdout);
}

#[test]
fn a_profile_that_does_not_exist_is_told_with_those_that_do() {
    let sandbox = Sandbox::example();
    let told = sandbox.run(&["--profile", "prod", "load"]).with_code(7).stderr;
    assert!(told.contains("Unknown profile: 'prod'. Available: [dev]"), "{told}");
    assert!(!sandbox.has_stores());
}

fn has_unmerged_log(path: &Path) -> bool {
    let log = format!("{}-wal", path.display());
    fs::metadata(log).is_ok_and(|log| log.len() > 0)
}
