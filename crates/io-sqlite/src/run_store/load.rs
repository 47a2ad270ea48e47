//! Reads runs. What does not decode is reported as damage of that run, and of no other.

use std::sync::Arc;

use async_trait::async_trait;
use lorchestra_core::clock::Timestamp;
use lorchestra_core::instance::JobInstance;
use lorchestra_core::run::journal::{Event, JournalEntry};
use lorchestra_core::run_store::{InboxRow, LoadRun, StoreError, StoredRun};
use rusqlite::{Connection, OptionalExtension};

use super::SqliteRunStore;
use super::append::run_no_of;
use super::fault::Fault;
use super::row::{self, MAX_SEQ, damaged, position, seq_at};

/// A journal longer than this is read on a thread for blocking work.
const SHORT_JOURNAL: u64 = 1_000;

fn stored_run(connection: &Connection, run_id: &str) -> Result<StoredRun, Fault> {
    let sql = format!(
        "SELECT {}, runs.run_no, requests.compiled_at, instances.body \
         FROM runs JOIN requests USING (run_no) LEFT JOIN instances USING (instance_no) WHERE runs.run_id = ?1",
        row::RECORD_COLUMNS
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query([run_id])?;
    let Some(found) = rows.next()? else {
        return Err(StoreError::NotFound(run_id.to_owned()).into());
    };
    let record = row::record(run_id, found)?;
    let run_no = found.get(7)?;
    let instance = row::text(found, 9)
        .map_err(|error| damaged(run_id, format!("its instance is damaged: {error}")))
        .and_then(|body| {
            serde_json::from_slice::<JobInstance>(body)
                .map_err(|error| damaged(run_id, format!("its instance is damaged: {error}")))
        })?;
    // instances are shared by digest, and the time of compilation is not part of it
    let instance = JobInstance { compiled_at: Timestamp::from_micros(found.get(8)?), ..instance };
    Ok(StoredRun {
        record,
        instance,
        entries: entries(connection, run_id, run_no)?,
        inbox: inbox(connection, run_id, run_no)?,
    })
}

fn entries(connection: &Connection, run_id: &str, run_no: i64) -> Result<Vec<JournalEntry>, Fault> {
    let mut select = connection
        .prepare_cached("SELECT pos, at, body FROM journal WHERE pos BETWEEN ?1 AND ?2 ORDER BY pos")?;
    let mut rows = select.query([position(run_no, 0), position(run_no, MAX_SEQ)])?;
    let mut entries = Vec::new();
    let mut expected = 1;
    while let Some(found) = rows.next()? {
        let seq = seq_at(found.get(0)?);
        if seq != expected {
            return Err(damaged(run_id, format!("entry {expected} of its journal is missing")).into());
        }
        expected += 1;
        let at = found.get(1).map(Timestamp::from_micros);
        let at = at.map_err(|error| damaged(run_id, format!("entry {seq} of its journal: {error}")))?;
        let event = row::text(found, 2)
            .map_err(|error| damaged(run_id, format!("entry {seq} of its journal: {error}")))
            .and_then(|body| {
                Event::decode(body).map_err(|error| {
                    damaged(run_id, format!("entry {seq} of its journal: {}", with_source(&error)))
                })
            })?;
        entries.push(JournalEntry { seq, at, event });
    }
    if entries.is_empty() {
        return Err(damaged(run_id, "its journal is empty").into());
    }
    Ok(entries)
}

fn inbox(connection: &Connection, run_id: &str, run_no: i64) -> Result<Vec<InboxRow>, Fault> {
    let mut select = connection.prepare_cached("SELECT id, body FROM inbox WHERE run_no = ?1 ORDER BY id")?;
    let mut rows = select.query([run_no])?;
    let mut messages = Vec::new();
    while let Some(found) = rows.next()? {
        let id = found.get::<_, i64>(0)?.cast_unsigned();
        let message = serde_json::from_slice(row::text(found, 1)?)
            .map_err(|error| damaged(run_id, format!("message {id} of its inbox: {error}")))?;
        messages.push(InboxRow { id, message });
    }
    Ok(messages)
}

fn last_seq(connection: &Connection, run_id: &str) -> Result<u64, Fault> {
    let run_no = run_no_of(connection, run_id)?;
    let last: Option<i64> = connection
        .prepare_cached("SELECT pos FROM journal WHERE pos BETWEEN ?1 AND ?2 ORDER BY pos DESC LIMIT 1")?
        .query_row([position(run_no, 0), position(run_no, MAX_SEQ)], |row| row.get(0))
        .optional()?;
    Ok(last.map_or(0, seq_at))
}

fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[async_trait]
impl LoadRun for SqliteRunStore {
    async fn load_run(&self, run_id: &str) -> Result<StoredRun, StoreError> {
        if self.last_seq(run_id).await? <= SHORT_JOURNAL {
            return self.readers().read(|connection| stored_run(connection, run_id));
        }
        let readers = Arc::clone(self.readers());
        let run_id = run_id.to_owned();
        super::blocking(move || readers.read(|connection| stored_run(connection, &run_id))).await
    }

    async fn inbox(&self, run_id: &str) -> Result<Vec<InboxRow>, StoreError> {
        self.readers().read(|connection| {
            let run_no = run_no_of(connection, run_id)?;
            inbox(connection, run_id, run_no)
        })
    }

    async fn last_seq(&self, run_id: &str) -> Result<u64, StoreError> {
        self.readers().read(|connection| last_seq(connection, run_id))
    }
}
