//! Files that are no run store, that are damaged, or that somebody else holds.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use io_sqlite::run_store::{APPLICATION_ID, OpenOptions, SqliteRunStore, Synchronous};
use lorchestra_core::clock::Clock;
use lorchestra_core::run_store::{
    Append, ClaimRuns, CreateRun, InboxMessage, ListRuns, LoadRun, RunFilter, StoreError,
};
use rusqlite::Connection;
use store_contract::{Outcome, sample};
use tempfile::TempDir;
use testkit::FixedClock;

struct Dir {
    dir: TempDir,
    clock: FixedClock,
}

impl Dir {
    fn new() -> std::io::Result<Self> {
        Ok(Self { dir: tempfile::tempdir()?, clock: FixedClock::default() })
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("runs.db")
    }

    fn open(&self) -> Result<SqliteRunStore, StoreError> {
        let mut options = OpenOptions::new(Arc::new(self.clock.clone()), self.dir.path().join("workers"));
        options.busy_timeout = Duration::from_millis(20);
        SqliteRunStore::open(self.path(), options)
    }

    /// What somebody does to the file who is not the store.
    fn sabotage(&self, sql: &str) -> rusqlite::Result<()> {
        Connection::open(self.path())?.execute_batch(sql)
    }

    /// That the file is refused, and how; it stays as it was.
    fn refusal(&self) -> Result<String, Box<dyn std::error::Error>> {
        let before = std::fs::read(self.path())?;
        let Err(StoreError::Unusable(why)) = self.open() else { return Err("it was not refused".into()) };
        assert_eq!(std::fs::read(self.path())?, before, "{why}");
        assert!(why.contains(&self.path().display().to_string()), "{why}");
        Ok(why.replace(&self.dir.path().display().to_string(), "DIR"))
    }
}

fn pragma(path: &Path, name: &str) -> rusqlite::Result<i64> {
    Connection::open(path)?.pragma_query_value(None, name, |row| row.get(0))
}

#[test]
fn a_new_file_says_what_it_is() -> Outcome {
    let dir = Dir::new()?;
    drop(dir.open()?);
    assert_eq!(pragma(&dir.path(), "application_id")?, i64::from(APPLICATION_ID));
    assert_eq!(pragma(&dir.path(), "user_version")?, 1);
    drop(dir.open()?);
    Ok(())
}

#[test]
fn directories_are_made() -> Outcome {
    let dir = Dir::new()?;
    let mut options = OpenOptions::new(Arc::new(FixedClock::default()), dir.dir.path().join("w"));
    options.synchronous = Synchronous::Normal;
    SqliteRunStore::open(dir.dir.path().join("a/b/runs.db"), options)?;
    Ok(())
}

#[test]
fn a_store_of_a_newer_version_is_refused() -> Outcome {
    let dir = Dir::new()?;
    drop(dir.open()?);
    dir.sabotage("PRAGMA user_version = 99")?;
    assert_eq!(
        dir.refusal()?,
        "run store 'DIR/runs.db' has schema version 99, written by a newer lorchestra; this one knows versions up to 1: \
         use the newer lorchestra, or another store"
    );
    Ok(())
}

#[test]
fn a_database_of_another_program_is_refused() -> Outcome {
    for sql in ["CREATE TABLE theirs (x)", "PRAGMA application_id = 7", "PRAGMA user_version = 3"] {
        let dir = Dir::new()?;
        dir.sabotage(sql)?;
        assert_eq!(
            dir.refusal()?,
            "'DIR/runs.db' is a SQLite database of another program, not a run store; nothing was changed: name another \
             file for the run store",
            "{sql}"
        );
    }
    Ok(())
}

#[test]
fn a_file_that_is_no_database_is_refused() -> Outcome {
    let dir = Dir::new()?;
    std::fs::write(dir.path(), "steps:\n".repeat(1000))?;
    assert_eq!(
        dir.refusal()?,
        "'DIR/runs.db' is not a SQLite database; nothing was changed: name another file for the run store"
    );
    Ok(())
}

