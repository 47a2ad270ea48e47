//! Which files become a data plane, and which are refused and stay as they were.

use std::path::Path;
use std::sync::Arc;

use io_sqlite::data_plane::{APPLICATION_ID, OpenError, Options, SqliteDataPlane, Synchronous};
use io_sqlite::run_store;
use serde_json::json;
use storacle_client::table::ColumnType::String;
use storacle_client::{CallMeta, SqlQuery, StoracleClient};
use testkit::FixedClock;

use crate::support::{Fixture, collect, things};

fn options() -> Options {
    Options::new(Arc::new(FixedClock::default()))
}

fn made_by(path: &Path, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_file_that_is_no_data_plane_is_refused_and_stays_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let run_store = run_store::APPLICATION_ID;
    for (at, (sql, says)) in [
        (
            format!("PRAGMA application_id = {run_store}; CREATE TABLE runs (a)"),
            "is a run store, not a data plane",
        ),
        (
            "PRAGMA application_id = 7; CREATE TABLE t (a)".to_owned(),
            "another program (its application_id is 0x00000007)",
        ),
        ("PRAGMA user_version = 3; CREATE TABLE t (a)".to_owned(), "another program (its user_version is 3)"),
        (
            format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 99; CREATE TABLE t (a)"),
            "has version 99; this lorchestra knows versions up to 1",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let path = dir.path().join(format!("{at}.db"));
        made_by(&path, &sql);
        let before = std::fs::read(&path).unwrap();
        let error = SqliteDataPlane::open(&path, options()).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
    let text = dir.path().join("text.db");
    std::fs::write(
        &text,
        "a text that is long enough to be looked at as the header of a database file, not short",
    )
    .unwrap();
    assert!(matches!(SqliteDataPlane::open(&text, options()), Err(OpenError::NotADatabase { .. })));
    assert!(matches!(SqliteDataPlane::open(dir.path(), options()), Err(OpenError::CannotOpen { .. })));
    assert!(matches!(
        SqliteDataPlane::open(text.join("below"), options()),
        Err(OpenError::CannotOpen { .. })
    ));
}

#[tokio::test]
async fn a_nameless_database_becomes_a_data_plane_with_its_tables() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old.db");
    made_by(
        &path,
        "CREATE TABLE \"app.users\" (id INTEGER, name TEXT); INSERT INTO \"app.users\" VALUES (1, 'a')",
    );
    let plane = SqliteDataPlane::open(&path, options()).unwrap();
    let query = SqlQuery { sql: "SELECT * FROM app.users".into(), params: Default::default() };
    let rows = collect(plane.query_sql(&CallMeta::default(), &query).await.unwrap()).await.unwrap();
    assert_eq!(rows, [json!({"id": 1, "name": "a"})]);
    drop(plane);
    SqliteDataPlane::open(&path, Options { synchronous: Synchronous::Normal, ..options() }).unwrap();
}

#[test]
fn the_folder_is_made_and_the_file_says_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/data.db");
    let plane = SqliteDataPlane::open(&path, options()).unwrap();
    assert_eq!(plane.path(), path);
    let other = rusqlite::Connection::open(&path).unwrap();
    let pragma = |name: &str| -> std::string::String {
        other
            .query_row(&format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"), [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(pragma("application_id"), APPLICATION_ID.to_string());
    assert_eq!(pragma("user_version"), "1");
    assert_eq!(pragma("journal_mode"), "wal");
}

#[test]
fn a_declaration_that_is_no_table_is_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data.db");
    let declared = vec![things(&[("1st", String)])];
    let error = SqliteDataPlane::open(&path, Options { declared, ..options() }).unwrap_err();
    assert!(error.to_string().contains("'1st' is no column name"), "{error}");
    assert!(!path.exists());
}

#[test]
fn a_file_that_another_process_holds_is_locked() {
    let fixture = Fixture::new();
    let other = fixture.sqlite();
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap_err();
    drop(other);

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("held.db");
    let holder = rusqlite::Connection::open(&path).unwrap();
    holder.execute_batch("CREATE TABLE t (a); BEGIN EXCLUSIVE").unwrap();
    let impatient = Options { busy_timeout: std::time::Duration::ZERO, ..options() };
    let error = SqliteDataPlane::open(&path, impatient).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
}
