//! Keeps what is journaled small: an output of more than 64 KiB of JSON gives up its largest members to artifacts.

use bytes::Bytes;
use futures_util::stream;
use lorchestra_core::artifact::{
    ArtifactAt, ArtifactError, ArtifactKind, ArtifactStore, Handle, INLINE_LIMIT_BYTES, StepOutput,
};
use lorchestra_json::pointer;
use serde_json::Value;

const SHOWN_FIELDS: usize = 100;

/// `output` with nothing inline beyond the limit; largest members go first.
pub(crate) async fn spill(
    mut output: StepOutput,
    artifacts: &dyn ArtifactStore,
) -> Result<StepOutput, ArtifactError> {
    let mut size = output.value.to_string().len();
    while size > INLINE_LIMIT_BYTES {
        let largest = output.value.as_object().and_then(|members| {
            members
                .iter()
                .map(|(name, value)| (value.to_string().len(), name))
                .max()
                .filter(|(length, _)| *length > 256)
        });
        let at = match largest {
            Some((length, name)) => {
                size -= length;
                pointer::join("", name)
            }
            None => {
                size = 0;
                String::new()
            }
        };
        // handles below what moves away could no longer be told apart from it: ops give row sets at their top level
        if let Some(value) = pointer::take(&mut output.value, &at) {
            let handle = put_json(&value, artifacts).await?;
            output.artifacts.push(ArtifactAt { at, handle });
        }
    }
    Ok(output)
}

async fn put_json(value: &Value, artifacts: &dyn ArtifactStore) -> Result<Handle, ArtifactError> {
    let bytes = Bytes::from(value.to_string());
    let stored = artifacts.put(Box::pin(stream::iter([Ok(bytes)]))).await?;
    Ok(Handle {
        sha256: stored.sha256,
        kind: ArtifactKind::Json,
        bytes: stored.bytes,
        count: value.as_array().map(|items| items.len() as u64),
        fields: value.as_object().map(|members| members.keys().take(SHOWN_FIELDS).cloned().collect()),
    })
}