#[test]
fn a_directory_in_place_of_the_file_is_refused() -> Outcome {
    let dir = Dir::new()?;
    std::fs::create_dir(dir.path())?;
    let refused = dir.open().map(|_| ());
    assert!(matches!(refused, Err(StoreError::Unusable(_))), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn a_store_that_another_process_holds_is_unavailable_and_unharmed() -> Outcome {
    let dir = Dir::new()?;
    let store = dir.open()?;
    let other = Connection::open(dir.path())?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    let run = sample::run("run-1", dir.clock.now());
    let refused = store.create_run(run.clone()).await;
    assert!(matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("locked")), "{refused:?}");
    assert!(matches!(store.load_run("run-1").await, Err(StoreError::NotFound(_))), "reading goes on");
    other.execute_batch("ROLLBACK")?;
    store.create_run(run).await?;
    Ok(())
}

#[tokio::test]
async fn what_is_damaged_in_one_run_leaves_the_others_alone() -> Outcome {
    // (what is done to run-1, what is said of it, whether it can still be listed)
    for (sabotage, said, listed) in [
        ("UPDATE journal SET body = '{}' WHERE pos = 1 << 24 | 2", "entry 2 of its journal", true),
        ("UPDATE journal SET body = 'x' WHERE pos = 1 << 24 | 1", "entry 1 of its journal", true),
        (
            "UPDATE journal SET body = '{\"type\":\"step_dreamt\",\"v\":9}' WHERE pos = 1 << 24 | 2",
            "entry 2 of its journal: journal entry 'step_dreamt' v9 is not known",
            true,
        ),
        ("DELETE FROM journal WHERE pos = 1 << 24 | 2", "entry 2 of its journal is missing", true),
        ("DELETE FROM journal WHERE pos >> 24 = 1", "its journal is empty", true),
        ("UPDATE instances SET body = '[]' WHERE instance_no = 1", "its instance is damaged", true),
        ("DELETE FROM instances WHERE instance_no = 1", "its instance is damaged", true),
        ("UPDATE inbox SET body = '{\"kind\":\"sing\"}'", "message 1 of its inbox", true),
        ("UPDATE runs SET status = 'lost' WHERE run_no = 1", "the unknown status 'lost'", false),
        ("UPDATE runs SET progress = '{' WHERE run_no = 1", "its row is damaged", false),
        ("UPDATE requests SET body = 'null' WHERE run_no = 1", "its row is damaged", false),
    ] {
        let dir = Dir::new()?;
        let (store, now) = (dir.open()?, dir.clock.now());
        for run_id in ["run-1", "run-2"] {
            let run = sample::run(run_id, now);
            store.create_run(run.clone()).await?;
            store.claim_run(run_id, "worker", 30_000).await?;
            store.append(run_id, 1, 1, sample::start(&run.record, 1, now)).await?;
            store.append(run_id, 1, 2, sample::step(2, now)).await?;
        }
        store.send("run-1", InboxMessage::Pause).await?;
        let healthy = store.load_run("run-2").await?;
        dir.sabotage(sabotage)?;

        let damaged = store.load_run("run-1").await;
        let Err(StoreError::Damaged { run_id, why }) = damaged else {
            return Err(format!("{sabotage}: {damaged:?}").into());
        };
        assert_eq!(run_id, "run-1");
        assert!(why.contains(said), "{sabotage}: {why}");
        assert_eq!(store.load_run("run-2").await?, healthy);
        let page = store.list_runs(&RunFilter { limit: 2, ..RunFilter::default() }).await?;
        let ids: Vec<_> = page.iter().map(|record| record.run_id.as_str()).collect();
        assert_eq!(ids, if listed { vec!["run-2", "run-1"] } else { vec!["run-2"] }, "{sabotage}");

        store.quarantine("run-1", 1, &why).await?;
        store.release("run-2", 1).await?;
        let claims = store.claim("worker", 30_000, 10).await?;
        assert_eq!(claims.into_iter().map(|claim| claim.run_id).collect::<Vec<_>>(), ["run-2"]);
    }
    Ok(())
}

#[tokio::test]
async fn a_linear_run_writes_nothing_but_its_entries() -> Outcome {
    let dir = Dir::new()?;
    let (store, now) = (dir.open()?, dir.clock.now());
    let run = sample::run("run-1", now);
    store.create_run(run.clone()).await?;
    store.claim("worker", 30_000, 1).await?;
    store.append("run-1", 1, 1, sample::start(&run.record, 1, now)).await?;
    // whatever is written to any other table from here on is too much
    dir.sabotage(
        "CREATE TRIGGER row_written BEFORE UPDATE ON runs BEGIN SELECT raise(ABORT, 'row'); END; \
         CREATE TRIGGER request_written BEFORE UPDATE ON requests BEGIN SELECT raise(ABORT, 'request'); END; \
         CREATE TRIGGER ref_written BEFORE INSERT ON artifact_refs BEGIN SELECT raise(ABORT, 'ref'); END;",
    )?;
    for seq in 2..10 {
        store.append("run-1", 1, seq, sample::step(seq, now)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_journal_ends_before_its_positions_do() -> Outcome {
    let dir = Dir::new()?;
    let (store, now) = (dir.open()?, dir.clock.now());
    store.create_run(sample::run("run-1", now)).await?;
    store.create_run(sample::run("run-2", now)).await?;
    store.claim("worker", 30_000, 2).await?;
    let last = (1 << 24) - 1;
    dir.sabotage(&format!("UPDATE journal SET pos = 1 << 24 | {last} WHERE pos >> 24 = 1"))?;
    assert_eq!(store.last_seq("run-1").await?, last);
    for after in [last, u64::MAX] {
        let refused = store.append("run-1", 1, after, sample::step(last, now)).await;
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    }
    assert_eq!(store.last_seq("run-2").await?, 1);
    Ok(())
}
