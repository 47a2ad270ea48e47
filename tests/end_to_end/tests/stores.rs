//! Stores that cannot be used: a clear error, exit code 7, and what is there stays as it was.

use std::fs;
use std::path::PathBuf;

use end_to_end::{Answer, JOBS, Sandbox};

/// Where a store's file is.
type FileOf = fn(&Sandbox) -> PathBuf;

/// The `application_id` of a run store and of a data plane.
const RUN_STORE: &[u8; 4] = b"LORC";
const DATA_PLANE: &[u8; 4] = b"LORD";

#[test]
fn run_store_and_data_plane_in_one_file_are_refused() {
    let sandbox = Sandbox::example();
    sandbox.edit("lorchestra.yaml", "sqlite: .lorchestra/runs.db", "sqlite: data/warehouse.db");
    let told = sandbox.run(&["run", JOBS[1]]).with_code(7).stderr;
    assert!(told.contains("run store and data plane are one file"), "{told}");
    assert!(told.contains("help: "), "{told}");
    assert!(!sandbox.data_plane().exists(), "a store was made");
}

#[test]
fn one_file_spelt_in_two_ways_is_refused_before_it_is_made() {
    let sandbox = Sandbox::example();
    sandbox.edit("lorchestra.yaml", "sqlite: .lorchestra/runs.db", "sqlite: data/../data/warehouse.db");
    let told = sandbox.run(&["run", JOBS[1]]).with_code(7).stderr;
    assert!(told.contains("run store and data plane are one file"), "{told}");
    assert!(!sandbox.data_plane().exists(), "a store was made");
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
    let stores: [(FileOf, &[u8; 4]); 2] =
        [(Sandbox::run_store, RUN_STORE), (Sandbox::data_plane, DATA_PLANE)];
    for (of, application_id) in stores {
        let sandbox = Sandbox::example();
        let path = of(&sandbox);
        let bytes = sqlite_file(application_id, 900);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, &bytes).expect("a file");
        for args in [vec!["run", JOBS[0]], vec!["query", "{dataset: raw, table: raw_objects, limit: 1}"]] {
            let told = sandbox.run(&args).with_code(7).stderr;
            for said in ["900", "knows versions up to"] {
                assert!(told.contains(said), "{args:?}: no '{said}' in\n{told}");
            }
        }
        assert!(fs::read(&path).expect("a file") == bytes, "{} was touched", path.display());
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

/// A SQLite database without tables (https://www.sqlite.org/fileformat2.html, §1.3 and §1.6).
fn sqlite_file(application_id: &[u8; 4], user_version: u32) -> Vec<u8> {
    const PAGE: u16 = 4096;
    let mut page = vec![0; usize::from(PAGE)];
    let mut put = |at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"SQLite format 3\0");
    put(16, &PAGE.to_be_bytes());
    // rollback journal; fractions of a page that SQLite fixes
    put(18, &[1, 1, 0, 64, 32, 32]);
    // change counter, and the version of the file that the page count is valid for
    put(24, &1_u32.to_be_bytes());
    put(92, &1_u32.to_be_bytes());
    // pages, schema format, UTF-8
    put(28, &1_u32.to_be_bytes());
    put(44, &4_u32.to_be_bytes());
    put(56, &1_u32.to_be_bytes());
    put(60, &user_version.to_be_bytes());
    put(68, application_id);
    // an empty leaf: no cells, content begins at the end of the page
    put(100, &[0x0d]);
    put(105, &PAGE.to_be_bytes());
    page
}
