//! What a step is given: its params with secrets and artifacts filled in, rows as a stream, the text of a resource.
//!
//! A row set is streamed; a value that must be in memory is bounded.

use bytes::{Bytes, BytesMut};
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use lorchestra_core::artifact::{ArtifactKind, Handle, LIST_LIMIT_BYTES, LIST_LIMIT_ITEMS};
use lorchestra_core::catalog::ResourceKind;
use lorchestra_core::handler::{StepContext, StepError};
use lorchestra_core::manifest::StepManifest;
use lorchestra_json::{RowBatch, RowBatchBuilder, pointer};
use serde_json::Value;

use crate::errors;

/// Rows on their way into a step.
pub(crate) type Rows = BoxStream<'static, Result<RowBatch, StepError>>;

/// The params as a handler sees them: secrets and artifacts stand where they belong, but for the pointers in
/// `streamed`, which are read by `rows`.
pub(crate) async fn params(
    cx: &StepContext,
    manifest: &StepManifest,
    streamed: &[&str],
) -> Result<Value, StepError> {
    let mut params = manifest.resolved_params.clone();
    for artifact in &manifest.artifacts {
        if !streamed.contains(&artifact.at.as_str()) {
            let value = value(cx, &artifact.at, &artifact.handle).await?;
            pointer::put(&mut params, &artifact.at, value);
        }
    }
    for secret in &manifest.secrets {
        let value = cx
            .secrets
            .secret(&secret.name)
            .map_err(|error| StepError::permanent("secret", error.to_string()))?;
        pointer::put(&mut params, &secret.at, Value::String(value));
    }
    Ok(params)
}

/// The rows that stand at `at` of the params.
pub(crate) async fn rows(cx: &StepContext, manifest: &StepManifest, at: &str) -> Result<Rows, StepError> {
    if let Some(handle) = manifest.artifact(at) {
        return match handle.kind {
            ArtifactKind::Rows => stored_rows(cx, handle).await,
            _ => inline_rows(value(cx, at, handle).await?, at),
        };
    }
    let params = if manifest.artifacts.iter().any(|artifact| artifact.at.starts_with(at)) {
        self::params(cx, manifest, &[]).await?
    } else {
        manifest.resolved_params.clone()
    };
    inline_rows(params.pointer(at).cloned().unwrap_or_default(), at)
}

/// The text of the resource called `name`, read by the digest in the manifest.
pub(crate) async fn resource(
    cx: &StepContext,
    manifest: &StepManifest,
    kind: ResourceKind,
    name: &str,
) -> Result<Bytes, StepError> {
    let sha256 = manifest
        .resources
        .get(&kind.key(name))
        .ok_or_else(|| errors::params(format!("the manifest names no {} '{name}'", kind.as_str())))?;
    let pieces: Vec<Bytes> = async { cx.artifacts.open(*sha256).await?.try_collect().await }
        .await
        .map_err(|error| errors::artifact(&error))?;
    Ok(pieces.concat().into())
}

fn inline_rows(value: Value, at: &str) -> Result<Rows, StepError> {
    let Value::Array(rows) = value else {
        return Err(errors::params(format!("'{at}' must be a list of rows")));
    };
    if let Some(position) = rows.iter().position(|row| !row.is_object()) {
        return Err(errors::params(format!("row {} at '{at}' is not a map", position + 1)));
    }
    let mut batches = Vec::new();
    let mut builder = RowBatchBuilder::default();
    for row in &rows {
        builder.push(row);
        if builder.is_full() {
            batches.push(Ok(builder.take()));
        }
    }
    if !builder.is_empty() {
        batches.push(Ok(builder.finish()));
    }
    Ok(stream::iter(batches).boxed())
}

/// Stored rows as batches: pieces are cut at the last newline, what is left begins the next batch.
async fn stored_rows(cx: &StepContext, handle: &Handle) -> Result<Rows, StepError> {
    let bytes = cx.artifacts.open(handle.sha256).await.map_err(|error| errors::artifact(&error))?;
    let pieces = bytes.map(Some).chain(stream::iter([None]));
    let batches = pieces.scan(BytesMut::new(), |rest, piece| {
        let batch = match piece {
            Some(Err(error)) => Err(errors::artifact(&error)),
            Some(Ok(piece)) => {
                rest.extend_from_slice(&piece);
                match rest.iter().rposition(|byte| *byte == b'\n') {
                    Some(end) => Ok(RowBatch::from_ndjson(&rest.split_to(end + 1))),
                    None => Ok(RowBatch::default()),
                }
            }
            None => Ok(RowBatch::from_ndjson(&rest.split())),
        };
        std::future::ready(Some(batch))
    });
    Ok(batches.try_filter(|batch| std::future::ready(!batch.is_empty())).boxed())
}

async fn value(cx: &StepContext, at: &str, handle: &Handle) -> Result<Value, StepError> {
    let count = handle.count.unwrap_or(0);
    if handle.bytes > LIST_LIMIT_BYTES || count > LIST_LIMIT_ITEMS {
        return Err(errors::params(format!(
            "the value at '{at}' has {count} items and {} bytes; a step takes up to {LIST_LIMIT_ITEMS} items and {LIST_LIMIT_BYTES} bytes in memory",
            handle.bytes
        )));
    }
    let pieces: Vec<Bytes> = async { cx.artifacts.open(handle.sha256).await?.try_collect().await }
        .await
        .map_err(|error| errors::artifact(&error))?;
    let bytes = pieces.concat();
    let parsed = match handle.kind {
        ArtifactKind::Rows => RowBatch::from_ndjson(&bytes)
            .rows()
            .collect::<Result<Vec<Value>, _>>()
            .map(Value::Array)
            .map_err(|error| error.to_string()),
        _ => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
    };
    parsed.map_err(|error| errors::params(format!("the value at '{at}' cannot be read: {error}")))
}
