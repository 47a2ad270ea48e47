//! Artifacts as files: `ab/<hex>.zst` in one directory beside the run store.
//!
//! A file is complete from the moment it has its name: it is written under another one, synced and renamed. Names and
//! bytes are all there is; which artifacts a run names is the run store's knowledge, and only collection asks for it.

mod gc;
mod layout;
mod read;
mod write;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use lorchestra_core::artifact::{ArtifactError, ArtifactStore, ByteStream, Stored};
use lorchestra_core::clock::Clock;
use lorchestra_json::Sha256;

pub use gc::{GcOptions, GcReport};

use crate::run_store::{ArtifactNames, SqliteRunStore};
use layout::{Layout, failed};

/// The artifacts of one run store.
pub struct SqliteArtifacts {
    layout: Layout,
    clock: Arc<dyn Clock>,
    names: ArtifactNames,
}

impl SqliteArtifacts {
    /// The artifacts beside `store`: the directory `artifacts` where its file is.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn beside(store: &SqliteRunStore) -> Result<Self, ArtifactError> {
        Self::open(store.path().parent().unwrap_or_else(|| Path::new("")).join("artifacts"), store)
    }

    /// The artifacts of `store` in `dir`, which is made if it is missing. No other store may use the directory: what
    /// `store` does not name is collected.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn open(dir: impl Into<PathBuf>, store: &SqliteRunStore) -> Result<Self, ArtifactError> {
        Ok(Self { layout: Layout::create(dir.into())?, clock: store.clock(), names: store.artifact_names() })
    }

    /// Their directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.layout.dir()
    }
}

impl std::fmt::Debug for SqliteArtifacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteArtifacts").field("dir", &self.dir()).finish_non_exhaustive()
    }
}

#[async_trait]
impl ArtifactStore for SqliteArtifacts {
    async fn put(&self, bytes: ByteStream) -> Result<Stored, ArtifactError> {
        write::put(&self.layout, &*self.clock, bytes).await
    }

    async fn open(&self, sha256: Sha256) -> Result<ByteStream, ArtifactError> {
        read::open(self.layout.path(sha256), sha256).await
    }

    async fn delete(&self, sha256: Sha256) -> Result<bool, ArtifactError> {
        let layout = self.layout.clone();
        blocking(move || {
            let path = layout.path(sha256);
            let _lock = layout.lock_exclusive()?;
            match std::fs::remove_file(&path) {
                Ok(()) => Ok(true),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
                Err(error) => Err(failed("delete", &path, &error)),
            }
        })
        .await
    }
}

/// Runs `work` on a thread for blocking work.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArtifactError> + Send + 'static,
) -> Result<T, ArtifactError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(broken_off(&error)))
}

/// The runtime shuts down, or the work panicked.
fn broken_off(error: &tokio::task::JoinError) -> ArtifactError {
    ArtifactError::Store { message: format!("file work was broken off: {error}"), retryable: true }
}
