//! One lock file for each worker, locked by the operating system while its process lives.
//!
//! A process that dies, however it dies, lets go of its locks; so a lock that is free says at once what a lease would
//! say only when it has run out. It knows nothing of runs.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lorchestra_core::run_store::StoreError;

/// How often a lock is asked for: another process that looks whether it is free holds it for an instant.
const PATIENCE: u32 = 50;

/// The lock files of one directory, and those of them that this store holds.
#[derive(Debug)]
pub(super) struct WorkerLocks {
    dir: PathBuf,
    held: Mutex<HashMap<String, WorkerLock>>,
}

/// A lock that is held. Dropping it lets go and removes the file.
#[derive(Debug)]
pub(super) struct WorkerLock {
    path: PathBuf,
    file: File,
}

impl WorkerLocks {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir, held: Mutex::default() }
    }

    /// Whether this store holds the lock of `worker`.
    pub(super) fn holds(&self, worker: &str) -> bool {
        self.held().contains_key(worker)
    }

    /// Holds `lock` until the store is closed.
    pub(super) fn keep(&self, worker: &str, lock: WorkerLock) {
        self.held().insert(worker.to_owned(), lock);
    }

    /// Whether no living process has this id.
    pub(super) fn is_gone(&self, worker: &str) -> bool {
        if self.holds(worker) {
            return false;
        }
        let Ok(path) = self.path(worker) else { return false };
        match File::open(&path) {
            Ok(file) => file.try_lock_shared().is_ok(),
            Err(error) => error.kind() == ErrorKind::NotFound,
        }
    }

    /// Takes the lock of `worker`.
    pub(super) fn acquire(&self, worker: &str) -> Result<WorkerLock, StoreError> {
        let path = self.path(worker)?;
        let unusable = |error: &std::io::Error| {
            StoreError::Unusable(format!("the lock file '{}' cannot be used: {error}", path.display()))
        };
        fs::create_dir_all(&self.dir).map_err(|error| unusable(&error))?;
        self.sweep();
        for _ in 0..PATIENCE {
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(|e| unusable(&e))?;
            match file.try_lock() {
                // its last owner may have removed the file between our opening and locking it
                Ok(()) if is_at(&file, &path) => return Ok(WorkerLock { path, file }),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
                Err(TryLockError::Error(error)) => return Err(unusable(&error)),
            }
        }
        Err(StoreError::Unavailable(format!("worker '{worker}' is running in another process")))
    }

    /// Removes the files of workers that are gone; a process that is killed leaves its own behind.
    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.dir) else { return };
        for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            if path.extension().is_some_and(|extension| extension == "lock")
                && let Ok(file) = File::open(&path)
                && file.try_lock().is_ok()
                && is_at(&file, &path)
            {
                // whoever opened it before sees that it is not there any more, and makes another
                let _ = fs::remove_file(&path);
            }
        }
    }

    fn path(&self, worker: &str) -> Result<PathBuf, StoreError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@');
        if worker.is_empty() || worker.len() > 200 || worker.starts_with('.') || !worker.bytes().all(plain) {
            return Err(StoreError::Unusable(format!(
                "'{worker}' cannot be a worker id: it names a file, of letters, digits and - _ . @, at most 200"
            )));
        }
        Ok(self.dir.join(format!("{worker}.lock")))
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, WorkerLock>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for WorkerLock {
    fn drop(&mut self) {
        // removed while locked, so that nobody else can have taken it; if it stays, it is a free lock
        let _ = fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

/// Whether `file` is still what stands at `path`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(opened), Ok(named)) => (opened.dev(), opened.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}
