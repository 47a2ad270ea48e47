//! Where artifacts stand in their directory, and the lock that keeps storing and collecting apart.
//!
//! Whoever makes, names or renews a file holds the lock shared and for an instant; whoever deletes holds it alone.

use std::fs::{self, File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lorchestra_core::artifact::ArtifactError;
use lorchestra_core::clock::Timestamp;
use lorchestra_json::Sha256;

const SUFFIX: &str = ".zst";
const TEMPORARY: &str = "tmp";

/// The paths of one directory of artifacts.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    dir: Arc<Path>,
}

impl Layout {
    pub(super) fn create(dir: PathBuf) -> Result<Self, ArtifactError> {
        let layout = Self { dir: dir.into() };
        let temporary = layout.temporary_dir();
        if !temporary.is_dir() {
            fs::create_dir_all(&temporary).map_err(|error| failed("make", &temporary, &error))?;
            match layout.dir.parent() {
                Some(parent) if parent != Path::new("") => sync_dir(parent)?,
                _ => sync_dir(Path::new("."))?,
            }
        }
        Ok(layout)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the artifact of this digest stands.
    pub(super) fn path(&self, sha256: Sha256) -> PathBuf {
        let hex = sha256.to_string();
        self.dir.join(&hex[..2]).join(hex + SUFFIX)
    }

    /// The digest of the artifact that stands at `path`, if it is a path of an artifact.
    pub(super) fn digest_of(path: &Path) -> Option<Sha256> {
        path.file_name()?.to_str()?.strip_suffix(SUFFIX)?.parse().ok()
    }

    /// Where files are written before they have their name.
    pub(super) fn temporary_dir(&self) -> PathBuf {
        self.dir.join(TEMPORARY)
    }

    /// A new file to write into. It is locked until it is closed, so that collection can tell it from what a killed
    /// process left.
    pub(super) fn temporary(&self) -> Result<(TemporaryPath, File), ArtifactError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = self.temporary_dir().join(format!("{}-{nanos}-{count}", std::process::id()));
        let _lock = self.lock_shared()?;
        let file = File::options()
            .create_new(true)
            .write(true)
            .open(&path)
            .map_err(|error| failed("create", &path, &error))?;
        let path = TemporaryPath(path);
        file.lock().map_err(|error| failed("lock", path.as_path(), &error))?;
        Ok((path, file))
    }

    /// Keeps collection away until it is dropped.
    pub(super) fn lock_shared(&self) -> Result<File, ArtifactError> {
        self.lock_with(File::lock_shared)
    }

    /// Keeps everybody else away until it is dropped.
    pub(super) fn lock_exclusive(&self) -> Result<File, ArtifactError> {
        self.lock_with(File::lock)
    }

    fn lock_with(&self, lock: impl FnOnce(&File) -> io::Result<()>) -> Result<File, ArtifactError> {
        let path = self.dir.join(".lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| failed("open", &path, &error))?;
        lock(&file).map_err(|error| failed("lock", &path, &error))?;
        Ok(file)
    }
}

/// The path of a file that has no name yet; removes the file when dropped, unless it was renamed.
#[derive(Debug)]
pub(super) struct TemporaryPath(PathBuf);

impl TemporaryPath {
    pub(super) fn as_path(&self) -> &Path {
        &self.0
    }

    /// Gives the file its name, replacing what stands there.
    pub(super) fn rename(self, name: &Path) -> Result<(), ArtifactError> {
        fs::rename(&self.0, name).map_err(|error| failed("rename to", name, &error))
    }
}

impl Drop for TemporaryPath {
    fn drop(&mut self) {
        // after a rename there is nothing here any more
        let _ = fs::remove_file(&self.0);
    }
}

/// Sets the time that collection looks at.
pub(super) fn renew(file: &File, path: &Path, now: Timestamp) -> Result<(), ArtifactError> {
    file.set_times(FileTimes::new().set_modified(system_time(now)))
        .map_err(|error| failed("renew the time of", path, &error))
}

pub(super) fn system_time(time: Timestamp) -> SystemTime {
    let offset = Duration::from_micros(time.as_micros().unsigned_abs());
    let moved =
        if time.as_micros() < 0 { UNIX_EPOCH.checked_sub(offset) } else { UNIX_EPOCH.checked_add(offset) };
    moved.unwrap_or(UNIX_EPOCH)
}

/// Makes the names in `dir` durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), ArtifactError> {
    // elsewhere a directory cannot be opened as a file, and its names are durable by themselves
    if cfg!(unix) {
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| failed("sync", dir, &error))?;
    }
    Ok(())
}

/// What failed, on what, and whether trying again may help.
pub(super) fn failed(what: &str, path: &Path, error: &io::Error) -> ArtifactError {
    let retryable = matches!(
        error.kind(),
        io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::Interrupted
            | io::ErrorKind::TimedOut
            | io::ErrorKind::WouldBlock
            | io::ErrorKind::ResourceBusy
    );
    ArtifactError::Store { message: format!("cannot {what} '{}': {error}", path.display()), retryable }
}
