//! A run's row as columns and JSON: what changes stands apart from what never does, so that a change of status does not
//! write the payload again.

use lorchestra_core::artifact::StepOutput;
use lorchestra_core::clock::Timestamp;
use lorchestra_core::handler::RunMode;
use lorchestra_core::run::journal::{Envelope, JournalEntry};
use lorchestra_core::run::record::{RunError, RunRecord, RunStatus};
use lorchestra_core::run_store::StoreError;
use lorchestra_json::Sha256;
use rusqlite::Row;
use serde::{Deserialize, Serialize};

/// A run's journal positions begin at `run_no << SEQ_BITS`.
const SEQ_BITS: u32 = 24;
/// The last entry a journal can hold.
pub(super) const MAX_SEQ: u64 = (1 << SEQ_BITS) - 1;

/// Where entry `seq` of run `run_no` stands.
pub(super) const fn position(run_no: i64, seq: u64) -> i64 {
    run_no << SEQ_BITS | seq.cast_signed()
}

/// Which entry stands at `position`.
pub(super) const fn seq_at(position: i64) -> u64 {
    position.cast_unsigned() & MAX_SEQ
}

/// An entry on its way to the disk.
pub(super) struct StoredEntry {
    pub(super) seq: u64,
    pub(super) at: i64,
    pub(super) body: String,
}

/// Encodes `entries`, which must follow `last` without gaps.
pub(super) fn encode_entries(
    run_id: &str,
    last: u64,
    entries: &[JournalEntry],
) -> Result<Vec<StoredEntry>, StoreError> {
    let mut expected = last;
    let mut encoded = Vec::with_capacity(entries.len());
    for entry in entries {
        expected += 1;
        if entry.seq != expected {
            return Err(invalid(run_id, format!("entry {} stands where {expected} is due", entry.seq)));
        }
        if entry.seq > MAX_SEQ {
            return Err(invalid(run_id, format!("a journal holds at most {MAX_SEQ} entries")));
        }
        encoded.push(StoredEntry { seq: entry.seq, at: entry.at.as_micros(), body: entry.event.encode() });
    }
    Ok(encoded)
}

/// The caller contradicts itself.
pub(super) fn invalid(run_id: &str, why: impl Into<String>) -> StoreError {
    StoreError::Invalid { run_id: run_id.to_owned(), why: why.into() }
}

/// What is stored cannot be read.
pub(super) fn damaged(run_id: &str, why: impl Into<String>) -> StoreError {
    StoreError::Damaged { run_id: run_id.to_owned(), why: why.into() }
}

/// The half of a record that never changes, beside its columns.
#[derive(Serialize)]
struct FixedRef<'a> {
    job_def_sha256: &'a Sha256,
    instance_sha256: &'a Sha256,
    parent_step_id: &'a Option<String>,
    mode: RunMode,
    envelope: &'a Envelope,
}

#[derive(Deserialize)]
struct Fixed {
    job_def_sha256: Sha256,
    instance_sha256: Sha256,
    #[serde(default)]
    parent_step_id: Option<String>,
    mode: RunMode,
    envelope: Envelope,
}

/// The half of a record that changes, beside its columns.
#[derive(Serialize)]
struct ProgressRef<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: &'a Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: &'a Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: &'a Option<u64>,
    rows_read: u64,
    rows_written: u64,
    #[serde(skip_serializing_if = "<[RunError]>::is_empty")]
    errors: &'a [RunError],
    #[serde(skip_serializing_if = "Option::is_none")]
    result: &'a Option<StepOutput>,
}

#[derive(Deserialize)]
struct Progress {
    #[serde(default)]
    started_at: Option<Timestamp>,
    #[serde(default)]
    completed_at: Option<Timestamp>,
    #[serde(default)]
    duration_ms: Option<u64>,
    rows_read: u64,
    rows_written: u64,
    #[serde(default)]
    errors: Vec<RunError>,
    #[serde(default)]
    result: Option<StepOutput>,
}

/// Both halves of a record as JSON; every member is named, so that a new one cannot be forgotten.
fn halves(record: &RunRecord) -> (FixedRef<'_>, ProgressRef<'_>) {
    let RunRecord {
        run_id: _,
        job_def_sha256,
        instance_sha256,
        envelope,
        parent_run_id: _,
        parent_step_id,
        mode,
        status: _,
        created_at: _,
        started_at,
        completed_at,
        duration_ms,
        rows_read,
        rows_written,
        errors,
        result,
        idempotency_key: _,
    } = record;
    (
        FixedRef { job_def_sha256, instance_sha256, parent_step_id, mode: *mode, envelope },
        ProgressRef {
            started_at,
            completed_at,
            duration_ms,
            rows_read: *rows_read,
            rows_written: *rows_written,
            errors,
            result,
        },
    )
}

/// The text of the half that never changes.
pub(super) fn fixed_text(record: &RunRecord) -> Result<String, StoreError> {
    serde_json::to_string(&halves(record).0).map_err(|error| invalid(&record.run_id, error.to_string()))
}

/// The text of the half that changes.
pub(super) fn progress_text(record: &RunRecord) -> Result<String, StoreError> {
    serde_json::to_string(&halves(record).1).map_err(|error| invalid(&record.run_id, error.to_string()))
}

/// What `record` reads, in this order.
pub(super) const RECORD_COLUMNS: &str = "runs.run_id, runs.status, runs.created_at, runs.parent_run_id, \
     runs.idempotency_key, runs.progress, requests.body";

/// The record in a row that begins with `RECORD_COLUMNS`.
pub(super) fn record(run_id: &str, row: &Row<'_>) -> Result<RunRecord, StoreError> {
    let column = |error: rusqlite::Error| damaged(run_id, format!("its row is damaged: {error}"));
    let json = |error: serde_json::Error| damaged(run_id, format!("its row is damaged: {error}"));
    let status = row.get_ref(1).map_err(column)?.as_str().unwrap_or_default();
    let status = RunStatus::parse(status)
        .ok_or_else(|| damaged(run_id, format!("its row has the unknown status '{status}'")))?;
    let progress: Progress = serde_json::from_slice(text(row, 5).map_err(column)?).map_err(json)?;
    let fixed: Fixed = serde_json::from_slice(text(row, 6).map_err(column)?).map_err(json)?;
    Ok(RunRecord {
        run_id: run_id.to_owned(),
        job_def_sha256: fixed.job_def_sha256,
        instance_sha256: fixed.instance_sha256,
        envelope: fixed.envelope,
        parent_run_id: row.get(3).map_err(column)?,
        parent_step_id: fixed.parent_step_id,
        mode: fixed.mode,
        status,
        created_at: Timestamp::from_micros(row.get(2).map_err(column)?),
        started_at: progress.started_at,
        completed_at: progress.completed_at,
        duration_ms: progress.duration_ms,
        rows_read: progress.rows_read,
        rows_written: progress.rows_written,
        errors: progress.errors,
        result: progress.result,
        idempotency_key: row.get(4).map_err(column)?,
    })
}

/// The bytes of a text column, not yet checked to be UTF-8: the JSON parser does that.
pub(super) fn text<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row [u8], rusqlite::Error> {
    let value = row.get_ref(column)?;
    value.as_bytes().map_err(|_| rusqlite::Error::InvalidColumnType(column, "body".into(), value.data_type()))
}
