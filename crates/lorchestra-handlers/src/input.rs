//! What a step is given: its params with secrets and artifacts filled in, rows as a stream, the text of a resource.
//!
//! A row set is streamed; a value that must be in memory is bounded. Secrets are asked for inside the call, and only the
//! params that the call works with ever hold them.

use bytes::Bytes;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use lorchestra_core::artifact::{ArtifactKind, Handle, LIST_LIMIT_BYTES, LIST_LIMIT_ITEMS};
use lorchestra_core::catalog::ResourceKind;
use lorchestra_core::handler::{StepContext, StepError};
use lorchestra_core::manifest::StepManifest;
use lorchestra_json::{RowBatch, RowBatchBuilder, pointer};
use serde_json::Value;

use crate::cut_rows::RowCutter;
use crate::errors;

/// Rows on their way into a step.
pub(crate) type Rows = BoxStream<'static, Result<RowBatch, StepError>>;

/// The params as a handler sees them: secrets and artifacts stand where they belong, but for what stands at or below
/// the pointers in `streamed`, which is read by `rows`.
pub(crate) async fn params(
    cx: &StepContext,
    manifest: &StepManifest,
    streamed: &[&str],
) -> Result<Value, StepError> {
    let mut params = manifest.resolved_params.clone();
    fill(cx, manifest, &mut params, |at| !streamed.iter().any(|pointer| is_within(at, pointer))).await?;
    Ok(params)
}

/// The value that stands at `at` of the params; null when nothing does.
pub(crate) async fn value(cx: &StepContext, manifest: &StepManifest, at: &str) -> Result<Value, StepError> {
    let mut params = manifest.resolved_params.clone();
    fill(cx, manifest, &mut params, |place| is_within(place, at)).await?;
    Ok(pointer::take(&mut params, at).unwrap_or_default())
}

/// The rows that stand at `at` of the params.
pub(crate) async fn rows(cx: &StepContext, manifest: &StepManifest, at: &str) -> Result<Rows, StepError> {
    match manifest.artifact(at) {
        Some(handle) if handle.kind == ArtifactKind::Rows => stored_rows(cx, handle).await,
        _ => inline_rows(value(cx, manifest, at).await?, at),
    }
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

/// Whether pointer `at` is `pointer` or stands below it.
fn is_within(at: &str, pointer: &str) -> bool {
    at.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Puts the artifacts and secrets into `params` whose place is `wanted`.
async fn fill(
    cx: &StepContext,
    manifest: &StepManifest,
    params: &mut Value,
    wanted: impl Fn(&str) -> bool,
) -> Result<(), StepError> {
    for artifact in manifest.artifacts.iter().filter(|artifact| wanted(&artifact.at)) {
        let value = stored_value(cx, &artifact.at, &artifact.handle).await?;
        pointer::put(params, &artifact.at, value);
    }
    for secret in manifest.secrets.iter().filter(|secret| wanted(&secret.at)) {
        let value = cx
            .secrets
            .secret(&secret.name)
            .map_err(|error| StepError::permanent("secret", error.to_string()))?;
        pointer::put(params, &secret.at, Value::String(value));
    }
    Ok(())
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

/// Stored rows as batches. A step that is told to stop gets no more of them.
async fn stored_rows(cx: &StepContext, handle: &Handle) -> Result<Rows, StepError> {
    let bytes = cx.artifacts.open(handle.sha256).await.map_err(|error| errors::artifact(&error))?;
    let cancel = cx.cancel.clone();
    let pieces = bytes.map(Some).chain(stream::iter([None]));
    let batches = pieces.scan(Some(RowCutter::default()), move |cutter, piece| {
        // without a cutter the stream has ended, or broken off
        let Some(mut cutting) = cutter.take() else { return std::future::ready(None) };
        let batches = match piece {
            _ if cancel.is_cancelled() => Err(StepError::permanent("cancelled", "cancelled")),
            Some(Err(error)) => Err(errors::artifact(&error)),
            Some(Ok(piece)) => match cutting.take(&piece) {
                Ok(batches) => {
                    *cutter = Some(cutting);
                    Ok(batches)
                }
                Err(error) => Err(errors::params(error.to_string())),
            },
            None => Ok(cutting.finish().into_iter().collect()),
        };
        std::future::ready(Some(batches))
    });
    Ok(batches.map_ok(|batches| stream::iter(batches.into_iter().map(Ok))).try_flatten().boxed())
}

async fn stored_value(cx: &StepContext, at: &str, handle: &Handle) -> Result<Value, StepError> {
    let count = handle.count.unwrap_or(0);
    if handle.bytes > LIST_LIMIT_BYTES || count > LIST_LIMIT_ITEMS {
        return Err(too_large(at, count, handle.bytes));
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
    let value =
        parsed.map_err(|error| errors::params(format!("the value at '{at}' cannot be read: {error}")))?;
    // the handle of a list need not know how long it is
    match value.as_array().map(|items| items.len() as u64) {
        Some(count) if count > LIST_LIMIT_ITEMS => Err(too_large(at, count, handle.bytes)),
        _ => Ok(value),
    }
}

fn too_large(at: &str, count: u64, bytes: u64) -> StepError {
    errors::params(format!(
        "the value at '{at}' has {count} items and {bytes} bytes; a step takes up to {LIST_LIMIT_ITEMS} items and {LIST_LIMIT_BYTES} bytes in memory"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_within_itself_and_what_it_stands_below() {
        for (at, pointer, expected) in [
            ("/objects", "/objects", true),
            ("/objects/0/name", "/objects", true),
            ("/objects2", "/objects", false),
            ("/object", "/objects", false),
            ("", "/objects", false),
        ] {
            assert_eq!(is_within(at, pointer), expected, "{at} {pointer}");
        }
    }
}
