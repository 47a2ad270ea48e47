//! What a step gives: rows stand inline while they are few, else they are streamed into an artifact. At no time are
//! more of them in memory than the inline limit and a batch.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt, TryStreamExt, stream};
use lorchestra_core::artifact::{
    ArtifactAt, ArtifactError, ArtifactKind, Handle, INLINE_LIMIT_BYTES, StepOutput,
};
use lorchestra_core::handler::{StepContext, StepError};
use lorchestra_json::{RowBatch, pointer};
use serde_json::Value;

use crate::errors;
use crate::input::Rows;

/// Room for the rest of an output beside its rows.
const ROWS_INLINE_BYTES: usize = INLINE_LIMIT_BYTES - 8 * 1024;
const SHOWN_FIELDS: usize = 100;

/// Rows, put where they belong.
pub(crate) struct RowsOut {
    value: Value,
    handle: Option<Handle>,
    /// How many.
    pub(crate) count: u64,
}

impl RowsOut {
    /// Puts the rows into `output` as its member `name`.
    pub(crate) fn into_member(self, output: &mut StepOutput, name: &str) {
        if let Some(members) = output.value.as_object_mut() {
            members.insert(name.to_owned(), self.value);
        }
        if let Some(handle) = self.handle {
            output.artifacts.push(ArtifactAt { at: pointer::join("", name), handle });
        }
    }
}

/// Takes all of `rows`.
pub(crate) async fn rows_out(cx: &StepContext, mut rows: Rows) -> Result<RowsOut, StepError> {
    let mut first: Vec<RowBatch> = Vec::new();
    let mut bytes = 0;
    while bytes <= ROWS_INLINE_BYTES {
        match rows.try_next().await? {
            Some(batch) => {
                bytes += batch.ndjson().len();
                first.push(batch);
            }
            None => return inline(&first),
        }
    }
    let fields = first
        .iter()
        .find(|batch| !batch.is_empty())
        .and_then(|batch| batch.row::<serde_json::Map<String, Value>>(0).ok())
        .map(|row| row.keys().take(SHOWN_FIELDS).cloned().collect());
    let failed: Arc<Mutex<Option<StepError>>> = Arc::default();
    let keeps = Arc::clone(&failed);
    let all = stream::iter(first.into_iter().map(Ok)).chain(rows).map(move |batch| match batch {
        Ok(batch) => Ok(batch.ndjson().clone()),
        Err(error) => {
            let source = error.clone();
            *keeps.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            Err(ArtifactError::Source(Box::new(source)))
        }
    });
    let stored = cx.artifacts.put(all.boxed()).await.map_err(|error| {
        let own = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        own.unwrap_or_else(|| errors::artifact(&error))
    })?;
    let handle = Handle {
        sha256: stored.sha256,
        kind: ArtifactKind::Rows,
        bytes: stored.bytes,
        count: Some(stored.newlines),
        fields,
    };
    Ok(RowsOut { value: Value::Null, handle: Some(handle), count: stored.newlines })
}

fn inline(batches: &[RowBatch]) -> Result<RowsOut, StepError> {
    let rows: Result<Vec<Value>, _> = batches.iter().flat_map(RowBatch::rows).collect();
    let rows = rows.map_err(|error| StepError::permanent("invalid_result", error.to_string()))?;
    Ok(RowsOut { count: rows.len() as u64, value: Value::Array(rows), handle: None })
}
