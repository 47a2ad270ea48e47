//! Artifacts in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use lorchestra_core::artifact::{ArtifactError, ArtifactStore, ByteStream, Stored};
use lorchestra_json::Sha256;

/// Read in pieces of this size, so that a consumer never gets away with taking the first piece for the whole.
const PIECE: usize = 4096;

/// Keeps artifacts in memory.
#[derive(Debug, Default)]
pub struct MemoryArtifacts(Mutex<BTreeMap<Sha256, Bytes>>);

impl MemoryArtifacts {
    /// The digests of all that is stored, in order.
    #[must_use]
    pub fn digests(&self) -> Vec<Sha256> {
        self.stored().keys().copied().collect()
    }

    /// Stores `bytes` under a digest that is not theirs.
    pub fn damage(&self, sha256: Sha256, bytes: &[u8]) {
        self.stored().insert(sha256, Bytes::copy_from_slice(bytes));
    }

    fn stored(&self) -> MutexGuard<'_, BTreeMap<Sha256, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ArtifactStore for MemoryArtifacts {
    async fn put(&self, bytes: ByteStream) -> Result<Stored, ArtifactError> {
        let all = read_all(bytes).await?;
        let sha256 = Sha256::of(&all);
        let newlines = all.iter().filter(|byte| **byte == b'\n').count() as u64;
        let stored = Stored { sha256, bytes: all.len() as u64, newlines };
        self.stored().insert(sha256, all.into());
        Ok(stored)
    }

    async fn open(&self, sha256: Sha256) -> Result<ByteStream, ArtifactError> {
        let bytes = self.stored().get(&sha256).cloned().ok_or(ArtifactError::NotFound(sha256))?;
        let intact = Sha256::of(&bytes) == sha256;
        let pieces: Vec<Bytes> =
            (0..bytes.len()).step_by(PIECE).map(|at| bytes.slice(at..bytes.len().min(at + PIECE))).collect();
        let end = (!intact).then_some(Err(ArtifactError::Damaged(sha256)));
        Ok(stream::iter(pieces).map(Ok).chain(stream::iter(end)).boxed())
    }

    async fn delete(&self, sha256: Sha256) -> Result<bool, ArtifactError> {
        Ok(self.stored().remove(&sha256).is_some())
    }
}

/// `bytes` as a stream of one piece.
#[must_use]
pub fn bytes_of(bytes: impl Into<Bytes>) -> ByteStream {
    let piece: Result<Bytes, ArtifactError> = Ok(bytes.into());
    stream::iter([piece]).boxed()
}

/// All of a stream at once.
///
/// # Errors
/// The stream's.
pub async fn read_all(bytes: ByteStream) -> Result<Vec<u8>, ArtifactError> {
    bytes
        .try_fold(Vec::new(), |mut all, piece| async move {
            all.extend_from_slice(&piece);
            Ok(all)
        })
        .await
}
