//! Which writes were done: key, digest of the work, answer. A row is written in the transaction of its write, so it
//! is there exactly when the write is. How long rows are kept is not decided here.

use lorchestra_core::clock::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use storacle_client::{CallMeta, StoracleError, UpsertCounts};

use super::error;

/// The answer stored under the call's key; `None` without a key, or when the key is new.
///
/// # Errors
/// `Conflict` when the key stands for other work.
pub(super) fn find(connection: &Connection, meta: &CallMeta) -> Result<Option<UpsertCounts>, StoracleError> {
    let Some(key) = &meta.idempotency_key else { return Ok(None) };
    let read = || {
        connection
            .prepare_cached(
                "SELECT manifest_sha256, response, run_id, at FROM lorchestra_writes WHERE key = ?1",
            )?
            .query_row([key], |row| {
                Ok((
                    row.get::<_, Option<String>>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, String>(2)?,
                    row.get::<_, String>(3)?,
                ))
            })
            .optional()
    };
    let Some((digest, response, run_id, at)) = read().map_err(|error| error::of_read(&error))? else {
        return Ok(None);
    };
    if digest != digest_text(meta) {
        return Err(StoracleError::Conflict {
            message: format!(
                "the idempotency key '{key}' was used for other work, by run '{run_id}' at {at}"
            ),
        });
    }
    let counts: UpsertCounts =
        serde_json::from_str(&response).map_err(|error| StoracleError::WriteFailed {
            message: format!("the stored answer under the idempotency key '{key}' is damaged: {error}"),
            retryable: false,
        })?;
    Ok(Some(UpsertCounts { repeated: true, ..counts }))
}

/// Stores the answer under the call's key, if it has one.
pub(super) fn record(
    connection: &Connection,
    meta: &CallMeta,
    counts: &UpsertCounts,
    at: Timestamp,
) -> Result<(), StoracleError> {
    let Some(key) = &meta.idempotency_key else { return Ok(()) };
    let response = serde_json::to_string(counts).map_err(|error| StoracleError::WriteFailed {
        message: format!("the answer cannot be stored: {error}"),
        retryable: false,
    })?;
    connection
        .execute(
            "INSERT INTO lorchestra_writes (key, manifest_sha256, response, run_id, at) VALUES (?1, ?2, ?3, ?4, ?5)",
            (key, digest_text(meta), response, &meta.run_id, at.to_string()),
        )
        .map_err(|error| error::of_write(&error))?;
    Ok(())
}

fn digest_text(meta: &CallMeta) -> Option<String> {
    meta.manifest_sha256.map(|digest| digest.to_string())
}
