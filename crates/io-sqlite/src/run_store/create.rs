//! Makes runs exist: submitted ones and children.

use async_trait::async_trait;
use lorchestra_core::run::journal::Event;
use lorchestra_core::run_store::{CreateRun, Created, NewRun, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteRunStore;
use super::fault::Fault;
use super::row::{StoredEntry, encode_entries, fixed_text, invalid, position, progress_text};

/// A run checked and encoded, before it waits for the connection.
pub(super) struct PreparedRun {
    run: NewRun,
    entries: Vec<StoredEntry>,
    fixed: String,
    progress: String,
}

impl PreparedRun {
    /// Checks what can be checked without the database, and encodes.
    pub(super) fn new(run: NewRun) -> Result<Self, StoreError> {
        let run_id = &run.record.run_id;
        if run.record.instance_sha256 != run.instance.instance_sha256 {
            return Err(invalid(run_id, "its record names another instance than the one to store"));
        }
        if !matches!(run.entries.first().map(|entry| &entry.event), Some(Event::RunCreated(_))) {
            return Err(invalid(run_id, "its journal does not begin with run_created"));
        }
        Ok(Self {
            entries: encode_entries(run_id, 0, &run.entries)?,
            fixed: fixed_text(&run.record)?,
            progress: progress_text(&run.record)?,
            run,
        })
    }

    pub(super) fn run_id(&self) -> &str {
        &self.run.record.run_id
    }

    /// Whether both cannot be new in one commit.
    pub(super) fn clashes_with(&self, other: &Self) -> bool {
        let key = &self.run.record.idempotency_key;
        self.run_id() == other.run_id() || (key.is_some() && *key == other.run.record.idempotency_key)
    }

    /// What there is already under its key or id; refuses when that is another request. Writes nothing.
    pub(super) fn find(&self, connection: &Connection) -> Result<Option<String>, Fault> {
        let request = self.run.request_sha256.as_bytes();
        if let Some(key) = &self.run.record.idempotency_key {
            let found: Option<(String, bool)> = connection
                .prepare_cached(
                    "SELECT runs.run_id, requests.request_sha256 = ?2 FROM runs JOIN requests USING (run_no) \
                     WHERE runs.idempotency_key = ?1",
                )?
                .query_row(params![key, request], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            match found {
                Some((run_id, true)) => return Ok(Some(run_id)),
                Some((run_id, false)) => {
                    return Err(StoreError::KeyConflict { key: key.clone(), run_id }.into());
                }
                None => {}
            }
        }
        let found: Option<(Option<String>, bool)> = connection
            .prepare_cached(
                "SELECT runs.idempotency_key, requests.request_sha256 = ?2 FROM runs JOIN requests USING (run_no) \
                 WHERE runs.run_id = ?1",
            )?
            .query_row(params![self.run_id(), request], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match found {
            Some((key, true)) if key == self.run.record.idempotency_key => Ok(Some(self.run_id().to_owned())),
            Some(_) => Err(invalid(self.run_id(), "another run has this id").into()),
            None => Ok(None),
        }
    }

    /// Writes it. The caller knows from `find` that it does not exist.
    pub(super) fn insert(&self, connection: &Connection, now: i64) -> Result<(), Fault> {
        let instance_no = self.insert_instance(connection)?;
        let record = &self.run.record;
        connection
            .prepare_cached(
                "INSERT INTO runs (run_id, job_id, status, created_at, parent_run_id, idempotency_key, wake_at, \
                 progress) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                record.run_id,
                record.envelope.job_id,
                record.status.as_str(),
                record.created_at.as_micros(),
                record.parent_run_id,
                record.idempotency_key,
                now,
                self.progress,
            ])?;
        let run_no = connection.last_insert_rowid();
        connection
            .prepare_cached(
                "INSERT INTO requests (run_no, request_sha256, instance_no, compiled_at, body) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                run_no,
                self.run.request_sha256.as_bytes(),
                instance_no,
                self.run.instance.compiled_at.as_micros(),
                self.fixed,
            ])?;
        insert_entries(connection, run_no, &self.entries)?;
        // resources are kept for all runs of the instance at once
        let own = self
            .run
            .artifacts
            .iter()
            .filter(|digest| !self.run.instance.resources.values().any(|resource| resource == *digest));
        insert_artifact_refs(connection, run_no, own)
    }

    /// Stores the instance unless it is stored. It is encoded only then: most runs share theirs with an earlier one.
    fn insert_instance(&self, connection: &Connection) -> Result<i64, Fault> {
        let instance = &self.run.instance;
        let digest = instance.instance_sha256.as_bytes();
        let stored: Option<i64> = connection
            .prepare_cached("SELECT instance_no FROM instances WHERE sha256 = ?1")?
            .query_row([digest], |row| row.get(0))
            .optional()?;
        if let Some(instance_no) = stored {
            return Ok(instance_no);
        }
        let body = serde_json::to_string(instance)
            .map_err(|error| invalid(self.run_id(), format!("its instance cannot be stored: {error}")))?;
        connection
            .prepare_cached("INSERT INTO instances (sha256, body) VALUES (?1, ?2)")?
            .execute(params![digest, body])?;
        let instance_no = connection.last_insert_rowid();
        let mut insert = connection.prepare_cached(
            "INSERT INTO instance_resources (sha256, instance_no) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )?;
        for resource in instance.resources.values() {
            insert.execute(params![resource.as_bytes(), instance_no])?;
        }
        Ok(instance_no)
    }
}

/// Writes journal entries.
pub(super) fn insert_entries(
    connection: &Connection,
    run_no: i64,
    entries: &[StoredEntry],
) -> Result<(), Fault> {
    let mut insert = connection.prepare_cached("INSERT INTO journal (pos, at, body) VALUES (?1, ?2, ?3)")?;
    for entry in entries {
        insert.execute(params![position(run_no, entry.seq), entry.at, entry.body])?;
    }
    Ok(())
}

/// Notes that the run names `artifacts`.
pub(super) fn insert_artifact_refs<'a>(
    connection: &Connection,
    run_no: i64,
    artifacts: impl Iterator<Item = &'a lorchestra_json::Sha256>,
) -> Result<(), Fault> {
    for digest in artifacts {
        connection
            .prepare_cached(
                "INSERT INTO artifact_refs (sha256, run_no) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute(params![digest.as_bytes(), run_no])?;
    }
    Ok(())
}

#[async_trait]
impl CreateRun for SqliteRunStore {
    async fn create_run(&self, run: NewRun) -> Result<Created, StoreError> {
        let run = PreparedRun::new(run)?;
        let clock = self.clock();
        self.write(move |connection| {
            if let Some(run_id) = run.find(connection)? {
                return Ok(Created::Existing { run_id });
            }
            run.insert(connection, clock.now().as_micros())?;
            Ok(Created::New)
        })
        .await
    }
}
