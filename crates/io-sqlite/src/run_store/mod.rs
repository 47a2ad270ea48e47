//! The embedded run store: one SQLite file with a write-ahead log, and the artifacts beside it.
//!
//! It keeps what core computed: it folds no journal and decides nothing but leases. All writes go through one
//! connection in led groups (`group`), reads through a few that cannot write (`connect`). Several processes may use
//! one file.

mod append;
mod claim;
mod connect;
mod create;
mod fault;
mod group;
mod list;
mod load;
mod migrate;
mod names;
mod options;
mod row;
mod worker_lock;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lorchestra_core::clock::Clock;
use lorchestra_core::run_store::StoreError;
use rusqlite::Connection;

pub use migrate::APPLICATION_ID;
pub use options::{OpenOptions, Synchronous};

use connect::Readers;
use fault::Fault;
use group::Group;
use worker_lock::WorkerLocks;

pub(crate) use names::ArtifactNames;

/// A run store in one SQLite file.
pub struct SqliteRunStore {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    group: Group,
    readers: Arc<Readers>,
    locks: Arc<WorkerLocks>,
    registering: tokio::sync::Mutex<()>,
}

impl SqliteRunStore {
    /// Opens the store at `path`, creating the file and its directory, and bringing the schema up to date.
    ///
    /// # Errors
    /// `Unusable` when the file is not a run store, is one of a newer version, or may not be written; `Unavailable`
    /// when another process holds it or the disk is full. A file that is refused stays as it was.
    pub fn open(path: impl AsRef<Path>, options: OpenOptions) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir).map_err(|error| {
                StoreError::Unusable(format!("the directory '{}' cannot be made: {error}", dir.display()))
            })?;
        }
        let connection = connect::writer(&path, &options)?;
        Ok(Self {
            group: Group::new(path.clone(), connection),
            readers: Arc::new(Readers::new(&path, options.busy_timeout)),
            locks: Arc::new(WorkerLocks::new(options.worker_dir)),
            registering: tokio::sync::Mutex::default(),
            clock: options.clock,
            path,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which artifacts its runs name.
    pub(crate) fn artifact_names(&self) -> ArtifactNames {
        ArtifactNames::new(Arc::clone(&self.readers))
    }

    /// The clock that decides.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    fn readers(&self) -> &Arc<Readers> {
        &self.readers
    }

    fn locks(&self) -> &Arc<WorkerLocks> {
        &self.locks
    }

    async fn registering(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.registering.lock().await
    }

    async fn write<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        self.group.submit(operation).await
    }
}

impl std::fmt::Debug for SqliteRunStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteRunStore").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Runs `work` on a thread for blocking work.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(error) => Err(StoreError::Unavailable(format!("reading was broken off: {error}"))),
    }
}
