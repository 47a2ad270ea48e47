//! Reads the value a ref wants out of an artifact. Bounded: a list that is too long for memory is refused by name.

use futures_util::TryStreamExt;
use lorchestra_core::artifact::{
    ArtifactKind, ArtifactStore, Handle, INLINE_LIMIT_BYTES, LIST_LIMIT_BYTES, LIST_LIMIT_ITEMS,
};
use lorchestra_core::reference::Segment;
use lorchestra_core::scope::walk;
use serde_json::Value;

/// The value at `path` inside the artifact, or why there is none.
pub(crate) async fn read(
    handle: &Handle,
    path: &[Segment],
    artifacts: &dyn ArtifactStore,
) -> Result<Value, String> {
    let wants_one_row = match (handle.kind, path.first()) {
        // a negative position counts from the end, as in a list that stands inline
        (ArtifactKind::Rows, Some(Segment::Index(row))) if *row < 0 => {
            let count = handle.count.and_then(|count| i64::try_from(count).ok()).unwrap_or(0);
            Some(count.saturating_add(*row))
        }
        (ArtifactKind::Rows, Some(Segment::Index(row))) => Some(*row),
        (ArtifactKind::Rows, Some(Segment::Key(_))) => {
            return Err("rows are a list: say which, as in [0]".into());
        }
        _ => None,
    };
    if wants_one_row.is_none()
        && (handle.bytes > LIST_LIMIT_BYTES || handle.count.unwrap_or(0) > LIST_LIMIT_ITEMS)
    {
        return Err(format!(
            "it is an artifact of {} bytes and {} items; a value in memory may have {LIST_LIMIT_BYTES} and {LIST_LIMIT_ITEMS}",
            handle.bytes,
            handle.count.unwrap_or(0)
        ));
    }
    let mut stream = artifacts.open(handle.sha256).await.map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let mut row = 0_i64;
    while let Some(piece) = stream.try_next().await.map_err(|error| error.to_string())? {
        for byte in piece {
            match wants_one_row {
                None => bytes.push(byte),
                Some(wanted) if byte == b'\n' => {
                    if row == wanted {
                        return below(&bytes, &path[1..]);
                    }
                    row += 1;
                }
                Some(wanted) if row == wanted => bytes.push(byte),
                Some(_) => {}
            }
        }
    }
    match (wants_one_row, handle.kind) {
        (Some(wanted), _) if wanted == row && !bytes.is_empty() => below(&bytes, &path[1..]),
        (Some(wanted), _) => Err(format!("there is no row [{wanted}]; there are {row}")),
        (None, ArtifactKind::Rows) => {
            let rows: Result<Vec<Value>, _> = bytes
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .map(serde_json::from_slice)
                .collect();
            rows.map(Value::Array).map_err(|error| error.to_string())
        }
        (None, _) => below(&bytes, path),
    }
}

fn below(bytes: &[u8], path: &[Segment]) -> Result<Value, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let found = walk(&value, path)
        .map_err(|stopped| format!("nothing is there; there is {}", stopped.keys.join(", ")))?;
    // what is read stands in manifests and in the journal: those stay small
    let size = found.to_string().len();
    if size > INLINE_LIMIT_BYTES {
        return Err(format!(
            "the value has {size} bytes; a part taken out of an artifact may have {INLINE_LIMIT_BYTES}: refer to the whole field instead"
        ));
    }
    Ok(found.clone())
}
